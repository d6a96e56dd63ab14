# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole flow of a set of objects, from listing to waiting, against an API server in memory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.filter.canary_stages import FilterModule
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube import releases
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import from_definition
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER, MESH, known_kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes, explain_list_error, make_items

from .conftest import MemoryApi, definition, managed, virtual_service

Json = dict[str, Any]
ISTIO = "/apis/networking.istio.io/v1/namespaces/default"
ROUTES = f"{ISTIO}/virtualservices"
RULE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "reviews"},
    "spec": {"host": "reviews"},
}
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


class Run:
    """One task: its set and how it ended."""

    def __init__(self, api: MemoryApi, client: KubeClient) -> None:
        self.api, self.client = api, client
        self.objects: ObjectSet | None = None

    def __call__(
        self, *bodies: Json, check: bool = False, absent: bool = False, target: str = "mesh", **manner: Any
    ) -> Outcome:
        self.api.requests.clear()
        wishes = Wishes(target, from_definition(list(bodies)), set_name=manner.get("set_name"), absent=absent)
        self.objects = ObjectSet(wishes, Manner(**manner), lambda: self.client)
        return reconcile(self.objects, check=check, timeout=5)

    def fails(self, *bodies: Json, **options: Any) -> AsmError:
        with pytest.raises(AsmError) as caught:
            self(*bodies, **options)
        return caught.value

    @property
    def outcomes(self) -> dict[str, str]:
        return {item.short: item.outcome for item in self.objects.items} if self.objects else {}


@pytest.fixture
def run(api: MemoryApi, client: KubeClient) -> Run:
    return Run(api, client)


def test_create_then_nothing_but_lists(api: MemoryApi, run: Run) -> None:
    outcome = run(virtual_service(), RULE)
    assert outcome.changed
    assert [one["outcome"] for one in outcome.value] == ["created", "created"]
    again = run(virtual_service(), RULE)
    assert not again.changed
    assert {one["outcome"] for one in again.value} == {"unchanged"}
    assert sorted({method for method, *_unused in api.requests}) == ["GET"]
    assert sorted(api.sent("GET")) == [f"{ISTIO}/destinationrules", ROUTES]


def test_a_change_and_a_dropped_field(api: MemoryApi, run: Run) -> None:
    run(virtual_service(exportTo=["*"]))
    outcome = run(virtual_service(gateways=["mesh"]))
    assert (outcome.changed, outcome.plan.before["VirtualService default/reviews"]["spec"]["exportTo"]) == (True, ["*"])
    assert api.objects[f"{ROUTES}/reviews"]["spec"] == {"hosts": ["reviews"], "gateways": ["mesh"]}


def test_check_mode_asks_but_does_not_write(api: MemoryApi, run: Run) -> None:
    outcome = run(virtual_service(), check=True)
    assert (outcome.changed, outcome.value[0]["outcome"]) == (True, "created")
    assert outcome.plan.after["VirtualService default/reviews"]["spec"] == {"hosts": ["reviews"]}
    assert api.sent("PATCH") == [f"{ROUTES}/reviews (dry run)"]
    assert f"{ROUTES}/reviews" not in api.objects


def test_one_bad_object_means_that_nothing_is_written(api: MemoryApi, run: Run) -> None:
    error = run.fails(virtual_service("a"), virtual_service("b", refuse="no"))
    assert "VirtualService default/b (definition, document 2): spec.refuse" in error.message
    assert error.message.endswith("Nothing was written.")
    assert not error.changed
    assert all(path.endswith("(dry run)") for path in api.sent("PATCH"))


def test_without_validation_a_failure_does_not_hide_the_others(api: MemoryApi, run: Run) -> None:
    bodies = [virtual_service("a"), virtual_service("b", refuse="no"), virtual_service("c")]
    error = run.fails(*bodies, validate=False)
    assert error.changed
    assert "Nothing was written" not in error.message
    assert run.outcomes == {
        "VirtualService default/a": "created",
        "VirtualService default/b": "failed",
        "VirtualService default/c": "created",
    }


def test_what_depends_on_a_failure_is_not_sent(api: MemoryApi, run: Run) -> None:
    rule = {**RULE, "spec": {"host": "reviews", "refuse": "no"}}
    error = run.fails(virtual_service(), rule, validate=False)
    assert run.outcomes == {"VirtualService default/reviews": "skipped", "DestinationRule default/reviews": "failed"}
    assert len(api.sent("PATCH")) == 1
    assert (error.changed, error.message.endswith("Nothing was written.")) == (False, True)
    error = run.fails(virtual_service(), rule, SPACE, validate=False)
    assert error.changed
    assert "1 objects that come after them were not sent" in error.message


def test_many_failures_are_named_first_to_last(run: Run) -> None:
    error = run.fails(*[virtual_service(f"v-{n}", refuse=n) for n in "abcde"])
    assert error.message.startswith("5 of 5 objects failed. VirtualService default/v-a (definition, document 1)")
    assert "... and 2 more" in error.message


def test_order_of_writes_and_of_deletions(api: MemoryApi, run: Run) -> None:
    route = virtual_service("reviews", "shop")
    rule = {**RULE, "metadata": {"name": "reviews", "namespace": "shop"}}
    run(route, rule, SPACE)
    kinds = [path.split("/")[-2] for path in api.sent("PATCH") if "dry run" not in path]
    assert kinds == ["namespaces", "destinationrules", "virtualservices"]
    run(route, rule, SPACE, absent=True)
    assert [path.split("/")[-2] for path in api.sent("DELETE")] == ["virtualservices", "destinationrules", "namespaces"]
    assert not run(route, rule, SPACE, absent=True).changed


def test_objects_of_a_namespace_to_come_are_tried_in_default(api: MemoryApi, run: Run) -> None:
    outcome = run(SPACE, virtual_service("reviews", "shop"), check=True)
    assert f"{ROUTES}/reviews (dry run)" in api.sent("PATCH")
    assert outcome.plan.after["VirtualService shop/reviews"]["metadata"]["namespace"] == "shop"
    error = run.fails(SPACE, virtual_service("reviews", "shop", refuse="no"))
    assert "VirtualService shop/reviews (definition, document 2): spec.refuse" in error.message
    assert "/api/v1/namespaces/shop" not in api.objects


def test_a_missing_namespace(api: MemoryApi, run: Run) -> None:
    error = run.fails(virtual_service("reviews", "nowhere"))
    assert isinstance(error, NotFound)
    assert "the namespace 'nowhere' does not exist" in error.message
    assert "different objects" in error.message
    assert [path for path in api.sent("PATCH") if "dry run" not in path] == []
    outcome = run(virtual_service("reviews", "nowhere"), check=True)
    assert outcome.changed
    assert "nowhere" in outcome.plan.warnings[0]


class TestNowhere:
    """The mesh or cluster is not there (yet)."""

    @staticmethod
    def task(absent: bool = False) -> ObjectSet:
        def connect() -> KubeClient:
            raise NotFound("There is no mesh 'demo'.")

        return ObjectSet(Wishes("mesh", from_definition(virtual_service()), absent=absent), Manner(), connect)

    def test_creation_is_predicted(self) -> None:
        outcome = reconcile(self.task(), check=True)
        assert (outcome.changed, outcome.value[0]["outcome"]) == (True, "created")
        assert "There is no mesh 'demo'." in outcome.plan.warnings[0]

    def test_writing_fails(self) -> None:
        with pytest.raises(NotFound, match="There is no mesh 'demo'"):
            reconcile(self.task())

    def test_there_is_nothing_to_remove(self) -> None:
        outcome = reconcile(self.task(absent=True))
        assert (outcome.changed, outcome.plan.warnings) == (False, ())


def test_conflicts_name_manager_and_field(api: MemoryApi, run: Run) -> None:
    body = virtual_service(gateways=["mesh"])
    api.put(f"{ROUTES}/reviews", body, managedFields=managed(body, "kubectl"))
    error = run.fails(virtual_service())
    assert 'field .spec is managed by "kubectl"' in error.message
    assert "force_conflicts: true" in error.message
    assert run(virtual_service(), force_conflicts=True).changed
    assert not run(virtual_service()).changed


class TestCompare:
    """As the playbook drift asks: every object is looked at, whatever becomes of the others."""

    def test_a_conflict_is_a_difference_and_hides_no_other(self, api: MemoryApi, run: Run) -> None:
        run(virtual_service(), RULE)
        theirs = virtual_service(gateways=["mesh"])
        api.put(f"{ROUTES}/reviews", theirs, managedFields=managed(theirs, "kubectl-patch"))
        del api.objects[f"{ISTIO}/destinationrules/reviews"]
        outcome = run(virtual_service(), RULE, check=True, compare=True)
        assert run.outcomes == {
            "VirtualService default/reviews": "updated",
            "DestinationRule default/reviews": "created",
        }
        assert outcome.plan.before["VirtualService default/reviews"]["spec"]["gateways"] == ["mesh"]
        assert run.objects is not None
        (field,) = run.objects.comparison()["fields"].pop("VirtualService default/reviews")
        assert (field["field"], field["kind"], field["manager"]) == ("spec.gateways", "added", "kubectl-patch")
        assert api.objects[f"{ROUTES}/reviews"]["spec"]["gateways"] == ["mesh"]

    def test_a_refusal_ends_the_look_at_no_other(self, api: MemoryApi, run: Run) -> None:
        run(virtual_service(refuse="no"), RULE, check=True, compare=True)
        assert run.outcomes == {
            "VirtualService default/reviews": "failed",
            "DestinationRule default/reviews": "created",
        }
        assert run.objects is not None
        (failure,) = run.objects.comparison()["failures"]
        assert "spec.refuse" in failure

    def test_nothing_differs(self, api: MemoryApi, run: Run) -> None:
        run(virtual_service(), RULE)
        assert not run(virtual_service(), RULE, check=True, compare=True).changed
        assert run.objects is not None
        assert run.objects.comparison() == {"fields": {}, "failures": []}

    def test_what_others_added_is_told_and_is_no_change(self, api: MemoryApi, run: Run) -> None:
        run(virtual_service())
        live = api.objects[f"{ROUTES}/reviews"]
        live["metadata"]["labels"] = {"team": "a"}
        fields = {"f:metadata": {"f:labels": {"f:team": {}}}}
        live["metadata"]["managedFields"].append(
            {"manager": "kubectl-label", "operation": "Update", "time": "now", "fieldsV1": fields}
        )
        assert not run(virtual_service(), check=True, compare=True).changed
        assert run.objects is not None
        (field,) = run.objects.comparison()["fields"]["VirtualService default/reviews"]
        assert (field["field"], field["kind"], field["found"]) == ("metadata.labels.team", "added", "a")


def test_duplicates_are_refused_with_both_places(api: MemoryApi, run: Run) -> None:
    error = run.fails(virtual_service(), virtual_service("other"), virtual_service())
    assert "given twice: in definition, document 1 and in definition, document 3" in error.message
    assert not api.requests


def test_the_wrong_target(api: MemoryApi, run: Run) -> None:
    assert isinstance(run.fails(virtual_service(), target="cluster"), Refused)
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}
    assert "Deployment d (definition, document 1): Deployment belongs to" in run.fails(deployment).message
    assert not api.requests


def test_a_kubeconfig_of_a_cluster_is_recognised(api: MemoryApi, run: Run) -> None:
    api.unserved.add("virtualservices")
    error = run.fails(virtual_service())
    assert "it is no control plane of a mesh" in error.message
    assert "VirtualService default/reviews (definition, document 1)" in error.message


def test_where_the_kinds_of_the_gateway_api_come_from(api: MemoryApi, run: Run) -> None:
    api.unserved |= {"httproutes", "gateways"}
    gateway = {**ROUTE, "kind": "Gateway"}
    for body in (ROUTE, gateway):
        message = run.fails(body).message
        assert (
            f"does not serve {body['kind']} of {ROUTE['apiVersion']}. These are the kinds of the Gateway API" in message
        )
        assert "gateway_api_enabled of meshops.asm.asm_mesh" in message
        assert "networking.istio.io" not in message


def test_a_version_that_is_not_served(api: MemoryApi, run: Run) -> None:
    api.unserved.add("virtualservices")
    api.documents["/apis/networking.istio.io"] = {"versions": [{"version": "v1beta1"}]}
    assert "serves networking.istio.io as v1beta1, not as v1" in run.fails(virtual_service()).message


def test_not_allowed(api: MemoryApi, run: Run) -> None:
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, times=2)
    assert "GrantUserPermissions" in run.fails(virtual_service()).message


FORBIDDEN = {"kind": "Status", "reason": "Forbidden", "message": 'User "1-2" cannot list resource "configmaps"'}


@pytest.mark.parametrize(("refused", "revoked"), [("configmaps", False), ("", True)])
def test_a_revoked_kubeconfig_is_not_taken_for_that_of_a_mesh(
    api: MemoryApi, client: KubeClient, refused: str, revoked: bool
) -> None:
    """Its user has no rights at all, while that of a mesh may at least list namespaces."""
    api.fail_next(403, FORBIDDEN, only=refused, times=5)
    with pytest.raises(KubeError) as caught:
        client.list("/api/v1/namespaces/default/configmaps")
    kind = known_kind("ConfigMap")
    assert kind
    said = explain_list_error(caught.value, client, kind, "default", CLUSTER).message
    assert ("was the kubeconfig revoked? Fetch a new one" in said) is revoked
    assert ("Is this the kubeconfig of a mesh?" in said) is not revoked
    assert ("kubeconfig revoked" in explain_list_error(caught.value, client, kind, "default", MESH).message) is revoked


@pytest.mark.parametrize("validate", [True, False])
def test_an_object_that_is_too_large(api: MemoryApi, run: Run, validate: bool) -> None:
    error = run.fails(RULE, virtual_service(text="x" * 1_600_000), validate=validate)
    assert isinstance(error, AsmError)
    assert "the API server stores at most 1,500,000" in error.message
    assert [line for line in api.sent("PATCH") if "dry run" not in line] == []


def test_sizes_are_those_of_what_is_sent(api: MemoryApi, run: Run) -> None:
    """Four bytes a character beyond U+FFFF: neither one, nor the twelve of its escapes."""
    fits, large = "\U0001f680" * 300_000, "\U0001f680" * 400_000
    assert run(virtual_service(text=fits)).changed
    error = run.fails(virtual_service(text=large))
    assert isinstance(error, AsmError)
    assert "has 1,600," in error.message


class TestPrune:
    """Members of a set that are not listed any more."""

    def fill(self, run: Run) -> None:
        run(virtual_service("a"), virtual_service("b"), RULE, set_name="shop")
        run(virtual_service("foreign"), set_name="other")

    def test_only_what_is_gone_from_the_list_goes(self, api: MemoryApi, run: Run) -> None:
        self.fill(run)
        theirs = virtual_service("theirs")
        theirs["metadata"]["labels"] = {"meshops.asm/set": "shop"}
        api.put(f"{ROUTES}/theirs", theirs, managedFields=managed(theirs, "kubectl"))
        planned = run(virtual_service("a"), set_name="shop", prune=True, check=True)
        assert api.sent("DELETE") == []
        outcome = run(virtual_service("a"), set_name="shop", prune=True)
        for value in (planned.value, outcome.value):
            assert {one["name"]: one["outcome"] for one in value} == {
                "a": "unchanged",
                "b": "deleted",
                "reviews": "deleted",
            }
        assert {f"{ROUTES}/{name}" in api.objects for name in ("a", "foreign", "theirs")} == {True}
        assert not run(virtual_service("a"), set_name="shop", prune=True).changed

    def test_other_namespaces_belong_to_the_set(self, api: MemoryApi, run: Run) -> None:
        run(virtual_service("a"), virtual_service("b", "istio-system"), set_name="shop")
        run(virtual_service("a"), set_name="shop", prune=True)
        assert api.sent("DELETE") == ["/apis/networking.istio.io/v1/namespaces/istio-system/virtualservices/b"]

    def test_everything_needs_permission(self, api: MemoryApi, run: Run) -> None:
        self.fill(run)
        assert (
            "would remove all 3 objects of the set 'shop'"
            in run.fails(virtual_service("new"), set_name="shop", prune=True).message
        )
        assert isinstance(run.fails(set_name="shop", prune=True), InvalidInput)
        assert len(api.objects) == 6
        assert run(set_name="shop", prune=True, prune_all=True).changed
        assert [path.rsplit("/", 1)[1] for path in api.objects if "istio.io" in path] == ["foreign"]

    def test_options_that_make_no_sense(self, run: Run) -> None:
        assert "prune needs the option set" in run.fails(virtual_service(), prune=True).message
        assert "state: present only" in run.fails(virtual_service(), set_name="s", prune=True, absent=True).message


def test_an_object_that_is_going_is_created_anew_when_gone(
    api: MemoryApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = virtual_service()
    api.put(f"{ROUTES}/reviews", live, deletionTimestamp="now", finalizers=["a/b"], managedFields=managed(live))
    real: Callable[..., Any] = run.client.get
    looks: list[str] = []

    def get(path: str, **query: Any) -> Any:
        if path == f"{ROUTES}/reviews":
            looks.append(path)
            if len(looks) == 2:
                del api.objects[path]
        return real(path, **query)

    monkeypatch.setattr(run.client, "get", get)
    assert run(virtual_service()).value[0]["outcome"] == "created"
    assert "deletionTimestamp" not in api.objects[f"{ROUTES}/reviews"]["metadata"]


def test_deletion_waits_until_gone(api: MemoryApi, run: Run) -> None:
    api.put(f"{ROUTES}/reviews", virtual_service(), finalizers=["a/b"])
    wishes = Wishes("mesh", from_definition(virtual_service()), absent=True)
    with pytest.raises(AsmError, match=r"VirtualService default/reviews to be gone \(held by finalizers a/b\)"):
        reconcile(ObjectSet(wishes, Manner(), lambda: run.client), timeout=0.3)


def test_kinds_that_come_with_the_task(api: MemoryApi, run: Run) -> None:
    widget = {"apiVersion": "acme.example/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"a": 1}}
    api.unserved.add("widgets")
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.acme.example"
    established = {"conditions": [{"type": "Established", "status": "True"}]}
    real = api._store

    def store(place: str, query: dict[str, str], live: Any, stored: Json) -> Any:
        return real(place, query, live, {**stored, "status": established} if place == path else stored)

    api._store = store
    outcome = run(widget, definition(), target="cluster")
    assert [one["outcome"] for one in outcome.value] == ["created", "created"]
    assert api.sent("PATCH")[-2:] == [path, "/apis/acme.example/v1/namespaces/default/widgets/w"]


SCALED = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "reviews"}}
ROUTE = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "reviews"}}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "reviews"}, "data": {"a": "1"}}


@pytest.mark.parametrize("unknown", [SCALED, ROUTE], ids=lambda body: str(body["kind"]))
def test_absent_where_the_kind_is_not_served_is_absent(api: MemoryApi, run: Run, unknown: Json) -> None:
    run(CONFIG, target="cluster")
    api.unserved |= {"httproutes", "scaledobject"}
    outcome = run(unknown, CONFIG, absent=True, target="cluster")
    assert [one["outcome"] for one in outcome.value] == ["unchanged", "deleted"]
    assert "/api/v1/namespaces/default/configmaps/reviews" not in api.objects
    assert outcome.plan.warnings == (
        f"The API server does not serve {unknown['kind']} of {unknown['apiVersion']}, so there is none to be removed.",
    )
    assert not run(unknown, absent=True, target="cluster").changed
    assert "does not serve" in run.fails(ROUTE, target="cluster").message


def test_absent_of_a_kind_in_another_version_is_not_absent(api: MemoryApi, run: Run) -> None:
    api.unserved.add("httproutes")
    group = "gateway.networking.k8s.io"
    api.documents[f"/apis/{group}"] = {"versions": [{"version": "v1beta1"}]}
    assert f"serves {group} as v1beta1, not as v1" in run.fails(ROUTE, absent=True, target="cluster").message


def test_absent_of_an_istio_kind_on_what_is_no_control_plane(api: MemoryApi, run: Run) -> None:
    api.unserved.add("virtualservices")
    assert "it is no control plane" in run.fails(virtual_service(), absent=True).message


def test_jobs_of_two_groups_are_two_things(api: MemoryApi, run: Run) -> None:
    group = "batch.volcano.sh/v1alpha1"
    api.documents[f"/apis/{group}"] = {"resources": [{"kind": "Job", "name": "jobs", "namespaced": True}]}
    of_volcano = {"apiVersion": group, "kind": "Job", "metadata": {"name": "train"}, "spec": {"minAvailable": 3}}
    of_batch = {**of_volcano, "apiVersion": "batch/v1", "spec": {"completions": 1, "suspend": True}}
    outcome = run(of_volcano, of_batch, target="cluster")
    assert set(outcome.plan.after) == {"Job.batch.volcano.sh default/train", "Job default/train", "(summary)"}
    # Only the one of batch/v1 is judged by what is known of Jobs.
    assert not run(of_volcano, target="cluster").changed
    for path in (f"/apis/{group}/namespaces/default/jobs/train", "/apis/batch/v1/namespaces/default/jobs/train"):
        api.objects[path]["status"] = {"conditions": [{"type": "Failed", "status": "True", "message": "no"}]}
    assert not run(of_volcano, target="cluster").changed
    assert "Job default/train failed" in run.fails(of_batch, target="cluster").message


COMPRESSOR = {
    "apiVersion": "istio.alibabacloud.com/v1beta1",
    "kind": "ASMCompressor",
    "metadata": {"name": "limit"},
}


def discovery(*served: tuple[str, str, str, str]) -> Json:
    """The aggregated document of ``(group, version, kind, plural)``."""
    verbs = ["create", "delete", "get", "list", "patch"]
    items = [
        {
            "metadata": {"name": group},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        {"resource": plural, "responseKind": {"kind": kind}, "scope": "Namespaced", "verbs": verbs},
                        {"resource": "bindings", "responseKind": {"kind": "Binding"}, "verbs": ["create"]},
                    ],
                }
            ],
        }
        for group, version, kind, plural in served
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}


SERVED = (
    ("networking.istio.io", "v1", "VirtualService", "virtualservices"),
    ("istio.alibabacloud.com", "v1beta1", "ASMCompressor", "asmcompressors"),
    ("apps", "v1", "Deployment", "deployments"),
)


def test_prune_finds_members_of_any_kind(api: MemoryApi, run: Run) -> None:
    group = COMPRESSOR["apiVersion"]
    api.documents[f"/apis/{group}"] = {
        "resources": [{"kind": "ASMCompressor", "name": "asmcompressors", "namespaced": True}]
    }
    api.documents["/apis"] = discovery(*SERVED)
    run(virtual_service(), COMPRESSOR, set_name="shop")
    outcome = run(virtual_service(), set_name="shop", prune=True)
    assert outcome.plan.before.keys() == {"ASMCompressor.istio.alibabacloud.com default/limit"}
    assert f"/apis/{group}/namespaces/default/asmcompressors/limit" not in api.objects
    # Of what the server has, only what can be in a mesh is asked for.
    assert not [path for path in api.sent("GET") if path.endswith(("deployments", "destinationrules"))]
    assert not run(virtual_service(), set_name="shop", prune=True).changed


def test_prune_looks_in_the_version_that_the_mesh_has(api: MemoryApi, run: Run) -> None:
    """Kinds of ASM come and go with its versions; one that is not there, or may not be listed, is no failure."""
    limiter = {**COMPRESSOR, "kind": "ASMLocalRateLimiter"}
    served = ("istio.alibabacloud.com", "v1beta1", "ASMLocalRateLimiter", "asmlocalratelimiters")
    api.documents["/apis"] = discovery(*SERVED, served)
    run(virtual_service(), limiter, set_name="shop")
    outcome = run(virtual_service(), set_name="shop", prune=True, check=True)
    assert outcome.plan.before.keys() == {"ASMLocalRateLimiter default/limit"}
    api.fail_next(403, {"kind": "Status", "reason": "Forbidden", "message": "no"}, only="asmlocalratelimiters")
    (warning,) = run(virtual_service(), set_name="shop", prune=True).plan.warnings
    assert "not allowed to look among ASMLocalRateLimiter:" in warning
    del api.documents["/apis"]
    assert not run(virtual_service(), set_name="other", prune=True, check=True).plan.warnings


def test_prune_says_where_it_may_not_look(api: MemoryApi, run: Run) -> None:
    api.documents["/apis"] = discovery(*SERVED)
    run(virtual_service(), set_name="shop")
    refusal = {"kind": "Status", "reason": "Forbidden", "message": "no"}
    api.fail_next(403, refusal, only="asmcompressors")
    outcome = run(virtual_service(), set_name="shop", prune=True)
    assert outcome.plan.warnings == (
        "prune was not allowed to look among ASMCompressor.istio.alibabacloud.com: what the set has of these "
        "kinds stays.",
    )
    api.fail_next(403, refusal, only="virtualservices")
    assert "Not allowed to list virtualservices" in run.fails(RULE, set_name="shop", prune=True).message


def test_prune_counts_built_in_kinds_that_it_may_not_list(api: MemoryApi, run: Run) -> None:
    """A user of a mesh may list hardly any of them, and no set has one: a line is enough, the result has the names."""
    own = [
        ("apiregistration.k8s.io", "v1", "APIService", "apiservices"),
        ("storage.k8s.io", "v1", "CSIDriver", "csidrivers"),
        ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
        ("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),
    ]
    api.documents["/apis"] = discovery(*SERVED, *own)
    run(virtual_service(), set_name="shop")
    refusal = {"kind": "Status", "reason": "Forbidden", "message": "no"}
    for plural in ("apiservices", "csidrivers", "runtimeclasses"):
        api.fail_next(403, refusal, only=plural)
    outcome = run(virtual_service(), set_name="shop", prune=True)
    assert outcome.plan.warnings == (
        "prune was not allowed to look among 3 built-in kinds of Kubernetes; -v names them (unlisted).",
    )
    names = ["APIService.apiregistration.k8s.io", "CSIDriver.storage.k8s.io", "RuntimeClass.node.k8s.io"]
    assert run.objects
    assert run.objects.unlisted() == sorted(names)
    # A single one, beside a kind that somebody has added.
    api.fail_next(403, refusal, only="csidrivers")
    api.fail_next(403, refusal, only="asmcompressors")
    added, single = run(virtual_service(), set_name="shop", prune=True).plan.warnings
    assert "ASMCompressor.istio.alibabacloud.com: what the set has" in added
    assert "among 1 built-in kind of" in single


class TestReleased:
    """A route that a release has shifted is described with the weights of before."""

    OPTIONS: Json = {"stable": "v1", "canary": "v2"}

    def described(self, **rule: Any) -> Json:
        targets = [{"destination": {"host": "reviews", "subset": name}, "weight": 0} for name in ("v1", "v2")]
        targets[0]["weight"] = 100
        return virtual_service(http=[{"route": targets, **rule}])

    @pytest.fixture
    def released(self, api: MemoryApi, run: Run) -> Json:
        run(self.described())
        live = api.objects[f"{ROUTES}/reviews"]
        stage = {"weight": 100, "match": None, "mirror": 0}
        made = FilterModule().filters()["canary_route"](live, self.OPTIONS, stage, "2026-01-01T00:00:00Z")
        run(made, force_conflicts=True)
        return made

    def weights(self, api: MemoryApi) -> list[int]:
        return [one["weight"] for one in api.objects[f"{ROUTES}/reviews"]["spec"]["http"][0]["route"]]

    def test_the_description_leaves_it_alone_and_says_so(self, api: MemoryApi, run: Run, released: Json) -> None:
        said = "VirtualService default/reviews: v2 has 100 %, described 0 %, by canary of 2026-01-01T00:00:00Z."
        again = run(self.described())
        assert not again.changed
        assert again.plan.warnings == (f"{said} It stays so (force_conflicts: true ends it).",)
        run(self.described(), check=True, compare=True)
        assert run.objects is not None
        assert run.objects.comparison() == {"fields": {}, "failures": [], "releases": [said]}

    def test_what_else_changes_is_applied(self, api: MemoryApi, run: Run, released: Json) -> None:
        assert run(self.described(timeout="2s")).changed
        assert self.weights(api) == [0, 100]
        assert api.objects[f"{ROUTES}/reviews"]["spec"]["http"][0]["timeout"] == "2s"
        assert not run(self.described(timeout="2s")).changed

    def test_it_ends_where_the_description_is_taken_over(self, api: MemoryApi, run: Run, released: Json) -> None:
        assert run(self.described(), force_conflicts=True).changed
        assert self.weights(api) == [100, 0]
        assert "annotations" not in api.objects[f"{ROUTES}/reviews"]["metadata"]
        assert not run(self.described()).changed

    def test_another_kind_of_the_same_name_is_no_route_of_ours(self, api: MemoryApi, run: Run, released: Json) -> None:
        live = copy.deepcopy(api.objects[f"{ROUTES}/reviews"])
        for group, kept in (("networking.istio.io", True), ("gateway.solo.io", False)):
            body = {**self.described(), "apiVersion": f"{group}/v1"}
            (item,) = make_items(Wishes(MESH if kept else CLUSTER, from_definition(body)), None)
            item.live = copy.deepcopy(live)
            releases.respect([item])
            assert bool(item.release) is kept
