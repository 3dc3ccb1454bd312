// The lab's demo application: one copy of some business's service, small and well-behaved. It says who it is, tells
// readiness apart from life, keeps an access log, and stops the way an instance should: first no longer ready, then no
// new connections, then the open requests are finished, then it exits with 0.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// Set when it is built.
var version = "0"

type identity struct {
	Version  string   `json:"version"`
	Hostname string   `json:"hostname"`
	IPs      []string `json:"ips"`
	Served   uint64   `json:"served"`
	Ready    bool     `json:"ready"`
}

type application struct {
	ready  atomic.Bool
	served atomic.Uint64
}

func addresses() []string {
	found := []string{}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return found
	}
	for _, addr := range addrs {
		if network, ok := addr.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			found = append(found, network.IP.String())
		}
	}
	return found
}

// seconds reads a number of seconds from the environment.
func seconds(name string, otherwise float64) time.Duration {
	value, err := strconv.ParseFloat(os.Getenv(name), 64)
	if err != nil || value < 0 || value > 3600 {
		value = otherwise
	}
	return time.Duration(value * float64(time.Second))
}

func (app *application) root(response http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/" {
		http.NotFound(response, request)
		return
	}
	// ?delay=MILLISECONDS makes a slow request, to see that stopping waits for it
	if delay, err := strconv.Atoi(request.URL.Query().Get("delay")); err == nil && delay > 0 && delay <= 60_000 {
		time.Sleep(time.Duration(delay) * time.Millisecond)
	}
	hostname, _ := os.Hostname()
	response.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(response).Encode(identity{version, hostname, addresses(), app.served.Add(1), app.ready.Load()})
}

func (app *application) readiness(response http.ResponseWriter, _ *http.Request) {
	if !app.ready.Load() {
		http.Error(response, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(response, "ready")
}

type recorder struct {
	http.ResponseWriter
	status, bytes int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(data []byte) (int, error) {
	n, err := r.ResponseWriter.Write(data)
	r.bytes += n
	return n, err
}

// accessLog writes one line a request to standard output: time, client, method, path, status, bytes, milliseconds.
func accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		started := time.Now()
		record := &recorder{response, http.StatusOK, 0}
		next.ServeHTTP(record, request)
		fmt.Printf("%s %s %s %q %d %d %.1f\n", started.UTC().Format(time.RFC3339Nano), request.RemoteAddr, request.Method,
			request.URL.RequestURI(), record.status, record.bytes, float64(time.Since(started).Microseconds())/1000)
	})
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8080"
	}
	app := &application{}
	mux := http.NewServeMux()
	mux.HandleFunc("/", app.root)
	mux.HandleFunc("/ready", app.readiness)
	mux.HandleFunc("/live", func(response http.ResponseWriter, _ *http.Request) { fmt.Fprintln(response, "alive") })
	server := &http.Server{Addr: ":" + port, Handler: accessLog(mux), ReadHeaderTimeout: 10 * time.Second}

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	time.AfterFunc(seconds("START_SECONDS", 0), func() { app.ready.Store(true) })
	hostname, _ := os.Hostname()
	fmt.Printf("version %s on %s %v, port %s\n", version, hostname, addresses(), port)

	select {
	case err := <-failed:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case <-stop:
	}
	app.ready.Store(false)
	fmt.Println("stopping: not ready any more")
	time.Sleep(seconds("DRAIN_SECONDS", 1)) // until whoever balances has seen it
	limit, cancel := context.WithTimeout(context.Background(), seconds("STOP_SECONDS", 8))
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		fmt.Fprintln(os.Stderr, "stopped with requests still open:", err)
		os.Exit(1)
	}
	fmt.Println("stopped")
}
