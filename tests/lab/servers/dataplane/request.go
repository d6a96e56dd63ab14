// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// httpSpec is a request to be sent from inside a namespace: a probe, or a test's own.
type httpSpec struct {
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	Timeout  float64           `json:"timeout"`
	Until    float64           `json:"until"`
	Connect  string            `json:"connect"`
	Resolver *resolver         `json:"resolver"`
}

type httpReply struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Error   string            `json:"error"`
}

const bodyLimit = 4 << 20

// doHTTP sends a request (or opens a connection, with Connect) and tries again for Until seconds while there is no
// answer below 400.
func doHTTP(namespace string, spec *httpSpec) httpReply {
	deadline := time.Now().Add(seconds(spec.Until))
	for {
		answer := tryHTTP(namespace, spec)
		if (answer.Error == "" && answer.Status < 400) || time.Now().After(deadline) {
			return answer
		}
		time.Sleep(25 * time.Millisecond)
	}
}

func tryHTTP(namespace string, spec *httpSpec) httpReply {
	timeout := seconds(spec.Timeout)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if spec.Connect != "" {
		connection, err := dialInside(ctx, namespace, "tcp4", spec.Connect, timeout)
		if err != nil {
			return httpReply{Error: err.Error()}
		}
		connection.Close()
		return httpReply{}
	}
	asked, err := http.NewRequestWithContext(ctx, spec.Method, spec.URL, strings.NewReader(spec.Body))
	if err != nil {
		return httpReply{Error: err.Error()}
	}
	for name, value := range spec.Headers {
		if strings.EqualFold(name, "host") {
			asked.Host = value
		}
		asked.Header.Set(name, value)
	}
	if spec.Resolver != nil {
		spec.Resolver.Namespace = namespace
	}
	transport := newTransport(namespace, spec.Resolver, false)
	answer, err := transport.RoundTrip(asked)
	if err != nil {
		return httpReply{Error: err.Error()}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, bodyLimit))
	if err != nil {
		return httpReply{Error: err.Error()}
	}
	headers := map[string]string{}
	for name, values := range answer.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return httpReply{Status: answer.StatusCode, Headers: headers, Body: string(body)}
}

// newTransport is an HTTP client's transport whose connections begin inside a namespace.
func newTransport(namespace string, names *resolver, keepAlive bool) *http.Transport {
	return &http.Transport{
		DisableKeepAlives:   !keepAlive,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     30 * time.Second,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if names == nil && net.ParseIP(host) == nil {
				return nil, fmt.Errorf("lookup %s: no name server", host)
			}
			if names != nil {
				if host, err = names.lookup(ctx, host); err != nil {
					return nil, err
				}
			}
			return dialInside(ctx, namespace, "tcp4", net.JoinHostPort(host, port), 10*time.Second)
		},
	}
}

func seconds(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }
