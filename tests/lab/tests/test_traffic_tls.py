# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gateways serve the certificates of Secrets in their own cluster, by the name that the client asks for."""

from __future__ import annotations

import base64
import contextlib
import functools
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from meshlab import pki
from meshlab.gatewayobjects import path
from shop import ONE, TWO, Shop, settles

_SECRETS = "/api/v1/namespaces/istio-system/secrets"
_HOSTS = {"shop-cert": "shop.example.com", "tea-cert": "tea.example.com"}

_GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: secure}
spec:
  selector: {istio: ingressgateway}
  servers:
    - port: {number: 443, name: https-shop, protocol: HTTPS}
      hosts: [shop.example.com]
      tls: {mode: SIMPLE, credentialName: shop-cert}
    - port: {number: 443, name: https-tea, protocol: HTTPS}
      hosts: [tea.example.com]
      tls: {mode: SIMPLE, credentialName: tea-cert}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: secure}
spec:
  hosts: [shop.example.com, tea.example.com]
  gateways: [secure]
  http: [{route: [{destination: {host: productpage, port: {number: 9080}}}]}]
"""


class _Client:
    """Asks for the page by HTTPS and trusts one authority only."""

    def __init__(self, shop: Shop, authority: pki.Authority) -> None:
        self._shop = shop
        self._context = ssl.create_default_context(cadata=authority.certificate_pem)

    def certificate(self, name: str, cluster: str = ONE) -> bytes:
        """The certificate (DER) that a client gets who asks for ``name``; empty when there is no connection."""
        with contextlib.suppress(OSError), self._connected(name, cluster) as secure:
            return secure.getpeercert(binary_form=True) or b""
        return b""

    def gets(self, wanted: bytes, name: str, cluster: str = ONE) -> bool:
        """Whether it is this certificate."""
        return self.certificate(name, cluster) == wanted

    def page(self, name: str, cluster: str = ONE) -> bytes:
        """All that the gateway answers to a request for the page."""
        with self._connected(name, cluster) as secure:
            head = f"GET /productpage HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
            secure.sendall(head.encode())
            return b"".join(iter(lambda: secure.recv(65536), b""))

    @contextlib.contextmanager
    def _connected(self, name: str, cluster: str) -> Iterator[ssl.SSLSocket]:
        plain = socket.create_connection((self._shop.gateways[cluster], 443), 3.0)
        with plain, self._context.wrap_socket(plain, server_hostname=name) as secure:
            yield secure


@pytest.fixture
def authority(tmp_path: Path) -> pki.Authority:
    return pki.Authority(tmp_path, "example authority")


@pytest.fixture
def served(shop: Shop, authority: pki.Authority) -> Iterator[dict[str, str]]:
    """The certificates (PEM) of both hosts, in Secrets of both clusters, while a Gateway names them."""
    certificates = {}
    for secret, host in _HOSTS.items():
        certificates[secret] = _put(shop, authority, secret, host)
    try:
        with shop.with_resources(_GATEWAY):
            yield certificates
    finally:
        for cluster in (ONE, TWO):
            for secret in _HOSTS:
                shop.api(cluster).delete(f"{_SECRETS}/{secret}")


def _put(shop: Shop, authority: pki.Authority, secret: str, host: str) -> str:
    """A new certificate of a host, put in both clusters."""
    key = pki.new_key()
    certificate = authority.server(host, dns=[host], addresses=[], key=key)
    files = {"tls.crt": certificate, "tls.key": pki.key_pem(key)}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": secret}, "type": "kubernetes.io/tls"}
    for cluster in (ONE, TWO):
        shop.api(cluster).apply(f"{_SECRETS}/{secret}", {**body, "data": data}, manager="test")
    return certificate


def test_each_name_gets_its_certificate(shop: Shop, authority: pki.Authority, served: dict[str, str]) -> None:
    client = _Client(shop, authority)
    for secret, host in _HOSTS.items():
        wanted = ssl.PEM_cert_to_DER_cert(served[secret])
        for cluster in (ONE, TWO):
            settles(functools.partial(client.gets, wanted, host, cluster), 3)
        answer = client.page(host)
        assert answer.startswith(b"HTTP/1.1 200") and b"<u>reviews-v" in answer
    assert client.certificate("other.example.com") == b""  # no server has this name


def test_a_renewed_certificate_is_served_soon(shop: Shop, authority: pki.Authority, served: dict[str, str]) -> None:
    client = _Client(shop, authority)
    renewed = ssl.PEM_cert_to_DER_cert(_put(shop, authority, "shop-cert", _HOSTS["shop-cert"]))
    settles(functools.partial(client.gets, renewed, _HOSTS["shop-cert"]), 3)
    assert client.certificate(_HOSTS["tea-cert"]) == ssl.PEM_cert_to_DER_cert(served["tea-cert"])


def test_the_gateway_may_read_secrets_of_its_namespace_only(shop: Shop) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "system:serviceaccount:istio-system:istio-ingressgateway"},
    }

    def allowed(namespace: str, verb: str) -> bool:
        attributes = {"namespace": namespace, "verb": verb, "resource": "secrets"}
        asked = {**review, "spec": {**review["spec"], "resourceAttributes": attributes}}
        answer = shop.api(ONE).create("/apis/authorization.k8s.io/v1/subjectaccessreviews", asked)
        return bool(answer["status"]["allowed"])

    assert allowed("istio-system", "list") and allowed("istio-system", "get")
    assert not allowed("bookinfo", "get") and not allowed("istio-system", "update")
    for kind in ("Role", "RoleBinding"):
        assert shop.api(TWO).find(path(kind, "ingressgateway"))
