# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The semantic checks of a task: what is read for them, and what becomes of their findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import Document, Source
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import MESH
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes

from .conftest import MemoryApi, status, virtual_service

Json = dict[str, Any]
ISTIO = "/apis/networking.istio.io/v1"
Run = Callable[..., Outcome]


def routed(subset: str = "", host: str = "reviews") -> Json:
    destination = {"host": host, **({"subset": subset} if subset else {})}
    return virtual_service(http=[{"route": [{"destination": destination}]}])


def rule(*subsets: str) -> Json:
    spec = {"host": "reviews", "subsets": [{"name": one} for one in subsets]}
    metadata = {"name": "reviews", "namespace": "default"}
    return {"apiVersion": "networking.istio.io/v1", "kind": "DestinationRule", "metadata": metadata, "spec": spec}


@pytest.fixture
def run(client: KubeClient) -> Run:
    def work(*bodies: Json, absent: bool = False, domain: Callable[[], str] = str, **manner: Any) -> Outcome:
        documents = [Document(Source("a.yml", number), body) for number, body in enumerate(bodies, start=1)]
        wishes = Wishes(MESH, documents, absent=absent, set_name=manner.get("set_name"))
        objects = ObjectSet(wishes, Manner(lint=True, cluster_domain=domain, **manner), lambda: client)
        try:
            return reconcile(objects, wait=False)
        except AsmError as error:
            error.details = {"findings": objects.lint.results() if objects.lint else None}
            raise

    return work


def test_an_error_writes_nothing_and_names_file_place_and_code(api: MemoryApi, run: Run) -> None:
    with pytest.raises(AsmError) as caught:
        run(routed("v2"), rule("v1"))
    message = caught.value.message
    assert "ASM002 VirtualService default/reviews (a.yml, document 1), spec.http[0].route[0]:" in message
    assert message.endswith("Nothing was written.")
    assert caught.value.code == "LintFailed"
    assert [one["code"] for one in caught.value.details["findings"]] == ["ASM002"]
    assert {method for method, *_unused in api.requests} == {"GET"}


def test_one_list_for_each_kind_and_no_other_request(api: MemoryApi, run: Run) -> None:
    run(routed("v1"), rule("v1"))
    api.requests.clear()
    assert not run(routed("v1"), rule("v1")).changed
    spaces = f"{ISTIO}/namespaces/default"
    kinds = ("virtualservices", "destinationrules", "gateways", "serviceentries")
    planning = [f"{spaces}/destinationrules", f"{spaces}/virtualservices"]
    assert sorted(api.sent("GET")) == sorted([*planning, *(f"{ISTIO}/{kind}" for kind in kinds), "/api/v1/services"])


def test_kinds_without_checks_cost_nothing(api: MemoryApi, run: Run) -> None:
    sidecar = {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": {"name": "a"}, "spec": {}}
    run(sidecar)
    api.requests.clear()
    run(sidecar, domain=lambda: pytest.fail("nothing has to be known"))
    assert api.sent("GET") == [f"{ISTIO}/namespaces/default/sidecars"]


def test_a_warning_is_a_warning(run: Run) -> None:
    done = run(routed(host="api.example.com"))
    assert done.changed
    [text] = done.plan.warnings
    assert text.startswith("ASM005 VirtualService default/reviews (a.yml, document 1)")


def test_services_that_may_not_be_read_are_not_judged(api: MemoryApi, run: Run) -> None:
    api.fail_next(*status(403, "Forbidden", "no"), only="/api/v1/services")
    assert run(routed()).plan.warnings == ()


def test_services_of_clusters_are_judged_where_they_can_be_read(api: MemoryApi, run: Run) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "details", "namespace": "default"}}
    api.put("/api/v1/namespaces/default/services/details", body)
    [text] = run(routed()).plan.warnings
    assert "no Service or ServiceEntry is known for the host 'reviews.default.svc.cluster.local'" in text


def test_hosts_are_read_with_the_cluster_domain(run: Run) -> None:
    full = routed("v1", host="reviews.default.svc.corp.test")
    assert run(full, rule("v1"), domain=lambda: "corp.test").plan.warnings == ()
    with pytest.raises(AsmError, match="ASM002"):
        run(full, rule("v1"))


def test_what_may_not_be_listed_is_an_error(api: MemoryApi, run: Run) -> None:
    api.fail_next(*status(403, "Forbidden", "no"), only=f"{ISTIO}/gateways")
    with pytest.raises(AsmError, match="lint needs to list gateways in all namespaces"):
        run(routed())


def test_a_removal_that_breaks_others_is_refused(api: MemoryApi, run: Run) -> None:
    run(routed("v1"), rule("v1"))
    with pytest.raises(AsmError, match="ASM002 VirtualService default/reviews, spec"):
        run(rule("v1"), absent=True)
    assert api.sent("DELETE") == []
    assert run(rule("v1"), routed("v1"), absent=True).changed


def test_a_prune_that_breaks_others_is_refused(api: MemoryApi, run: Run) -> None:
    run(rule("v1"), virtual_service("kept"), set_name="shop")
    run(routed("v1"))
    with pytest.raises(AsmError, match="ASM002"):
        run(virtual_service("kept"), set_name="shop", prune=True)
    assert api.sent("DELETE") == []


def test_many_findings_are_told_in_part(run: Run) -> None:
    many = [routed("v1", host=f"h{number}") for number in range(8)]
    for number, one in enumerate(many):
        one["metadata"] = {"name": f"r{number}"}
        one["spec"]["hosts"] = [f"h{number}"]
    with pytest.raises(AsmError) as caught:
        run(*many)
    assert "... and 3 more, see the result's findings" in caught.value.message
    assert len(caught.value.details["findings"]) == 8


def policy(action: str = "CUSTOM") -> Json:
    metadata = {"name": "orders", "namespace": "default"}
    spec = {"action": action, "provider": {"name": "httpextauth-ours"}, "rules": [{}]}
    return {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata, "spec": spec}


def test_providers_are_asked_for_once_a_policy_names_one(api: MemoryApi, run: Run) -> None:
    asked: list[str] = []

    def providers() -> list[str]:
        asked.append("")
        return ["httpextauth-theirs"]

    run(policy("DENY"), routed(), providers=providers)
    assert asked == []
    outcome = run(policy(), routed(), providers=providers)
    assert len(asked) == 1
    (warning,) = [one for one in outcome.plan.warnings if "ASM008" in one]
    assert "ASM008 AuthorizationPolicy default/orders (a.yml, document 1), spec.provider.name:" in warning
    api.requests.clear()
    assert not [one for one in run(policy(), providers=lambda: None).plan.warnings if "ASM008" in one]
    # Policies alone need no list of routes.
    assert sorted(api.sent("GET")) == ["/apis/security.istio.io/v1/namespaces/default/authorizationpolicies"]


def test_routes_are_read_once_a_limit_names_one(api: MemoryApi, run: Run) -> None:
    match = {"vhost": {"name": "reviews", "port": 9080, "route": {"name_match": "nowhere"}}}
    metadata = {"name": "limits", "namespace": "default"}
    limiter = {"apiVersion": "istio.alibabacloud.com/v1", "kind": "ASMLocalRateLimiter", "metadata": metadata}
    outcome = run({**limiter, "spec": {"configs": [{"match": match}]}})
    (warning,) = [one for one in outcome.plan.warnings if "ASM009" in one]
    assert "ASM009 ASMLocalRateLimiter default/limits (a.yml, document 1), spec.configs[0].match.vhost" in warning
    assert "/apis/networking.istio.io/v1/virtualservices" in api.sent("GET")
    match["vhost"]["route"] = {"name_match": "here"}
    body = virtual_service("named")
    body["spec"] = {"hosts": ["named"], "http": [{"name": "here", "route": [{"destination": {"host": "named"}}]}]}
    both = run({**limiter, "spec": {"configs": [{"match": match}]}}, body)
    assert not [one for one in both.plan.warnings if "ASM009" in one]
