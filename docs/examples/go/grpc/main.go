// Makes a picture through the public gRPC face and writes it down.
//
//	sh stubs.sh
//	KEY=... go run ./grpc flux-schnell "A sunset over mountains" picture.webp
//
// HELIOSTAT_GRPC says where the gateway is, if not on this machine's port 50051.
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	imagev1 "github.com/heliostat/heliostat/gen/go/heliostat/api/image/v1"
	routerv1 "github.com/heliostat/heliostat/gen/go/heliostat/api/router/v1"
)

var mediaTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".webp": "image/webp", ".avif": "image/avif",
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, explained(err))
		os.Exit(1)
	}
}

func run(model, prompt, file string) error {
	address := cmp.Or(os.Getenv("HELIOSTAT_GRPC"), "127.0.0.1:50051")
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+os.Getenv("KEY"))
	answers, err := routerv1.NewRouterServiceClient(connection).Generate(ctx, &routerv1.GenerateRequest{
		Image: &imagev1.ImageRequest{
			Model:  model,
			Prompt: prompt,
			Output: &imagev1.Output{MediaType: mediaTypes[filepath.Ext(file)]},
		},
		Progressive: true,
	})
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	for {
		answer, err := answers.Recv()
		if errors.Is(err, io.EOF) {
			return os.WriteFile(file, picture.Bytes(), 0o644)
		}
		if err != nil {
			return err
		}
		for _, event := range answer.GetEvents() {
			take(event, &picture)
		}
	}
}

// take adds chunks of the first picture to it and prints the rest.
func take(event *imagev1.ImageEvent, picture *bytes.Buffer) {
	switch told := event.GetEvent().(type) {
	case *imagev1.ImageEvent_AttemptStarted:
		fmt.Println("asking", told.AttemptStarted.GetTarget())
	case *imagev1.ImageEvent_AttemptFailed:
		attempt := told.AttemptFailed.GetAttempt()
		fmt.Println("failed", attempt.GetTarget(), attempt.GetStatus().GetMessage())
	case *imagev1.ImageEvent_MediaStarted:
		if told.MediaStarted.GetImageIndex() == 0 {
			picture.Reset()
		}
	case *imagev1.ImageEvent_MediaChunk:
		if told.MediaChunk.GetImageIndex() == 0 {
			picture.Write(told.MediaChunk.GetData())
		}
	case *imagev1.ImageEvent_Completed:
		cost := told.Completed.GetCost().GetAmount()
		usd := float64(cost.GetUnits()) + float64(cost.GetNanos())/1e9
		fmt.Println("made by", told.Completed.GetProvider(), "for", usd, cost.GetCurrencyCode())
	}
}

// explained puts the reason of the closed set before the sentence.
func explained(err error) string {
	told := status.Convert(err)
	for _, detail := range told.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason() + ": " + told.Message()
		}
	}
	return err.Error()
}
