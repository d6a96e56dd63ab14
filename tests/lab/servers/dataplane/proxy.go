// Copyright: (c) 2026, the meshops.asm authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"istio.io/istio/pkg/security"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	sds "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
)

// frame is a message that is passed on as it is.
type frame struct{ data []byte }

// codec leaves frames alone and encodes everything else as protocol buffers.
type codec struct{}

// Marshal encodes a message.
func (codec) Marshal(message any) ([]byte, error) {
	switch one := message.(type) {
	case *frame:
		return one.data, nil
	case proto.Message:
		return proto.Marshal(one)
	}
	return nil, fmt.Errorf("a %T cannot be sent", message)
}

// Unmarshal decodes a message.
func (codec) Unmarshal(data []byte, message any) error {
	switch one := message.(type) {
	case *frame:
		one.data = slices.Clone(data) // the buffer is used again
		return nil
	case proto.Message:
		return proto.Unmarshal(data, one)
	}
	return fmt.Errorf("a %T cannot be received", message)
}

// Name is that of the encoding on the wire.
func (codec) Name() string { return "proto" }

// proxy passes a stream of configuration on to istiod, in the pod's name.
func (i *identity) proxy(_ any, down grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(down)
	pilot, err := i.upstream(down.Context())
	if err != nil {
		return err
	}
	token, err := tokenFile(i.spec.Token).GetPlatformCredential()
	if err != nil {
		return status.Error(codes.Unauthenticated, err.Error())
	}
	ctx, cancel := context.WithCancel(down.Context())
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token, "clusterid", pilot.spec.Cluster)
	description := &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
	up, err := pilot.connection.NewStream(ctx, description, method, grpc.ForceCodec(codec{}), grpc.WaitForReady(true),
		grpc.MaxCallRecvMsgSize(1<<28))
	if err != nil {
		return err
	}
	fromPilot, fromProxy := make(chan error, 1), make(chan error, 1)
	go func() { fromPilot <- pump(up, down) }()
	go func() {
		err := pump(down, up)
		if err == nil {
			err = up.CloseSend()
		}
		fromProxy <- err
	}()
	for {
		select {
		case err := <-fromPilot:
			if err == nil {
				err = status.Error(codes.Unavailable, "istiod ended the stream")
			}
			return err
		case err := <-fromProxy:
			if err != nil && !errors.Is(err, io.EOF) { // EOF: the stream's end is told by the other direction
				return err
			}
			fromProxy = nil
		}
	}
}

type sender interface{ SendMsg(any) error }
type receiver interface{ RecvMsg(any) error }

// pump copies messages until the source ends.
func pump(from receiver, to sender) error {
	for {
		var message frame
		if err := from.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := to.SendMsg(&message); err != nil {
			return err
		}
	}
}

// retryAfter is the time between two attempts to get a certificate from an istiod that is away.
const retryAfter = 500 * time.Millisecond

const secretType = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"

// secretService is Envoy's secret discovery for one pod.
type secretService struct {
	sds.UnimplementedSecretDiscoveryServiceServer
	identity *identity
}

// StreamSecrets sends the certificates that are asked for, and again whenever they are renewed.
func (s *secretService) StreamSecrets(stream sds.SecretDiscoveryService_StreamSecretsServer) error {
	renewed := make(chan string, 8)
	s.identity.watch(renewed, true)
	defer s.identity.watch(renewed, false)
	requests, failed := make(chan *discovery.DiscoveryRequest), make(chan error, 1)
	go func() {
		for {
			asked, err := stream.Recv()
			if err != nil {
				failed <- err
				return
			}
			select {
			case requests <- asked:
			case <-stream.Context().Done():
				return
			}
		}
	}()
	var names []string
	version := 0
	send := func() error {
		version++
		answer := &discovery.DiscoveryResponse{TypeUrl: secretType, VersionInfo: strconv.Itoa(version), Nonce: strconv.Itoa(version)}
		for _, name := range names {
			item, err := s.identity.secret(name)
			for err != nil { // Envoy would come again after half a minute only
				select {
				case <-stream.Context().Done():
					return status.Errorf(codes.Unavailable, "%s: %v", name, err)
				case <-time.After(retryAfter):
				}
				item, err = s.identity.secret(name)
			}
			packed, err := anypb.New(envoySecret(name, item))
			if err != nil {
				return err
			}
			answer.Resources = append(answer.Resources, packed)
		}
		return stream.Send(answer)
	}
	for {
		select {
		case err := <-failed:
			return err
		case <-stream.Context().Done():
			return nil
		case name := <-renewed:
			if slices.Contains(names, name) {
				if err := send(); err != nil {
					return err
				}
			}
		case asked := <-requests:
			answered := asked.ResponseNonce != "" && slices.Equal(asked.ResourceNames, names)
			names = asked.ResourceNames
			if answered || len(names) == 0 {
				continue // an acknowledgement, or nothing is wanted any more
			}
			if err := send(); err != nil {
				return err
			}
		}
	}
}

func envoySecret(name string, item *security.SecretItem) *tls.Secret {
	inline := func(data []byte) *core.DataSource {
		return &core.DataSource{Specifier: &core.DataSource_InlineBytes{InlineBytes: data}}
	}
	if name == security.RootCertReqResourceName {
		trust := &tls.CertificateValidationContext{TrustedCa: inline(item.RootCert)}
		return &tls.Secret{Name: name, Type: &tls.Secret_ValidationContext{ValidationContext: trust}}
	}
	pair := &tls.TlsCertificate{CertificateChain: inline(item.CertificateChain), PrivateKey: inline(item.PrivateKey)}
	return &tls.Secret{Name: name, Type: &tls.Secret_TlsCertificate{TlsCertificate: pair}}
}
