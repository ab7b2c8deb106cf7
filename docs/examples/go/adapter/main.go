// An adapter for Recraft in Go: the proof that a process in any language can be one.
//
//	sh stubs.sh
//	RECRAFT_API_TOKEN=... go run ./adapter -listen 127.0.0.1:9000
//
// The router finds it where the configuration says so:
//
//	adapters:
//	  recraft_go:
//	    address: dns:///127.0.0.1:9000
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	adapterv1 "github.com/heliostat/heliostat/gen/go/heliostat/api/adapter/v1"
)

const serviceName = "heliostat.api.adapter.v1.AdapterService"

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "where to serve: host:port, or unix:/path")
	base := flag.String("base-url", "https://external.api.recraft.ai/v1", "Recraft's API")
	flag.Parse()
	if err := serve(*listen, *base, os.Getenv("RECRAFT_API_TOKEN")); err != nil {
		log.Fatal(err)
	}
}

// serve answers until SIGINT or SIGTERM; attempts under way are given their end.
func serve(listen, base, token string) error {
	address, err := url.Parse(base)
	if err != nil || address.Hostname() == "" {
		return fmt.Errorf("-base-url must be an address such as https://host/v1, not %q", base)
	}
	network, place := "tcp", listen
	if path, found := strings.CutPrefix(listen, "unix:"); found {
		network, place = "unix", path
	}
	listener, err := net.Listen(network, place)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	adapterv1.RegisterAdapterServiceServer(server, newAdapter(newProvider(address, token)))
	// Callers ask for the state before they ask for pictures.
	state := health.NewServer()
	state.SetServingStatus(serviceName, healthv1.HealthCheckResponse_SERVING)
	healthv1.RegisterHealthServer(server, state)
	asked, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		<-asked.Done()
		state.Shutdown()
		server.GracefulStop()
	}()
	fmt.Println("listening", listener.Addr())
	return server.Serve(listener)
}
