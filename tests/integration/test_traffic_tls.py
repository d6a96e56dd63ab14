# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTPS at a gateway, made and seen by the collection: Secret, Gateway with ``credentialName``, probe with SNI."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.meshops.asm.tests.unit.pem import pair

from .runner import Result
from .traffic import GATEWAY, NAMESPACE, PATIENCE, Bookinfo

HOST = "books.example.com"
CLUSTERS = ("shop-1", "shop-2")

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Put the Secret
      meshops.asm.asm_workload:
        cluster: "{{ item }}"
        definition: "{{ secret }}"
        state: "{{ wanted }}"
      loop: "{{ clusters }}"
"""


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate of HOST, both parts PEM."""

    public: str
    key: str

    @property
    def secret(self) -> dict[str, Any]:
        metadata = {"name": "it-tls", "namespace": "istio-system"}
        files = {"tls.crt": self.public, "tls.key": self.key}
        kind = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
        return {**kind, "metadata": metadata, "stringData": files}

    def traces(self) -> list[str]:
        """What would show that the key has leaked: its middle lines, as they are and as a Secret has them."""
        lines = self.key.splitlines()[1:-1]
        encoded = base64.b64encode(self.key.encode()).decode()
        return [*lines, *(encoded[at : at + 60] for at in range(60, len(encoded) - 60, 60))]


def certificate() -> Certificate:
    made = pair(days=(-1, 1), host=HOST)
    return Certificate(made.certificate, made.key)


def gateway(host: str = "*") -> dict[str, Any]:
    """A Gateway that serves the certificate to whoever asks for ``host``."""
    server = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": [host],
        "tls": {"mode": "SIMPLE", "credentialName": "it-tls"},
    }
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": "it-tls", "namespace": NAMESPACE},
        "spec": {"selector": {"istio": GATEWAY}, "servers": [server]},
    }


def route() -> dict[str, Any]:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "it-tls", "namespace": NAMESPACE},
        "spec": {
            "hosts": ["*"],
            "gateways": ["it-tls"],
            "http": [{"route": [{"destination": {"host": "productpage", "port": {"number": 9080}}}]}],
        },
    }


def put(book: Bookinfo, made: Certificate, *clusters: str, state: str = "present") -> int:
    """Puts the Secret into clusters with a playbook that tells all it can; nothing of the key is told.

    Returns in how many of them something changed.
    """
    play, variables = book.run.folder / "secret.yml", book.run.folder / "variables.yml"
    play.write_text(PLAY, encoding="utf-8")
    variables.touch(mode=0o600)
    given = {"secret": made.secret, "wanted": state, "clusters": clusters or CLUSTERS}
    variables.write_text(json.dumps(given), encoding="utf-8")
    played = book.run.ansible("ansible-playbook", str(play), "-vvvv", "--diff", "-e", f"@{variables}").ok()
    told = [trace for trace in made.traces() if trace in played.output + played.errors]
    assert told == []
    return played.output.count("changed: [localhost] => (item=")


@pytest.fixture(scope="module")
def served(book: Bookinfo) -> Iterator[Certificate]:
    """The certificate, in Secrets of both clusters and named by a Gateway."""
    made = certificate()
    try:
        assert put(book, made) == len(CLUSTERS)
        book.run.converge("istio_resource", mesh="bookinfo", definition=[gateway(), route()])
        yield made
    finally:
        book.run("istio_resource", mesh="bookinfo", definition=[gateway(), route()], state="absent")
        put(book, made, state="absent")


def probe(made: Certificate, **more: Any) -> dict[str, Any]:
    """A check of the page by HTTPS."""
    tls = {"ca": made.public, "server_name": more.pop("server_name", HOST)}
    return {"path": "/productpage", "host": HOST, "tls": tls, "count": 20, "expect": {"status": [200]}, **more}


def wrong(book: Bookinfo, *words: str, **check: Any) -> Result:
    return book.run.failing("asm_probe", *words, mesh="bookinfo", gateway=GATEWAY, **check)


def test_the_page_is_served_by_https(book: Bookinfo, served: Certificate) -> None:
    book.holds(**probe(served), wait_timeout=PATIENCE)  # the certificate arrives within a moment
    result = book.run("asm_probe", mesh="bookinfo", gateway=GATEWAY, **probe(served))
    assert result["statuses"] == {"200": 20}
    assert len(result["by_address"]) == len(CLUSTERS)


def test_another_name_than_the_certificates_is_a_mismatch(book: Bookinfo, served: Certificate) -> None:
    book.holds(**probe(served), wait_timeout=PATIENCE)
    words = ("TLS: the certificate of ", "is not accepted for 'cars.example.com'", "Hostname mismatch")
    wrong(book, *words, **probe(served, server_name="cars.example.com"))
    book.holds(**{**probe(served), "tls": {"verify": False, "server_name": "cars.example.com"}})


def test_an_authority_that_is_not_trusted(book: Bookinfo, served: Certificate) -> None:
    wrong(book, f"is not accepted for '{HOST}'", "self-signed", **{**probe(served), "tls": {"server_name": HOST}})


def test_a_name_that_no_server_has(book: Bookinfo, served: Certificate) -> None:
    book.run("istio_resource", mesh="bookinfo", definition=[gateway(HOST)])
    try:
        book.holds(**probe(served), wait_timeout=PATIENCE)
        book.fails(
            "None of 20 ",
            "ended the connection for 'cars.example.com'",
            **probe(served, server_name="cars.example.com"),
        )
    finally:
        book.run("istio_resource", mesh="bookinfo", definition=[gateway()])


def test_a_secret_that_goes_and_comes_back(book: Bookinfo, served: Certificate) -> None:
    """HTTP is not touched by it, and HTTPS needs nothing else than the Secret."""
    put(book, served, state="absent")
    try:
        book.holds(path="/productpage", count=20, expect={"status": [200]})
    finally:
        put(book, served)
    book.holds(**probe(served), wait_timeout=PATIENCE)


def test_a_renewed_certificate_is_served_soon(book: Bookinfo, served: Certificate) -> None:
    renewed = certificate()
    try:
        assert put(book, renewed, "shop-1") == 1
        assert put(book, renewed, "shop-1") == 0
        book.holds(**probe(renewed), cluster="shop-1", wait_timeout=PATIENCE)
        wrong(book, "is not accepted for", **probe(served), cluster="shop-1")
        book.holds(**probe(served), cluster="shop-2")
    finally:
        put(book, served, "shop-1")
    book.holds(**probe(served), wait_timeout=PATIENCE)
