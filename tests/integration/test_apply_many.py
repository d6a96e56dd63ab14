# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many objects in one task: what is asked of the API server, all or nothing, failures side by side, lint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Shop
from .labs import Lab
from .runner import Runner
from .test_resources import path, route, rule

SPACE = "it-apply"
Json = dict[str, Any]


def of(kind: str, api_version: str, name: str = "it", **spec: Any) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def one_of_each_kind() -> list[Json]:
    """An object of every Istio kind, with lists, maps, numbers and durations in them."""
    networking = "networking.istio.io/v1"
    server = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    ports = [{"number": 443, "name": "tls", "protocol": "TLS"}]
    workload = {"address": "10.0.0.1", "labels": {"app": "vm"}, "weight": 5}
    patch = {"applyTo": "CLUSTER", "patch": {"operation": "MERGE", "value": {"connect_timeout": "1s", "empty": {}}}}
    return [
        rule("each"),
        route("each"),
        of("Gateway", networking, selector={"istio": "ingressgateway"}, servers=[server]),
        of(
            "ServiceEntry", networking, hosts=["a.example.com"], ports=ports, resolution="DNS", location="MESH_EXTERNAL"
        ),
        of("Sidecar", networking, egress=[{"hosts": ["./*", "istio-system/*"]}]),
        of("WorkloadEntry", networking, **workload),
        of("WorkloadGroup", networking, template={"ports": {"http": 8080}}, metadata={"labels": {"app": "vm"}}),
        of("EnvoyFilter", "networking.istio.io/v1alpha3", configPatches=[patch]),
        of("ProxyConfig", "networking.istio.io/v1beta1", concurrency=2),
        of(
            "AuthorizationPolicy",
            "security.istio.io/v1",
            action="DENY",
            rules=[{"to": [{"operation": {"ports": ["1"]}}]}],
        ),
        of("PeerAuthentication", "security.istio.io/v1", mtls={"mode": "STRICT"}),
        of(
            "RequestAuthentication",
            "security.istio.io/v1",
            jwtRules=[{"issuer": "a", "jwksUri": "https://a.example/k"}],
        ),
        of("Telemetry", "telemetry.istio.io/v1", tracing=[{"randomSamplingPercentage": 12.5}]),
        of(
            "WasmPlugin",
            "extensions.istio.io/v1alpha1",
            url="oci://a.example/x:1",
            pluginConfig={"a": [1, {"b": True}]},
        ),
    ]


@pytest.fixture(scope="module")
def space(lab: Lab, run: Runner, shop: Shop) -> Iterator[Json]:
    """The options that name a namespace of this file's own."""
    run("asm_namespace", mesh=shop.name, name=SPACE)
    yield {"mesh": shop.name, "namespace": SPACE}
    run("asm_namespace", mesh=shop.name, name=SPACE, state="absent")


@pytest.fixture(autouse=True)
def _empty(space: Json, lab: Lab, shop: Shop) -> Iterator[None]:
    """Every test begins without routes and rules."""
    for kind in ("virtualservices", "destinationrules"):
        lab.kube(shop.id).delete(path(kind, "", SPACE)[:-1])
    yield


def names(lab: Lab, shop: Shop, kind: str = "virtualservices") -> set[str]:
    return {one["metadata"]["name"] for one in lab.kube(shop.id).list(path(kind, "", SPACE)[:-1])}


def test_the_second_run_of_every_kind_issues_only_lists(space: Json, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = one_of_each_kind()
    run.converge("istio_resource", definition=objects, **space)
    since = lab.mark()
    again = run("istio_resource", definition=objects, **space)
    assert again["summary"]["unchanged"] == len(objects)
    asked = lab.kube_requests(since)
    assert [event["verb"] for event in asked] == ["list"] * len(objects)
    run("istio_resource", definition=objects, state="absent", **space)


def test_a_second_run_asks_for_the_pages_of_the_list_and_nothing_else(
    space: Json, lab: Lab, run: Runner, shop: Shop
) -> None:
    objects = [of("Sidecar", "networking.istio.io/v1", f"s-{number}") for number in range(501)]
    for number, one in enumerate(objects):
        selector = {"labels": {"app": f"s-{number}"}}
        one["spec"] = {"workloadSelector": selector, "egress": [{"hosts": ["./*"]}]}
    run("istio_resource", definition=objects, validate=False, **space)
    since = lab.mark()
    assert run("istio_resource", definition=objects, **space)["summary"]["unchanged"] == 501
    asked = lab.kube_requests(since)
    assert [event["verb"] for event in asked] == ["list", "list"]
    assert ["continue=" in event["requestURI"] for event in asked] == [False, True]
    lab.kube(shop.id).delete(path("sidecars", "", SPACE)[:-1])


def test_one_refused_object_means_that_nothing_is_written(
    space: Json, lab: Lab, run: Runner, shop: Shop, tmp_path: Path
) -> None:
    bad = route("bad")
    bad["spec"]["http"][0]["route"][0]["weight"] = -5
    file = tmp_path / "routes.yml"
    file.write_text(yaml.safe_dump_all([rule("good"), route("good"), bad]), encoding="utf-8")
    result = run.refused(
        "istio_resource", "VirtualService it-apply/bad", "routes.yml, document 3", "weight", "Nothing was written",
        src=[str(file)], **space,
    )  # fmt: skip
    assert [one["outcome"] for one in result["resources"]] == ["created", "created", "failed"]
    assert names(lab, shop) == set()


def test_what_istiod_refuses_is_found_before_the_first_write(space: Json, lab: Lab, run: Runner, shop: Shop) -> None:
    bad = route("bad")
    bad["spec"]["http"][0]["corsPolicy"] = {"allowOrigins": [{"regex": "("}]}
    run.refused("istio_resource", "admission webhook", "istio", "regex", definition=[route("good"), bad], **space)
    assert names(lab, shop) == set()


def test_without_validation_a_failure_does_not_hide_the_others(space: Json, lab: Lab, run: Runner, shop: Shop) -> None:
    bad = rule("bad")
    bad["spec"]["host"] = 5
    objects = [rule("good"), bad, rule("fine"), route("later")]
    since = lab.mark()
    result = run.failing(
        "istio_resource", "DestinationRule it-apply/bad", "document 2", definition=objects, validate=False, **space
    )
    outcomes = {(one["kind"], one["name"]): one["outcome"] for one in result["resources"]}
    assert outcomes == {
        ("DestinationRule", "good"): "created",
        ("DestinationRule", "bad"): "failed",
        ("DestinationRule", "fine"): "created",
        ("VirtualService", "later"): "skipped",
    }
    assert result["changed"] is True
    assert result["summary"] == {"created": 2, "failed": 1, "skipped": 1, "deleted": 0, "unchanged": 0, "updated": 0}
    assert len([line for line in lab.kube_writes(since) if "/good" in line or "/fine" in line]) == 2
    assert names(lab, shop, "destinationrules") == {"good", "fine"}


def test_lint_finds_what_the_server_takes(space: Json, lab: Lab, run: Runner, shop: Shop) -> None:
    lonely = route("lonely", weight=70)
    lonely["spec"]["http"][0]["route"][1]["weight"] = 20
    lonely["spec"]["gateways"] = ["nowhere", "mesh"]
    words = ("ASM001", "70 + 20 = 90", "ASM002", "subset 'v1'", "ASM003", "'nowhere'", "VirtualService it-apply/lonely")
    result = run.refused("istio_resource", *words, definition=[lonely], lint=True, **space)
    assert [one["code"] for one in result["findings"]] == ["ASM001", "ASM002", "ASM002", "ASM003"]
    # The server itself would have taken it.
    assert run("istio_resource", definition=[lonely], check=True, **space)["changed"]
    whole = [rule("whole"), route("whole")]
    assert run.converge("istio_resource", definition=whole, lint=True, **space)["findings"] == []
    twin = route("twin")
    twin["spec"]["hosts"] = [f"whole.{SPACE}.svc.cluster.local"]
    run.refused("istio_resource", "ASM004", f"{SPACE}/whole", definition=[twin, rule("twin")], lint=True, **space)
    less = rule("whole")
    less["spec"]["subsets"].pop()
    run.refused("istio_resource", "ASM002", "subset 'v2'", definition=[less], lint=True, **space)
    run.refused("istio_resource", "ASM002", definition=[rule("whole")], state="absent", lint=True, **space)


def test_lint_costs_one_list_for_each_kind(space: Json, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = [rule("cost"), route("cost")]
    run("istio_resource", definition=objects, **space)
    since = lab.mark()
    assert not run("istio_resource", definition=objects, lint=True, **space)["changed"]
    asked = sorted(event["requestURI"].split("?")[0].rpartition("/")[2] for event in lab.kube_requests(since))
    kinds = ["destinationrules", "gateways", "serviceentries", "services", "virtualservices"]
    assert asked == sorted([*kinds, "destinationrules", "virtualservices"])


def test_a_destination_that_nobody_serves_is_a_warning(space: Json, run: Runner) -> None:
    away = route("away")
    away["spec"]["http"][0]["route"] = [{"destination": {"host": "api.example.com"}}]
    result = run("istio_resource", definition=[away], lint=True, check=True, **space)
    assert [one["code"] for one in result["findings"]] == ["ASM005"]
    assert "ASM005" in str(result["warnings"])


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: In a child of the controller's process
      meshops.asm.istio_resource: &options
        mesh: "{{ mesh }}"
        namespace: "{{ space }}"
        definition: "{{ objects }}"
    - name: Packed by Ansible
      meshops.asm.istio_resource: *options
      environment: {SOME_VARIABLE: "1"}
      register: packed
    - ansible.builtin.assert:
        that: [packed is not changed, packed.summary.unchanged == 2]
    - name: Warned
      meshops.asm.istio_resource:
        mesh: "{{ mesh }}"
        namespace: "{{ space }}"
        definition: "{{ away }}"
        lint: true
      check_mode: true
      diff: false
    - name: Refused
      meshops.asm.istio_resource:
        mesh: "{{ mesh }}"
        namespace: it-nowhere
        definition: "{{ objects }}"
      register: refused
      ignore_errors: true
    - ansible.builtin.assert:
        that: [refused is failed, "'it-nowhere' in refused.msg", refused.error.code == 'NotFound']
"""


def test_a_playbook_gets_the_same_by_both_ways(space: Json, run: Runner) -> None:
    away = route("away")
    away["spec"]["http"][0]["route"] = [{"destination": {"host": "api.example.com"}}]
    variables = {"mesh": space["mesh"], "space": SPACE, "objects": [rule("both"), route("both")], "away": away}
    done = run.play(PLAY, "--diff", **variables).ok()
    assert (done.recap["changed"], done.recap["ignored"]) == (2, 1)
    assert "VirtualService it-apply/both" in done.output
    assert "ASM005" in done.output + done.errors
