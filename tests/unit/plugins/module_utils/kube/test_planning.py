# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From documents to items, from lists to what is there, and from both to a decision for each object."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import from_definition
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import (
    CLUSTER,
    GATEWAY_API,
    GATEWAY_API_HINT,
    MESH,
    Kind,
    UnknownKind,
    known_kind,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import (
    CREATED,
    DELETED,
    UNCHANGED,
    UPDATED,
    Item,
    Wishes,
    asked,
    by_place,
    decide,
    deletion,
    explain_list_error,
    listed,
    make_items,
    missing_namespaces,
    read_live,
)

from .conftest import MemoryApi, definition, managed, virtual_service

Json = dict[str, Any]
ISTIO = "/apis/networking.istio.io/v1/namespaces/default"
WIDGET = Kind("acme.example", "v1", "Widget", "widgets")
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "1"}}
NO_ROLE = (
    "The user of this kubeconfig needs a role in the mesh (istio-admin or istio-ops, granted with the action "
    "GrantUserPermissions); only the account that created the mesh has one from the start."
)
REVOKED = (
    "Its user may not even list namespaces: was the kubeconfig revoked? Fetch a new one (module "
    "meshops.asm.asm_kubeconfig)."
)


def kind(name: str) -> Kind:
    found = known_kind(name)
    assert found
    return found


def wishes(*bodies: Json, target: str = MESH, **more: Any) -> Wishes:
    return Wishes(target, from_definition(copy.deepcopy(list(bodies))), **more)


def unserved(path: str) -> None:
    """A server that has no kinds but those of the table."""


def applied(body: Json, **metadata: Any) -> Json:
    """The object as the server holds it after our apply."""
    live = copy.deepcopy(body)
    live["metadata"].update({"uid": "u", "managedFields": managed(body), **metadata})
    return live


# Items


def test_an_item_has_kind_namespace_and_place_of_its_document() -> None:
    (item,) = make_items(wishes(virtual_service("reviews", "shop"), set_name="own"), unserved)
    assert (item.kind, item.namespace, item.name) == (kind("VirtualService"), "shop", "reviews")
    assert str(item.source) == "definition, document 1"
    metadata = {"name": "reviews", "namespace": "shop", "labels": {"meshops.asm/set": "own"}}
    assert item.body == {**virtual_service("reviews", "shop"), "metadata": metadata}
    assert item.path == "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/reviews"
    assert item.title == "VirtualService shop/reviews (definition, document 1)"


def test_a_namespace_that_a_document_lacks_is_that_of_the_task_and_a_cluster_scoped_kind_has_none() -> None:
    first, second = make_items(wishes(CONFIG, SPACE, target=CLUSTER, namespace="own"), unserved)
    assert first.body and second.body
    assert (first.namespace, first.body["metadata"]["namespace"]) == ("own", "own")
    assert (second.namespace, second.body["metadata"]) == ("", {"name": "shop"})
    assert second.title == "Namespace shop (definition, document 2)"
    (odd,) = make_items(wishes({**SPACE, "metadata": {"name": "shop", "namespace": "own"}}, target=CLUSTER), unserved)
    assert odd.body
    assert (odd.namespace, odd.body["metadata"]) == ("", {"name": "shop"})


@pytest.mark.parametrize(
    ("version", "sort", "good", "bad"),
    [
        ("v1", "ConfigMap", "kube-root-ca.crt", "my_settings"),
        ("v1", "Secret", "a.b", "a..b"),
        ("v1", "Service", "reviews", "reviews.v1"),
        ("v1", "Namespace", "a" * 63, "a" * 64),
        ("apps/v1", "Deployment", "9to5", "Reviews"),
        ("networking.k8s.io/v1", "Ingress", "w" * 253, "w" * 254),
        ("image.openshift.io/v1", "ImageStreamTag", "app:latest", ""),
        ("batch.volcano.sh/v1alpha1", "Job", "train:1", ""),
        ("rbac.authorization.k8s.io/v1", "Role", "system:Nodes_1", ""),
    ],
)
def test_a_name_that_no_object_of_its_kind_can_have(version: str, sort: str, good: str, bad: str) -> None:
    def item(name: str, **more: Any) -> Any:
        body = {"apiVersion": version, "kind": sort, "metadata": {"name": name}}
        return make_items(wishes(body, target=CLUSTER, **more), None)

    assert item(good)
    if bad:
        with pytest.raises(InvalidInput, match=r"definition, document 1.*Kubernetes takes no such name"):
            item(bad)
        # It cannot be there either.
        assert item(bad, absent=True)


@pytest.mark.parametrize(
    ("body", "rest"),
    [
        (SPACE, ", and has at most 63 characters."),
        (CONFIG, ", and may have dots between such parts."),
    ],
    ids=["label", "name"],
)
def test_what_a_name_may_have_is_said_with_its_document(body: Json, rest: str) -> None:
    bad = {**body, "metadata": {"name": "my_own", "namespace": "default"}}
    with pytest.raises(InvalidInput) as caught:
        make_items(wishes(bad, target=CLUSTER), None)
    rule = "it has small letters, digits and '-', begins and ends with a letter or digit"
    assert caught.value.message == (
        f"{body['kind']} default/my_own (definition, document 1): Kubernetes takes no such name: {rule}{rest}"
    )


def test_an_ingress_gateway_is_where_the_mesh_looks_for_it() -> None:
    gateway = {"apiVersion": "istio.alibabacloud.com/v1beta1", "kind": "IstioGateway", "metadata": {"name": "in"}}
    (item,) = make_items(wishes(gateway, namespace="istio-system"), unserved)
    assert item.namespace == "istio-system"
    with pytest.raises(Refused, match="this one is in 'shop'"):
        make_items(wishes(gateway, namespace="shop"), unserved)


def test_objects_that_are_to_go_have_no_body() -> None:
    (item,) = make_items(wishes(CONFIG, target=CLUSTER, absent=True), unserved)
    assert (item.body, item.name) == (None, "settings")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (CONFIG, {**CONFIG, "metadata": {"name": "settings", "namespace": "default"}}),
        (
            {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}},
            {"apiVersion": "batch/v1beta1", "kind": "CronJob", "metadata": {"name": "a"}},
        ),
    ],
    ids=["namespace", "version"],
)
def test_one_object_is_given_once_however_it_is_written(first: Json, second: Json) -> None:
    with pytest.raises(InvalidInput) as caught:
        make_items(wishes(first, SPACE, second, target=CLUSTER), unserved)
    title = f"{first['kind']} default/{first['metadata']['name']}"
    assert caught.value.message == f"{title} is given twice: in definition, document 1 and in definition, document 3."


def test_a_refused_object_is_named_with_its_place() -> None:
    with pytest.raises(
        Refused, match=r"^VirtualService default/a \(definition, document 2\): VirtualService belongs to"
    ):
        make_items(wishes(CONFIG, virtual_service("a"), target=CLUSTER), unserved)
    odd = {"apiVersion": "acme.example/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    with pytest.raises(InvalidInput, match=r"^Gadget g \(definition, document 1\): The API server has no API group"):
        make_items(wishes(odd, target=CLUSTER), lambda path: None)


# Kinds


def test_a_kind_is_asked_for_once_for_each_version() -> None:
    asked: list[str] = []

    def discover(path: str) -> Json:
        asked.append(path)
        return {"resources": [{"kind": "Widget", "name": "widgets", "namespaced": True}]}

    several = [{"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": name}} for name in "abc"]
    items = make_items(wishes(*several, target=CLUSTER), discover)
    assert {item.kind for item in items} == {WIDGET}
    assert asked == ["/apis/acme.example/v1"]


def test_kinds_that_definitions_of_the_task_bring_are_not_asked_for() -> None:
    widget = {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": "a"}}
    (item, _definition) = make_items(wishes(widget, definition(), target=CLUSTER), lambda path: None)
    assert item.kind == WIDGET
    assert wishes(definition(), SPACE).new_kinds() == [WIDGET]
    assert wishes(definition(served=False)).new_kinds() == []
    other = {**definition(), "apiVersion": "acme.example/v1"}
    assert wishes(other, {**definition(), "kind": "Other"}).new_kinds() == []


def test_without_a_server_kinds_are_those_of_the_table_or_as_written() -> None:
    gadget: Json = {"apiVersion": "acme.example/v2", "kind": "Gadget", "metadata": {"name": "g", "namespace": "shop"}}
    wide = {**gadget, "metadata": {"name": "g"}}
    first, second, third = make_items(wishes(gadget, wide, CONFIG, target=CLUSTER), None)
    assert first.kind == Kind("acme.example", "v2", "Gadget", "gadget", True)
    assert (second.kind, second.namespace) == (first.kind, "default")
    assert third.kind == kind("ConfigMap")
    (fourth,) = make_items(wishes(wide, target=CLUSTER), None)
    assert (fourth.kind, fourth.namespace) == (Kind("acme.example", "v2", "Gadget", "gadget", False), "")


def test_without_a_server_a_kind_is_that_of_its_own_group_and_version() -> None:
    job = {"apiVersion": "batch.volcano.sh/v1alpha1", "kind": "Job", "metadata": {"name": "a", "namespace": "shop"}}
    older = {**virtual_service("a"), "apiVersion": "networking.istio.io/v1beta1"}
    (first,) = make_items(wishes(job, target=CLUSTER), None)
    assert first.kind == Kind("batch.volcano.sh", "v1alpha1", "Job", "job", True)
    (second,) = make_items(wishes(older), None)
    assert second.kind == known_kind("VirtualService", "networking.istio.io/v1beta1")


def test_without_a_server_a_kind_that_no_server_has_there_can_only_be_wanted_away() -> None:
    service = {**virtual_service("a"), "apiVersion": "v1"}
    with pytest.raises(UnknownKind, match="v1 has no kind 'VirtualService'"):
        make_items(wishes(service, target=CLUSTER), None)
    (item,) = make_items(wishes(service, target=CLUSTER, absent=True), None)
    assert item.body is None


def test_an_object_of_a_kind_that_nobody_serves_may_be_wanted_away() -> None:
    gadget = {"apiVersion": "acme.example/v2", "kind": "Gadget", "metadata": {"name": "g", "namespace": "shop"}}
    (item,) = make_items(wishes(gadget, target=CLUSTER, absent=True), lambda path: None)
    assert item.kind == Kind("acme.example", "v2", "Gadget", "gadget", True)
    with pytest.raises(UnknownKind):
        make_items(wishes(gadget, target=CLUSTER), lambda path: None)


# What is there


def test_one_object_is_listed_by_its_name_and_several_as_a_whole(api: MemoryApi, client: KubeClient) -> None:
    for name in ("a", "b", "other"):
        api.put(f"{ISTIO}/virtualservices/{name}", virtual_service(name))
    rule = {**virtual_service("a"), "kind": "DestinationRule"}
    items = make_items(wishes(virtual_service("a"), virtual_service("b"), virtual_service("new"), rule), unserved)
    read_live(client, items, MESH)
    assert [item.live and item.live["metadata"]["name"] for item in items] == ["a", "b", None, None]
    queries = {path.rsplit("/", 1)[1]: query for method, path, query, _body in api.requests}
    assert queries["destinationrules"]["fieldSelector"] == "metadata.name=a"
    assert "fieldSelector" not in queries["virtualservices"]
    assert len({path for _method, path, _query, _body in api.requests}) == 2


def test_objects_of_one_name_in_two_namespaces_are_two(api: MemoryApi, client: KubeClient) -> None:
    api.put(f"{ISTIO}/virtualservices/a", virtual_service("a"))
    items = make_items(wishes(virtual_service("a"), virtual_service("a", "istio-system")), unserved)
    read_live(client, items, MESH)
    assert [bool(item.live) for item in items] == [True, False]


def test_what_a_list_leaves_out_is_filled_in(api: MemoryApi, client: KubeClient) -> None:
    """API servers list objects without their apiVersion and kind."""
    api.put(f"{ISTIO}/virtualservices/a", virtual_service("a"))
    (item,) = make_items(wishes(virtual_service("a")), unserved)
    read_live(client, [item], MESH)
    assert item.live
    assert (item.live["apiVersion"], item.live["kind"]) == ("networking.istio.io/v1", "VirtualService")


def test_a_kind_that_comes_with_the_task_need_not_be_served_yet(api: MemoryApi, client: KubeClient) -> None:
    api.unserved.add("widgets")
    item = Item(WIDGET, "default", "a", body={})
    read_live(client, [item], CLUSTER, defined=[Kind("acme.example", "v1beta1", "Widget", "widgets")])
    assert (item.live, item.unserved) == (None, False)
    for other in (Kind("acme.example", "v1", "Gadget", "gadgets"), Kind("other.example", "v1", "Widget", "widgets")):
        with pytest.raises(UnknownKind):
            read_live(client, [item], CLUSTER, defined=[other])
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, only="widgets")
    with pytest.raises(AsmError, match="Not allowed to list widgets"):
        read_live(client, [item], CLUSTER, defined=[WIDGET])


def test_a_failed_list_names_an_object_that_it_was_for(api: MemoryApi, client: KubeClient) -> None:
    api.unserved.add("widgets")
    widgets = [{"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": name}} for name in "ab"]
    items = make_items(wishes(definition(), *widgets, target=CLUSTER), unserved)
    with pytest.raises(UnknownKind) as caught:
        read_live(client, items, CLUSTER)
    assert caught.value.message == (
        "Widget.acme.example default/a (definition, document 2): The API server does not serve Widget of "
        "acme.example/v1."
    )
    assert isinstance(caught.value.__cause__, KubeError)


def test_a_list_that_is_not_allowed_names_an_object_namespace_and_target(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, only="configmaps")
    with pytest.raises(KubeError) as caught:
        read_live(client, make_items(wishes(CONFIG, target=CLUSTER), unserved), CLUSTER)
    assert caught.value.message == (
        "ConfigMap default/settings (definition, document 1): Not allowed to list configmaps in namespace 'default': "
        "no. Is this the kubeconfig of a mesh? Applications need the one of a data-plane cluster."
    )


def test_of_a_kind_that_is_not_served_nothing_has_to_be_removed(api: MemoryApi, client: KubeClient) -> None:
    api.unserved.add("widgets")
    going = [Item(WIDGET, "default", name) for name in "ab"]
    read_live(client, going, CLUSTER)
    assert [(item.live, item.unserved) for item in going] == [(None, True)] * 2
    with pytest.raises(UnknownKind):
        read_live(client, [*going, Item(WIDGET, "default", "c", body={})], CLUSTER)


@pytest.mark.parametrize("group", ["networking.istio.io", "extensions.istio.io", "istio.alibabacloud.com"])
def test_of_a_kind_that_this_mesh_lacks_nothing_has_to_be_removed(
    api: MemoryApi, client: KubeClient, group: str
) -> None:
    """Older versions of a mesh lack some kinds of a group; without the whole group it is no mesh."""
    api.unserved.add("widgets")
    going = Item(Kind(group, "v1", "Widget", "widgets"), "default", "a")
    with pytest.raises(UnknownKind, match="no control plane"):
        read_live(client, [going], MESH)
    api.documents[f"/apis/{group}"] = {"versions": [{"version": "v1"}]}
    read_live(client, [going], MESH)
    assert (going.live, going.unserved) == (None, True)


# Why a list failed


def explained(client: KubeClient, path: str, one: Kind, namespace: str, target: str) -> AsmError:
    with pytest.raises(KubeError) as caught:
        client.list(path)
    return explain_list_error(caught.value, client, one, namespace, target)


@pytest.mark.parametrize(
    ("group", "said"),
    [
        ("acme.example", "The API server does not serve Widget of acme.example/v1."),
        (
            "networking.istio.io",
            "The API server does not serve Widget of networking.istio.io/v1: it is no control plane of a mesh. Use the "
            "option mesh, or the kubeconfig of the mesh itself.",
        ),
        (GATEWAY_API, f"The API server does not serve Widget of {GATEWAY_API}/v1. {GATEWAY_API_HINT}"),
        (
            "istio.alibabacloud.com",
            "The API server does not serve Widget of istio.alibabacloud.com/v1: it is no control plane of a mesh. Use "
            "the option mesh, or the kubeconfig of the mesh itself.",
        ),
    ],
)
def test_a_kind_that_is_not_served(api: MemoryApi, client: KubeClient, group: str, said: str) -> None:
    api.unserved.add("widgets")
    one = Kind(group, "v1", "Widget", "widgets")
    error = explained(client, one.path(), one, "", MESH)
    assert (type(error), error.message, error.http_status) == (UnknownKind, said, 404)


@pytest.mark.parametrize("group", ["networking.istio.io", GATEWAY_API])
def test_a_version_that_is_not_served_and_a_kind_that_is_not_in_it(
    api: MemoryApi, client: KubeClient, group: str
) -> None:
    api.unserved.add("widgets")
    one = Kind(group, "v1", "Widget", "widgets")
    api.documents[f"/apis/{group}"] = {"versions": [{"version": "v1beta1"}, {"version": "v1alpha3"}]}
    error = explained(client, one.path(), one, "", MESH)
    assert error.message == f"The API server serves {group} as v1beta1, v1alpha3, not as v1."
    assert (type(error), error.code, error.http_status) == (InvalidInput, "UnknownKind", 404)
    api.documents[f"/apis/{group}"] = {"versions": [{"version": "v1"}]}
    error = explained(client, one.path(), one, "", MESH)
    assert error.message == f"The API server does not serve Widget of {group}/v1."


@pytest.mark.parametrize(
    ("target", "revoked", "hint"),
    [
        (MESH, False, NO_ROLE),
        (MESH, True, f"{NO_ROLE} {REVOKED}"),
        (CLUSTER, False, "Is this the kubeconfig of a mesh? Applications need the one of a data-plane cluster."),
        (CLUSTER, True, REVOKED),
    ],
)
@pytest.mark.parametrize(("namespace", "where"), [("", ""), ("shop", " in namespace 'shop'")])
def test_a_list_that_is_not_allowed_says_which_right_is_missing(
    api: MemoryApi, client: KubeClient, target: str, revoked: bool, hint: str, namespace: str, where: str
) -> None:
    refusal = {"kind": "Status", "reason": "Forbidden", "message": "no"}
    api.fail_next(403, refusal, only="configmaps")
    if revoked:
        api.fail_next(403, refusal, only="/api/v1/namespaces")
    error = explained(client, "/api/v1/configmaps", kind("ConfigMap"), namespace, target)
    assert error.message == f"Not allowed to list configmaps{where}: no. {hint}"
    assert (type(error), error.code, error.http_status) == (KubeError, "Forbidden", 403)
    asked = [(path, query) for _method, path, query, _body in api.requests if path == "/api/v1/namespaces"]
    assert [query["limit"] for _path, query in asked] == ["1"]


def test_another_failure_of_a_list_keeps_what_the_server_said(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(400, {"kind": "Status", "reason": "BadRequest", "message": "odd"}, only="configmaps")
    error = explained(client, "/api/v1/configmaps", kind("ConfigMap"), "shop", CLUSTER)
    assert (error.message, error.http_status) == ("Cannot list configmaps in namespace 'shop': odd", 400)


def test_a_question_about_rights_that_fails_otherwise_says_nothing_about_them(
    api: MemoryApi, client: KubeClient
) -> None:
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, only="configmaps")
    api.fail_next(400, {"kind": "Status", "message": "odd"}, only="/api/v1/namespaces")
    error = explained(client, "/api/v1/configmaps", kind("ConfigMap"), "", CLUSTER)
    assert REVOKED not in error.message


# Decisions


def item_for(body: Json | None, live: Json | None) -> Item:
    return Item(kind("VirtualService"), "default", "a", body=body, live=live)


WANTED = virtual_service("a")
GOING = {"deletionTimestamp": "now"}


@pytest.mark.parametrize(
    ("body", "live", "outcome", "verdict"),
    [
        (WANTED, None, CREATED, ""),
        (WANTED, applied(WANTED), UNCHANGED, "same"),
        (WANTED, applied(virtual_service("a", gateways=["mesh"])), UPDATED, "different"),
        (WANTED, applied(WANTED, **GOING), CREATED, ""),
        (None, None, UNCHANGED, ""),
        (None, applied(WANTED), DELETED, ""),
        (None, applied(WANTED, **GOING), UNCHANGED, ""),
    ],
)
def test_each_object_gets_what_has_to_be_done(body: Json | None, live: Json | None, outcome: str, verdict: str) -> None:
    one = item_for(body, live)
    decide([one])
    assert (one.outcome, one.verdict) == (outcome, verdict)


def test_an_object_of_an_earlier_tool_is_taken_over_even_when_its_content_is_ours() -> None:
    live = applied(WANTED)
    live["metadata"]["managedFields"] += managed(WANTED, "kubectl-client-side-apply", "Update")
    one = item_for(WANTED, live)
    decide([one])
    assert (one.outcome, one.verdict) == (UPDATED, "different")


def test_what_the_local_comparison_cannot_tell_counts_as_a_change_until_the_server_says() -> None:
    live = applied(virtual_service("a", exportTo=["*"]))
    live["spec"]["exportTo"] = ["."]
    one = item_for(virtual_service("a", exportTo=["*"]), live)
    decide([one])
    assert (one.outcome, one.verdict) == (UPDATED, "unsure")


def test_the_servers_own_kinds_may_store_a_value_in_another_spelling() -> None:
    body = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "a"}, "spec": {"value": 1}}
    live = applied(body)
    live["spec"]["value"] = 2
    builtin = Item(kind("LimitRange"), "default", "a", body=body, live=live)
    other = Item(WIDGET, "default", "a", body=body, live=live)
    decide([builtin, other])
    assert (builtin.verdict, other.verdict) == ("unsure", "different")


def test_the_removal_of_an_object_that_no_document_mentions() -> None:
    live = applied(virtual_service("a", "shop"))
    one = deletion(kind("VirtualService"), live)
    assert (one.kind, one.namespace, one.name) == (kind("VirtualService"), "shop", "a")
    assert (one.live, one.body, one.outcome) == (live, None, DELETED)
    wide = deletion(kind("Namespace"), {"metadata": {"name": "shop", **GOING}})
    assert (wide.namespace, wide.name, wide.outcome) == ("", "shop", UNCHANGED)


# Namespaces


def coming(namespace: str, name: str = "a", live: Json | None = None, outcome: str = CREATED) -> Item:
    return Item(kind("VirtualService"), namespace, name, body={}, live=live, outcome=outcome)


def test_namespaces_that_are_neither_there_nor_of_the_task_are_missing(api: MemoryApi, client: KubeClient) -> None:
    own = Item(kind("Namespace"), "", "own", body=SPACE, outcome=CREATED)
    several = [coming("zoo"), coming("attic"), coming("attic", "b"), coming("default"), coming("own"), own]
    assert missing_namespaces(client, several) == ["attic", "zoo"]
    assert sorted(api.sent("GET")) == [f"/api/v1/namespaces/{name}" for name in ("attic", "default", "zoo")]


def test_only_creations_into_namespaces_without_known_objects_ask(api: MemoryApi, client: KubeClient) -> None:
    going = Item(kind("Namespace"), "", "going", outcome=DELETED)
    unknown = [
        coming("filled"),
        coming("filled", "b", live=WANTED, outcome=UNCHANGED),
        coming("kept", live=None, outcome=UNCHANGED),
        Item(kind("ClusterRole"), "", "a", body={}, outcome=CREATED),
        going,
    ]
    assert missing_namespaces(client, unknown) == []
    assert api.requests == []
    assert missing_namespaces(client, [going, coming("going")]) == ["going"]


def test_who_may_not_read_namespaces_is_told_by_the_write(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, only="namespaces/attic")
    assert missing_namespaces(client, [coming("attic"), coming("zoo")]) == ["zoo"]
    api.fail_next(400, {"kind": "Status", "message": "odd"}, only="namespaces/attic")
    with pytest.raises(KubeError, match="odd"):
        missing_namespaces(client, [coming("attic"), coming("zoo")])


def test_items_are_asked_for_by_kind_and_namespace() -> None:
    one, other, third = Item(WIDGET, "a", "x"), Item(WIDGET, "a", "y"), Item(WIDGET, "b", "x")
    assert by_place([one, other, third]) == {(WIDGET, "a"): {"x": one, "y": other}, (WIDGET, "b"): {"x": third}}


def test_a_single_object_is_asked_for_by_its_name_and_several_are_picked() -> None:
    single, several = asked({"x"}), asked({"x", "y"})
    assert single["fieldSelector"] == "metadata.name=x"
    assert several.keys() == {"keep"}
    assert [several["keep"]({"metadata": {"name": name}}) for name in ("x", "y", "z")] == [True, True, False]


def test_what_is_listed_says_its_kind_which_a_server_leaves_out(client: KubeClient, api: MemoryApi) -> None:
    api.fail_next(
        200, {"items": [{"metadata": {"name": "a"}}]}, only="GET /apis/networking.istio.io/v1/virtualservices"
    )
    identity = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService"}
    assert listed(client, kind("VirtualService"), labelSelector="x=y") == [{**identity, "metadata": {"name": "a"}}]
    assert api.requests[-1][2]["labelSelector"] == "x=y"
    api.put(f"{ISTIO}/virtualservices/b", virtual_service("b"))
    assert [one["metadata"]["name"] for one in listed(client, kind("VirtualService"), "default")] == ["b"]
    assert listed(client, kind("VirtualService"), "shop") == []
