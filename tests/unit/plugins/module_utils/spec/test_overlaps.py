# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One object in two places of a spec."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER, MESH
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Item, Wishes, make_items
from ansible_collections.meshops.asm.plugins.module_utils.spec.overlaps import twice

Json = dict[str, Any]


def spec(**lists: Any) -> Json:
    return {"asm_clusters": [{"name": "c1"}, {"name": "c2"}], **lists}


def of(target: str, *bodies: Json, file: str = "a.yml") -> list[Item]:
    return make_items(Wishes(target, documents.from_definition(list(bodies), file), "shop"), None)


def namespace(**labels: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}


def route(*hosts: str) -> Json:
    metadata = {"name": "reviews", "namespace": "shop"}
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": metadata,
        "spec": {"hosts": list(hosts)},
    }


def test_a_namespace_of_its_own_and_among_the_files_of_a_workload() -> None:
    found = spec(
        asm_namespaces=[{"name": "shop", "injection": "enabled"}], asm_workloads=[{"name": "app", "clusters": ["c2"]}]
    )
    assert twice(found, {"app": of(CLUSTER, namespace(team="a"))}, {}) == [
        "Namespace shop is described twice, in asm_namespaces, 'shop' and in asm_workloads, 'app' (a.yml, document 1), "
        "and not alike (metadata.labels.team, metadata.labels[istio-injection]): in c2, every run would change it to "
        "one and then to the other. Describe it in one place."
    ]


def test_a_namespace_that_is_the_same_in_both_places() -> None:
    found = spec(
        asm_namespaces=[{"name": "shop", "injection": "enabled"}], asm_workloads=[{"name": "app", "clusters": ["c2"]}]
    )
    assert twice(found, {"app": of(CLUSTER, namespace(**{"istio-injection": "enabled"}))}, {}) == []


def test_the_label_of_a_set_makes_a_difference() -> None:
    found = spec(asm_namespaces=[{"name": "shop"}], asm_workloads=[{"name": "app", "clusters": ["c1"], "set": "s"}])
    assert "(metadata.labels[meshops.asm/set])" in twice(found, {"app": of(CLUSTER, namespace())}, {})[0]


def test_other_clusters_are_other_objects() -> None:
    workloads = [{"name": "a", "clusters": ["c1"]}, {"name": "b", "clusters": ["c2"]}]
    found = spec(asm_namespaces=[{"name": "shop", "clusters": ["c2"]}], asm_workloads=workloads)
    both = {"a": of(CLUSTER, namespace(team="a")), "b": of(CLUSTER, namespace())}
    assert twice(found, both, {}) == []


def test_the_mesh_and_its_clusters_are_other_servers() -> None:
    found = spec(asm_workloads=[{"name": "a", "clusters": ["c1"]}], asm_istio_resources=[{"name": "a"}])
    assert twice(found, {"a": of(CLUSTER, namespace(team="a"))}, {"a": of(MESH, namespace())}) == []


def test_one_object_in_two_items() -> None:
    found = spec(asm_istio_resources=[{"name": "a"}, {"name": "b"}])
    (said,) = twice(found, {}, {"a": of(MESH, route("x")), "b": of(MESH, route("x", "y"), file="b.yml")})
    assert said.startswith(
        "VirtualService shop/reviews is described twice, in asm_istio_resources, 'a' (a.yml, document 1) and in "
        "asm_istio_resources, 'b' (b.yml, document 1), and not alike (spec.hosts): in the mesh,"
    )
    assert twice(found, {}, {"a": of(MESH, route("x")), "b": of(MESH, route("x"), file="b.yml")}) == []


@pytest.mark.parametrize(
    ("item", "labels", "differs"),
    [
        ({"labels": {"team": "a"}}, {"team": "b"}, True),
        ({"labels": {"team": "a"}}, {"team": "a", "more": "b"}, False),
        ({"injection": "unset"}, {"istio-injection": "enabled"}, True),
        ({}, {"team": "b"}, False),
    ],
)
def test_labels_are_merged_into_a_namespace_of_the_mesh(item: Json, labels: dict[str, str], differs: bool) -> None:
    found = spec(asm_namespaces=[{"name": "shop", **item}], asm_istio_resources=[{"name": "a"}])
    assert bool(twice(found, {}, {"a": of(MESH, namespace(**labels))})) is differs


def test_values_of_secrets_are_not_told() -> None:
    bodies = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": f"hush-{number}"}}
        for number in range(2)
    ]
    workloads = [{"name": "a", "clusters": ["c1"]}, {"name": "b", "clusters": ["c1"]}]
    (said,) = twice(spec(asm_workloads=workloads), {"a": of(CLUSTER, bodies[0]), "b": of(CLUSTER, bodies[1])}, {})
    assert "(data.key)" in said
    assert "hush" not in said


@pytest.mark.parametrize("labels", [{"istio-injection": "x"}, [], "x", {"a": None}])
def test_odd_labels_are_left_to_the_module(labels: Any) -> None:
    assert twice(spec(asm_namespaces=[{"name": "shop", "labels": labels}]), {}, {}) == []


@pytest.mark.parametrize(
    ("section", "variable", "version", "kind", "home"),
    [
        ("asm_gateways", "asm_istio_resources", "istio.alibabacloud.com/v1beta1", "IstioGateway", "istio-system"),
        ("asm_swim_lane_groups", "asm_istio_resources", "istio.alibabacloud.com/v1", "ASMSwimLaneGroup", ""),
        ("asm_swim_lanes", "asm_istio_resources", "istio.alibabacloud.com/v1", "ASMSwimLane", ""),
        ("asm_gateway_secrets", "asm_workloads", "v1", "Secret", "istio-system"),
    ],
)
def test_what_a_section_makes_and_a_file_holds_as_well(
    section: str, variable: str, version: str, kind: str, home: str
) -> None:
    def told(name: str, namespace: str = home) -> list[str]:
        metadata = {"name": name, **({"namespace": namespace} if home else {})}
        target = CLUSTER if variable == "asm_workloads" else MESH
        items = {"x": of(target, {"apiVersion": version, "kind": kind, "metadata": metadata})}
        found = spec(**{section: [{"name": "in"}], variable: [{"name": "x", "clusters": ["c1"]}]})
        return twice(found, items, {}) if variable == "asm_workloads" else twice(found, {}, items)

    (sentence,) = told("in")
    assert sentence.startswith(f"{kind} {home + '/' if home else ''}in is described twice, in {section}, 'in' and in ")
    assert f"{variable}, 'x' (a.yml, document 1)" in sentence
    assert told("other") == []
    if kind == "Secret":
        assert told("in", "shop") == []
