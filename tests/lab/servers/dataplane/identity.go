// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/nodeagent/cache"
	"istio.io/istio/security/pkg/nodeagent/caclient/providers/citadel"

	sds "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
)

// pilotSpec is the istiod that a node's proxies belong to; CA is the file with the root of its certificates.
type pilotSpec struct {
	Address string `json:"address"`
	Cluster string `json:"cluster"`
	CA      string `json:"ca"`
}

// identitySpec is what a pod's proxy is: Socket is where its Envoy finds configuration and certificates, Token the file
// with the ServiceAccount token by which istiod knows the pod.
type identitySpec struct {
	Socket    string `json:"socket"`
	Token     string `json:"token"`
	Namespace string `json:"namespace"`
	Account   string `json:"account"`
}

var errNoPilot = errors.New("the cluster is in no mesh")

// identities are all proxies' connections to their istiod.
type identities struct {
	mutex  sync.Mutex
	pilots map[string]*pilot
	pods   map[string]*identity
}

// pilot is a connection that all proxies of a node share.
type pilot struct {
	spec       pilotSpec
	connection *grpc.ClientConn
}

type identity struct {
	spec   identitySpec
	node   string
	server *grpc.Server

	mutex    sync.Mutex
	pilot    *pilot
	changed  chan struct{} // closed when the pilot changes
	secrets  *cache.SecretManagerClient
	watchers map[chan string]struct{}
}

func newIdentities() *identities {
	return &identities{pilots: map[string]*pilot{}, pods: map[string]*identity{}}
}

// follow connects a node's proxies with an istiod, or with none.
func (i *identities) follow(node string, spec *pilotSpec) error {
	var next *pilot
	if spec != nil {
		var err error
		if next, err = dialPilot(*spec); err != nil {
			return err
		}
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	before := i.pilots[node]
	i.pilots[node] = next
	for _, one := range i.pods {
		if one.node == node {
			one.follow(next)
		}
	}
	if before != nil {
		before.connection.Close()
	}
	return nil
}

// add serves a pod's proxy until remove().
func (i *identities) add(id, node string, spec *identitySpec) error {
	i.remove(id)
	listener, err := net.Listen("unix", spec.Socket)
	if err != nil {
		return err
	}
	one := &identity{spec: *spec, node: node, changed: make(chan struct{}), watchers: map[chan string]struct{}{}}
	one.server = grpc.NewServer(grpc.ForceServerCodec(codec{}), grpc.UnknownServiceHandler(one.proxy))
	sds.RegisterSecretDiscoveryServiceServer(one.server, &secretService{identity: one})
	i.mutex.Lock()
	i.pods[id] = one
	one.follow(i.pilots[node])
	i.mutex.Unlock()
	go func() {
		if err := one.server.Serve(listener); err != nil {
			log.Printf("%s: %v", spec.Socket, err)
		}
	}()
	return nil
}

func (i *identities) remove(id string) {
	i.mutex.Lock()
	one := i.pods[id]
	delete(i.pods, id)
	i.mutex.Unlock()
	if one != nil {
		one.server.Stop()
		one.follow(nil)
	}
}

// follow changes the istiod that certificates come from.
func (i *identity) follow(to *pilot) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if i.secrets != nil {
		i.secrets.Close()
		i.secrets = nil
	}
	i.pilot = to
	close(i.changed)
	i.changed = make(chan struct{})
	if to == nil {
		return
	}
	for watcher := range i.watchers {
		notify(watcher, security.WorkloadKeyCertResourceName)
		notify(watcher, security.RootCertReqResourceName)
	}
}

// upstream waits until there is an istiod: Envoy would come again after half a minute only.
func (i *identity) upstream(ctx context.Context) (*pilot, error) {
	for {
		i.mutex.Lock()
		found, changed := i.pilot, i.changed
		i.mutex.Unlock()
		if found != nil {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// secret is a certificate of istiod's authority, signed at the first use and again before it ends.
func (i *identity) secret(name string) (*security.SecretItem, error) {
	i.mutex.Lock()
	if i.secrets == nil {
		if i.pilot == nil {
			i.mutex.Unlock()
			return nil, errNoPilot
		}
		manager, err := i.newManager()
		if err != nil {
			i.mutex.Unlock()
			return nil, err
		}
		i.secrets = manager
	}
	manager := i.secrets
	i.mutex.Unlock()
	return manager.GenerateSecret(name)
}

func (i *identity) newManager() (*cache.SecretManagerClient, error) {
	options := &security.Options{
		CAEndpoint:                           i.pilot.spec.Address,
		CAProviderName:                       "Citadel",
		ClusterID:                            i.pilot.spec.Cluster,
		TrustDomain:                          "cluster.local",
		WorkloadNamespace:                    i.spec.Namespace,
		ServiceAccount:                       i.spec.Account,
		ECCSigAlg:                            "ECDSA",
		ECCCurve:                             "P256",
		Pkcs8Keys:                            true,
		SecretTTL:                            24 * time.Hour,
		SecretRotationGracePeriodRatio:       0.5,
		SecretRotationGracePeriodRatioJitter: 0.01,
		CredFetcher:                          tokenFile(i.spec.Token),
		CAHeaders:                            map[string]string{},
	}
	client, err := citadel.NewCitadelClient(options, &citadel.TLSOptions{RootCert: i.pilot.spec.CA})
	if err != nil {
		return nil, err
	}
	manager, err := cache.NewSecretManagerClient(client, options)
	if err != nil {
		client.Close()
		return nil, err
	}
	manager.RegisterSecretHandler(i.push)
	return manager, nil
}

// push tells all streams of the pod that a certificate was renewed.
func (i *identity) push(name string) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	for watcher := range i.watchers {
		notify(watcher, name)
	}
}

func (i *identity) watch(watcher chan string, on bool) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if on {
		i.watchers[watcher] = struct{}{}
	} else {
		delete(i.watchers, watcher)
	}
}

func notify(watcher chan string, name string) {
	select {
	case watcher <- name:
	default: // full: the stream has something to send anyway
	}
}

func dialPilot(spec pilotSpec) (*pilot, error) {
	pem, err := os.ReadFile(spec.CA)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", spec.CA)
	}
	host, _, err := net.SplitHostPort(spec.Address)
	if err != nil {
		return nil, err
	}
	delays := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: time.Second}
	connection, err := grpc.NewClient(
		spec.Address,
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12})),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: delays, MinConnectTimeout: 5 * time.Second}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		grpc.WithInitialWindowSize(1<<20),
	)
	if err != nil {
		return nil, err
	}
	return &pilot{spec: spec, connection: connection}, nil
}

// tokenFile hands out the ServiceAccount token of a pod, as it is mounted in a real one.
type tokenFile string

// GetPlatformCredential reads the token.
func (t tokenFile) GetPlatformCredential() (string, error) {
	token, err := os.ReadFile(string(t))
	return strings.TrimSpace(string(token)), err
}

// GetIdentityProvider names nobody: the token is Kubernetes' own.
func (t tokenFile) GetIdentityProvider() string { return "" }

// Stop has nothing to stop.
func (t tokenFile) Stop() {}
