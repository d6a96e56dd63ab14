# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""istio_resource and asm_workload as modules: options, target, results."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import ClusterAccess
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Plan, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.module import connection as options
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule
from ansible_collections.meshops.asm.plugins.modules.asm_workload import AsmWorkload
from ansible_collections.meshops.asm.plugins.modules.istio_resource import IstioResource

from ..module_utils.kube.conftest import MemoryApi, api, kubeconfig, virtual_service

__all__ = ["api"]

Json = dict[str, Any]
STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": {"replicas": 0}}


def params_of(module: type[ResourceModule], **given: Any) -> Json:
    """The validated options, as run_resource would pass them."""
    known = {"mutually_exclusive", "required_one_of", "required_together", "required_by", "required_if"}
    rules = {name: rule for name, rule in module.rules.items() if name in known}
    waiting = {"wait_timeout": {"type": "int", "default": 5}}
    result = ArgumentSpecValidator({"state": STATE, **waiting, **module.options}, **rules).validate(given)
    assert not result.error_messages, result.error_messages
    return result.validated_parameters


def refused(module: type[ResourceModule], **given: Any) -> str:
    result = ArgumentSpecValidator({"state": STATE, **module.options}, **module.rules).validate(given)
    return " ".join(result.error_messages)


def test_an_object_is_applied_and_reported(api: MemoryApi) -> None:
    given = {"kubeconfig": kubeconfig(api.url), "definition": virtual_service(), "set": "shop"}
    module = IstioResource(params_of(IstioResource, **given), None)
    outcome = reconcile(module)
    assert (outcome.changed, module.objects.wrote()) == (True, True)
    assert module.extra(outcome.plan) == {
        "resources": outcome.value,
        "summary": {"created": 1, "updated": 0, "unchanged": 0, "deleted": 0, "failed": 0, "skipped": 0},
    }
    stored = api.objects["/apis/networking.istio.io/v1/namespaces/default/virtualservices/reviews"]
    assert stored["metadata"]["labels"] == {"meshops.asm/set": "shop"}


def test_with_a_kubeconfig_a_removal_waits_the_stated_time_and_says_so(api: MemoryApi) -> None:
    given = {"kubeconfig": kubeconfig(api.url), "proxies_settle": 0}
    gateway = {**virtual_service(), "kind": "Gateway", "metadata": {"name": "front"}, "spec": {"servers": []}}
    reconcile(IstioResource(params_of(IstioResource, **given, definition=gateway), None))
    module = IstioResource(params_of(IstioResource, **given, definition=gateway, state="absent"), None)
    outcome = reconcile(module)
    assert outcome.changed
    (warning,) = module.warnings()
    assert "0 s are waited each time (proxies_settle): a kubeconfig alone does not say" in warning
    steps = [{"waits_for_proxies": True, "writes": ["delete Gateway default/front"]}]
    assert module.extra(outcome.plan)["steps"] == steps


def test_wait_proxies_asks_the_service_once_something_was_written(api: MemoryApi) -> None:
    class Account:
        region, writes, private = "cn-hangzhou", 0, None

        def __init__(self) -> None:
            self.asked: list[str] = []

        def asm(self, action: str, **_unused: Any) -> Json:
            self.asked.append(action)
            if action == "DescribeServiceMeshes":
                return {
                    "ServiceMeshes": [
                        {"ServiceMeshInfo": {"ServiceMeshId": "c1", "Name": "shop", "RegionId": self.region}}
                    ]
                }
            if action == "DescribeServiceMeshKubeconfig":
                return {"Kubeconfig": kubeconfig(api.url)}
            return {"ProxyStatus": []}

    account = Account()
    for changed in (True, False):
        account.asked.clear()
        params = params_of(IstioResource, mesh="shop", definition=virtual_service(), wait_proxies=True)
        assert reconcile(IstioResource(params, account)).changed is changed
        assert ("DescribeServiceMeshProxyStatus" in account.asked) is changed


class CorpTest:
    """An account whose one mesh has the cluster domain corp.test, which a user may be ``denied`` to see."""

    region, writes, private = "cn-hangzhou", 0, None

    def __init__(self, api: MemoryApi, denied: bool = False) -> None:
        self.api, self.denied = api, denied

    def asm(self, action: str, **_unused: Any) -> Json:
        about = {"ServiceMeshId": "c1", "Name": "shop", "RegionId": self.region}
        if action == "DescribeServiceMeshDetail" and self.denied:
            raise AsmError("The caller may not.", code="Forbidden.RAM", http_status=403)
        return {
            "DescribeServiceMeshes": {"ServiceMeshes": [{"ServiceMeshInfo": about}]},
            "DescribeServiceMeshKubeconfig": {"Kubeconfig": kubeconfig(self.api.url)},
            "DescribeServiceMeshDetail": {
                "ServiceMesh": {"Spec": {"MeshConfig": {"Proxy": {"ClusterDomain": "corp.test"}}}}
            },
            "DescribeServiceMeshProxyStatus": {"ProxyStatus": []},
        }[action]


@pytest.mark.parametrize("denied", [False, True])
def test_the_order_asks_for_the_cluster_domain(api: MemoryApi, denied: bool) -> None:
    """A route that names its Service in full, by the domain of the mesh, waits for a rule that names it in short."""

    def objects(subset: str) -> Json:
        parts = {"host": "reviews", "subsets": [{"name": subset, "labels": {"version": subset}}]}
        rule = {**virtual_service(), "kind": "DestinationRule", "metadata": {"name": "reviews"}, "spec": parts}
        target = {"host": "reviews.default.svc.corp.test", "subset": subset}
        return {"mesh": "shop", "definition": [virtual_service(http=[{"route": [{"destination": target}]}]), rule]}

    reconcile(IstioResource(params_of(IstioResource, **objects("v1")), CorpTest(api)))
    module = IstioResource(params_of(IstioResource, **objects("v2"), proxies_settle=0), CorpTest(api, denied))
    outcome = reconcile(module)
    assert len(module.extra(outcome.plan)["steps"]) == (2 if denied else 3)
    assert any("cluster.local is taken" in one for one in module.warnings()) is denied


@pytest.mark.parametrize("denied", [False, True])
def test_lint_asks_for_the_cluster_domain(api: MemoryApi, denied: bool) -> None:
    target = {"host": "reviews.default.svc.corp.test"}
    route = virtual_service(http=[{"route": [{"destination": target}]}])
    module = IstioResource(params_of(IstioResource, mesh="shop", definition=route, lint=True), CorpTest(api, denied))
    outcome = reconcile(module)
    assert module.warnings() == (
        ["cluster.local is taken for the cluster domain of the mesh: The caller may not."] if denied else []
    )
    # Where the host is one of a Service, and nothing is known of those, nothing is said of it.
    assert [one["code"] for one in module.extra(outcome.plan)["findings"]] == (["ASM005"] if denied else [])
    with_file = {"kubeconfig": kubeconfig(api.url), "definition": route, "lint": True}
    assert IstioResource(params_of(IstioResource, **with_file), None).cluster_domain() == ""


def test_texts_of_the_action_plugin_count(api: MemoryApi) -> None:
    text = "---\n".join(json.dumps(virtual_service(name)) + "\n" for name in ("a", "b"))
    given = json.dumps([{"file": "x.yml", "text": text}])
    module = IstioResource(params_of(IstioResource, kubeconfig=kubeconfig(api.url), _documents=given), None)
    assert [one["source"] for one in reconcile(module, check=True).value] == ["x.yml, document 1", "x.yml, document 2"]


def test_each_module_has_its_target(api: MemoryApi) -> None:
    here = kubeconfig(api.url)
    with pytest.raises(Refused, match="belongs to a data-plane cluster"):
        reconcile(IstioResource(params_of(IstioResource, kubeconfig=here, definition=DEPLOYMENT), None))
    with pytest.raises(Refused, match="belongs to the control plane of the mesh"):
        reconcile(AsmWorkload(params_of(AsmWorkload, kubeconfig=here, definition=virtual_service()), None))
    assert reconcile(
        AsmWorkload(params_of(AsmWorkload, kubeconfig=here, definition=DEPLOYMENT), None), check=True
    ).changed


@pytest.mark.parametrize("module", [IstioResource, AsmWorkload])
def test_what_must_be_given(module: type[ResourceModule]) -> None:
    assert "one of the following is required: definition, src, template" in refused(module, kubeconfig="x")
    assert "kubeconfig" in refused(module, definition={})
    name = "mesh" if module is IstioResource else "clusters"
    assert "mutually exclusive" in refused(module, definition={}, kubeconfig="x", **{name: "y"})


def test_templates_need_the_action_plugin(api: MemoryApi) -> None:
    with pytest.raises(InvalidInput, match="rendered by the action plugin"):
        IstioResource(params_of(IstioResource, kubeconfig="x", template=["a.j2"]), None)


def test_the_kubeconfig_comes_from_the_mesh_or_the_clusters(
    api: MemoryApi, monkeypatch: pytest.MonkeyPatch, fake_cloud: Callable[..., Any]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(options, "mesh_kubeconfig", lambda cloud, mesh: asked.append(mesh) or kubeconfig(api.url))
    monkeypatch.setattr(ClusterAccess, "kubeconfig", lambda self, name: asked.append(name) or kubeconfig(api.url))
    cloud = fake_cloud()
    reconcile(IstioResource(params_of(IstioResource, mesh="demo", definition=virtual_service()), cloud), check=True)
    assert asked == ["demo"]
    given = params_of(AsmWorkload, clusters=["shop-1", "shop-2", "shop-1"], definition=DEPLOYMENT)
    outcome = reconcile(AsmWorkload(given, cloud), check=True)
    assert sorted(asked[1:]) == ["shop-1", "shop-2"]
    assert [one["cluster"] for one in outcome.value] == ["shop-1", "shop-2"]


def test_a_mesh_to_come(monkeypatch: pytest.MonkeyPatch, fake_cloud: Callable[..., Any]) -> None:
    def nowhere(cloud: Any, mesh: str) -> str:
        raise NotFound(f"There is no mesh '{mesh}'.")

    monkeypatch.setattr(options, "mesh_kubeconfig", nowhere)
    given = params_of(IstioResource, mesh="demo", definition=virtual_service())
    assert reconcile(IstioResource(given, fake_cloud()), check=True).changed
    with pytest.raises(NotFound):
        reconcile(IstioResource(given, fake_cloud()))


def test_results_after_a_failure(api: MemoryApi) -> None:
    given = {"kubeconfig": kubeconfig(api.url), "definition": [virtual_service("a"), virtual_service("b", refuse="x")]}
    module = IstioResource(params_of(IstioResource, **given), None)
    with pytest.raises(AsmError):
        reconcile(module)
    found = module.extra(Plan())
    assert [one["outcome"] for one in found["resources"]] == ["created", "failed"]
    assert "spec.refuse" in found["resources"][1]["error"]


def test_concurrency_has_a_floor(api: MemoryApi) -> None:
    given = params_of(IstioResource, kubeconfig=kubeconfig(api.url), definition=virtual_service(), concurrency=0)
    with pytest.raises(InvalidInput, match="concurrency must be at least 1"):
        reconcile(IstioResource(given, None))
