# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What controllers write into objects, and ``kubectl get -o yaml`` shows: it is not claimed when that is applied. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import LAST_APPLIED

#: Annotations that only controllers and kubectl write; one that ends in ``/`` stands for all below it.
ANNOTATIONS = (
    LAST_APPLIED,
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "control-plane.alpha.kubernetes.io/leader",
    "endpoints.kubernetes.io/last-change-trigger-time",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "batch.kubernetes.io/job-tracking",
    # Not provisioned-by: who describes a volume of an older kind of storage has to give it.
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "pv.kubernetes.io/migrated-to",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
)

_BOUND = "pv.kubernetes.io/bound-by-controller"

#: Fields below ``spec`` that are the cluster's own choice, of an object that was read from a server; see ``_chosen``.
ASSIGNED = {
    ("v1", "Service"): ("clusterIP", "clusterIPs"),
    ("v1", "Pod"): ("nodeName",),
    ("v1", "PersistentVolumeClaim"): ("volumeName",),
    ("v1", "PersistentVolume"): ("claimRef",),
    ("batch/v1", "Job"): ("selector",),
}
#: Labels by which a Job finds its pods, unless its description says how (``manualSelector``).
_OF_JOBS = frozenset(
    {"controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"}
)

Json = dict[str, Any]


def is_assigned_annotation(name: str) -> bool:
    """Whether only controllers write this annotation."""
    return any(name == one or (one.endswith("/") and name.startswith(one)) for one in ANNOTATIONS)


def without_assigned(body: Json) -> Json:
    """The object without the fields of ``ASSIGNED`` that the cluster has chosen; what a user wrote stays."""
    fields = ASSIGNED.get((body["apiVersion"], body["kind"]), ())
    spec = body.get("spec")
    if not fields or not isinstance(spec, dict) or not _chosen(body, spec):
        return body
    left = {**body, "spec": {key: value for key, value in spec.items() if key not in fields}}
    return _without_job_labels(left) if body["kind"] == "Job" else left


def _without_job_labels(job: Json) -> Json:
    """A Job, and the template of its pods, without the labels of its one life."""
    spec = {**job["spec"]}
    if isinstance(spec.get("template"), dict):
        spec["template"] = _unlabelled(spec["template"])
    return {**_unlabelled(job), "spec": spec}


def _unlabelled(holder: Json) -> Json:
    metadata = holder.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(labels, dict) or not _OF_JOBS.intersection(labels):
        return holder
    rest = {key: value for key, value in metadata.items() if key != "labels"}
    kept = {key: value for key, value in labels.items() if key not in _OF_JOBS}
    return {**holder, "metadata": {**rest, **({"labels": kept} if kept else {})}}


def _chosen(body: Json, spec: Json) -> bool:
    """An object that was read has a ``uid``; that a volume was chosen by the cluster is written at it."""
    metadata = body["metadata"]
    if not metadata.get("uid"):
        return False
    if body["kind"] in ("PersistentVolumeClaim", "PersistentVolume"):
        return _BOUND in (metadata.get("annotations") or {})
    if body["kind"] == "Job":
        return not spec.get("manualSelector")
    # A Service without an address of its own was made so by its description.
    return body["kind"] != "Service" or spec.get("clusterIP") != "None"
