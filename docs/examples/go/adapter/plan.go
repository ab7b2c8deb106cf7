package main

import (
	"fmt"
	"math"
	"unicode/utf8"

	imagev1 "github.com/heliostat/heliostat/gen/go/heliostat/api/image/v1"
)

const (
	pngType  = "image/png"
	jpegType = "image/jpeg"
	webpType = "image/webp"
)

// plan is a request in Recraft's words: what is sent, what the caller gets, and what is told of the difference.
type plan struct {
	model       model
	count       int
	size        size
	mediaType   string
	compression int
	body        map[string]any
	adjustments []*imagev1.Adjustment
}

func (p *plan) units() int64 { return p.model.units * int64(p.count) }

// drawn makes a plan, or refuses: everything that can be refused is refused here, before anything is bought.
func drawn(modelName string, image *imagev1.ImageRequest) (*plan, error) {
	chosen, known := modelNamed(modelName)
	if !known {
		return nil, notSent(imagev1.ErrorReason_ERROR_REASON_PROVIDER_MODEL_GONE, "",
			"This adapter does not know that model; ask it what it has with Describe.")
	}
	if err := refused(chosen, image); err != nil {
		return nil, err
	}
	made := &plan{model: chosen, count: max(1, int(image.GetImageCount())), compression: 90}
	made.chooseSize(image.GetSize())
	format := made.chooseFormat(image.GetOutput())
	made.body = map[string]any{
		"model": chosen.name, "prompt": image.GetPrompt(), "n": made.count,
		"size": made.size.String(), "image_format": format, "response_format": "url",
	}
	if image.Seed != nil {
		made.body["random_seed"] = uint32(image.GetSeed())
	}
	if image.GetNegativePrompt() != "" {
		made.body["negative_prompt"] = image.GetNegativePrompt()
	}
	made.tellDropped(image)
	if image.GetStrict() == imagev1.Strict_STRICT_REFUSE && len(made.adjustments) > 0 {
		first := made.adjustments[0].GetParameter()
		return nil, notSent(imagev1.ErrorReason_ERROR_REASON_UNSUPPORTED, first,
			fmt.Sprintf("Recraft cannot honour %s as asked; ask differently, or without strict.", first))
	}
	if image.GetStrict() == imagev1.Strict_STRICT_OFF {
		made.adjustments = nil
	}
	return made, nil
}

// refused is an error where a request cannot be carried out at all.
func refused(chosen model, image *imagev1.ImageRequest) error {
	unsupported := imagev1.ErrorReason_ERROR_REASON_UNSUPPORTED
	switch image.GetOperation().(type) {
	case nil, *imagev1.ImageRequest_TextToImage:
	default:
		return notSent(unsupported, "operation", "This adapter draws from words only; ask another target for that.")
	}
	if image.GetImageCount() > mostPictures {
		return notSent(unsupported, "image_count", fmt.Sprintf("Recraft makes up to %d pictures at once; ask for fewer.", mostPictures))
	}
	if length := utf8.RuneCountInString(image.GetPrompt()); length == 0 || length > chosen.promptChars {
		return notSent(imagev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "prompt",
			fmt.Sprintf("A prompt for this model has 1 to %d characters; shorten it.", chosen.promptChars))
	}
	if len(image.GetReferences()) > 0 {
		return notSent(unsupported, "references", "This adapter takes no references; ask another target.")
	}
	switch image.GetOutput().GetMediaType() {
	case "", pngType, jpegType, webpType:
	default:
		return notSent(unsupported, "output.media_type", "This adapter delivers PNG, JPEG and WebP; ask for one of them.")
	}
	for name := range image.GetProviderOptions()[providerName].GetFields() {
		field := "provider_options." + providerName + "." + name
		return notSent(imagev1.ErrorReason_ERROR_REASON_INVALID_FIELD, field, "There is no option "+name+"; leave it out.")
	}
	return nil
}

// chooseSize takes the size whose shape is nearest; exact pixels of the list are honoured.
func (p *plan) chooseSize(wanted *imagev1.Size) {
	p.size = p.model.sizes[0]
	pixels, aspect := wanted.GetPixels(), wanted.GetAspect()
	switch {
	case pixels != nil:
		asked := size{pixels.GetWidthPx(), pixels.GetHeightPx()}
		p.size = nearest(p.model.sizes, float64(asked.width)/float64(asked.height))
		if p.size != asked {
			p.adjust("size", asked.String(), p.size.String(), "Recraft has a fixed list of sizes.")
		}
	case aspect.GetWidthRatio() > 0 && aspect.GetHeightRatio() > 0:
		ratio := float64(aspect.GetWidthRatio()) / float64(aspect.GetHeightRatio())
		p.size = nearest(p.model.sizes, ratio)
		if math.Abs(math.Log(ratio*float64(p.size.height)/float64(p.size.width))) > 0.05 {
			asked := fmt.Sprintf("%d:%d", aspect.GetWidthRatio(), aspect.GetHeightRatio())
			p.adjust("size", asked, p.size.String(), "Recraft has a fixed list of shapes.")
		}
	}
}

func nearest(sizes []size, ratio float64) size {
	best := sizes[0]
	for _, one := range sizes[1:] {
		if one.distance(ratio) < best.distance(ratio) {
			best = one
		}
	}
	return best
}

func (s size) distance(ratio float64) float64 {
	return math.Abs(math.Log(float64(s.width) / float64(s.height) / ratio))
}

func (s size) String() string { return fmt.Sprintf("%dx%d", s.width, s.height) }

// chooseFormat says what Recraft is asked for; JPEG is made of its PNG.
func (p *plan) chooseFormat(output *imagev1.Output) string {
	p.mediaType = output.GetMediaType()
	if output != nil && output.CompressionPercent != nil {
		p.compression = int(output.GetCompressionPercent())
		if p.mediaType != jpegType {
			p.drop("output_compression", fmt.Sprint(output.GetCompressionPercent()))
		}
	}
	if p.mediaType == webpType {
		return "webp"
	}
	return "png"
}

// tellDropped lists wishes that Recraft has no word for: nothing is dropped in silence.
func (p *plan) tellDropped(image *imagev1.ImageRequest) {
	output := image.GetOutput()
	for _, one := range []struct {
		name  string
		asked any
		is    bool
	}{
		{"style", image.GetStyle(), image.GetStyle() != ""},
		{"quality", output.GetQuality(), output.GetQuality() != 0},
		{"background", output.GetBackground(), output.GetBackground() != 0},
		{"partial_images", output.GetPartialImageCount(), output.GetPartialImageCount() > 0},
		{"moderation", image.GetModeration(), image.GetModeration() == imagev1.Moderation_MODERATION_LOW},
	} {
		if one.is {
			p.drop(one.name, fmt.Sprint(one.asked))
		}
	}
	for name := range image.GetExtraFields().GetFields() {
		p.drop(name, "")
	}
}

func (p *plan) adjust(parameter, requested, sent, why string) {
	p.adjustments = append(p.adjustments, &imagev1.Adjustment{
		Parameter: parameter, Requested: requested, Sent: sent, Reason: why,
		Mode: imagev1.AdjustmentMode_ADJUSTMENT_MODE_CONVERTED,
	})
}

func (p *plan) drop(parameter, requested string) {
	p.adjustments = append(p.adjustments, &imagev1.Adjustment{
		Parameter: parameter, Requested: requested, Reason: "Recraft has no word for it.",
		Mode: imagev1.AdjustmentMode_ADJUSTMENT_MODE_DROPPED,
	})
}
