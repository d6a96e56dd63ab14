// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"net"
	"os"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// home is the network namespace that the process was started in.
var home = sync.OnceValues(func() (*os.File, error) { return os.Open("/proc/self/ns/net") })

// inside runs a function with its thread in the network namespace at path ("" for the process's own). Sockets that the
// function makes belong to that namespace for as long as they live.
func inside(path string, function func() error) error {
	if path == "" {
		return function()
	}
	origin, err := home()
	if err != nil {
		return err
	}
	target, err := os.Open(path)
	if err != nil {
		return err
	}
	defer target.Close()
	runtime.LockOSThread()
	if err := unix.Setns(int(target.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return os.NewSyscallError("setns", err)
	}
	result := function()
	// A thread that cannot come back stays locked, and the runtime ends it with the goroutine.
	if err := unix.Setns(int(origin.Fd()), unix.CLONE_NEWNET); err == nil {
		runtime.UnlockOSThread()
	}
	return result
}

// dialInside connects to a numeric address from inside a namespace.
func dialInside(ctx context.Context, path, network, address string, timeout time.Duration) (net.Conn, error) {
	var connection net.Conn
	err := inside(path, func() error {
		dialer := net.Dialer{Timeout: timeout}
		var err error
		connection, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return connection, err
}

// listenInside listens on an address inside a namespace.
func listenInside(path, address string) (net.Listener, error) {
	var listener net.Listener
	err := inside(path, func() error {
		var err error
		listener, err = net.Listen("tcp4", address)
		return err
	})
	return listener, err
}
