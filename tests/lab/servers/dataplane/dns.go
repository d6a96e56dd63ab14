// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver asks the name server of a pod's node, as the pod's resolv.conf says.
type resolver struct {
	Namespace string   `json:"-"`
	Server    string   `json:"server"`
	Search    []string `json:"search"`
}

const dots = 5 // a name with fewer dots is tried with the search list first

var errNoName = errors.New("no such host")

func (r *resolver) lookup(ctx context.Context, name string) (string, error) {
	if net.ParseIP(name) != nil {
		return name, nil
	}
	candidates := []string{}
	if !strings.HasSuffix(name, ".") && strings.Count(name, ".") < dots {
		for _, domain := range r.Search {
			candidates = append(candidates, name+"."+domain)
		}
	}
	candidates = append(candidates, strings.TrimSuffix(name, "."))
	for _, candidate := range candidates {
		address, err := r.ask(ctx, candidate+".")
		if err == nil {
			return address, nil
		}
		if !errors.Is(err, errNoName) {
			return "", fmt.Errorf("lookup %s: %w", name, err)
		}
	}
	return "", fmt.Errorf("lookup %s: %w", name, errNoName)
}

func (r *resolver) ask(ctx context.Context, name string) (string, error) {
	parsed, err := dnsmessage.NewName(name)
	if err != nil {
		return "", err
	}
	message := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(time.Now().UnixNano()), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: parsed, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	packet, err := message.Pack()
	if err != nil {
		return "", err
	}
	connection, err := dialInside(ctx, r.Namespace, "udp4", net.JoinHostPort(r.Server, "53"), time.Second)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	buffer := make([]byte, 4096)
	for range 2 { // a lost packet is sent again
		if _, err = connection.Write(packet); err != nil {
			return "", err
		}
		if err = connection.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
			return "", err
		}
		var size int
		if size, err = connection.Read(buffer); err == nil {
			return firstAddress(buffer[:size])
		}
	}
	return "", err
}

func firstAddress(packet []byte) (string, error) {
	var answer dnsmessage.Message
	if err := answer.Unpack(packet); err != nil {
		return "", err
	}
	for _, record := range answer.Answers {
		if a, ok := record.Body.(*dnsmessage.AResource); ok {
			return net.IP(a.A[:]).String(), nil
		}
	}
	return "", errNoName
}

// nameServers are the cluster DNS servers, one per node.
type nameServers struct {
	mutex   sync.Mutex
	servers map[string]*nameServer
}

type nameServer struct {
	connection net.PacketConn
	mutex      sync.RWMutex
	records    map[string][]string
	turn       int
}

func newNameServers() *nameServers { return &nameServers{servers: map[string]*nameServer{}} }

// set starts a node's server on the first call, and replaces what it knows.
func (n *nameServers) set(node, namespace, address string, records map[string][]string) error {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	server := n.servers[node]
	if server == nil {
		server = &nameServer{}
		err := inside(namespace, func() error {
			var err error
			server.connection, err = net.ListenPacket("udp4", net.JoinHostPort(address, "53"))
			return err
		})
		if err != nil {
			return err
		}
		n.servers[node] = server
		go server.serve()
	}
	server.mutex.Lock()
	server.records = records
	server.mutex.Unlock()
	return nil
}

func (n *nameServers) remove(node string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if server := n.servers[node]; server != nil {
		server.connection.Close()
		delete(n.servers, node)
	}
}

func (s *nameServer) serve() {
	buffer := make([]byte, 4096)
	for {
		size, client, err := s.connection.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer, err := s.answer(buffer[:size]); err == nil {
			_, _ = s.connection.WriteTo(answer, client) // the client asks again
		}
	}
}

func (s *nameServer) answer(packet []byte) ([]byte, error) {
	var message dnsmessage.Message
	if err := message.Unpack(packet); err != nil {
		return nil, err
	}
	message.Response, message.Authoritative, message.RecursionAvailable = true, true, true
	message.Additionals = nil
	if len(message.Questions) != 1 {
		message.RCode = dnsmessage.RCodeFormatError
		return message.Pack()
	}
	question := message.Questions[0]
	name := strings.ToLower(strings.TrimSuffix(question.Name.String(), "."))
	s.mutex.Lock()
	addresses, known := s.records[name]
	s.turn++
	turn := s.turn
	s.mutex.Unlock()
	if !known {
		message.RCode = dnsmessage.RCodeNameError
		return message.Pack()
	}
	if question.Type == dnsmessage.TypeA {
		for index := range addresses {
			var four [4]byte
			copy(four[:], net.ParseIP(addresses[(index+turn)%len(addresses)]).To4())
			header := dnsmessage.ResourceHeader{Name: question.Name, Class: dnsmessage.ClassINET, TTL: 5}
			message.Answers = append(message.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: four}})
		}
	}
	return message.Pack()
}
