package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	imagev1 "github.com/heliostat/heliostat/gen/go/heliostat/api/image/v1"
)

// failure is an error of the mesh: a reason of the closed set, a sentence that says what to do, and how far the attempt
// came. What an AttemptFailure does not say is unknown, which keeps the money reserved: the careful answer.
type failure struct {
	reason     imagev1.ErrorReason
	sentence   string
	field      string
	retryAfter *time.Duration
	came       *imagev1.AttemptFailure
}

func (f *failure) Error() string { return f.sentence }

// GRPCStatus is how the error travels: ErrorInfo names the reason, further details say the rest.
func (f *failure) GRPCStatus() *status.Status {
	name := strings.TrimPrefix(f.reason.String(), "ERROR_REASON_")
	details := []protoadapt.MessageV1{
		protoadapt.MessageV1Of(&errdetails.ErrorInfo{Reason: name, Domain: "heliostat"}),
		protoadapt.MessageV1Of(f.came),
	}
	if f.retryAfter != nil {
		pause := &errdetails.RetryInfo{RetryDelay: durationpb.New(*f.retryAfter)}
		details = append(details, protoadapt.MessageV1Of(pause))
	}
	if f.field != "" {
		violation := &errdetails.BadRequest_FieldViolation{Field: f.field, Description: f.sentence}
		bad := &errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}}
		details = append(details, protoadapt.MessageV1Of(bad))
	}
	bare := status.New(grpcCode[f.reason], f.sentence)
	if full, err := bare.WithDetails(details...); err == nil {
		return full
	}
	return bare
}

var grpcCode = map[imagev1.ErrorReason]codes.Code{
	imagev1.ErrorReason_ERROR_REASON_INVALID_FIELD:           codes.InvalidArgument,
	imagev1.ErrorReason_ERROR_REASON_CONTENT_BLOCKED:         codes.InvalidArgument,
	imagev1.ErrorReason_ERROR_REASON_UNSUPPORTED:             codes.Unimplemented,
	imagev1.ErrorReason_ERROR_REASON_RATE_LIMITED:            codes.ResourceExhausted,
	imagev1.ErrorReason_ERROR_REASON_QUOTA_EXHAUSTED:         codes.ResourceExhausted,
	imagev1.ErrorReason_ERROR_REASON_PROVIDER_AUTH_FAILED:    codes.FailedPrecondition,
	imagev1.ErrorReason_ERROR_REASON_PROVIDER_MODEL_GONE:     codes.NotFound,
	imagev1.ErrorReason_ERROR_REASON_PROVIDER_UNAVAILABLE:    codes.Unavailable,
	imagev1.ErrorReason_ERROR_REASON_PROVIDER_ANSWER_INVALID: codes.Unknown,
	imagev1.ErrorReason_ERROR_REASON_PROVIDER_TIMEOUT:        codes.DeadlineExceeded,
	imagev1.ErrorReason_ERROR_REASON_CANCELLED:               codes.Canceled,
}

// notSent is a refusal of ours: nothing reached the provider, nothing is charged, another target may be asked.
func notSent(reason imagev1.ErrorReason, field, sentence string) *failure {
	return &failure{reason: reason, field: field, sentence: sentence, came: &imagev1.AttemptFailure{
		Outcome: imagev1.Outcome_OUTCOME_NOT_SENT, Billed: imagev1.Billed_BILLED_NO, Phase: "prepare",
	}}
}

// open is a failure after which nobody knows whether the picture was bought.
func open(reason imagev1.ErrorReason, phase, sentence string) *failure {
	return &failure{reason: reason, sentence: sentence, came: &imagev1.AttemptFailure{
		Billed: imagev1.Billed_BILLED_UNKNOWN, Phase: phase,
	}}
}

// bought is a failure after the provider charged so many units.
func bought(units int64, phase, sentence string) *failure {
	return &failure{
		reason:   imagev1.ErrorReason_ERROR_REASON_PROVIDER_ANSWER_INVALID,
		sentence: sentence,
		came: &imagev1.AttemptFailure{
			Outcome: imagev1.Outcome_OUTCOME_ACCEPTED, Billed: imagev1.Billed_BILLED_YES, Cost: dollars(units), Phase: phase,
		},
	}
}

// ended says by which name an attempt ends whose context is over; nil where it is not.
func ended(ctx context.Context, phase string) *failure {
	switch {
	case errors.Is(context.Cause(ctx), errByOrder), errors.Is(ctx.Err(), context.Canceled):
		return open(imagev1.ErrorReason_ERROR_REASON_CANCELLED, phase, "The attempt was cancelled; Recraft may charge for it.")
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return open(imagev1.ErrorReason_ERROR_REASON_PROVIDER_TIMEOUT, phase,
			"Recraft did not answer in time; it may have charged. Ask again with more time.")
	}
	return nil
}
