# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a stored object is not as described, and who wrote that."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube.comparison import compare, without_values

Json = dict[str, Any]
OURS = "meshops.asm"

ROUTE: Json = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "reviews", "namespace": "shop", "labels": {"app": "reviews"}},
    "spec": {"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews"}, "weight": 80}]}]},
}
ROUTE_FIELDS = {"f:metadata": {"f:labels": {"f:app": {}}}, "f:spec": {"f:hosts": {}, "f:http": {}}}

DEPLOYMENT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "serviceAccountName": "",
                "containers": [
                    {
                        "name": "web",
                        "image": "web:1",
                        "env": [{"name": "MODE", "value": ""}],
                        "ports": [{"containerPort": 80}],
                        "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}},
                    }
                ],
            },
        },
    },
}
CONTAINER = 'k:{"name":"web"}'
DEPLOYMENT_FIELDS = {
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:metadata": {"f:labels": {"f:app": {}}},
            "f:spec": {
                "f:containers": {
                    CONTAINER: {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:env": {'k:{"name":"MODE"}': {".": {}, "f:name": {}}},
                        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                        "f:resources": {"f:limits": {"f:cpu": {}, "f:memory": {}}},
                    }
                },
            },
        },
    }
}


def entry(manager: str, fields: Json, time: str = "2026-01-01T00:00:00Z", **more: str) -> Json:
    operation = "Apply" if manager == OURS else "Update"
    return {"manager": manager, "operation": operation, "time": time, "fieldsV1": fields, **more}


def stored(body: Json, *entries: Json) -> Json:
    live = copy.deepcopy(body)
    live["metadata"]["managedFields"] = list(entries)
    return live


def deployment(*more: Json) -> Json:
    """What the server makes of DEPLOYMENT: defaults, other spellings, and a controller's notes."""
    live = stored(DEPLOYMENT, entry(OURS, DEPLOYMENT_FIELDS), *more)
    live["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    live["status"] = {"replicas": 2}
    live["spec"]["revisionHistoryLimit"] = 10
    spec = live["spec"]["template"]["spec"]
    spec["dnsPolicy"] = "ClusterFirst"
    del spec["serviceAccountName"]
    (container,) = spec["containers"]
    container["env"] = [{"name": "MODE"}]
    container["ports"] = [{"containerPort": 80, "protocol": "TCP"}]
    container["resources"] = {"limits": {"cpu": "500m", "memory": "1Gi"}}
    container["imagePullPolicy"] = "IfNotPresent"
    return live


def told(want: Json, live: Json, **more: Any) -> list[tuple[Any, ...]]:
    builtin = want["apiVersion"] in ("v1", "apps/v1")
    found = compare(want, live, builtin=builtin, **more)
    return [(one.field, one.kind, one.described, one.found, one.manager) for one in found]


def test_a_patched_route_names_field_values_and_writer() -> None:
    ours = {"f:metadata": ROUTE_FIELDS["f:metadata"], "f:spec": {"f:hosts": {}}}
    live = stored(
        ROUTE, entry(OURS, ours), entry("kubectl-patch", {"f:spec": {"f:http": {}}}, time="2026-02-02T00:00:00Z")
    )
    live["spec"]["http"][0]["route"][0]["weight"] = 50
    (found,) = compare(ROUTE, live, builtin=False)
    assert found.as_result() == {
        "field": "spec.http[0].route[0].weight",
        "kind": "changed",
        "described": 80,
        "found": 50,
        "manager": "kubectl-patch",
        "time": "2026-02-02T00:00:00Z",
    }
    assert found.by == "kubectl-patch, 2026-02-02T00:00:00Z"


def test_what_is_gone_has_no_writer() -> None:
    live = stored(ROUTE, entry(OURS, {"f:spec": {"f:hosts": {}, "f:http": {}}}))
    del live["metadata"]["labels"]
    assert told(ROUTE, live) == [("metadata.labels.app", "missing", "reviews", None, "")]


def test_what_others_added() -> None:
    mine = entry(OURS, ROUTE_FIELDS)
    theirs = entry("kubectl-edit", {"f:spec": {"f:exportTo": {}}, "f:metadata": {"f:annotations": {"f:a.b/c": {}}}})
    live = stored(ROUTE, mine, theirs)
    live["spec"]["exportTo"] = ["."]
    live["metadata"]["annotations"] = {"a.b/c": "x"}
    assert told(ROUTE, live) == [
        ("metadata.annotations[a.b/c]", "added", None, "x", "kubectl-edit"),
        ("spec.exportTo", "added", None, ["."], "kubectl-edit"),
    ]


def test_what_is_there_to_be_filled_in_is_no_addition() -> None:
    want = {"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "webhook": {"url": "u"}}
    live = stored(want, entry(OURS, {"f:webhook": {"f:url": {}}}), entry("i", {"f:webhook": {"f:caBundle": {}}}))
    live["webhook"]["caBundle"] = "filled"
    assert told(want, live) == []
    assert [one[:2] for one in told({**want, "webhook": {"url": "u", "caBundle": "x"}}, live)] == [
        ("webhook.caBundle", "changed")
    ]


def test_an_addition_within_a_list_that_is_one_value() -> None:
    live = stored(ROUTE, entry(OURS, {"f:spec": {"f:hosts": {}}}), entry("kubectl-patch", {"f:spec": {"f:http": {}}}))
    live["spec"]["http"][0]["timeout"] = "5s"
    assert ("spec.http[0].timeout", "added", None, "5s", "kubectl-patch") in told(ROUTE, live)


@pytest.mark.parametrize(
    "writer",
    [
        entry("kube-controller-manager", {"f:spec": {"f:exportTo": {}}}),
        entry("somebody", {"f:spec": {"f:exportTo": {}}}, subresource="scale"),
        entry("somebody", {"f:spec": {"f:exportTo": {}}}, subresource="status"),
        entry(OURS, {"f:spec": {"f:exportTo": {}}}),
    ],
)
def test_what_controllers_subresources_and_we_ourselves_wrote_is_no_addition(writer: Json) -> None:
    live = stored(ROUTE, entry(OURS, ROUTE_FIELDS), writer)
    live["spec"]["exportTo"] = ["."]
    assert told(ROUTE, live) == []


def test_notes_and_status_are_no_additions() -> None:
    notes = {"f:kubectl.kubernetes.io/restartedAt": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}}
    fields = {"f:metadata": {"f:annotations": notes}, "f:status": {"f:x": {}}}
    live = stored(ROUTE, entry(OURS, ROUTE_FIELDS), entry("kubectl", fields))
    live["metadata"]["annotations"] = {key[2:]: "x" for key in notes}
    live["status"] = {"x": 1}
    assert told(ROUTE, live) == []


def test_defaults_and_other_spellings_of_the_servers_own_kinds_are_no_difference() -> None:
    assert told(DEPLOYMENT, deployment()) == []


@pytest.mark.parametrize(("manager", "differs"), [("kubectl", True), ("kube-controller-manager", False)])
def test_what_is_described_as_nothing_gets_its_default_from_the_server_only(manager: str, differs: bool) -> None:
    fields = {"f:spec": {"f:template": {"f:spec": {"f:serviceAccountName": {}}}}}
    live = deployment(entry(manager, fields))
    live["spec"]["template"]["spec"]["serviceAccountName"] = "default"
    assert bool(told(DEPLOYMENT, live)) is differs


def test_an_addition_that_is_also_ours_is_none() -> None:
    more = {"f:spec": {"f:exportTo": {}}}
    live = stored(ROUTE, entry(OURS, ROUTE_FIELDS), entry(OURS, more), entry("kubectl", more))
    live["spec"]["exportTo"] = ["."]
    assert told(ROUTE, live) == []


def test_of_several_writers_the_last_is_named() -> None:
    fields = {"f:spec": {"f:hosts": {}}}
    times = ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z")
    live = stored(ROUTE, *(entry(f"m{number}", fields, time) for number, time in enumerate(times)))
    live["spec"]["hosts"] = ["other"]
    assert told(ROUTE, live) == [("spec.hosts[0]", "changed", "reviews", "other", "m1")]


def test_fields_of_elements_that_have_a_name() -> None:
    theirs = {CONTAINER: {"f:image": {}, "f:env": {'k:{"name":"DEBUG"}': {".": {}, "f:name": {}, "f:value": {}}}}}
    below = {"f:template": {"f:spec": {"f:containers": theirs}}}
    fields = copy.deepcopy(DEPLOYMENT_FIELDS)
    live = deployment(
        entry("kubectl-set", {"f:spec": below}), entry("kubectl", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    )
    ours = fields["f:spec"]
    del ours["f:replicas"], ours["f:template"]["f:spec"]["f:containers"][CONTAINER]["f:image"]
    live["metadata"]["managedFields"][0]["fieldsV1"] = fields
    live["spec"]["replicas"] = 5
    (container,) = live["spec"]["template"]["spec"]["containers"]
    container["image"] = "web:2"
    container["env"].append({"name": "DEBUG", "value": "1"})
    place = "spec.template.spec.containers[name=web]"
    assert told(DEPLOYMENT, live) == [
        ("spec.replicas", "changed", 2, 5, "kubectl"),
        (f"{place}.env[name=DEBUG].name", "added", None, "DEBUG", "kubectl-set"),
        (f"{place}.env[name=DEBUG].value", "added", None, "1", "kubectl-set"),
        (f"{place}.image", "changed", "web:1", "web:2", "kubectl-set"),
    ]


def test_a_container_that_is_gone() -> None:
    live = deployment()
    live["spec"]["template"]["spec"]["containers"] = []
    assert [one[:2] for one in told(DEPLOYMENT, live)] == [("spec.template.spec.containers[name=web]", "missing")]


def test_sets_are_compared_by_their_values() -> None:
    want = {**ROUTE, "metadata": {**ROUTE["metadata"], "finalizers": ["a/b", "c/d"]}}
    fields = {"f:metadata": {"f:finalizers": {'v:"a/b"': {}, 'v:"c/d"': {}}}, "f:spec": ROUTE_FIELDS["f:spec"]}
    theirs = entry("kubectl", {"f:metadata": {"f:finalizers": {'v:"e/f"': {}}}})
    live = stored(want, entry(OURS, fields), theirs)
    live["metadata"]["finalizers"] = ["e/f", "a/b"]
    assert told(want, live) == [
        ("metadata.finalizers[c/d]", "missing", "c/d", None, ""),
        ("metadata.finalizers[e/f]", "added", None, "e/f", "kubectl"),
    ]


def test_what_admission_adds_to_a_list_of_ours_is_no_difference_but_a_foreign_list_is() -> None:
    want = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"tolerations": [{"key": "a"}]}}
    live = stored(want, entry(OURS, {"f:spec": {"f:tolerations": {}}}))
    live["spec"]["tolerations"].append({"key": "b"})
    assert told(want, live) == []
    live["metadata"]["managedFields"][0]["manager"] = "kubectl"
    assert [one[:2] for one in told(want, live)] == [("spec.tolerations", "changed")]


def test_with_the_servers_prediction_nothing_is_guessed() -> None:
    live = stored(ROUTE, entry(OURS, {**ROUTE_FIELDS, "f:spec": {"f:hosts": {}, "f:http": {}, "f:gateways": {}}}))
    live["spec"]["gateways"] = ["mesh"]
    assert told(ROUTE, live) == []
    assert told(ROUTE, live, predicted=ROUTE) == [("spec.gateways", "added", None, ["mesh"], OURS)]
    # The server stores this of what is described: no difference, whatever the description looks like.
    want = {**ROUTE, "spec": {**ROUTE["spec"], "hosts": ["other"]}}
    assert [one[0] for one in told(want, stored(ROUTE), predicted=ROUTE)] == []


def test_foreign_additions_are_told_with_a_prediction_too() -> None:
    live = stored(ROUTE, entry(OURS, ROUTE_FIELDS), entry("kubectl", {"f:spec": {"f:exportTo": {}}}))
    live["spec"]["exportTo"] = ["."]
    predicted = copy.deepcopy(live)
    assert told(ROUTE, live, predicted=predicted) == [("spec.exportTo", "added", None, ["."], "kubectl")]


class TestSecrets:
    WANT: Json = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "annotations": {"note": "hush-0"}},
        "type": "Opaque",
        "data": {"a": "aHVzaC0x", "b": "aHVzaC0y"},
    }

    def live(self) -> Json:
        fields = {"f:type": {}}
        live = stored(self.WANT, entry(OURS, fields), entry("kubectl", {"f:data": {"f:b": {}, "f:c": {}}}))
        live["data"] = {"b": "b3RoZXI=", "c": "bW9yZQ=="}
        return live

    def test_places_and_never_values(self) -> None:
        assert told(self.WANT, self.live()) == [
            ("data.a", "missing", "(hidden)", None, ""),
            ("data.b", "changed", "(hidden)", "(hidden)", "kubectl"),
            ("data.c", "added", None, "(hidden)", "kubectl"),
        ]

    def test_without_values_the_names_are_compared(self) -> None:
        bare = without_values(self.WANT)
        assert "hush" not in json.dumps(bare)
        assert "aHVz" not in json.dumps(bare)
        assert [one[:2] for one in told(bare, self.live())] == [("data.a", "missing"), ("data.c", "added")]

    def test_other_objects_keep_their_values(self) -> None:
        assert without_values(ROUTE) == ROUTE

    def test_wrapped_base64_is_one_value(self) -> None:
        want = {**self.WANT, "data": {"a": "aHVz\naC0x"}}
        assert told(want, stored({**self.WANT, "data": {"a": "aHVzaC0x"}})) == []
