# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load engine against real servers on loopback."""

from __future__ import annotations

import dataclasses
import re
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.probe import engine
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Tls

from .conftest import LocalServer, plan_for, reply

Serve = Callable[..., LocalServer]


def statuses(seen: engine.Observation) -> set[int]:
    return {sample.status for sample in seen.samples}


def errors(seen: engine.Observation) -> list[str]:
    return [sample.error for sample in seen.samples if sample.error]


def test_every_request_is_sent_once_over_kept_connections(serve: Serve) -> None:
    server = serve(reply("hello"))
    seen = engine.run(plan_for(server.address, count=200, concurrency=4, path="/a?b=c", headers={"x-one": "1"}))
    assert [sample.number for sample in seen.samples] == list(range(200))
    assert statuses(seen) == {200}
    assert len(server.heads) == 200
    assert server.connections == 4
    head = server.heads[0].decode()
    assert head.startswith(f"GET /a?b=c HTTP/1.1\r\nHost: {server.address}\r\n")
    assert "x-one: 1\r\n" in head


def test_who_waits_is_told_how_far_it_is(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TELL_EVERY", 0)
    server = serve(reply())
    told: list[int | None] = []
    engine.run(plan_for(server.address, count=50, concurrency=2), told.append)
    percents = [one for one in told if one is not None]
    assert percents == sorted(told)
    assert len(set(percents)) > 5
    assert (percents[0], percents[-1] <= 100) == (0, True)
    told.clear()
    engine.run(plan_for(server.address, duration=0.05, concurrency=2), told.append)
    assert set(told) == {None}


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-trailer: 1\r\n\r\n", "a"),
        (b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "ok"),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nold", "old"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
    ],
)
def test_all_ways_to_end_a_body(serve: Serve, raw: bytes, body: str) -> None:
    server = serve(raw)
    seen = engine.run(plan_for(server.address, count=3, concurrency=1, by={"regex": "(?s)^.*$"}))
    assert errors(seen) == []
    assert {sample.key for sample in seen.samples} == {body}


def test_an_answer_to_head_has_no_body(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n")
    seen = engine.run(plan_for(server.address, count=3, concurrency=1, method="head", timeout=5))
    assert statuses(seen) == {200}


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not HTTP/1"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", "bad Content-Length"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", "chunk"),
        (b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", "illegal header line"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nshort", "middle of an answer"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + b"x" * 5_000_000, "longer than"),
    ],
)
def test_what_is_no_answer_is_an_error(serve: Serve, raw: bytes, complaint: str) -> None:
    seen = engine.run(plan_for(serve(raw).address, count=1, timeout=5))
    (error,) = errors(seen)
    assert complaint in error


def test_bodies_and_several_requests_in_turn(serve: Serve) -> None:
    def answer(_number: int, head: bytes) -> bytes:
        return reply("", 200 if b"GET /one" in head else 404)

    server = serve(answer)
    requests = [{"path": "/one", "name": "one"}, {"path": "/two", "host": "two.test", "headers": {"x-b": "2"}}]
    seen = engine.run(plan_for(server.address, count=20, concurrency=2, headers={"x-a": "1"}, requests=requests))
    assert [sample.status for sample in seen.samples] == [200, 404] * 10
    second = next(head for head in server.heads if b"/two" in head)
    assert b"Host: two.test\r\n" in second
    assert b"x-a: 1\r\n" in second
    assert b"x-b: 2\r\n" in second


def test_several_addresses_in_turn(serve: Serve) -> None:
    one, two = serve(reply("1")), serve(reply("2"))
    requests = [{"path": "/a"}, {"path": "/b"}]
    engine.run(plan_for(one.address, two.address, count=40, concurrency=1, requests=requests))
    for server in (one, two):
        assert len(server.heads) == 20
        assert {head.split()[1] for head in server.heads} == {b"/a", b"/b"}


def test_rate_and_duration_bound_a_probe(serve: Serve) -> None:
    server = serve(reply())
    seen = engine.run(plan_for(server.address, rate=50, duration=0.5))
    assert 20 <= len(seen.samples) <= 25
    assert seen.seconds >= 0.4


def test_latency_counts_from_when_a_request_was_due(serve: Serve) -> None:
    server = serve(reply(), delay=lambda number: 0.3 if number == 0 else 0)
    seen = engine.run(plan_for(server.address, rate=100, count=20, concurrency=1))
    late = [sample for sample in seen.samples if sample.seconds > 0.1]
    assert len(late) > 10


def test_a_refused_connection_ends_the_probe_early() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    seen = engine.run(plan_for(f"127.0.0.1:{port}", count=5000, concurrency=4))
    assert seen.aborted
    assert len(seen.samples) < 40
    assert set(errors(seen)) == {f"nothing listens on 127.0.0.1:{port}: connection refused"}


def test_an_answer_that_takes_too_long(serve: Serve) -> None:
    server = serve(reply(), delay=lambda number: 3 if number == 0 else 0)
    seen = engine.run(plan_for(server.address, count=2, concurrency=1, timeout=0.2))
    assert [sample.error for sample in seen.samples] == ["no answer within 0.2 s", ""]


def test_retries_by_failure_and_by_status(serve: Serve) -> None:
    def answer(number: int, _head: bytes) -> bytes | None:
        return None if number == 0 else reply("", 503 if number == 1 else 200)

    seen = engine.run(plan_for(serve(answer).address, count=1, retries=3, retry_statuses=[503]))
    assert [sample.status for sample in seen.samples] == [200]
    assert seen.retries == 2


def test_retries_end(serve: Serve) -> None:
    seen = engine.run(plan_for(serve(reply("", 503)).address, count=1, retries=2, retry_statuses=[503]))
    assert statuses(seen) == {503}
    assert seen.retries == 2


def test_a_connection_that_was_closed_while_idle_is_replaced(serve: Serve) -> None:
    """Only where a repetition does no harm: a POST may have been carried out."""

    def answer(number: int, _head: bytes) -> bytes | None:
        return None if number == 1 else reply()

    seen = engine.run(plan_for(serve(answer).address, count=3, concurrency=1))
    assert errors(seen) == []
    assert seen.reconnects == 1
    seen = engine.run(plan_for(serve(answer).address, count=3, concurrency=1, method="POST"))
    assert errors(seen) == ["the server closed the connection before it answered"]


def test_keys(serve: Serve) -> None:
    body = '{"podname": "reviews-v2-x", "reviews": [{"rating": {"stars": 5, "color": "black"}}]}'
    server = serve(reply(body, 200, "X-Version: v2"))

    def keys(by: dict[str, Any]) -> set[str | None]:
        return {sample.key for sample in engine.run(plan_for(server.address, count=2, by=by)).samples}

    assert keys({"header": "x-version"}) == {"v2"}
    assert keys({"regex": r'"podname": "(reviews-v\d)'}) == {"reviews-v2"}
    assert keys({"regex": r"v\d"}) == {"v2"}
    assert keys({"jmespath": "reviews[0].rating.color"}) == {"black"}
    assert keys({"jmespath": "reviews[0].rating"}) == {'{"color": "black", "stars": 5}'}
    assert keys({"status": True}) == {"200"}
    assert keys({"slower_than": 10}) == {"faster"}
    assert keys({"slower_than": 0}) == {"slower"}
    assert keys({"header": "x-else"}) == {None}
    assert keys({"jmespath": "nothing"}) == {None}


def test_a_body_that_is_no_json_has_no_key(serve: Serve) -> None:
    seen = engine.run(plan_for(serve(reply("<html>")).address, count=1, by={"jmespath": "a"}))
    assert seen.samples[0].key is None
    assert seen.unkeyed == "HTTP 200: <html>"


def test_unhappy_answers_are_quoted(serve: Serve) -> None:
    seen = engine.run(plan_for(serve(reply("no  healthy\nupstream", 503)).address, count=2))
    assert seen.excerpts == {503: "no healthy upstream"}


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for shop.test with its key, in one PEM file."""
    from datetime import datetime, timedelta, timezone

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "shop.test")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


@pytest.fixture
def secure(serve: Serve, certificate: Path) -> LocalServer:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return serve(reply("hello"), context=context)


def test_tls_with_the_name_of_the_host_and_a_ca(secure: LocalServer, certificate: Path) -> None:
    for options in ({"host": "shop.test"}, {"tls": {"server_name": "shop.test", "ca": str(certificate)}}):
        plan = plan_for(secure.address, count=4, **{"tls": {"ca": str(certificate)}, **options})
        assert statuses(engine.run(plan)) == {200}


def test_a_ca_as_text(secure: LocalServer, certificate: Path) -> None:
    text = re.sub(r"(?s)-----BEGIN PRIVATE.*", "", certificate.read_text())
    assert statuses(engine.run(plan_for(secure.address, count=1, host="shop.test", tls={"ca": text}))) == {200}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"host": "other.test"}, "certificate of 127.0.0.1:.* not accepted for 'other.test'"),
        ({"host": "shop.test", "tls": {}}, "self-signed|unable to get local issuer"),
    ],
)
def test_tls_that_does_not_fit(secure: LocalServer, certificate: Path, options: dict[str, Any], complaint: str) -> None:
    seen = engine.run(plan_for(secure.address, count=1, **{"tls": {"ca": str(certificate)}, **options}))
    (error,) = errors(seen)
    assert re.search(complaint, error), error


@pytest.mark.parametrize("option", ["ca", "client_cert"])
@pytest.mark.parametrize("value", ["S0VZ" * 3000, "a\0S0VZ", "~nobody-of-this-name/S0VZ", "/nowhere/S0VZ"])
def test_what_is_no_certificate_is_not_quoted(option: str, value: str) -> None:
    with pytest.raises(InvalidInput, match="tls: ") as caught:
        engine.tls_context(Tls(**{option: value}))
    assert "S0VZ" not in str(caught.value)


@pytest.mark.parametrize("value", ["x" * 5000, "a\0b"])
def test_a_stop_file_that_cannot_be_one(value: str) -> None:
    with pytest.raises(InvalidInput, match="stop_file is no path"):
        engine.stopped(dataclasses.replace(plan_for("127.0.0.1:1", count=1), stop_file=value))


def test_tls_without_verification(secure: LocalServer) -> None:
    plan = plan_for(secure.address, count=1, host="other.test", tls={"verify": False})
    assert statuses(engine.run(plan)) == {200}


def test_plain_text_where_tls_is_expected(serve: Serve) -> None:
    seen = engine.run(plan_for(serve(reply()).address, count=1, tls={"verify": False}, timeout=2))
    (error,) = errors(seen)
    assert error.startswith(("TLS: 127.0.0.1", "127.0.0.1", "no answer"))


def test_a_ca_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        engine.run(plan_for("127.0.0.1", count=1, tls={"ca": str(tmp_path / "none.pem")}))


def test_a_server_that_ends_the_handshake_for_a_name_is_said() -> None:
    """As Envoy does for a name that no server of its Gateways has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        closing = threading.Thread(target=_close_after_hello, args=(listener, 2))
        closing.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        seen = engine.run(plan_for(address, count=2, tls={"server_name": "cars.example.com"}))
        closing.join()
    assert (
        errors(seen)
        == [f"TLS: {address} ended the connection for 'cars.example.com': it may have no Gateway server with that host"]
        * 2
    )


def _close_after_hello(listener: socket.socket, count: int) -> None:
    for _unused in range(count):
        connection, _address = listener.accept()
        connection.recv(4096)
        connection.close()
