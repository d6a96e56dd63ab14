# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_extension_provider on the shared mesh: services that decide about requests, and policies that name them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Shop
from .labs import Lab
from .runner import Runner

MODULE = "asm_extension_provider"
NAME, LOGIN, OPA = "httpextauth-it", "httpextauth-it-login", "grpcextauth-it-opa"
SERVICE = {"service": "authz.istio-system.svc.cluster.local", "port": 8000}
OIDC = {
    "client_id": "shop",
    "client_secret": "hush-client-secret",
    "issuer_uri": "https://id.example.com",
    "cookie_secret": "hush-cookie-secret",
}

Json = dict[str, Any]


@pytest.fixture
def mesh(lab: Lab, run: Runner, shop: Shop) -> Iterator[str]:
    """The mesh, from which the providers are taken afterwards."""
    yield shop.name
    lab.control.setting("extension_provider_secrets", "shown")
    for name in (NAME, LOGIN, OPA):
        run(MODULE, mesh=shop.name, name=name, state="absent")


def policy(provider: str) -> Json:
    spec = {"action": "CUSTOM", "provider": {"name": provider}, "rules": [{"to": [{"operation": {"paths": ["/it*"]}}]}]}
    metadata = {"name": "it-custom", "namespace": "default"}
    return {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}


def told(result: Json) -> str:
    """Everything that a result says; the tests' own secrets must not be in it."""
    text = json.dumps(result)
    assert "hush" not in text
    return text


def test_it_is_made_changed_and_removed(lab: Lab, run: Runner, shop: Shop, mesh: str) -> None:
    made = run.converge(MODULE, mesh=mesh, name=NAME, **SERVICE, timeout="2s", request_headers=["x-tenant"])
    assert (made["provider"]["type"], made["provider"]["port"]) == ("httpextauth", 8000)
    run.converge(MODULE, mesh=mesh, name=OPA, **SERVICE)
    changed = run.converge(MODULE, mesh=mesh, name=NAME, port=8001)
    assert (changed["diff"]["before"]["port"], changed["provider"]["timeout"]) == (8000, "2s")
    kept = lab.control.records("meshes")[shop.id]["hidden"]["ExtensionProviders"]
    assert {one["Name"]: json.loads(one["Config"])["port"] for one in kept} == {NAME: 8001, OPA: 8000}
    assert run.converge(MODULE, mesh=mesh, name=NAME, state="absent")["provider"] is None


@pytest.mark.parametrize("shown", ["shown", "masked"])
def test_secrets_are_never_told_nor_lost(lab: Lab, run: Runner, shop: Shop, mesh: str, shown: str) -> None:
    lab.control.setting("extension_provider_secrets", shown)
    login = {"mesh": mesh, "name": LOGIN, "oidc": OIDC}
    told(run(MODULE, **SERVICE, **login))
    told(run.settled(MODULE, **SERVICE, **login))
    told(run(MODULE, port=4180, **login))
    another = {**OIDC, "client_secret": "hush-another-one"}
    done = run(MODULE, **{**login, "oidc": another}, renew_secrets=shown != "shown")
    assert done["changed"] and "those of the task" in told(done)
    (kept,) = lab.control.records("meshes")[shop.id]["hidden"]["ExtensionProviders"]
    assert json.loads(kept["Config"])["oidc"]["clientSecret"] == "hush-another-one"
    assert json.loads(kept["Config"])["oidc"]["cookieSecret"] == "hush-cookie-secret"
    if shown != "shown":
        told(run.refused(MODULE, "client_secret", "must be given", mesh=mesh, name=LOGIN, port=4181))


def test_lint_tells_a_policy_whose_provider_is_not_there(run: Runner, mesh: str) -> None:
    given = {"mesh": mesh, "definition": policy(NAME), "lint": True, "check": True}
    (found,) = run("istio_resource", **given)["findings"]
    assert (found["code"], found["severity"], found["place"]) == ("ASM008", "warning", "spec.provider.name")
    run(MODULE, mesh=mesh, name=NAME, **SERVICE)
    assert run("istio_resource", **given)["findings"] == []


def test_bad_input(run: Runner, shop: Shop) -> None:
    given = {"mesh": shop.name, **SERVICE}
    run.refused(MODULE, "name is 'login'", "httpextauth-login", name="login", **given)
    run.refused(MODULE, "port must be a number from 1 to 65535", name=NAME, **{**given, "port": 0})
    run.refused(MODULE, "oidc.client_id is only for httpextauth", name=OPA, oidc=OIDC, **given)
    run.refused(MODULE, "The provider needs service and port", name=NAME, mesh=shop.name)
    run.refused(MODULE, "'it-nowhere'", name=NAME, **{**given, "mesh": "it-nowhere"})
    run.refused(MODULE, "oidc has no option 'clientid'", "client_id", name=NAME, oidc={"clientid": "x"}, **given)
