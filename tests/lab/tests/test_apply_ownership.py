# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who owns which field of an object, held to a real API server: what kubectl applied, what controllers write."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube import applying
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.discovery import served_kinds
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import parse
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import belongs, may_prune
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import LAST_APPLIED
from conftest import client_of, ours
from meshlab.planes import MeshPlane

Json = dict[str, Any]

ROUTES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
ROUTE: Json = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "reviews", "namespace": "default"},
    "spec": {"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews"}}]}]},
}
DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "reviews", "namespace": "default"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "reviews"}},
        "template": {
            "metadata": {"labels": {"app": "reviews"}},
            "spec": {
                "serviceAccountName": "",
                "containers": [
                    {
                        "name": "reviews",
                        "image": "reviews:1",
                        "env": [{"name": "KEPT", "value": "1"}],
                        "resources": {"limits": {"memory": "1Ti"}},
                    }
                ],
            },
        },
    },
}


@pytest.fixture
def client(mesh: MeshPlane) -> Iterator[KubeClient]:
    """What a test has made goes."""
    with client_of(mesh) as made:
        yield made
        for path in (f"{ROUTES}/reviews", f"{DEPLOYMENTS}/reviews", "/api/v1/namespaces/default/configmaps/reviews"):
            if found := made.get(path):
                made.delete(path, uid=found["metadata"]["uid"])


KUBECTL = "kubectl-client-side-apply"


def by_kubectl(mesh: MeshPlane, collection: str, body: Json, manager: str = KUBECTL) -> None:
    """Creates an object as ``kubectl apply`` does without ``--server-side``."""
    sent = copy.deepcopy(body)
    sent["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(body)}
    mesh.api.create(collection, sent, fieldManager=manager)


def changed(body: Json, **spec: Any) -> Json:
    """A body with other values in its spec."""
    return {**body, "spec": {**body["spec"], **spec}}


# kubernetes.core is called like the client that it uses; kubectl create --save-config notes what it made, too.
@pytest.mark.parametrize("manager", [KUBECTL, "before-first-apply", "OpenAPI-Generator", "kubectl-create"])
def test_what_a_client_side_apply_owned_becomes_ours(mesh: MeshPlane, client: KubeClient, manager: str) -> None:
    by_kubectl(mesh, ROUTES, changed(ROUTE, exportTo=["."], hosts=["ratings"]), manager)
    predicted = ours(client, ROUTE, check=True)
    title = "VirtualService default/reviews"
    tool = "kubectl apply" if manager in (KUBECTL, "before-first-apply") else manager
    assert predicted.plan.before[title]["spec"]["exportTo"] == ["."]
    assert "exportTo" not in predicted.plan.after[title]["spec"]
    assert predicted.plan.after[title]["(note)"] == f"what {tool} owned becomes ours"
    assert ours(client, ROUTE).changed
    stored = client.get(f"{ROUTES}/reviews") or {}
    assert stored["spec"] == ROUTE["spec"]
    assert LAST_APPLIED not in (stored["metadata"].get("annotations") or {})
    assert [entry["manager"] for entry in stored["metadata"]["managedFields"]] == ["meshops.asm"]
    assert not ours(client, ROUTE).changed


@pytest.mark.parametrize("kind", ["Namespace", "ConfigMap", "ServiceAccount"])
def test_what_had_no_field_of_anybody_becomes_ours_once(client: KubeClient, kind: str) -> None:
    home = {} if kind == "Namespace" else {"namespace": "default"}
    bare = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "bare", **home}}
    root = "/api/v1/namespaces" if kind == "Namespace" else f"/api/v1/namespaces/default/{kind.lower()}s"
    assert ours(client, bare, target="cluster").changed
    assert not ours(client, bare, target="cluster").changed
    labelled = {**bare, "metadata": {**bare["metadata"], "labels": {"team": "shop"}}}
    for body in (labelled, bare):
        assert ours(client, body, target="cluster").changed
        assert not ours(client, body, target="cluster").changed
        stored = client.get(f"{root}/bare") or {}
        assert ("team" in (stored["metadata"].get("labels") or {})) is (body is labelled)
    client.delete(f"{root}/bare", uid=stored["metadata"]["uid"])


def test_a_changed_value_of_kubectl_apply_is_no_conflict(mesh: MeshPlane, client: KubeClient) -> None:
    before = copy.deepcopy(DEPLOYMENT)
    container = before["spec"]["template"]["spec"]["containers"][0]
    container["env"].append({"name": "GONE", "value": "2"})
    container["image"] = "reviews:0"
    by_kubectl(mesh, DEPLOYMENTS, before)
    predicted = ours(client, DEPLOYMENT, target="cluster", check=True)
    assert ours(client, DEPLOYMENT, target="cluster").changed
    stored = client.get(f"{DEPLOYMENTS}/reviews") or {}
    (container,) = stored["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["env"]) == ("reviews:1", [{"name": "KEPT", "value": "1"}])
    after = predicted.plan.after["Deployment default/reviews"]
    assert after["spec"] == stored["spec"]
    assert not ours(client, DEPLOYMENT, target="cluster").changed


def test_other_tools_are_not_taken_over(mesh: MeshPlane, client: KubeClient) -> None:
    mesh.api.create(ROUTES, changed(ROUTE, exportTo=["."]), fieldManager="console")
    assert ours(client, ROUTE, force_conflicts=True).changed
    assert (client.get(f"{ROUTES}/reviews") or {})["spec"]["exportTo"] == ["."]


def test_a_controller_that_writes_meanwhile_is_not_our_change(
    mesh: MeshPlane, client: KubeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our look and our question a status and an annotation come: nothing that the task asked for changes."""
    ours(client, DEPLOYMENT, target="cluster")
    asked = applying._predicted
    writes = []

    def later(kube: KubeClient, *arguments: Any) -> Any:
        found = mesh.api.get(f"{DEPLOYMENTS}/reviews")
        found["metadata"].setdefault("annotations", {})["deployment.kubernetes.io/revision"] = "1"
        mesh.api.replace(f"{DEPLOYMENTS}/reviews", found, fieldManager="kube-controller-manager")
        found = mesh.api.get(f"{DEPLOYMENTS}/reviews")
        found["status"] = {"replicas": 1, "observedGeneration": found["metadata"]["generation"]}
        mesh.api.replace(f"{DEPLOYMENTS}/reviews/status", found, fieldManager="kube-controller-manager")
        writes.append(1)
        return asked(kube, *arguments)

    monkeypatch.setattr(applying, "_predicted", later)
    assert not ours(client, DEPLOYMENT, target="cluster").changed
    assert writes, "nothing was asked, so nothing was tested"


def test_an_export_can_be_applied_again(mesh: MeshPlane, client: KubeClient) -> None:
    """``kubectl get -o yaml`` with another image: what servers and controllers wrote is not claimed."""
    ours(client, DEPLOYMENT, target="cluster")
    found = mesh.api.get(f"{DEPLOYMENTS}/reviews")
    found["metadata"].setdefault("annotations", {})["deployment.kubernetes.io/revision"] = "1"
    found = mesh.api.replace(f"{DEPLOYMENTS}/reviews", found, fieldManager="kube-controller-manager")
    found["status"] = {"replicas": 1, "observedGeneration": 1}
    export = mesh.api.replace(f"{DEPLOYMENTS}/reviews/status", found, fieldManager="kube-controller-manager")
    export["spec"]["template"]["spec"]["containers"][0]["image"] = "reviews:2"
    assert ours(client, export, target="cluster").changed
    stored = client.get(f"{DEPLOYMENTS}/reviews") or {}
    assert stored["spec"]["template"]["spec"]["containers"][0]["image"] == "reviews:2"
    (mine,) = [one for one in stored["metadata"]["managedFields"] if one["manager"] == "meshops.asm"]
    assert "deployment.kubernetes.io/revision" not in json.dumps(mine)
    assert stored["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "1"
    assert not ours(client, export, target="cluster").changed


def test_nulls_are_not_there(client: KubeClient) -> None:
    text = json.dumps(changed(ROUTE, exportTo=None, gateways=None))
    (document,) = parse(text, "route.json")
    assert ours(client, document.body).changed
    assert (client.get(f"{ROUTES}/reviews") or {})["spec"] == ROUTE["spec"]
    assert not ours(client, document.body).changed


def test_lists_of_any_depth_are_applied_as_what_they_hold(client: KubeClient) -> None:
    def listed(*items: Json) -> Json:
        return {"apiVersion": "v1", "kind": "List", "items": list(items) or None}

    text = json.dumps(listed(listed(ROUTE, listed())))
    bodies = [one.body for one in parse(f"\ufeff{text}", "list.json")]
    assert bodies == [ROUTE]
    assert ours(client, *bodies).changed
    assert not ours(client, ROUTE).changed


def test_every_character_is_stored(client: KubeClient) -> None:
    note = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "reviews"},
        "data": {"note": "launch \U0001f680 上线 \u2028 é \U00010348", "odd": "a\tb\n\x85\ufeff\x7f\u2029\ufffe"},
    }
    assert ours(client, note, target="cluster").changed
    assert (client.get("/api/v1/namespaces/default/configmaps/reviews") or {})["data"] == note["data"]
    assert not ours(client, note, target="cluster").changed


def test_prune_finds_every_kind_of_a_mesh(mesh: MeshPlane, client: KubeClient) -> None:
    """A set with an object of each kind that a mesh's definitions bring, reduced to one object."""
    kinds = [one for one in served_kinds(client) if not one.builtin and may_prune(one) and belongs("mesh", one)]
    assert {"ASMLocalRateLimiter", "VirtualService", "Telemetry"} <= {one.kind for one in kinds}
    made = []
    for kind in kinds:
        body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": "member", **SPACE}}
        try:
            ours(client, body, set_name="all", validate=False)
            made.append(kind)
        except AsmError as error:
            # Its schema demands more than a name.
            assert "Required value" in error.message or "Invalid value" in error.message, error.message
    assert len(made) > len(kinds) * 2 / 3, f"only {len(made)} of {len(kinds)} kinds take an object without content"
    ours(client, ROUTE, set_name="all")
    assert ours(client, ROUTE, set_name="all", prune=True).changed
    left = [kind for kind in made if client.list(kind.path(), labelSelector="meshops.asm/set=all")]
    assert [kind.kind for kind in left] == ["VirtualService"]
    assert [one["metadata"]["name"] for one in client.list(left[0].path())] == ["reviews"]
    assert not ours(client, ROUTE, set_name="all", prune=True).changed


# The only one in which every kind may be.
SPACE = {"namespace": "istio-system"}
CLUSTER_SET = """
{apiVersion: v1, kind: ConfigMap, metadata: {name: reviews}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: member}}
---
{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: member}, value: 5}
---
{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: member}, provisioner: example.com/none}
---
{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: member}, spec: {controller: example.com/none}}
---
{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: member}, spec: {podSelector: {}}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: member}, addressType: IPv4, endpoints: []}
---
{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: member}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: member}, rules: []}
"""


def test_prune_finds_every_kind_of_a_cluster(client: KubeClient) -> None:
    first, *others = parse(CLUSTER_SET, "set.yml")
    assert ours(client, first.body, *(one.body for one in others), target="cluster", set_name="all").changed
    outcome = ours(client, first.body, target="cluster", set_name="all", prune=True)
    assert {one["kind"] for one in outcome.value if one["outcome"] == "deleted"} == {one.body["kind"] for one in others}
    assert not ours(client, first.body, target="cluster", set_name="all", prune=True).changed
