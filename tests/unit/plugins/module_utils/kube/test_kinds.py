# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds: paths, discovery, suggestions, and what belongs where."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.kube import kinds
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import (
    CLUSTER,
    MESH,
    Kind,
    UnknownKind,
    find_kind,
    known_kind,
)

SERVED = {
    "/apis/acme.example/v1": {
        "resources": [
            {"name": "widgets", "kind": "Widget", "namespaced": True},
            {"name": "widgets/status", "kind": "Widget", "namespaced": True},
            {"name": "planets", "kind": "Planet", "namespaced": False},
        ]
    },
    "/apis/acme.example": {"versions": [{"version": "v1"}, {"version": "v1beta1"}]},
}


def discover(path: str) -> dict[str, Any] | None:
    return SERVED.get(path)


def never(path: str) -> dict[str, Any] | None:
    raise AssertionError(f"{path} was asked for")


@pytest.mark.parametrize(
    ("api_version", "kind", "path"),
    [
        ("networking.istio.io/v1", "VirtualService", "/apis/networking.istio.io/v1/namespaces/n/virtualservices/x"),
        ("networking.istio.io/v1beta1", "Gateway", "/apis/networking.istio.io/v1beta1/namespaces/n/gateways/x"),
        ("v1", "Service", "/api/v1/namespaces/n/services/x"),
        ("v1", "Namespace", "/api/v1/namespaces/x"),
        ("apps/v1", "Deployment", "/apis/apps/v1/namespaces/n/deployments/x"),
        (
            "istio.alibabacloud.com/v1beta1",
            "IstioGateway",
            "/apis/istio.alibabacloud.com/v1beta1/namespaces/n/istiogateways/x",
        ),
        (
            "istio.alibabacloud.com/v1beta1",
            "ASMLocalRateLimiter",
            "/apis/istio.alibabacloud.com/v1beta1/namespaces/n/asmlocalratelimiters/x",
        ),
        ("istio.alibabacloud.com/v1", "ASMSwimLane", "/apis/istio.alibabacloud.com/v1/asmswimlanes/x"),
        ("istio.alibabacloud.com/v1beta1", "LLMRoute", "/apis/istio.alibabacloud.com/v1beta1/namespaces/n/llmroutes/x"),
    ],
)
def test_known_kinds_cost_no_request(api_version: str, kind: str, path: str) -> None:
    assert find_kind(api_version, kind, never).path("n", "x") == path


def test_a_kind_of_all_namespaces() -> None:
    assert Kind("acme.example", "v1", "Widget", "widgets").path() == "/apis/acme.example/v1/widgets"


def test_unknown_kinds_are_discovered() -> None:
    assert find_kind("acme.example/v1", "Widget", discover) == Kind("acme.example", "v1", "Widget", "widgets", True)
    assert not find_kind("acme.example/v1", "Planet", discover).namespaced


@pytest.mark.parametrize(
    ("api_version", "kind", "message"),
    [
        ("acme.example/v1", "Widgets", "acme.example/v1 has no kind 'Widgets'. Did you mean Widget?"),
        ("acme.example/v9", "Widget", "serves acme.example as v1, v1beta1, not as v9"),
        ("networking.istio.oi/v1", "VirtualService", "no API group 'networking.istio.oi'"),
        ("networking.istio.oi/v1", "VirtualServce", "Did you mean VirtualService of networking.istio.io/v1?"),
        ("", "ConfigMapp", "Did you mean ConfigMap of v1?"),
        ("v2", "ConfigMapp", "The API server serves the core group as v1, not as 'v2'. Did you mean ConfigMap of v1?"),
        ("apps/v7", "ConfigMapp", "Did you mean ConfigMap of v1?"),
        ("acme.example/v1", "HTTPRoute", "Did you mean HTTPRoute of gateway.networking.k8s.io/v1?"),
        ("gateway.networking.k8s/v1", "Gateway", "Did you mean Gateway of gateway.networking.k8s.io/v1?"),
        ("networking.istio/v1", "Gatewya", "Did you mean Gateway of networking.istio.io/v1?"),
        (
            "istio.alibabacloud.com/v9",
            "ASMCircuitBraker",
            "Did you mean ASMCircuitBreaker of istio.alibabacloud.com/v1?",
        ),
        ("gateway.networking.k8s.io/v1", "UDPRoute", "has with gateway_api_enabled of meshops.asm.asm_mesh"),
    ],
)
def test_names_that_nobody_serves(api_version: str, kind: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        find_kind(api_version, kind, discover)
    assert message in caught.value.message


def test_default_versions() -> None:
    versions = {
        kind: (known_kind(kind) or pytest.fail(kind)).api_version for kind in ("EnvoyFilter", "Telemetry", "Pod")
    }
    assert versions == {
        "EnvoyFilter": "networking.istio.io/v1alpha3",
        "Telemetry": "telemetry.istio.io/v1",
        "Pod": "v1",
    }
    assert (known_kind("Gateway") or pytest.fail("Gateway")).group == "networking.istio.io"
    assert known_kind("Gateway", "gateway.acme.example/v1") is None


def test_a_kind_is_told_from_others_of_its_name() -> None:
    assert Kind("batch", "v1", "Job", "jobs").term == "Job"
    assert Kind("batch.volcano.sh", "v1alpha1", "Job", "jobs").term == "Job.batch.volcano.sh"
    assert Kind("gateway.networking.k8s.io", "v1", "Gateway", "gateways").term == "Gateway.gateway.networking.k8s.io"
    assert Kind("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes").term == "HTTPRoute"
    assert Kind("serving.knative.dev", "v1", "Service", "services").term == "Service.serving.knative.dev"


def test_the_kinds_of_a_definition() -> None:
    body = {
        "spec": {
            "group": "acme.example",
            "scope": "Cluster",
            "names": {"kind": "Planet", "plural": "planets"},
            "versions": [{"name": "v1", "served": True}, {"name": "v0", "served": False}],
        }
    }
    assert kinds.defined_kinds(body) == [Kind("acme.example", "v1", "Planet", "planets", False)]


@pytest.mark.parametrize("name", ["VirtualService", "IstioGateway", "WasmPlugin", "AuthorizationPolicy"])
def test_mesh_kinds_do_not_go_to_a_cluster(name: str) -> None:
    kind = known_kind(name)
    assert kind
    with pytest.raises(Refused, match=r"control plane of the mesh.*meshops\.asm\.istio_resource"):
        kinds.check_target(CLUSTER, kind, "istio-system")
    kinds.check_target(MESH, kind, "istio-system")


@pytest.mark.parametrize("name", ["Deployment", "Service", "Pod", "Secret", "CronJob", "HorizontalPodAutoscaler"])
def test_workloads_do_not_go_to_a_control_plane(name: str) -> None:
    kind = known_kind(name)
    assert kind
    with pytest.raises(Refused, match=r"data-plane cluster.*meshops\.asm\.asm_workload"):
        kinds.check_target(MESH, kind, "default")
    kinds.check_target(CLUSTER, kind, "default")


def test_namespaces_go_to_both() -> None:
    kind = known_kind("Namespace")
    assert kind
    kinds.check_target(MESH, kind, "")
    kinds.check_target(CLUSTER, kind, "")


def test_an_istio_gateway_has_its_place() -> None:
    kind = known_kind("IstioGateway")
    assert kind
    with pytest.raises(Refused, match="must be in the namespace istio-system, this one is in 'default'"):
        kinds.check_target(MESH, kind, "default")


def test_what_a_prune_looks_at() -> None:
    mesh = {kind.kind for kind in kinds.prunable_kinds(MESH)}
    cluster = {kind.kind for kind in kinds.prunable_kinds(CLUSTER)}
    assert {"VirtualService", "IstioGateway", "Telemetry"} <= mesh
    assert {"Deployment", "Service", "ConfigMap"} <= cluster
    # Kinds of the Gateway API may be on both.
    assert {group for group in {kind.group for kind in kinds.prunable_kinds(MESH)} if group.endswith("k8s.io")} == {
        kind.group for kind in kinds.prunable_kinds(MESH) if kind in kinds.prunable_kinds(CLUSTER)
    }
    assert not cluster & {"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "Pod", "Node"}


def test_builtin_kinds_may_be_stored_in_another_spelling() -> None:
    assert Kind("apps", "v1", "Deployment", "deployments").builtin
    assert Kind("rbac.authorization.k8s.io", "v1", "Role", "roles").builtin
    assert not Kind("networking.istio.io", "v1", "Gateway", "gateways").builtin


@pytest.mark.parametrize("versions", [5, ["v1"], [{"served": True}], [{"name": 1, "served": True}], {"name": "v1"}])
def test_definitions_of_odd_types_bring_no_kinds(versions: Any) -> None:
    assert kinds.defined_kinds({"spec": {"group": "a.b", "names": ["x"], "versions": versions}}) == []
    assert kinds.defined_kinds({"spec": versions}) == []


@pytest.mark.parametrize(
    ("api_version", "kind", "meant"),
    [
        ("v1", "VirtualService", "VirtualService of networking.istio.io/v1"),
        ("v1", "Deployment", "Deployment of apps/v1"),
        ("apps/v1", "Service", "Service of v1"),
        ("batch/v1", "Deployment", "Deployment of apps/v1"),
        ("networking.istio.io/v1", "AuthorizationPolicy", "AuthorizationPolicy of security.istio.io/v1"),
        ("security.istio.io/v1", "DestinationRule", "DestinationRule of networking.istio.io/v1"),
        ("networking.istio.io/v1", "virtualservice", "VirtualService"),
        ("networking.istio.io/v1", "Virtualservice", "VirtualService"),
        ("networking.k8s.io/v1", "Networkpolicy", "NetworkPolicy"),
        ("gateway.networking.k8s.io/v1", "HttpRoute", "HTTPRoute"),
        ("gateway.networking.k8s.io/v1", "Httproute", "HTTPRoute"),
        ("networking.k8s.io/v1", "Gateway", "Gateway of gateway.networking.k8s.io/v1"),
        ("networking.k8s.io/v1", "HTTPRoute", "HTTPRoute of gateway.networking.k8s.io/v1"),
        ("istio.alibabacloud.com/v1", "ASMSwimlane", "ASMSwimLane"),
    ],
)
def test_what_no_server_has_is_told_without_one(api_version: str, kind: str, meant: str) -> None:
    with pytest.raises(UnknownKind, match=rf"^{api_version} has no kind '{kind}'\. Did you mean {meant}\?$"):
        kinds.check_written(api_version, kind)


def test_what_some_server_may_have_is_taken_as_it_is_written() -> None:
    for one in kinds.prunable_kinds(kinds.MESH) + kinds.prunable_kinds(kinds.CLUSTER):
        kinds.check_written(one.api_version, one.kind)
    later = ("networking.istio.io/v2", "VirtualService"), ("networking.istio.io/v1", "Waypoint"), ("v1", "PodTemplate")
    others = ("batch.volcano.sh/v1alpha1", "Job"), ("gateway.solo.io/v1", "VirtualService"), ("x/v1", "job")
    asm = ("istio.alibabacloud.com/v1beta1", "Gateway"), ("istio.alibabacloud.com/v1beta1", "ASMMeshConfig")
    older = ("extensions/v1beta1", "Ingress"), ("events.k8s.io/v1", "Event")
    for api_version, kind in (*later, *others, *asm, *older):
        kinds.check_written(api_version, kind)


def test_an_installation_of_istio_is_told_where_its_group_is_not_served() -> None:
    with pytest.raises(UnknownKind, match="istioctl how to install Istio"):
        find_kind("install.istio.io/v1alpha1", "IstioOperator", discover)
