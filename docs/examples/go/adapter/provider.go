package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	imagev1 "github.com/heliostat/heliostat/gen/go/heliostat/api/image/v1"
)

const mostBytes = 64 << 20

// provider is Recraft over HTTP. Nothing is sent twice and no redirect is followed: whether to try again is the
// router's to decide, and the key goes to one origin only.
type provider struct {
	base   *url.URL
	token  string
	client *http.Client
}

func newProvider(base *url.URL, token string) *provider {
	dialer := &net.Dialer{Timeout: 3 * time.Second}
	return &provider{base, token, &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// drawing is Recraft's answer: addresses of pictures, and what it charged in units.
type drawing struct {
	Credits float64 `json:"credits"`
	Data    []struct {
		URL string `json:"url"`
	} `json:"data"`
}

// draw buys the pictures of a plan. It is the only call that costs.
func (p *provider) draw(ctx context.Context, attemptID string, planned *plan) (*drawing, error) {
	body, err := json.Marshal(planned.body)
	if err != nil {
		return nil, notSent(imagev1.ErrorReason_ERROR_REASON_INVALID_FIELD, "prompt", "The prompt cannot be sent; is it text?")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.base.JoinPath("images/generations").String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+p.token)
	request.Header.Set("Content-Type", "application/json")
	// A bill can be matched with the journal by it.
	request.Header.Set("X-Heliostat-Attempt", attemptID)
	answer, content, err := p.exchange(ctx, request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode >= 300 {
		return nil, p.refusal(answer, content, planned)
	}
	made := &drawing{}
	if json.Unmarshal(content, made) != nil || made.units() == 0 && len(made.Data) == 0 {
		return nil, open(imagev1.ErrorReason_ERROR_REASON_PROVIDER_ANSWER_INVALID, "submit",
			"Recraft's answer cannot be read; it may have charged. Look into its dashboard.")
	}
	return made, nil
}

// units are what was charged; 0 where it cannot be believed.
func (d *drawing) units() int64 {
	if d.Credits >= 0 && d.Credits <= 1e9 && d.Credits == math.Trunc(d.Credits) {
		return int64(d.Credits)
	}
	return 0
}

// exchange sends a request that may cost and reads its whole answer.
func (p *provider) exchange(ctx context.Context, request *http.Request) (*http.Response, []byte, error) {
	answer, err := p.client.Do(request)
	if err == nil {
		defer answer.Body.Close()
		var content []byte
		if content, err = io.ReadAll(io.LimitReader(answer.Body, mostBytes)); err == nil {
			return answer, content, nil
		}
	}
	var dialing *net.OpError
	if errors.As(err, &dialing) && dialing.Op == "dial" {
		unreachable := notSent(imagev1.ErrorReason_ERROR_REASON_PROVIDER_UNAVAILABLE, "",
			"Recraft cannot be reached; ask again later or elsewhere.")
		unreachable.came.Phase = "connect"
		return nil, nil, unreachable
	}
	if late := ended(ctx, "submit"); late != nil {
		return nil, nil, late
	}
	return nil, nil, open(imagev1.ErrorReason_ERROR_REASON_PROVIDER_ANSWER_INVALID, "submit",
		"The connection to Recraft broke off before its answer was whole; it may have charged.")
}

// refusal reads an error answer. The provider said no, so nothing was bought, unless a proxy said it.
func (p *provider) refusal(answer *http.Response, content []byte, planned *plan) *failure {
	told := &failure{came: &imagev1.AttemptFailure{
		Outcome: imagev1.Outcome_OUTCOME_REFUSED, Billed: imagev1.Billed_BILLED_NO, Phase: "submit",
	}}
	said := struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Error   struct {
			Message string `json:"message"`
		} `json:"error"`
	}{}
	isJSON := json.Unmarshal(content, &said) == nil
	words := p.masked(said.Message+said.Error.Message, planned)
	switch status := answer.StatusCode; {
	case said.Code == "content_policy":
		told.reason = imagev1.ErrorReason_ERROR_REASON_CONTENT_BLOCKED
		told.sentence = "Recraft's moderation refused the request; ask for something else."
	case status == http.StatusTooManyRequests:
		told.reason, told.retryAfter = imagev1.ErrorReason_ERROR_REASON_RATE_LIMITED, pause(answer.Header, time.Now())
		told.sentence = "Recraft takes no more requests for now; wait and ask again."
	case status == http.StatusPaymentRequired:
		told.reason = imagev1.ErrorReason_ERROR_REASON_QUOTA_EXHAUSTED
		told.sentence = "Recraft's account has no units left; top it up."
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		told.reason = imagev1.ErrorReason_ERROR_REASON_PROVIDER_AUTH_FAILED
		told.sentence = "Recraft refused the key; check RECRAFT_API_TOKEN."
	case status == http.StatusNotFound, status == http.StatusGone:
		told.reason = imagev1.ErrorReason_ERROR_REASON_PROVIDER_MODEL_GONE
		told.sentence = "Recraft does not know the model any more; choose another one."
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		told.reason = imagev1.ErrorReason_ERROR_REASON_PROVIDER_TIMEOUT
		told.sentence = "Recraft took too long; ask again later or elsewhere."
	case status < 500:
		told.reason = imagev1.ErrorReason_ERROR_REASON_INVALID_FIELD
		told.sentence = "Recraft refused the request: " + words
	default:
		told.reason = imagev1.ErrorReason_ERROR_REASON_PROVIDER_UNAVAILABLE
		told.sentence = "Recraft has trouble of its own; ask again later or elsewhere."
	}
	if answer.StatusCode > 500 && !isJSON {
		// A proxy's words: what is behind it may have worked on.
		told.came = &imagev1.AttemptFailure{Billed: imagev1.Billed_BILLED_UNKNOWN, Phase: "submit"}
	}
	return told
}

// masked is what the provider said, without key and prompt, in one line of bounded length.
func (p *provider) masked(said string, planned *plan) string {
	prompt, _ := planned.body["prompt"].(string)
	for _, secret := range []string{p.token, prompt} {
		if secret != "" {
			said = strings.ReplaceAll(said, secret, "***")
		}
	}
	said = strings.Join(strings.Fields(said), " ")
	if len(said) > 300 {
		said = strings.ToValidUTF8(said[:300], "")
	}
	return strings.TrimRight(said, ".") + "."
}

// pause is how long the provider wants to be left alone; nil where it does not say it in a way that can be believed.
func pause(headers http.Header, now time.Time) *time.Duration {
	seconds, err := strconv.ParseFloat(headers.Get("Retry-After-Ms"), 64)
	seconds /= 1000
	if err != nil {
		seconds, err = strconv.ParseFloat(headers.Get("Retry-After"), 64)
	}
	if err != nil {
		date, wrong := http.ParseTime(headers.Get("Retry-After"))
		if wrong != nil {
			return nil
		}
		seconds = max(0, date.Sub(now).Seconds())
	}
	if math.IsNaN(seconds) || seconds < 0 || seconds > 86_400 {
		return nil
	}
	wait := time.Duration(seconds * float64(time.Second))
	return &wait
}

// fetch gets one picture. Its address comes from outside: only Recraft's own hosts are asked, without the key.
func (p *provider) fetch(ctx context.Context, address string) ([]byte, error) {
	where, err := url.Parse(address)
	if err != nil || !p.owns(where) {
		return nil, errors.New("its address is not one of Recraft's")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, errors.New("its address cannot be asked")
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return nil, errors.New("its host cannot be reached")
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, errors.New("its host answered " + answer.Status)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, mostBytes+1))
	if err != nil {
		return nil, errors.New("it broke off")
	}
	if len(content) > mostBytes {
		return nil, errors.New("it is too large")
	}
	return content, nil
}

func (p *provider) owns(address *url.URL) bool {
	if address.User != nil {
		return false
	}
	if address.Scheme == p.base.Scheme && address.Host == p.base.Host {
		return true
	}
	return address.Scheme == "https" && address.Port() == "" && strings.HasSuffix(address.Hostname(), ".recraft.ai")
}
