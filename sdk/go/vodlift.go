// Package vodlift is a client of vodlift: it signs calls, waits for uploads and verifies callbacks. Standard library only.
package vodlift

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	window    = 240 * time.Second // the same signed bytes are sent again for this long; the server takes them for 300 s
	mostBytes = 16 << 20          // of an answer
)

// Error is what every method returns. Code: four digits of the server, or "network", "answer", "http_NNN", "timeout" (of
// Wait), "callback" (of Verify). Retryable: the same call may succeed later. RetryAfter: what the server asks to wait, or 0.
type Error struct {
	Code, Message string
	Retryable     bool
	RetryAfter    time.Duration
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Upload is the API's upload object; what is not known yet is nil.
type Upload struct {
	ID              int64             `json:"id"`
	State           string            `json:"state"`
	Path            string            `json:"path"`
	DestinationPath string            `json:"destination_path"`
	Bucket          string            `json:"bucket"`
	Metadata        map[string]string `json:"metadata"`
	Size            int64             `json:"size"`
	BytesSent       int64             `json:"bytes_sent"`
	Percent         int               `json:"percent"`
	Attempts        int               `json:"attempts"`
	Error           *struct {
		Code      string `json:"code"`
		Message   string `json:"message"`
		Retryable bool   `json:"retryable"`
	} `json:"error"`
	ETag          *string `json:"etag"`
	Checksum      *string `json:"checksum"`
	VersionID     *string `json:"version_id"`
	Created       int64   `json:"created"`
	Finished      *int64  `json:"finished"`
	NextAttempt   *int64  `json:"next_attempt"`
	CallbackState string  `json:"callback_state"`
}

// Ended tells whether the upload is completed, failed or cancelled.
func (u *Upload) Ended() bool {
	return u.State == "completed" || u.State == "failed" || u.State == "cancelled"
}

// Event is what a callback brings; Code is of failures. Test: it was sent to try the receiver, and tells of no upload.
type Event struct {
	Message string `json:"message"`
	Status  string `json:"status"`
	Code    string `json:"code"`
	Data    Upload `json:"data"`
	Test    bool   `json:"test"`
}

// Client may be used by several goroutines at once. Timeout is of one attempt, Retries counts attempts after the first.
type Client struct {
	Timeout time.Duration
	Retries int
	url     string
	cdn     int64
	apiKey  string
	sign    func(text []byte) string // a function, so that no print shows the secret
	http    *http.Client
}

// New makes a client of a url that ends with /stable/.
func New(url string, cdn int64, apiKey, secret string) *Client {
	sign := func(text []byte) string { return base64.StdEncoding.EncodeToString(mac([]byte(secret), text)) }
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{30 * time.Second, 4, url, cdn, apiKey, sign, &http.Client{CheckRedirect: stay}}
}

// Call returns the answer's data. It sends the same bytes again where that can help: it never acts twice.
func (c *Client) Call(ctx context.Context, command string, fields map[string]any) (json.RawMessage, error) {
	request := map[string]any{"command": command, "api_key": c.apiKey, "timestamp": time.Now().Unix(), "cdn": c.cdn}
	for name, value := range fields {
		request[name] = value
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	signed := fmt.Sprintf(`%s,"signature":"%s"}`, text[:len(text)-1], c.sign(text))
	body := url.Values{"json": {signed}}.Encode()
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	for attempt := 0; ; attempt++ {
		data, failed := c.post(ctx, body)
		if failed == nil {
			return data, nil
		}
		pause := time.Duration((0.5 + rand.Float64()/2) * float64(500*time.Millisecond<<min(attempt, 4)))
		if pause < failed.RetryAfter {
			pause = failed.RetryAfter
		}
		deadline, _ := ctx.Deadline()
		if !failed.Retryable || attempt >= c.Retries || time.Until(deadline) <= pause || sleep(ctx, pause) != nil {
			return nil, failed
		}
	}
}

// Upload queues a file and returns its id. Options are other fields, such as metadata, callback and priority.
func (c *Client) Upload(ctx context.Context, path, destinationPath, bucket string, options map[string]any) (int64, error) {
	fields := map[string]any{"path": path, "destination_path": destinationPath, "bucket": bucket}
	for name, value := range options {
		fields[name] = value
	}
	var id int64
	err := c.into(ctx, "aws.upload", fields, &id)
	return id, err
}

// Status returns the uploads that exist of these ids, newest first; where none exists, the error has the code 2005.
func (c *Client) Status(ctx context.Context, ids ...int64) ([]Upload, error) {
	var uploads []Upload
	err := c.into(ctx, "aws.status", map[string]any{"id": ids}, &uploads)
	return uploads, err
}

// Wait returns the upload when it has ended: look at its State. The error has the code "timeout" after that time.
func (c *Client) Wait(ctx context.Context, id int64, timeout time.Duration) (*Upload, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for pause := 500 * time.Millisecond; ; pause = pause * 3 / 2 {
		uploads, err := c.Status(ctx, id)
		if err == nil && len(uploads) == 1 && uploads[0].Ended() {
			return &uploads[0], nil
		}
		var failed *Error
		if errors.As(err, &failed) && !failed.Retryable && ctx.Err() == nil {
			return nil, err
		}
		if pause > 10*time.Second {
			pause = 10 * time.Second
		}
		next := pause
		if failed != nil && failed.RetryAfter > next {
			next = failed.RetryAfter
		}
		if err := sleep(ctx, next); errors.Is(err, context.Canceled) {
			return nil, err
		} else if err != nil {
			return nil, &Error{"timeout", fmt.Sprintf("upload %d has not ended within %v", id, timeout), true, 0}
		}
	}
}

// Verify returns the event that a callback brings. Secrets are "whsec_…"; the message's time may be `tolerance` away from
// now, 300 s for instance. After an error, answer with 401.
func Verify(header http.Header, body []byte, secrets []string, tolerance time.Duration) (*Event, error) {
	id, stamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseUint(stamp, 10, 48)
	if id == "" || err != nil {
		return nil, refused("webhook-id or webhook-timestamp is missing")
	}
	if age := time.Since(time.Unix(int64(seconds), 0)); age > tolerance || age < -tolerance {
		return nil, refused("the message is too old, or this clock is wrong")
	}
	signed := append([]byte(id+"."+stamp+"."), body...)
	genuine := false
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 16 {
			return nil, refused("a webhook secret is not whsec_ and base64")
		}
		wanted := []byte("v1," + base64.StdEncoding.EncodeToString(mac(key, signed)))
		for _, given := range strings.Fields(header.Get("webhook-signature")) {
			genuine = hmac.Equal(wanted, []byte(given)) || genuine
		}
	}
	if !genuine {
		return nil, refused("no signature is by one of these secrets")
	}
	if bytes.HasPrefix(body, []byte("json=")) {
		form, _ := url.ParseQuery(string(body))
		body = []byte(form.Get("json"))
	}
	var event Event
	if json.Unmarshal(body, &event) != nil {
		return nil, refused("the body is not JSON")
	}
	return &event, nil
}

func (c *Client) into(ctx context.Context, command string, fields map[string]any, result any) error {
	data, err := c.Call(ctx, command, fields)
	if err != nil {
		return err
	}
	if json.Unmarshal(data, result) != nil {
		return &Error{"answer", "the data has another form than this client knows", false, 0}
	}
	return nil
}

func (c *Client) post(ctx context.Context, body string) (json.RawMessage, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "POST", c.url, strings.NewReader(body))
	if err != nil {
		return nil, &Error{"network", err.Error(), false, 0}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, &Error{"network", "no answer: " + err.Error(), true, 0}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostBytes+1))
	if len(text) > mostBytes {
		return nil, &Error{"answer", "the answer is too large", false, 0}
	}
	if err != nil {
		return nil, &Error{"network", "no answer: " + err.Error(), true, 0}
	}
	seconds, _ := strconv.ParseUint(response.Header.Get("Retry-After"), 10, 20)
	return dataOf(response.StatusCode, time.Duration(seconds)*time.Second, text)
}

func dataOf(status int, retryAfter time.Duration, text []byte) (json.RawMessage, *Error) {
	transient := status == 408 || status == 429 || status >= 500
	var answer struct {
		Status, Code, Message string
		Data                  json.RawMessage
	}
	wrong := json.Unmarshal(text, &answer) != nil
	if !wrong && answer.Status == "success" {
		return answer.Data, nil
	}
	if wrong || answer.Code == "" {
		code := "answer"
		if status != 200 {
			code = "http_" + strconv.Itoa(status)
		}
		return nil, &Error{code, "this is no answer of vodlift", transient || status == 200, retryAfter}
	}
	again := transient || answer.Code == "0004" || answer.Code == "1000"
	return nil, &Error{answer.Code, answer.Message, again, retryAfter}
}

func refused(why string) *Error { return &Error{"callback", why, false, 0} }

func mac(key, text []byte) []byte {
	sum := hmac.New(sha256.New, key)
	sum.Write(text)
	return sum.Sum(nil)
}

func sleep(ctx context.Context, pause time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}

func min(a, b int) int {
	if a < b {
		return a
	}
	return b
}
