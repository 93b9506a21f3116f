// Receives vodlift's callbacks. Run behind a web server that ends TLS: WEBHOOK_SECRETS="whsec_…" PORT=8000 go run receiver.go
// While your secret is replaced, WEBHOOK_SECRETS has both, with a space between them.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"vodlift"
)

const mostBytes = 1 << 20

func receive(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, mostBytes))
	if err != nil {
		answer.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	event, err := vodlift.Verify(request.Header, body, strings.Fields(os.Getenv("WEBHOOK_SECRETS")), 300*time.Second)
	if err != nil {
		fmt.Println(err)
		answer.WriteHeader(http.StatusUnauthorized)
		return
	}
	// Do your work here, once for each webhook-id: a callback may come again. Then answer; any 2xx ends it.
	fmt.Printf("upload %d: %s\n", event.Data.ID, event.Message)
	answer.WriteHeader(http.StatusNoContent)
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s/\n", listener.Addr())
	server := http.Server{Handler: http.HandlerFunc(receive), ReadTimeout: 15 * time.Second}
	log.Fatal(server.Serve(listener))
}
