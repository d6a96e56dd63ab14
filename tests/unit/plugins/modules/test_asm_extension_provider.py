# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extension providers: what is given is merged into what is there, and secrets are never shown nor lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.mesh.providers import EXTENSION_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules.asm_extension_provider import ExtensionProvider

from .conftest import FakeAsm

NAME, LOGIN = "httpextauth-ours", "httpextauth-login"
SERVICE = {"service": "authz.istio-system.svc.cluster.local", "port": 8000}
OIDC = {
    "client_id": "shop",
    "client_secret": "hush-1",
    "issuer_uri": "https://id.example.com",
    "cookie_secret": "hush-2",
}

Json = dict[str, Any]
Run = Callable[..., Outcome]


class Providing(FakeAsm):
    """``configs`` has the configuration of each provider; ``shown`` says how its secrets are described."""

    def __init__(self) -> None:
        super().__init__()
        self.configs: dict[str, Json] = {}
        self.shown: Callable[[Json], Json] = dict
        self.as_object = False

    def DescribeExtensionProvider(self, ServiceMeshId: str) -> Any:
        rows = []
        for name, config in self.configs.items():
            told = {**config, **({"oidc": self.shown(config["oidc"])} if "oidc" in config else {})}
            kind = name.partition("-")[0]
            rows.append({"Name": name, "Type": kind, "Config": told if self.as_object else json.dumps(told)})
        return {"ExtensionProviderArray": rows}

    def CreateExtensionProvider(self, ServiceMeshId: str, Type: str, Name: str, Config: str) -> Any:
        assert Name not in self.configs
        return self._keep(ServiceMeshId, Type, Name, Config)

    def UpdateExtensionProvider(self, ServiceMeshId: str, Type: str, Name: str, Config: str) -> Any:
        assert Name in self.configs
        return self._keep(ServiceMeshId, Type, Name, Config)

    def DeleteExtensionProvider(self, ServiceMeshId: str, Type: str, Name: str) -> Any:
        del self.configs[Name]
        return self._begin(self._running(ServiceMeshId))

    def _keep(self, mesh: str, kind: str, name: str, config: str) -> Any:
        assert name.startswith(f"{kind}-")
        self.configs[name] = json.loads(config)
        return self._begin(self._running(mesh))


def masked(login: Json) -> Json:
    return {key: "******" if key.endswith("Secret") else value for key, value in login.items()}


def left_out(login: Json) -> Json:
    return {key: value for key, value in login.items() if not key.endswith("Secret")}


@pytest.fixture
def asm() -> Providing:
    fake = Providing()
    fake.CreateServiceMesh(RegionId="cn-hangzhou", Name="shop")
    fake.meshes["c1"]["ServiceMeshInfo"]["State"] = "running"
    return fake


@pytest.fixture
def run(asm: Providing, task: Callable[..., Json], no_waiting: Any) -> Run:
    def call(*, check: bool = False, mesh: str = "shop", name: str = NAME, **options: Any) -> Outcome:
        params = task(ExtensionProvider, mesh=mesh, name=name, **options)
        outcome = converge(ExtensionProvider(params, asm), check=check)  # type: ignore[arg-type]
        told = f"{outcome.value} {outcome.plan.before} {outcome.plan.after} {outcome.plan.predicted}"
        assert "hush" not in told
        return outcome

    return call


def test_it_is_made_changed_and_removed(asm: Providing, run: Run) -> None:
    predicted = run(**SERVICE, timeout="2s", check=True)
    assert (predicted.changed, asm.written()) == (True, [])
    done = run(**SERVICE, timeout="2s")
    assert done.value == predicted.value
    assert asm.configs == {NAME: {**SERVICE, "timeout": "2s"}}
    assert not run(**SERVICE, timeout="2s").changed
    changed = run(port=8001, request_headers=["x-tenant"])
    assert (changed.plan.before["port"], changed.plan.after["port"]) == (8000, 8001)
    assert asm.configs[NAME] == {
        **SERVICE,
        "port": 8001,
        "timeout": "2s",
        "includeRequestHeadersInCheck": ["x-tenant"],
    }
    assert not run(port=8001).changed
    assert run(state="absent").value is None
    assert not run(state="absent").changed
    assert asm.written() == ["CreateExtensionProvider", "UpdateExtensionProvider", "DeleteExtensionProvider"]


def test_what_it_has_no_option_for_stays(asm: Providing, run: Run) -> None:
    asm.configs[NAME] = {**SERVICE, "includeRequestBodyInCheck": {"maxRequestBytes": 100}, "other": "hush"}
    assert run(port=1).value["further"] == ["includeRequestBodyInCheck", "other"]
    assert asm.configs[NAME]["includeRequestBodyInCheck"] == {"maxRequestBytes": 100}


def test_what_is_null_is_not_there(asm: Providing, run: Run) -> None:
    asm.configs[NAME] = {**SERVICE, "timeout": None, "other": None}
    rows = [{"Name": NAME, "Type": "httpextauth", "Config": json.dumps({**asm.configs[NAME], "oidc": None})}]
    asm.answers["DescribeExtensionProvider"] = {"ExtensionProviderArray": rows}
    assert not run(**SERVICE).changed
    assert "oidc" not in run(check=True, oidc=OIDC).plan.before


@pytest.mark.parametrize("as_object", [False, True])
def test_a_login(asm: Providing, run: Run, as_object: bool) -> None:
    asm.as_object = as_object
    login = {**OIDC, "scopes": ["profile"], "cookie_expire": 3600}
    done = run(name=LOGIN, **SERVICE, oidc=login)
    assert asm.configs[LOGIN]["oidc"] == {
        "clientID": "shop",
        "clientSecret": "hush-1",
        "issuerURI": "https://id.example.com",
        "cookieSecret": "hush-2",
        "scopes": ["profile"],
        "cookieExpire": "3600",
    }
    assert done.value["oidc"]["cookie_expire"] == 3600
    assert not run(name=LOGIN, **SERVICE, oidc=login).changed


def test_another_secret_is_a_change_that_the_diff_shows_without_it(asm: Providing, run: Run) -> None:
    run(name=LOGIN, **SERVICE, oidc=OIDC)
    done = run(name=LOGIN, oidc={"client_secret": "hush-3"})
    assert (done.plan.before["secrets"], done.plan.after["secrets"]) == ("those that are there", "those of the task")
    assert asm.configs[LOGIN]["oidc"]["clientSecret"] == "hush-3"
    assert asm.configs[LOGIN]["oidc"]["cookieSecret"] == "hush-2"


@pytest.mark.parametrize("shown", [masked, left_out])
def test_secrets_that_are_not_shown_are_taken_for_the_same(asm: Providing, run: Run, shown: Any) -> None:
    run(name=LOGIN, **SERVICE, oidc=OIDC)
    asm.shown = shown
    before = asm.written()
    assert not run(name=LOGIN, **SERVICE, oidc=OIDC).changed
    assert not run(name=LOGIN, oidc={"client_secret": "hush-3"}).changed
    assert asm.written() == before
    assert run(name=LOGIN, oidc={**OIDC, "client_secret": "hush-3"}, renew_secrets=True).changed
    assert asm.configs[LOGIN]["oidc"]["clientSecret"] == "hush-3"


@pytest.mark.parametrize("shown", [masked, left_out])
def test_a_change_does_not_lose_secrets_that_are_not_shown(asm: Providing, run: Run, shown: Any) -> None:
    run(name=LOGIN, **SERVICE, oidc=OIDC)
    asm.shown = shown
    with pytest.raises(Refused, match=r"oidc.client_secret.*must be given"):
        run(name=LOGIN, port=8001)
    run(name=LOGIN, port=8001, oidc=OIDC)
    assert (asm.configs[LOGIN]["port"], asm.configs[LOGIN]["oidc"]["cookieSecret"]) == (8001, "hush-2")


def test_a_lost_reply_of_a_creation_is_resolved_by_looking(asm: Providing, run: Run) -> None:
    from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import LostReply

    asm.faults["CreateExtensionProvider"] = [(LostReply("No answer."), True)]
    assert run(**SERVICE).changed
    assert asm.written() == ["CreateExtensionProvider"]


# What can be wrong.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "login"}, "begin with the type.*httpextauth-login"),
        ({"name": "httpextauth-Login"}, "small letters"),
        ({"name": "httpextauth-"}, "begin with the type"),
        ({"service": "a b"}, "service must be the name of a service"),
        ({"port": 0}, "port must be a number from 1 to 65535"),
        ({"port": 65536}, "port must be"),
        ({"timeout": "10"}, "timeout must be a time with its unit"),
        ({"status_on_error": "five"}, "status_on_error must be an HTTP status"),
        ({"path_prefix": "check"}, "path_prefix must be a path"),
        ({"oidc": {**OIDC, "issuer_uri": "id.example.com"}}, "oidc.issuer_uri must be a URL"),
        ({"name": "grpcextauth-opa", "path_prefix": "/x"}, "path_prefix is only for httpextauth, not for grpcextauth"),
        ({"name": "grpcextauth-opa", "oidc": OIDC}, "oidc.client_id is only for httpextauth"),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_asked(
    asm: Providing, run: Run, options: Json, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        run(**{**SERVICE, **options})
    assert asm.calls == []


@pytest.mark.parametrize(
    ("options", "lacking"),
    [
        ({}, "service and port"),
        ({"service": "a"}, "port"),
        ({**SERVICE, "oidc": {"client_secret": "hush"}}, "oidc.client_id and oidc.issuer_uri"),
    ],
)
def test_a_new_one_needs_some_things(asm: Providing, run: Run, options: Json, lacking: str) -> None:
    with pytest.raises(InvalidInput, match=f"The provider needs {lacking}"):
        run(**options)
    assert asm.written() == []


def test_a_new_login_needs_its_secret(asm: Providing, run: Run) -> None:
    without = {key: value for key, value in OIDC.items() if key != "client_secret"}
    with pytest.raises(Refused, match=r"oidc.client_secret must be given"):
        run(**SERVICE, oidc=without)


def test_a_mesh_to_come(asm: Providing, run: Run) -> None:
    assert run(mesh="new", **SERVICE, check=True).plan.warnings == ("Mesh 'new' does not exist yet.",)
    with pytest.raises(NotFound):
        run(mesh="new", **SERVICE)
    assert not run(mesh="new", state="absent").changed


@pytest.mark.parametrize("config", ["no JSON", "[1]", '{"oidc": [1]}'])
def test_a_description_that_is_none(asm: Providing, run: Run, config: str) -> None:
    rows = [{"Name": NAME, "Type": "httpextauth", "Config": config}]
    asm.answers["DescribeExtensionProvider"] = {"ExtensionProviderArray": rows}
    with pytest.raises(AsmError, match="Config is no JSON object") as caught:
        run(**SERVICE)
    assert caught.value.code == "UnexpectedReply"


def test_secrets_are_rows_that_no_log_shows() -> None:
    secret = {row.option for row in EXTENSION_ATTRIBUTES if "secret" in row.option}
    assert (
        secret
        == {row.option for row in EXTENSION_ATTRIBUTES if row.no_log}
        == {
            "oidc.client_secret",
            "oidc.cookie_secret",
        }
    )
