package main

import (
	"google.golang.org/genproto/googleapis/type/money"

	adapterv1 "github.com/heliostat/heliostat/gen/go/heliostat/api/adapter/v1"
	imagev1 "github.com/heliostat/heliostat/gen/go/heliostat/api/image/v1"
)

const (
	providerName = "recraft_go"
	mostPictures = 6
	// A thousand units are a dollar.
	nanosPerUnit = 1_000_000
	priceVersion = "2026-11"
	priceSource  = "recraft.ai/docs, API pricing, read 2026-11"
)

// model is one of Recraft's, as its documents had it in November 2026.
type model struct {
	name, publicName string
	units            int64
	promptChars      int
	sizes            []size
}

type size struct{ width, height int32 }

var sizesOfV4 = []size{
	{1024, 1024}, {1536, 768}, {768, 1536}, {1280, 832}, {832, 1280}, {1216, 896}, {896, 1216},
	{1152, 896}, {896, 1152}, {832, 1344}, {1280, 896}, {896, 1280}, {1344, 768}, {768, 1344},
}

var sizesOfV3 = []size{
	{1024, 1024}, {2048, 1024}, {1024, 2048}, {1536, 1024}, {1024, 1536}, {1365, 1024}, {1024, 1365},
	{1280, 1024}, {1024, 1280}, {1024, 1707}, {1707, 1024}, {1434, 1024}, {1024, 1434}, {1820, 1024}, {1024, 1820},
}

var models = []model{
	{"recraftv4_1", "recraft-v4.1", 35, 10_000, sizesOfV4},
	{"recraftv3", "recraft-v3", 40, 1_000, sizesOfV3},
}

func modelNamed(name string) (model, bool) {
	for _, one := range models {
		if one.name == name {
			return one, true
		}
	}
	return model{}, false
}

// described is what the router knows of us: it asks no model for what is not told here.
func described(configured bool) *adapterv1.DescribeResponse {
	answer := &adapterv1.DescribeResponse{
		Provider:    providerName,
		DisplayName: "Recraft, by an adapter in Go",
		Accounts:    []*adapterv1.Account{{Weight: 1, Configured: configured}},
	}
	for _, one := range models {
		answer.Models = append(answer.Models, one.capability())
	}
	return answer
}

func (m model) capability() *imagev1.Capability {
	exact := &imagev1.SizeRule_Exact{}
	for _, one := range m.sizes {
		exact.Sizes = append(exact.Sizes, &imagev1.PixelSize{WidthPx: one.width, HeightPx: one.height})
	}
	return &imagev1.Capability{
		ProviderModel:  m.name,
		ModelNames:     []string{m.publicName},
		Operations:     []imagev1.Operation{imagev1.Operation_OPERATION_TEXT_TO_IMAGE},
		Sizes:          &imagev1.SizeRule{Rule: &imagev1.SizeRule_Exact_{Exact: exact}},
		MaxImageCount:  mostPictures,
		MaxPromptChars: int32(m.promptChars),
		MediaTypes:     []string{pngType, webpType},
		Prices:         []*imagev1.Price{{Unit: imagev1.PriceUnit_PRICE_UNIT_IMAGE, Amount: dollars(m.units)}},
		PriceSource:    priceSource,
		Parameters: []*imagev1.Parameter{
			{Name: "seed", Type: imagev1.ParameterType_PARAMETER_TYPE_INTEGER},
			{Name: "negative_prompt", Type: imagev1.ParameterType_PARAMETER_TYPE_STRING},
		},
	}
}

// dollars are so many of Recraft's units.
func dollars(units int64) *money.Money {
	return &money.Money{CurrencyCode: "USD", Units: units / 1000, Nanos: int32(units % 1000 * nanosPerUnit)}
}
