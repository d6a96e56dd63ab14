// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// appSpec is a container's stand-in. Kind is one of the keys of kinds; Delay (seconds) and ErrorRate (0 to 1) make it
// slow or failing on purpose.
type appSpec struct {
	Kind      string            `json:"kind"`
	Version   string            `json:"version"`
	Ports     []int             `json:"ports"`
	Pod       string            `json:"pod"`
	Namespace string            `json:"namespace"`
	Cluster   string            `json:"cluster"`
	Proxied   bool              `json:"proxied"`
	Resolver  *resolver         `json:"resolver"`
	Env       map[string]string `json:"env"`
	Delay     float64           `json:"delay"`
	ErrorRate float64           `json:"error_rate"`
}

// app is one running stand-in.
type app struct {
	spec   appSpec
	client *http.Client
	server *http.Server
}

var kinds = map[string]func(*app) http.Handler{
	"productpage": productpage,
	"details":     details,
	"ratings":     ratings,
	"reviews":     reviews,
	"helloworld":  helloworld,
	"echo":        echo,
}

type apps struct {
	mutex   sync.Mutex
	running map[string]*app
}

func newApps() *apps { return &apps{running: map[string]*app{}} }

// start listens on all ports inside the namespace; an id that runs already is replaced.
func (a *apps) start(id, namespace string, spec *appSpec) error {
	handler, known := kinds[spec.Kind]
	if !known {
		return fmt.Errorf("there is no stand-in of the kind %q", spec.Kind)
	}
	if err := a.stop(id); err != nil {
		return err
	}
	one := &app{spec: *spec}
	if spec.Resolver != nil {
		spec.Resolver.Namespace = namespace
	}
	// Without a proxy every request is a connection of its own, so that the node spreads them.
	one.client = &http.Client{Transport: newTransport(namespace, spec.Resolver, spec.Proxied)}
	one.server = &http.Server{Handler: one.disturbed(handler(one)), ReadHeaderTimeout: 30 * time.Second}
	listeners := make([]net.Listener, 0, len(spec.Ports))
	for _, port := range spec.Ports {
		listener, err := listenInside(namespace, fmt.Sprintf("0.0.0.0:%d", port))
		if err != nil {
			for _, open := range listeners {
				open.Close()
			}
			return err
		}
		listeners = append(listeners, listener)
	}
	for _, listener := range listeners {
		go func() {
			if err := one.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				log.Printf("%s: %v", spec.Pod, err)
			}
		}()
	}
	a.mutex.Lock()
	a.running[id] = one
	a.mutex.Unlock()
	return nil
}

// stop lets requests that are being answered end, for a moment.
func (a *apps) stop(id string) error {
	a.mutex.Lock()
	one := a.running[id]
	delete(a.running, id)
	a.mutex.Unlock()
	if one == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := one.server.Shutdown(ctx); err != nil {
		one.server.Close()
	}
	one.client.CloseIdleConnections()
	return nil
}

func (a *app) disturbed(handler http.Handler) http.Handler {
	if a.spec.Delay == 0 && a.spec.ErrorRate == 0 {
		return handler
	}
	return http.HandlerFunc(func(writer http.ResponseWriter, asked *http.Request) {
		if asked.URL.Path == "/health" {
			handler.ServeHTTP(writer, asked)
			return
		}
		time.Sleep(seconds(a.spec.Delay))
		if rand.Float64() < a.spec.ErrorRate {
			writeJSON(writer, http.StatusInternalServerError, map[string]string{"error": "made on purpose by LAB_ERROR_RATE"})
			return
		}
		handler.ServeHTTP(writer, asked)
	})
}

// passedOn are the headers that Bookinfo copies from a request to those that it causes, so that traces hold together and
// routes can follow a user.
var passedOn = []string{
	"x-request-id", "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled",
	"x-b3-flags", "x-ot-span-context", "x-datadog-trace-id", "x-datadog-parent-id", "x-datadog-sampling-priority",
	"x-cloud-trace-context", "grpc-trace-bin", "sw8", "end-user", "user-agent", "cookie", "authorization", "jwt",
	"x-asm-prefer-tag",
}

func (a *app) forwarded(asked *http.Request) http.Header {
	headers := http.Header{}
	for _, name := range passedOn {
		if values := asked.Header.Values(name); len(values) > 0 {
			headers[http.CanonicalHeaderKey(name)] = values
		}
	}
	return headers
}

// get asks another service, with what is passed on; body is what its JSON is read into.
func (a *app) get(asked *http.Request, url string, headers http.Header, timeout time.Duration, body any) (int, error) {
	ctx, cancel := context.WithTimeout(asked.Context(), timeout)
	defer cancel()
	question, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	question.Header = headers
	answer, err := a.client.Do(question)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return answer.StatusCode, nil
	}
	return answer.StatusCode, json.NewDecoder(answer.Body).Decode(body)
}

func (a *app) setting(name, otherwise string) string {
	if value := a.spec.Env[name]; value != "" {
		return value
	}
	return otherwise
}

func writeJSON(writer http.ResponseWriter, status int, body any) {
	writer.Header().Set("Content-Type", "application/json")
	writer.WriteHeader(status)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		log.Print(err)
	}
}

func lastSegment(path string) string { return path[strings.LastIndex(path, "/")+1:] }
