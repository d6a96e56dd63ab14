# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects as ``kubectl get -o yaml`` shows them can be applied: what controllers wrote is not claimed."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import clean
from ansible_collections.meshops.asm.plugins.module_utils.kube.exports import ANNOTATIONS

BOUND = {"pv.kubernetes.io/bound-by-controller": "yes", "pv.kubernetes.io/bind-completed": "yes"}


def exported(kind: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    shown = {"name": "a", "uid": "4", "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z", **metadata}
    return {"apiVersion": "v1", "kind": kind, "metadata": shown, "spec": spec, "status": {"x": 1}}


@pytest.mark.parametrize("name", [f"{one}revision" if one.endswith("/") else one for one in ANNOTATIONS])
def test_annotations_of_controllers_are_not_claimed(name: str) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "annotations": {name: "1"}}}
    assert clean(body)["metadata"] == {"name": "a"}
    body["metadata"]["annotations"]["team"] = "shop"
    assert clean(body)["metadata"] == {"name": "a", "annotations": {"team": "shop"}}


@pytest.mark.parametrize(
    "name", ["deployment.kubernetes.io", "kubectl.kubernetes.io/default-container", "pv.kubernetes.io/provisioned-by"]
)
def test_annotations_of_users_stay(name: str) -> None:
    body = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "annotations": {name: "1"}}}
    assert clean(body)["metadata"]["annotations"] == {name: "1"}


def test_annotations_of_a_pod_template_are_content() -> None:
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-02"}}}
    assert clean(exported("A", {"template": template}))["spec"]["template"] == template


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (exported("Service", {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "X"}), {"type": "X"}),
        (exported("Service", {"clusterIP": "None", "clusterIPs": ["None"]}), None),
        (exported("Service", {"clusterIP": "10.0.0.1"}, uid=None), None),
        (exported("Pod", {"nodeName": "n", "containers": []}), {"containers": []}),
        (exported("Pod", {"nodeName": "n"}, uid=""), None),
        (exported("PersistentVolumeClaim", {"volumeName": "v", "x": 1}, annotations=BOUND), {"x": 1}),
        (exported("PersistentVolumeClaim", {"volumeName": "v"}), None),
        (exported("PersistentVolume", {"claimRef": {"name": "c"}, "x": 1}, annotations=BOUND), {"x": 1}),
        (exported("PersistentVolume", {"claimRef": {"name": "c"}}), None),
        ({**exported("Service", {"clusterIP": "x"}), "apiVersion": "serving.knative.dev/v1"}, None),
    ],
)
def test_what_the_cluster_chose_is_left_out_and_what_a_user_wrote_stays(
    body: dict[str, Any], left: dict[str, Any] | None
) -> None:
    before = repr(body)
    assert clean(body)["spec"] == (body["spec"] if left is None else left)
    assert repr(body) == before


def test_a_job_of_another_life_finds_its_own_pods() -> None:
    """With the selector of the exported one a new Job is refused."""
    chosen = {"controller-uid": "4", "batch.kubernetes.io/controller-uid": "4", "job-name": "a"}
    selector = {"matchLabels": {"batch.kubernetes.io/controller-uid": "4"}}
    template = {"metadata": {"labels": {**chosen, "app": "x"}}, "spec": {"containers": []}}
    body = {**exported("Job", {"selector": selector, "template": template}), "apiVersion": "batch/v1"}
    body["metadata"]["labels"] = chosen
    before = repr(body)
    found = clean(body)
    assert found["spec"] == {"template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": []}}}
    assert found["metadata"] == {"name": "a"}
    assert repr(body) == before
    # What a user wrote stays: a selector of their own, and a Job that was never on a server.
    manual = {**body, "spec": {**body["spec"], "manualSelector": True}}
    written = {**body, "metadata": {"name": "a"}}
    volcano = {**body, "apiVersion": "batch.volcano.sh/v1alpha1"}
    for kept in (manual, written, volcano):
        assert clean(kept)["spec"] == kept["spec"]
    for odd in (1, {"metadata": 1}, {"metadata": {"labels": 1}}):
        assert clean({**body, "spec": {"template": odd}})["spec"]["template"] == odd
