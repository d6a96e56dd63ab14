# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a mesh, while another run removes the mesh or it; clusters and meshes have tests of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound, WaitFailed
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import Unreachable
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule, converge
from ansible_collections.meshops.asm.plugins.modules.asm_gateway import Gateway
from ansible_collections.meshops.asm.plugins.modules.asm_namespace import AsmNamespace
from ansible_collections.meshops.asm.plugins.modules.istio_resource import IstioResource

from ..module_utils.kube.conftest import MemoryApi, api, client, virtual_service
from .test_istio_resource import params_of

__all__ = ["api", "client"]

NAMESPACE, ROUTE = "/api/v1/namespaces/shop", "/apis/networking.istio.io/v1/namespaces/default/virtualservices/reviews"
GATEWAY = f"{gateways.COLLECTION}/ingressgateway"
CASES: dict[str, tuple[type[ResourceModule], dict[str, Any], dict[str, Any]]] = {
    "namespace": (AsmNamespace, {"name": "shop"}, {"name": "shop"}),
    "resource": (IstioResource, {"definition": virtual_service()}, {"definition": virtual_service()}),
    "gateway": (Gateway, {"clusters": ["shop-1"]}, {}),
}
each = pytest.mark.parametrize("case", CASES)


class Account:
    """One mesh, whose control plane is ``api``; ``state`` is None once the mesh is gone."""

    def __init__(self, fake_cloud: Callable[..., Any], client: Any) -> None:
        self.state: str | None = "running"
        self.client = client
        self.cloud: Cloud = fake_cloud(
            DescribeServiceMeshes=lambda: {"ServiceMeshes": [self.mesh] if self.state else []},
            DescribeServiceMeshDetail=lambda **_named: {"ServiceMesh": self.mesh},
            DescribeClustersInServiceMesh={"Clusters": [{"ClusterId": "k1", "Name": "shop-1", "State": "running"}]},
        )

    @property
    def mesh(self) -> dict[str, Any]:
        about = {"ServiceMeshId": "c1", "Name": "shop", "RegionId": "cn-hangzhou", "State": self.state}
        return {"ServiceMeshInfo": about}

    def away(self, *arguments: Any, **more: Any) -> Any:
        raise Unreachable("The API server does not answer.")


@pytest.fixture
def account(
    fake_cloud: Callable[..., Any], api: MemoryApi, client: Any, monkeypatch: pytest.MonkeyPatch, no_waiting: Any
) -> Account:
    made = Account(fake_cloud, client)
    monkeypatch.setattr(gateways, "control_plane", lambda *_arguments: client)
    monkeypatch.setattr(gateways.Departures, "left", lambda *_arguments: [])
    monkeypatch.setattr(
        "ansible_collections.meshops.asm.plugins.module_utils.module.objects.connect", lambda *_a: client
    )
    monkeypatch.setattr("ansible_collections.meshops.asm.plugins.modules.asm_namespace.connect", lambda *_a: client)
    return made


def run(account: Account, case: str, state: str) -> Outcome:
    module, done, undone = CASES[case]
    given = {"mesh": "shop", "state": state, **(done if state == "present" else undone)}
    return converge(module(params_of(module, **given), account.cloud), timeout=3600)


def before(monkeypatch: pytest.MonkeyPatch, account: Account, method: str, what: Callable[[], None]) -> None:
    """``what`` happens before each call of a method of the client, which does not get through then."""

    def instead(*arguments: Any, **more: Any) -> Any:
        what()
        return account.away()

    monkeypatch.setattr(account.client, method, instead)


@pytest.mark.parametrize("ending", [None, "deleting"])
@pytest.mark.parametrize(
    ("case", "method"),
    [(case, method) for case in CASES for method in ("list" if case == "resource" else "get", "delete")],
)
def test_what_was_in_a_mesh_is_gone_with_it(
    account: Account, case: str, ending: str | None, method: str, monkeypatch: pytest.MonkeyPatch, api: MemoryApi
) -> None:
    api.put(NAMESPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    api.put(ROUTE, virtual_service())
    api.put(GATEWAY, {"kind": "IstioGateway", "metadata": {"name": "ingressgateway"}, "spec": {"clusterIds": ["k1"]}})

    def removed() -> None:
        account.state = ending

    before(monkeypatch, account, method, removed)
    outcome = run(account, case, "absent")
    assert outcome.changed is False
    assert not outcome.value or {entry.get("action") for entry in outcome.value} <= {"unchanged", None}


@each
def test_a_mesh_that_goes_while_something_is_put_into_it_is_told(
    account: Account, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed() -> None:
        account.state = None

    for method in ("apply", "create", "merge"):
        before(monkeypatch, account, method, removed)
    with pytest.raises(NotFound, match="'shop' was deleted while this task") as caught:
        run(account, case, "present")
    assert caught.value.code == "Vanished"


@pytest.mark.parametrize(("case", "path"), [("namespace", NAMESPACE), ("gateway", GATEWAY)])
def test_what_another_run_takes_away_again_is_told_at_once(
    account: Account, case: str, path: str, monkeypatch: pytest.MonkeyPatch, api: MemoryApi, no_waiting: Any
) -> None:
    method = "create" if case == "namespace" else "apply"
    real = getattr(account.client, method)

    def taken_away(*arguments: Any, **more: Any) -> Any:
        made = real(*arguments, **more)
        del api.objects[path]
        return made

    monkeypatch.setattr(account.client, method, taken_away)
    with pytest.raises(WaitFailed, match="was removed meanwhile"):
        run(account, case, "present")
    assert no_waiting.pauses == []
