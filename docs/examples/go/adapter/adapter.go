package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	adapterv1 "github.com/heliostat/heliostat/gen/go/heliostat/api/adapter/v1"
	imagev1 "github.com/heliostat/heliostat/gen/go/heliostat/api/image/v1"
)

// A chunk is a multiple of three bytes, so that base64 of chunks is base64 of the file.
const chunkBytes = 786_432

var errByOrder = errors.New("cancelled by order")

type adapter struct {
	adapterv1.UnimplementedAdapterServiceServer
	provider *provider
	lock     sync.Mutex
	running  map[string]context.CancelCauseFunc
}

func newAdapter(provider *provider) *adapter {
	return &adapter{provider: provider, running: map[string]context.CancelCauseFunc{}}
}

// Describe tells what there is. It never calls the provider.
func (a *adapter) Describe(context.Context, *adapterv1.DescribeRequest) (*adapterv1.DescribeResponse, error) {
	return described(a.provider.token != ""), nil
}

// Estimate tells what a request would cost and change. It never calls the provider.
func (a *adapter) Estimate(_ context.Context, request *adapterv1.EstimateRequest) (*adapterv1.EstimateResponse, error) {
	planned, err := drawn(request.GetProviderModel(), request.GetImage())
	if err != nil {
		return nil, err
	}
	return &adapterv1.EstimateResponse{
		Cost: &imagev1.Cost{
			Amount: dollars(planned.units()), Source: imagev1.CostSource_COST_SOURCE_ESTIMATED, PriceVersion: priceVersion,
		},
		Adjustments: planned.adjustments,
	}, nil
}

// Generate makes one attempt. A job to go on with cannot be: Recraft answers at once or never.
func (a *adapter) Generate(request *adapterv1.GenerateRequest, stream grpc.ServerStreamingServer[adapterv1.GenerateResponse]) error {
	if request.GetResumeProviderJobId() != "" || request.GetLookOnly() {
		return notSent(imagev1.ErrorReason_ERROR_REASON_UNSUPPORTED, "resume_provider_job_id", "Recraft has no jobs to go on with.")
	}
	planned, err := drawn(request.GetProviderModel(), request.GetImage())
	if err != nil {
		return err
	}
	ctx, leave, err := a.enter(stream.Context(), request.GetAttemptId())
	if err != nil {
		return err
	}
	defer leave()
	return (&attempt{request.GetAttemptId(), planned, a.provider, stream, time.Now()}).make(ctx)
}

// enter writes an attempt down for as long as it runs, so that Cancel finds it.
func (a *adapter) enter(parent context.Context, id string) (context.Context, func(), error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if _, there := a.running[id]; there {
		return nil, nil, notSent(imagev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "attempt_id", "This attempt runs already; wait for its end.")
	}
	ctx, cancel := context.WithCancelCause(parent)
	timed, stop := inTime(ctx)
	a.running[id] = cancel
	return timed, func() {
		a.lock.Lock()
		defer a.lock.Unlock()
		stop()
		cancel(nil)
		delete(a.running, id)
	}, nil
}

// inTime is a context that ends a little before its caller's deadline, so that the caller hears how far the attempt came.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, set := ctx.Deadline()
	if !set {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(200*time.Millisecond, time.Until(deadline)/20)))
}

// Cancel ends an attempt that runs here. Recraft may charge for it all the same.
func (a *adapter) Cancel(_ context.Context, request *adapterv1.CancelRequest) (*adapterv1.CancelResponse, error) {
	a.lock.Lock()
	defer a.lock.Unlock()
	cancel, found := a.running[request.GetAttemptId()]
	if found && !request.GetOnlyFree() {
		cancel(errByOrder)
	}
	return &adapterv1.CancelResponse{Found: found}, nil
}

// DeliverWebhook finds nothing: Recraft has no callbacks.
func (a *adapter) DeliverWebhook(context.Context, *adapterv1.DeliverWebhookRequest) (*adapterv1.DeliverWebhookResponse, error) {
	return &adapterv1.DeliverWebhookResponse{}, nil
}

// attempt is one purchase, told event by event.
type attempt struct {
	id       string
	planned  *plan
	provider *provider
	stream   grpc.ServerStreamingServer[adapterv1.GenerateResponse]
	began    time.Time
}

func (a *attempt) make(ctx context.Context) error {
	made, err := a.provider.draw(ctx, a.id, a.planned)
	if err != nil {
		return err
	}
	drawnAt := time.Now()
	if len(made.Data) == 0 {
		return bought(made.units(), "submit", "Recraft charged and sent no picture; look into its dashboard.")
	}
	for index, one := range made.Data {
		data, err := a.provider.fetch(ctx, one.URL)
		var came *picture
		if err == nil {
			came, err = delivered(data, a.planned.mediaType, a.planned.compression)
		}
		if err != nil {
			if late := ended(ctx, "download"); late != nil {
				late.came.Outcome, late.came.Billed, late.came.Cost = imagev1.Outcome_OUTCOME_ACCEPTED, imagev1.Billed_BILLED_YES, dollars(made.units())
				return late
			}
			return bought(made.units(), "download", fmt.Sprintf("Picture %d of Recraft cannot be delivered: %v.", index, err))
		}
		if err := a.sendPicture(int32(index), came); err != nil {
			return err
		}
	}
	return a.send(&imagev1.ImageEvent{Event: &imagev1.ImageEvent_Completed{Completed: a.result(made, drawnAt)}})
}

// sendPicture is media_started, chunks in order, media_ended with the file's hash.
func (a *attempt) sendPicture(index int32, came *picture) error {
	for _, told := range a.planned.adjustments {
		if told.GetParameter() == "size" {
			told.Delivered = size{int32(came.width), int32(came.height)}.String()
		}
	}
	info := &imagev1.MediaInfo{
		ImageIndex: index, MediaType: came.mediaType, WidthPx: int32(came.width), HeightPx: int32(came.height),
		SizeBytes: int64(len(came.data)), Role: imagev1.MediaRole_MEDIA_ROLE_IMAGE,
	}
	events := []*imagev1.ImageEvent{{Event: &imagev1.ImageEvent_MediaStarted{MediaStarted: info}}}
	for offset := 0; offset < len(came.data); offset += chunkBytes {
		data := came.data[offset:min(offset+chunkBytes, len(came.data))]
		chunk := &imagev1.MediaChunk{ImageIndex: index, OffsetBytes: int64(offset), Data: data}
		events = append(events, &imagev1.ImageEvent{Event: &imagev1.ImageEvent_MediaChunk{MediaChunk: chunk}})
		// Small events travel with a chunk; two chunks do not travel together.
		if err := a.send(events...); err != nil {
			return err
		}
		events = nil
	}
	hash := sha256.Sum256(came.data)
	end := &imagev1.MediaEnded{ImageIndex: index, Sha256: hash[:], SizeBytes: int64(len(came.data))}
	return a.send(append(events, &imagev1.ImageEvent{Event: &imagev1.ImageEvent_MediaEnded{MediaEnded: end}})...)
}

func (a *attempt) result(made *drawing, drawnAt time.Time) *imagev1.ImageResult {
	now := time.Now()
	cost := &imagev1.Cost{
		Amount: dollars(a.planned.units()), Source: imagev1.CostSource_COST_SOURCE_COMPUTED, PriceVersion: priceVersion,
		Computed: dollars(a.planned.units()), Estimated: dollars(a.planned.units()),
	}
	if units := made.units(); units > 0 {
		cost.Amount, cost.Reported, cost.Source = dollars(units), dollars(units), imagev1.CostSource_COST_SOURCE_REPORTED
	} else {
		cost.Doubt = "credits is no number of units"
	}
	count := int32(len(made.Data))
	return &imagev1.ImageResult{
		Provider: providerName, ProviderModel: a.planned.model.name, ImageCount: count, Cost: cost,
		MissingImageCount: max(0, int32(a.planned.count)-count), Adjustments: a.planned.adjustments,
		Usage: &imagev1.Usage{BilledUnits: float64(made.units())},
		Timing: &imagev1.Timing{
			Provider: durationpb.New(drawnAt.Sub(a.began)), Download: durationpb.New(now.Sub(drawnAt)), Total: durationpb.New(now.Sub(a.began)),
		},
	}
}

func (a *attempt) send(events ...*imagev1.ImageEvent) error {
	for _, event := range events {
		event.AttemptId = a.id
	}
	return a.stream.Send(&adapterv1.GenerateResponse{Events: events})
}
