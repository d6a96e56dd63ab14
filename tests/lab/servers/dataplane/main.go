// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Command dataplane does what pods of the lab need besides Envoy: the applications' stand-ins, certificates and
// configuration for the proxies, cluster DNS, load balancers. It sits outside of the pods' network namespaces and opens
// its sockets inside of them, so that one small process serves all.
//
// It is told what to do on a unix socket: a request and its reply are one line of JSON each.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
)

// request holds the fields of all operations; each reads its own.
type request struct {
	Op        string              `json:"op"`
	ID        string              `json:"id"`
	Node      string              `json:"node"`
	Namespace string              `json:"netns"`
	App       *appSpec            `json:"app"`
	Identity  *identitySpec       `json:"identity"`
	Pilot     *pilotSpec          `json:"pilot"`
	Address   string              `json:"address"`
	Records   map[string][]string `json:"records"`
	Forwards  []forward           `json:"forwards"`
	HTTP      *httpSpec           `json:"http"`
}

type reply struct {
	Result any    `json:"result"`
	Error  string `json:"error,omitempty"`
}

// state is all that the process serves.
type state struct {
	apps       *apps
	identities *identities
	names      *nameServers
	forwarders *forwarders
}

func main() {
	socket := flag.String("socket", "", "path of the unix socket to listen on")
	flag.Parse()
	if err := run(*socket); err != nil {
		log.Fatal(err)
	}
}

func run(socket string) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return err
	}
	all := &state{
		apps:       newApps(),
		identities: newIdentities(),
		names:      newNameServers(),
		forwarders: newForwarders(),
	}
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go all.serve(connection)
	}
}

func (s *state) serve(connection net.Conn) {
	defer connection.Close()
	reader := bufio.NewReader(connection)
	encoder := json.NewEncoder(connection)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		answer := reply{}
		if err := json.Unmarshal(line, &asked); err != nil {
			answer.Error = err.Error()
		} else if answer.Result, err = s.do(&asked); err != nil {
			answer.Error = err.Error()
		}
		if encoder.Encode(answer) != nil {
			return
		}
	}
}

func (s *state) do(asked *request) (any, error) {
	switch asked.Op {
	case "start":
		return nil, s.apps.start(asked.ID, asked.Namespace, asked.App)
	case "stop":
		return nil, s.apps.stop(asked.ID)
	case "identify":
		return nil, s.identities.add(asked.ID, asked.Node, asked.Identity)
	case "forget":
		s.identities.remove(asked.ID)
		return nil, nil
	case "pilot":
		return nil, s.identities.follow(asked.Node, asked.Pilot)
	case "resolve":
		return nil, s.names.set(asked.Node, asked.Namespace, asked.Address, asked.Records)
	case "unresolve":
		s.names.remove(asked.Node)
		return nil, nil
	case "forward":
		return s.forwarders.set(asked.Node, asked.Forwards), nil
	case "request":
		return doHTTP(asked.Namespace, asked.HTTP), nil
	}
	return nil, fmt.Errorf("no operation %q", asked.Op)
}
