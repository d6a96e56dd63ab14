# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Among which kinds members of a set are looked for, what counts as one, and when a prune is too much."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Refused
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER, MESH, Kind, known_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import DELETED, UNCHANGED, Item
from ansible_collections.meshops.asm.plugins.module_utils.kube.pruning import members, surplus, unlooked

from .conftest import MemoryApi, managed, virtual_service

Json = dict[str, Any]
ROUTES = "/apis/networking.istio.io/v1/namespaces/default/virtualservices"
WIDGET = Kind("acme.example", "v1", "Widget", "widgets")
FORBIDDEN = {"kind": "Status", "reason": "Forbidden", "message": "no"}


def kind(name: str) -> Kind:
    found = known_kind(name)
    assert found
    return found


def labelled(body: Json, set_name: str = "shop") -> Json:
    found = copy.deepcopy(body)
    found["metadata"]["labels"] = {"meshops.asm/set": set_name}
    return found


def put(api: MemoryApi, path: str, body: Json, **metadata: Any) -> None:
    """An object as our apply has left it."""
    api.put(path, body, managedFields=managed(body), **metadata)


def names(items: list[Item]) -> list[str]:
    return sorted(item.short for item in items)


def discovery(*kinds: Kind) -> Json:
    """The aggregated document of these kinds."""
    verbs = ["create", "delete", "get", "list", "patch"]
    return {
        "kind": "APIGroupDiscoveryList",
        "items": [
            {
                "metadata": {"name": one.group},
                "versions": [
                    {
                        "version": one.version,
                        "resources": [
                            {
                                "resource": one.plural,
                                "responseKind": {"kind": one.kind},
                                "scope": "Namespaced" if one.namespaced else "Cluster",
                                "verbs": verbs,
                            }
                        ],
                    }
                ],
            }
            for one in kinds
        ],
    }


# What is a member


def test_a_member_has_the_label_of_the_set_as_our_own_field(api: MemoryApi, client: KubeClient) -> None:
    put(api, f"{ROUTES}/ours", labelled(virtual_service("ours")))
    put(api, f"{ROUTES}/other", labelled(virtual_service("other"), "other"))
    theirs = labelled(virtual_service("theirs"))
    api.put(f"{ROUTES}/theirs", theirs, managedFields=managed(theirs, "kubectl"))
    (item,) = members(client, "shop", MESH, [])
    assert (item.short, item.outcome, item.body) == ("VirtualService default/ours", DELETED, None)
    assert item.kind == kind("VirtualService")


def test_a_member_that_is_going_already_is_left_to_go(api: MemoryApi, client: KubeClient) -> None:
    put(api, f"{ROUTES}/ours", labelled(virtual_service("ours")), deletionTimestamp="now")
    (item,) = members(client, "shop", MESH, [])
    assert item.outcome == UNCHANGED


def test_a_member_that_its_list_shows_without_version_and_kind_gets_those_of_the_list(
    api: MemoryApi, client: KubeClient
) -> None:
    """API servers list objects without their apiVersion and kind."""
    put(api, f"{ROUTES}/ours", labelled(virtual_service("ours")))
    (item,) = members(client, "shop", MESH, [])
    assert item.live
    assert (item.live["apiVersion"], item.live["kind"]) == ("networking.istio.io/v1", "VirtualService")


# Where members are looked for


def test_without_discovery_the_usual_kinds_of_the_target_and_those_of_the_task_are_listed(
    api: MemoryApi, client: KubeClient
) -> None:
    members(client, "shop", MESH, [WIDGET])
    listed = {path.rsplit("/", 1)[1] for path in api.sent("GET")}
    assert {"virtualservices", "istiogateways", "httproutes", "widgets"} <= listed
    assert not listed & {"configmaps", "deployments"}
    queries = [query for _method, path, query, _body in api.requests if path.endswith("widgets")]
    assert [query["labelSelector"] for query in queries] == ["meshops.asm/set=shop"]


def test_with_discovery_what_is_served_and_belongs_to_the_target_is_listed(api: MemoryApi, client: KubeClient) -> None:
    api.documents["/apis"] = discovery(kind("VirtualService"), kind("Deployment"), WIDGET)
    members(client, "shop", MESH, [])
    listed = {path.rsplit("/", 1)[1] for path in api.sent("GET")} - {"api", "apis"}
    assert listed == {"virtualservices", "widgets"}


def test_a_kind_of_the_task_is_listed_even_where_the_server_does_not_name_it(
    api: MemoryApi, client: KubeClient
) -> None:
    api.documents["/apis"] = discovery(kind("VirtualService"))
    members(client, "shop", MESH, [WIDGET])
    assert [path for path in api.sent("GET") if path.endswith("/widgets")] == ["/apis/acme.example/v1/widgets"]


def test_the_task_says_in_which_version_its_kinds_are_listed(api: MemoryApi, client: KubeClient) -> None:
    older = Kind("networking.istio.io", "v1beta1", "VirtualService", "virtualservices")
    for served in ({}, discovery(kind("VirtualService"))):
        api.documents["/apis"] = served
        api.requests.clear()
        members(client, "shop", MESH, [older])
        found = [path for path in api.sent("GET") if path.endswith("/virtualservices")]
        assert found == ["/apis/networking.istio.io/v1beta1/virtualservices"]


@pytest.mark.parametrize("aggregated", [False, True])
@pytest.mark.parametrize("name", ["Namespace", "PersistentVolumeClaim", "CustomResourceDefinition"])
def test_what_holds_data_or_things_of_others_is_never_looked_for_not_even_when_the_task_has_some(
    api: MemoryApi, client: KubeClient, name: str, aggregated: bool
) -> None:
    one = kind(name)
    body = labelled({"apiVersion": one.api_version, "kind": name, "metadata": {"name": "a", "namespace": "default"}})
    put(api, one.path("default", "a"), body)
    if aggregated:
        api.documents["/apis"] = discovery(one, kind("Deployment"))
    api.requests.clear()
    assert members(client, "shop", CLUSTER, [one]) == []
    assert one.path() not in api.sent("GET")


# Kinds that cannot be listed


def test_a_kind_that_is_not_there_has_no_members(api: MemoryApi, client: KubeClient) -> None:
    api.unserved |= {"widgets", "httproutes"}
    put(api, f"{ROUTES}/ours", labelled(virtual_service("ours")))
    unlisted: list[Kind] = []
    assert names(members(client, "shop", MESH, [WIDGET], unlisted)) == ["VirtualService default/ours"]
    assert unlisted == []


@pytest.mark.parametrize("refused", ["destinationrules", "widgets"])
def test_a_usual_kind_or_one_of_the_task_that_may_not_be_listed_is_an_error(
    api: MemoryApi, client: KubeClient, refused: str
) -> None:
    """Nobody would know what is left behind."""
    api.fail_next(403, FORBIDDEN, only=refused)
    unlisted: list[Kind] = []
    with pytest.raises(AsmError, match=f"^Not allowed to list {refused}: .*istio-admin") as caught:
        members(client, "shop", MESH, [WIDGET], unlisted)
    assert (caught.value.http_status, unlisted) == (403, [])


def test_a_refusal_is_explained_for_the_server_that_is_aimed_at(api: MemoryApi, client: KubeClient) -> None:
    api.fail_next(403, FORBIDDEN, only="configmaps")
    with pytest.raises(AsmError, match=r"^Not allowed to list configmaps: no\. Is this the kubeconfig of a mesh"):
        members(client, "shop", CLUSTER, [])


def test_any_other_kind_that_may_not_be_listed_is_told(api: MemoryApi, client: KubeClient) -> None:
    api.documents["/apis"] = discovery(kind("VirtualService"), WIDGET)
    put(api, f"{ROUTES}/ours", labelled(virtual_service("ours")))
    api.fail_next(403, FORBIDDEN, only="widgets")
    unlisted: list[Kind] = []
    assert names(members(client, "shop", MESH, [], unlisted)) == ["VirtualService default/ours"]
    assert unlisted == [WIDGET]
    api.fail_next(403, FORBIDDEN, only="widgets")
    with pytest.raises(AsmError, match="Not allowed to list widgets"):
        members(client, "shop", MESH, [])


@pytest.mark.parametrize("status", [400, 405])
def test_another_failure_of_a_list_is_one_of_the_prune(api: MemoryApi, client: KubeClient, status: int) -> None:
    api.documents["/apis"] = discovery(kind("VirtualService"), WIDGET)
    api.fail_next(status, {"kind": "Status", "message": "broken"}, only="widgets")
    with pytest.raises(AsmError, match="Cannot list widgets: "):
        members(client, "shop", MESH, [], [])


# How much may go


def items(*short: str) -> list[Item]:
    return [Item(kind("VirtualService"), "default", name) for name in short]


def test_what_is_not_wanted_is_surplus() -> None:
    found = items("a", "b", "c")
    assert surplus(found, items("b", "new"), "shop", everything=False) == [found[0], found[2]]
    assert surplus(found, items("a", "b", "c"), "shop", everything=False) == []
    assert surplus([], items("a"), "shop", everything=False) == []
    assert surplus([], [], "shop", everything=False) == []


def test_the_whole_set_goes_only_when_that_is_allowed() -> None:
    found = items("a", "b", "c", "d")
    assert surplus(found, [], "shop", everything=True) == found
    with pytest.raises(Refused) as caught:
        surplus(found, items("new"), "shop", everything=False)
    assert caught.value.message == (
        "prune would remove all 4 objects of the set 'shop' (VirtualService default/a, VirtualService default/b, "
        "VirtualService default/c, ...): none of them is listed. Check the option set and the files, or allow it with "
        "prune_all: true."
    )
    with pytest.raises(Refused, match=r"all 3 objects .*default/b, VirtualService default/c\): none"):
        surplus(found[:3], [], "shop", everything=False)


def test_kinds_that_were_not_looked_for_are_named_where_somebody_added_them_and_counted_else() -> None:
    added = Kind("acme.example", "v1", "Anvil", "anvils")
    own = [kind("Secret"), kind("Pod")]
    named = (
        "prune was not allowed to look among Anvil.acme.example, Widget.acme.example: what the set has of these kinds "
        "stays."
    )
    several = "prune was not allowed to look among 2 built-in kinds of Kubernetes; -v names them (unlisted)."
    one = "prune was not allowed to look among 1 built-in kind of Kubernetes; -v names them (unlisted)."
    assert unlooked([*own, WIDGET, added, WIDGET]) == [named, several]
    assert unlooked(own[:1]) == [one]
    assert unlooked([]) == []
