// As driver.py, with sdk/go/vodlift.go. The test builds it in a module of its own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"vodlift"
)

type given struct {
	URL     string              `json:"url"`
	CDN     int64               `json:"cdn"`
	APIKey  string              `json:"api_key"`
	Secret  string              `json:"secret"`
	Timeout float64             `json:"timeout"`
	Retries int                 `json:"retries"`
	Calls   [][]json.RawMessage `json:"calls"`
}

func read[T any](text json.RawMessage) T {
	var value T
	if err := json.Unmarshal(text, &value); err != nil {
		panic(err)
	}
	return value
}

func seconds(text json.RawMessage) time.Duration {
	return time.Duration(read[float64](text) * float64(time.Second))
}

func run(client *vodlift.Client, name string, rest []json.RawMessage) (any, error) {
	ctx := context.Background()
	switch name {
	case "call":
		return client.Call(ctx, read[string](rest[0]), read[map[string]any](rest[1]))
	case "upload":
		return client.Upload(ctx, read[string](rest[0]), read[string](rest[1]), read[string](rest[2]), read[map[string]any](rest[3]))
	case "status":
		if rest[0][0] == '[' {
			return client.Status(ctx, read[[]int64](rest[0])...)
		}
		uploads, err := client.Status(ctx, read[int64](rest[0]))
		if err != nil {
			return nil, err
		}
		return uploads[0], nil
	case "wait":
		return client.Wait(ctx, read[int64](rest[0]), seconds(rest[1]))
	case "verify":
		header := http.Header{}
		for name, value := range read[map[string]string](rest[0]) {
			header.Set(name, value)
		}
		return vodlift.Verify(header, []byte(read[string](rest[1])), read[[]string](rest[2]), seconds(rest[3]))
	}
	return fmt.Sprintf("%+v %#v", client, client), nil
}

func main() {
	var all given
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	client := vodlift.New(all.URL, all.CDN, all.APIKey, all.Secret)
	client.Timeout = time.Duration(all.Timeout * float64(time.Second))
	client.Retries = all.Retries
	for _, call := range all.Calls {
		result, err := run(client, read[string](call[0]), call[1:])
		printed := map[string]any{"result": result}
		var failed *vodlift.Error
		if errors.As(err, &failed) {
			printed = map[string]any{"code": failed.Code, "message": failed.Error(), "retryable": failed.Retryable, "dump": fmt.Sprintf("%+v %#v", failed, failed)}
		} else if err != nil {
			panic(err)
		}
		text, _ := json.Marshal(printed)
		fmt.Println(string(text))
	}
}
