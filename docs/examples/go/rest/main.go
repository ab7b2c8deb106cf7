// Makes a picture over REST with OpenAI's own library, unchanged but for its address, and writes it down.
//
//	KEY=... go run ./rest flux-schnell "A sunset over mountains" picture.webp
//
// HELIOSTAT_URL says where the gateway is, if not on this machine's port 8080.
package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

var formats = map[string]openai.ImageGenerateParamsOutputFormat{
	".png":  openai.ImageGenerateParamsOutputFormatPNG,
	".jpg":  openai.ImageGenerateParamsOutputFormatJPEG,
	".webp": openai.ImageGenerateParamsOutputFormatWebP,
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		var refused *openai.Error
		if errors.As(err, &refused) {
			err = fmt.Errorf("%s: %s", refused.Code, refused.Message)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(model, prompt, file string) error {
	gateway := cmp.Or(os.Getenv("HELIOSTAT_URL"), "http://127.0.0.1:8080")
	client := openai.NewClient(option.WithBaseURL(gateway+"/v1"), option.WithAPIKey(os.Getenv("KEY")))
	answer, err := client.Images.Generate(context.Background(), openai.ImageGenerateParams{
		Model:          model,
		Prompt:         prompt,
		ResponseFormat: openai.ImageGenerateParamsResponseFormatB64JSON,
		OutputFormat:   formats[filepath.Ext(file)],
	})
	if err != nil {
		return err
	}
	picture, err := base64.StdEncoding.DecodeString(answer.Data[0].B64JSON)
	if err != nil {
		return err
	}
	// What OpenAI does not answer stands beside what it does.
	var beside struct {
		Metadata struct {
			Provider string
			Cost     float64
		}
	}
	if err := json.Unmarshal([]byte(answer.RawJSON()), &beside); err != nil {
		return err
	}
	fmt.Println("made by", beside.Metadata.Provider, "for", beside.Metadata.Cost, "USD")
	return os.WriteFile(file, picture, 0o644)
}
