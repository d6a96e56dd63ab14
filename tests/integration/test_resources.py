# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""istio_resource, istio_resource_info and asm_namespace: Istio resources in the control plane of the shared mesh."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Shop
from .labs import Lab
from .runner import Runner

SPACE = "it-istio"
Json = dict[str, Any]


def route(name: str, weight: int = 100) -> Json:
    """A VirtualService that sends ``weight`` percent to v1 and the rest to v2."""
    destinations = [
        {"destination": {"host": name, "subset": "v1"}, "weight": weight},
        {"destination": {"host": name, "subset": "v2"}, "weight": 100 - weight},
    ]
    spec = {"hosts": [name], "http": [{"timeout": "3s", "route": destinations}]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": name}, "spec": spec}


def rule(name: str) -> Json:
    """The DestinationRule with the subsets of route()."""
    subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2")]
    spec = {"host": name, "subsets": subsets, "trafficPolicy": {"loadBalancer": {"simple": "ROUND_ROBIN"}}}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": {"name": name}, "spec": spec}


def path(kind: str, name: str, namespace: str = SPACE) -> str:
    """Path of an object of networking.istio.io."""
    return f"/apis/networking.istio.io/v1/namespaces/{namespace}/{kind}/{name}"


@pytest.fixture(scope="module")
def space(lab: Lab, run: Runner, shop: Shop) -> Iterator[str]:
    """A namespace of the control plane for the resources of this file, made and removed by asm_namespace."""
    since = lab.mark()
    made = run.converge("asm_namespace", mesh=shop.name, name=SPACE, injection="enabled", labels={"team": "it"})
    assert lab.writes(since) == []
    assert made["namespace"]["name"] == SPACE
    labels = lab.kube(shop.id).get(f"/api/v1/namespaces/{SPACE}")["metadata"]["labels"]
    assert labels.items() >= {"istio-injection": "enabled", "team": "it"}.items()
    yield SPACE
    run("asm_namespace", mesh=shop.name, name=SPACE, state="absent")


def test_a_namespace_changes_only_what_is_given(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run.settled("asm_namespace", mesh=shop.name, name=space)
    since = lab.mark()
    done = run.converge("asm_namespace", mesh=shop.name, name=space, injection="disabled")
    assert len(lab.kube_writes(since)) == 1
    assert done["diff"]["before"] != done["diff"]["after"]
    labels = lab.kube(shop.id).get(f"/api/v1/namespaces/{space}")["metadata"]["labels"]
    assert labels["istio-injection"] == "disabled"
    assert labels["team"] == "it"


def test_a_namespace_goes_with_what_is_in_it(lab: Lab, run: Runner, shop: Shop) -> None:
    name = "it-going"
    run("asm_namespace", mesh=shop.name, name=name)
    run("istio_resource", mesh=shop.name, namespace=name, definition=rule("gone"))
    run.converge("asm_namespace", mesh=shop.name, name=name, state="absent")
    assert lab.kube(shop.id).find(f"/api/v1/namespaces/{name}") is None


def test_many_resources_are_planned_by_list_and_written_once(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = [kind(f"many-{number}") for number in range(6) for kind in (rule, route)]
    since = lab.mark()
    done = run.converge("istio_resource", mesh=shop.name, namespace=space, definition=objects)
    written = lab.kube_writes(since, shop.id)
    assert len(written) == len(objects)
    # Rules first: no moment at which a route names a subset that is not there.
    assert all("destinationrules" in line for line in written[:6])
    assert all("virtualservices" in line for line in written[6:])
    assert done["summary"]["created"] == len(objects)
    assert {entry["outcome"] for entry in done["resources"]} == {"created"}

    since = lab.mark()
    again = run("istio_resource", mesh=shop.name, namespace=space, definition=objects)
    assert again["summary"]["unchanged"] == len(objects)
    verbs = [event["verb"] for event in lab.kube_requests(since, shop.id)]
    assert verbs == ["list", "list"]


def test_one_change_is_one_patch_and_a_dropped_field_goes(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = [route("first"), route("second"), rule("first"), rule("second")]
    run("istio_resource", mesh=shop.name, namespace=space, definition=objects)
    changed = copy.deepcopy(objects)
    del changed[1]["spec"]["http"][0]["timeout"]
    since = lab.mark()
    done = run.converge("istio_resource", mesh=shop.name, namespace=space, definition=changed)
    (written,) = lab.kube_writes(since)
    assert "virtualservices/second" in written
    outcomes = {(entry["kind"], entry["name"]): entry["outcome"] for entry in done["resources"]}
    assert outcomes.pop(("VirtualService", "second")) == "updated"
    assert set(outcomes.values()) == {"unchanged"}
    stored = lab.kube(shop.id).get(path("virtualservices", "second"))
    assert "timeout" not in stored["spec"]["http"][0]
    assert "timeout" in done["diff"]["before"][f"VirtualService {space}/second"]["spec"]["http"][0]


def test_what_others_own_is_a_conflict_unless_forced(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run("istio_resource", mesh=shop.name, namespace=space, definition=rule("contested"))
    theirs = rule("contested")
    theirs["spec"]["trafficPolicy"]["loadBalancer"]["simple"] = "RANDOM"
    lab.kube(shop.id).apply(path("destinationrules", "contested"), theirs, manager="somebody-else")
    mine = {"mesh": shop.name, "namespace": space, "definition": rule("contested")}
    run.refused("istio_resource", "somebody-else", "loadBalancer", "force_conflicts", **mine)
    run.converge("istio_resource", force_conflicts=True, **mine)


def test_files_folders_and_every_document_of_them(
    space: str, lab: Lab, run: Runner, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "a.yml").write_text(yaml.safe_dump_all([rule("filed"), route("filed")]), encoding="utf-8")
    (tmp_path / "inner" / "b.yaml").write_text(yaml.safe_dump(rule("nested")), encoding="utf-8")
    (tmp_path / "README").write_text("no manifest", encoding="utf-8")
    done = run.converge("istio_resource", mesh=shop.name, namespace=space, src=[str(tmp_path)])
    assert {entry["name"] for entry in done["resources"]} == {"filed", "nested"}
    sources = {(entry["kind"], entry["name"]): entry["source"] for entry in done["resources"]}
    assert sources[("VirtualService", "filed")].endswith("a.yml, document 2")
    run.converge("istio_resource", mesh=shop.name, namespace=space, src=[str(tmp_path)], state="absent")
    assert lab.kube(shop.id).find(path("virtualservices", "filed")) is None


def test_templates_are_rendered_with_the_variables_of_the_play(
    space: str, lab: Lab, run: Runner, shop: Shop, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    template = yaml.safe_dump(rule("{{ service }}")).replace("ROUND_ROBIN", "{{ policy }}")
    (tmp_path / "templates" / "rule.yml.j2").write_text(template, encoding="utf-8")
    words = f"mesh={shop.name} namespace={space} template=rule.yml.j2"
    variables = '{"service": "rendered", "policy": "RANDOM"}'
    done = run.ansible(
        "ansible", "localhost", "-m", "meshops.asm.istio_resource", "-a", words, "-e", variables, cwd=tmp_path
    )
    done.ok()
    stored = lab.kube(shop.id).get(path("destinationrules", "rendered"))
    assert stored["spec"]["trafficPolicy"]["loadBalancer"]["simple"] == "RANDOM"


def test_prune_takes_what_left_the_set_and_nothing_else(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    where = {"mesh": shop.name, "namespace": space}
    run("istio_resource", definition=rule("outside"), **where)
    run("istio_resource", definition=[rule("kept"), rule("left"), route("left")], set="it-set", **where)
    wanted = {"definition": [rule("kept")], "set": "it-set", "prune": True, **where}
    since = lab.mark()
    done = run.converge("istio_resource", **wanted)
    deleted = [line for line in lab.kube_writes(since) if line.startswith("delete")]
    assert ["virtualservices/left" in line for line in deleted] == [True, False]
    assert done["summary"]["deleted"] == 2
    names = [found["metadata"]["name"] for found in lab.kube(shop.id).list(path("destinationrules", "")[:-1])]
    assert "left" not in names
    assert {"kept", "outside"} <= set(names)
    other = {**wanted, "definition": [rule("unrelated")]}
    run.refused("istio_resource", "prune", "it-set", "prune_all", **other)


def test_info_selects_and_queries(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run("istio_resource", mesh=shop.name, namespace=space, definition=[rule("read"), route("read")])
    where = {"mesh": shop.name, "namespace": space}
    with lab.unwritten():
        one = run("istio_resource_info", kind="VirtualService", name="read", **where)["resources"]
        hosts = run("istio_resource_info", kind="DestinationRule", query="[?metadata.name=='read'].spec.host", **where)
        every = run("istio_resource_info", **where)["resources"]
    (found,) = one
    assert found["spec"] == route("read")["spec"]
    assert "managedFields" not in found["metadata"]
    assert hosts["resources"] == ["read"]
    assert {("DestinationRule", "read"), ("VirtualService", "read")} <= {
        (entry["kind"], entry["metadata"]["name"]) for entry in every
    }
    # What was read can be applied as it is.
    run.settled("istio_resource", mesh=shop.name, definition=found)


def test_absent_resources_go_routes_first(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = [rule("bye"), route("bye")]
    run("istio_resource", mesh=shop.name, namespace=space, definition=objects)
    since = lab.mark()
    done = run.converge("istio_resource", mesh=shop.name, namespace=space, definition=objects, state="absent")
    assert ["virtualservices" in line for line in lab.kube_writes(since)] == [True, False]
    assert done["summary"]["deleted"] == 2
