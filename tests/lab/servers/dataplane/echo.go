// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

func helloworld(self *app) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(writer http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(writer, "Helloworld is healthy")
	})
	mux.HandleFunc("/hello", func(writer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(writer, "Hello version: %s, instance: %s\n", self.spec.Version, self.spec.Pod)
	})
	return mux
}

// echo tells what it was asked and who answered, on any path. /status/N and /delay/SECONDS do as they say.
func echo(self *app) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/status/{code}", func(writer http.ResponseWriter, asked *http.Request) {
		code, err := strconv.Atoi(asked.PathValue("code"))
		if err != nil || code < 200 || code > 599 {
			http.Error(writer, "Invalid status code", http.StatusBadRequest)
			return
		}
		writer.WriteHeader(code)
	})
	mux.HandleFunc("/delay/{seconds}", func(writer http.ResponseWriter, asked *http.Request) {
		delay, err := strconv.ParseFloat(asked.PathValue("seconds"), 64)
		if err != nil {
			http.Error(writer, "Invalid delay", http.StatusBadRequest)
			return
		}
		select {
		case <-time.After(seconds(min(max(delay, 0), 10))):
			self.echo(writer, asked)
		case <-asked.Context().Done():
		}
	})
	mux.HandleFunc("/", self.echo)
	return mux
}

func (a *app) echo(writer http.ResponseWriter, asked *http.Request) {
	body, err := io.ReadAll(io.LimitReader(asked.Body, 1<<20))
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	headers := map[string]string{"Host": asked.Host}
	for name, values := range asked.Header {
		headers[name] = strings.Join(values, ",")
	}
	origin, _, _ := net.SplitHostPort(asked.RemoteAddr)
	if forwarded := asked.Header.Get("x-forwarded-for"); forwarded != "" {
		origin = forwarded
	}
	arguments := map[string]string{}
	for name, values := range asked.URL.Query() {
		arguments[name] = strings.Join(values, ",")
	}
	writeJSON(writer, http.StatusOK, object{
		"args": arguments, "data": string(body), "headers": headers, "method": asked.Method, "origin": origin,
		"url": "http://" + asked.Host + asked.URL.RequestURI(), "path": asked.URL.Path,
		"pod": a.spec.Pod, "namespace": a.spec.Namespace, "cluster": a.spec.Cluster, "version": a.spec.Version,
	})
}
