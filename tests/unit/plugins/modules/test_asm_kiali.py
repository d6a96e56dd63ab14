# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kiali: switched on and off, changed in part, its secrets never shown nor lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import put
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules import asm_kiali_info
from ansible_collections.meshops.asm.plugins.modules.asm_kiali import Kiali

from .conftest import FakeAsm

UPDATE = "UpdateKialiConfiguration"
OPENID = {"client_id": "kiali", "client_secret": "hush-1", "issuer_uri": "https://id.example.com"}

Json = dict[str, Any]
Run = Callable[..., Outcome]


class Viewing(FakeAsm):
    """``kiali`` is the configuration; ``shown`` says how its secrets are described, ``as_text`` how structures are."""

    def __init__(self) -> None:
        super().__init__()
        self.kiali: Json = {"Enabled": False, "AuthStrategy": "token", "DistributedKialiAccessTokens": "hush"}
        self.shown: Callable[[Json], Json] = dict
        self.as_text = False

    def DescribeKialiConfiguration(self, ServiceMeshId: str) -> Any:
        told = copy.deepcopy(self.kiali)
        if "OpenIdConfig" in told:
            told["OpenIdConfig"] = self.shown(told["OpenIdConfig"])
        if self.as_text:
            told = {key: json.dumps(one) if isinstance(one, dict) else one for key, one in told.items()}
        return told

    def UpdateKialiConfiguration(self, ServiceMeshId: str, **parameters: Any) -> Any:
        for name, value in parameters.items():
            self.kiali[name] = json.loads(value) if str(value).startswith("{") else value
        return self._begin(self._running(ServiceMeshId))


def masked(login: Json) -> Json:
    return {**login, "ClientSecret": "******"}


def left_out(login: Json) -> Json:
    return {key: value for key, value in login.items() if key != "ClientSecret"}


@pytest.fixture
def asm() -> Viewing:
    fake = Viewing()
    fake.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
    fake.meshes["c1"]["ServiceMeshInfo"]["State"] = "running"
    put(fake.meshes["c1"], "Spec.MeshConfig.Telemetry", True)
    return fake


@pytest.fixture
def run(asm: Viewing, task: Callable[..., Json], no_waiting: Any) -> Run:
    def call(*, check: bool = False, mesh: str = "shop", **options: Any) -> Outcome:
        outcome = converge(Kiali(task(Kiali, mesh=mesh, **options), asm), check=check)  # type: ignore[arg-type]
        assert "hush" not in f"{outcome.value} {outcome.plan.before} {outcome.plan.after} {outcome.plan.predicted}"
        return outcome

    return call


def sent(asm: Viewing) -> list[Json]:
    return [{key: one[key] for key in one if key != "ServiceMeshId"} for one in asm.sent(UPDATE)]


def test_it_is_switched_on_and_off(asm: Viewing, run: Run) -> None:
    predicted = run(check=True)
    assert (predicted.changed, asm.written()) == (True, [])
    done = run()
    assert done.value == predicted.value
    assert (done.value["enabled"], done.plan.before) == (True, None)
    assert not run().changed
    assert run(state="absent").value is None
    assert not run(state="absent").changed
    assert sent(asm) == [{"Enabled": True}, {"Enabled": False}]


@pytest.mark.parametrize("as_text", [False, True])
def test_only_what_differs_is_sent_and_structures_are_merged(asm: Viewing, run: Run, as_text: bool) -> None:
    asm.as_text = as_text
    run(server={"fqdn": "kiali.example.com", "port": 443}, public_load_balancer=True)
    asm.calls.clear()
    changed = run(server={"port": 8443}, public_load_balancer=True)
    assert (changed.plan.before["server"]["port"], changed.plan.after["server"]["port"]) == (443, 8443)
    (only,) = sent(asm)
    assert {key: json.loads(value) for key, value in only.items()} == {
        "ServerConfig": {"WebFQDN": "kiali.example.com", "WebPort": 8443}
    }
    assert not run(server={"fqdn": "kiali.example.com"}).changed


def test_annotations_are_replaced_as_a_whole(asm: Viewing, run: Run) -> None:
    run(service_annotations={"k1": {"a": "b"}})
    run(service_annotations={"k2": {"a": "c"}})
    assert asm.kiali["KialiServiceAnnotations"] == {"k2": {"a": "c"}}
    assert not run(service_annotations={"k2": {"a": "c"}}).changed


def test_another_secret_is_shown_as_such(asm: Viewing, run: Run) -> None:
    run(auth_strategy="openid", openid=OPENID, prometheus_tokens={"k1": "hush-2"})
    assert not run(auth_strategy="openid", openid=OPENID, prometheus_tokens={"k1": "hush-2"}).changed
    done = run(prometheus_tokens={"k1": "hush-3"})
    assert (done.plan.before["secrets"], done.plan.after["secrets"]) == ("those that are there", "those of the task")
    assert asm.kiali["KialiArmsAuthTokens"] == {"k1": "hush-3"}


def test_a_password_in_a_url_is_compared_and_never_shown(asm: Viewing, run: Run) -> None:
    url = "https://reader:{}@prometheus.example.com".format
    run(prometheus_url=url("hush-1"))
    assert not run(prometheus_url=url("hush-1")).changed
    done = run(prometheus_url=url("hush-2"))
    assert done.value["prometheus_url"] == done.plan.after["prometheus_url"] == url("***")
    assert (done.plan.before["secrets"], done.plan.after["secrets"]) == ("those that are there", "those of the task")
    assert asm.kiali["CustomPrometheusUrl"] == url("hush-2")
    assert "secrets" not in run(prometheus_url="https://elsewhere.example.com").plan.after


@pytest.mark.parametrize("shown", [masked, left_out])
def test_a_secret_that_is_not_shown_is_not_lost(asm: Viewing, run: Run, shown: Any) -> None:
    run(auth_strategy="openid", openid=OPENID)
    asm.shown = shown
    assert not run(auth_strategy="openid", openid=OPENID).changed
    with pytest.raises(Refused, match=r"openid.client_secret must be given"):
        run(openid={"client_id": "another"})
    run(openid={**OPENID, "client_id": "another"})
    assert (asm.kiali["OpenIdConfig"]["ClientId"], asm.kiali["OpenIdConfig"]["ClientSecret"]) == ("another", "hush-1")
    # What does not send the structure needs no secret.
    run(auth_strategy="token")
    run(auth_strategy="openid")
    assert asm.kiali["OpenIdConfig"]["ClientSecret"] == "hush-1"
    assert run(openid={**OPENID, "client_id": "another", "client_secret": "hush-4"}, renew_secrets=True).changed
    assert asm.kiali["OpenIdConfig"]["ClientSecret"] == "hush-4"


# What can be wrong.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"prometheus_url": "prometheus:9090"}, "prometheus_url must be a URL"),
        ({"openid": {"issuer_uri": "http://"}}, "openid.issuer_uri must be a URL"),
        ({"server": {"port": 0}}, "server.port must be a number from 1 to 65535"),
        ({"server": {"root": "kiali"}}, "server.root must be a path"),
        ({"service_annotations": {"k1": "a"}}, "service_annotations.k1 must be a mapping"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_asked(
    asm: Viewing, run: Run, options: Json, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        run(**options)
    assert asm.calls == []


def test_a_login_needs_its_provider(asm: Viewing, run: Run) -> None:
    with pytest.raises(InvalidInput, match=r"needs openid.client_id and openid.client_secret and openid.issuer_uri"):
        run(auth_strategy="openid")
    with pytest.raises(InvalidInput, match=r"needs openid.client_secret\."):
        run(auth_strategy="openid", openid={key: OPENID[key] for key in ("client_id", "issuer_uri")})
    assert asm.written() == []


def test_it_needs_telemetry(asm: Viewing, run: Run) -> None:
    put(asm.meshes["c1"], "Spec.MeshConfig.Telemetry", "false")
    with pytest.raises(Refused, match="telemetry=true of asm_mesh"):
        run()
    assert not run(state="absent").changed
    assert asm.written() == []


def test_a_mesh_to_come(asm: Viewing, run: Run) -> None:
    assert run(mesh="new", check=True).plan.warnings == ("Mesh 'new' does not exist yet.",)
    with pytest.raises(NotFound):
        run(mesh="new")
    assert not run(mesh="new", state="absent").changed


# The twin.


@pytest.mark.parametrize("addresses", [{"k1": "http://192.0.2.1"}, '{"k1": "http://192.0.2.1"}'])
def test_where_it_is(asm: Viewing, addresses: Any) -> None:
    asm.kiali.update(KialiIstioIngressAddress="http://192.0.2.2", DistributedKialiAddresses=addresses)
    found = asm_kiali_info.read({"mesh": "shop"}, asm)  # type: ignore[arg-type]
    assert found["addresses"] == {
        "managed": "",
        "gateway": "http://192.0.2.2",
        "clusters": {"k1": "http://192.0.2.1"},
    }
    assert (found["state"], "hush" in str(found)) == ("off", False)
