// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"io"
	"log"
	"net"
	"sync"
	"time"
)

// forward passes connections to Listen on to Target, connecting from inside Namespace. Listen is an address of the host,
// or of the namespace From.
type forward struct {
	From      string `json:"from"`
	Listen    string `json:"listen"`
	Namespace string `json:"netns"`
	Target    string `json:"target"`
}

// key tells forwards apart: every namespace has addresses of its own.
func (f forward) key() string { return f.From + " " + f.Listen }

// forwarders are the load balancers of all clusters, and what leads from the host to pods and back.
type forwarders struct {
	mutex  sync.Mutex
	active map[string]*forwarder
}

type forwarder struct {
	owner    string
	listener net.Listener
	mutex    sync.Mutex
	to       forward
	open     map[net.Conn]struct{}
}

func newForwarders() *forwarders { return &forwarders{active: map[string]*forwarder{}} }

// set replaces an owner's forwards; the answer says which could not be had, and why.
func (f *forwarders) set(owner string, wanted []forward) map[string]string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	problems := map[string]string{}
	keep := map[string]bool{}
	for _, one := range wanted {
		keep[one.key()] = true
	}
	for key, active := range f.active {
		if active.owner == owner && !keep[key] {
			active.close()
			delete(f.active, key)
		}
	}
	for _, one := range wanted {
		active := f.active[one.key()]
		if active == nil {
			listener, err := listenInside(one.From, one.Listen)
			if err != nil {
				problems[one.Listen] = err.Error()
				continue
			}
			active = &forwarder{owner: owner, listener: listener, open: map[net.Conn]struct{}{}}
			f.active[one.key()] = active
			active.to = one
			go active.serve()
			continue
		}
		active.mutex.Lock()
		active.to, active.owner = one, owner
		active.mutex.Unlock()
	}
	return problems
}

func (f *forwarder) close() {
	f.listener.Close()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for connection := range f.open {
		connection.Close()
	}
}

func (f *forwarder) serve() {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return
		}
		go f.pass(client.(*net.TCPConn))
	}
}

func (f *forwarder) pass(client *net.TCPConn) {
	f.mutex.Lock()
	to := f.to
	f.mutex.Unlock()
	connection, err := dialInside(context.Background(), to.Namespace, "tcp4", to.Target, 3*time.Second)
	if err != nil {
		log.Printf("load balancer %s: %v", to.Listen, err)
		_ = client.SetLinger(0) // a reset tells the client at once
		client.Close()
		return
	}
	server := connection.(*net.TCPConn)
	f.mutex.Lock()
	f.open[client] = struct{}{}
	f.mutex.Unlock()
	done := make(chan struct{})
	go func() {
		copyHalf(server, client)
		close(done)
	}()
	copyHalf(client, server)
	<-done
	client.Close()
	server.Close()
	f.mutex.Lock()
	delete(f.open, client)
	f.mutex.Unlock()
}

// copyHalf copies one direction; the end of the source is passed on, a failure ends both.
func copyHalf(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		_ = to.SetLinger(0)
		to.Close()
		from.Close()
		return
	}
	_ = to.CloseWrite()
}
