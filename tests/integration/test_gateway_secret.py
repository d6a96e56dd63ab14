# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a gateway by the service's API: made, served, rotated under TLS clients, shown, and deleted."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.meshops.asm.tests.unit.pem import Pair, pair

from .labs import Lab
from .runner import Runner
from .traffic import GATEWAY, NAMESPACE, PATIENCE, Bookinfo

HOST = "books.example.com"
NAME = "it-gateway-tls"
SECRET = f"/api/v1/namespaces/istio-system/secrets/{NAME}"
ABOUT = {"mesh": "bookinfo", "gateway": GATEWAY, "name": NAME}

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Rotate the certificate
      meshops.asm.asm_gateway_secret:
        mesh: bookinfo
        gateway: "{{ gateway }}"
        name: "{{ name }}"
        certificate: "{{ certificate }}"
        private_key: "{{ private_key }}"
"""


def resources() -> list[dict[str, Any]]:
    """A Gateway that serves the certificate, and a route behind it."""
    server = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": [HOST],
        "tls": {"mode": "SIMPLE", "credentialName": NAME},
    }
    metadata = {"name": NAME, "namespace": NAMESPACE}
    api = {"apiVersion": "networking.istio.io/v1", "metadata": metadata}
    route = [{"destination": {"host": "productpage", "port": {"number": 9080}}}]
    return [
        {**api, "kind": "Gateway", "spec": {"selector": {"istio": GATEWAY}, "servers": [server]}},
        {**api, "kind": "VirtualService", "spec": {"hosts": [HOST], "gateways": [NAME], "http": [{"route": route}]}},
    ]


def check(made: Pair) -> dict[str, Any]:
    """The page by HTTPS, for a client that trusts this certificate and no other."""
    tls = {"ca": made.certificate, "server_name": HOST}
    return {"path": "/productpage", "host": HOST, "tls": tls, "count": 8, "expect": {"status": [200]}}


@pytest.fixture(scope="module")
def first(book: Bookinfo) -> Iterator[Pair]:
    """The first certificate; the tests of this file come in the order of its life."""
    made = pair(days=(-1, 5), host=HOST)
    try:
        book.run("istio_resource", mesh="bookinfo", definition=resources())
        yield made
    finally:
        book.lab.control.setting("existing_gateway_secret", "refuse")
        book.run("asm_gateway_secret", **ABOUT, state="absent")
        book.run("istio_resource", mesh="bookinfo", definition=resources(), state="absent")


def test_it_is_made_once_and_served_in_every_cluster(book: Bookinfo, first: Pair, lab: Lab) -> None:
    since = lab.mark()
    done = book.run.converge("asm_gateway_secret", **ABOUT, **first.options())
    assert [entry["action"] for entry in lab.writes(since)] == ["CreateGatewaySecret"]
    found = done["gateway_secret"]
    assert (found["status"], found["days_left"], set(found["clusters"])) == ("normal", 4, {"shop-1", "shop-2"})
    assert not [trace for trace in first.traces() if trace in json.dumps(done)]
    for cluster in ("shop-1", "shop-2"):
        data = lab.kube(lab.cluster_id(cluster)).get(SECRET)["data"]
        assert base64.b64decode(data["tls.key"]).decode() == first.key
    book.holds(**check(first), wait_timeout=PATIENCE)


def test_one_that_ends_soon_is_named(book: Bookinfo, first: Pair) -> None:
    (found,) = book.run("asm_gateway_secret_info", mesh="bookinfo", gateway=GATEWAY, within_days=14)["gateway_secrets"]
    assert (found["name"], found["days_left"]) == (NAME, 4)
    assert book.run("asm_gateway_secret_info", mesh="bookinfo", within_days=3)["gateway_secrets"] == []
    item = {"name": NAME, "gateway": GATEWAY, "certificate": first.certificate}
    seen = book.run("asm_verify", mesh="bookinfo", gateway_secrets=[item])
    assert len(seen["problems"]) == 1
    assert f"certificate {NAME} (shop-1, shop-2): ends in 4 days, at" in seen["problems"][0]
    assert book.run("asm_verify", mesh="bookinfo", gateway_secrets=[{**item, "min_days": 3}])["problems"] == []
    other = {"certificate": pair(host=HOST).certificate, "min_days": 3}
    assert (
        "not as described"
        in book.run("asm_verify", mesh="bookinfo", gateway_secrets=[{**item, **other}])["problems"][0]
    )


@pytest.mark.parametrize("answer", ["overwrite", "refuse"])
def test_after_a_rotation_clients_see_the_new_one(book: Bookinfo, first: Pair, lab: Lab, answer: str) -> None:
    lab.control.setting("existing_gateway_secret", answer)
    renewed = pair(host=HOST)
    play, variables = book.run.folder / "rotate.yml", book.run.folder / "rotate.json"
    play.write_text(PLAY, encoding="utf-8")
    variables.touch(mode=0o600)
    variables.write_text(json.dumps({"gateway": GATEWAY, "name": NAME, **renewed.options()}), encoding="utf-8")
    played = book.run.ansible("ansible-playbook", str(play), "-vvvv", "--diff", "-e", f"@{variables}").ok()
    assert played.recap["changed"] == 1
    assert not [trace for trace in renewed.traces() if trace in played.output + played.errors]
    book.holds(**check(renewed), wait_timeout=PATIENCE)
    book.run.failing("asm_probe", "is not accepted for", mesh="bookinfo", gateway=GATEWAY, **check(first))
    book.run.settled("asm_gateway_secret", **ABOUT, **renewed.options())


def test_bad_input_changes_nothing(book: Bookinfo, first: Pair) -> None:
    good, other, expired = pair(host=HOST), pair(host=HOST), pair(days=(-9, -1), host=HOST)
    run: Runner = book.run
    cases: list[tuple[str, dict[str, Any]]] = [
        ("does not belong to certificate", {"certificate": good.certificate, "private_key": other.key}),
        ("has expired", expired.options()),
        ("certificate is no PEM text", {"certificate": "hello", "private_key": good.key}),
        ("private_key is no PEM text", {"certificate": good.certificate, "private_key": "hello"}),
        ("certificate holds a private key", {"certificate": good.certificate + good.key, "private_key": good.key}),
        ("no name that Kubernetes takes", {**good.options(), "name": "../tls"}),
        ("has no gateway 'it-nothing'", {**good.options(), "gateway": "it-nothing"}),
        ("No mesh with the name or id 'it-nothing'", {**good.options(), "mesh": "it-nothing"}),
        ("certificate, private_key", {}),
    ]
    for words, given in cases:
        result = run.refused("asm_gateway_secret", words, **{**ABOUT, **given})
        assert not [trace for trace in [*good.traces(), *other.traces()] if trace in json.dumps(result)]
    run.refused("asm_gateway_secret_info", "within_days must not be negative", mesh="bookinfo", within_days=-1)


def test_a_secret_of_somebody_else_stays(book: Bookinfo, lab: Lab) -> None:
    path = "/api/v1/namespaces/istio-system/secrets"
    kube = lab.kube(lab.cluster_id("shop-1"))
    kube.create(path, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "it-theirs"}, "type": "Opaque"})
    try:
        about = {"mesh": "bookinfo", "gateway": GATEWAY, "name": "it-theirs"}
        for given in (pair(host=HOST).options(), {"state": "absent"}):
            book.run.refused("asm_gateway_secret", "not of type kubernetes.io/tls in shop-1", **about, **given)
    finally:
        kube.delete(f"{path}/it-theirs")


def test_it_goes_from_every_cluster(book: Bookinfo, first: Pair, lab: Lab) -> None:
    done = book.run.converge("asm_gateway_secret", **ABOUT, state="absent")
    assert done["gateway_secret"] is None
    assert [lab.kube(lab.cluster_id(one)).find(SECRET) for one in ("shop-1", "shop-2")] == [None, None]
    assert book.run("asm_gateway_secret_info", mesh="bookinfo", gateway=GATEWAY)["gateway_secrets"] == []
