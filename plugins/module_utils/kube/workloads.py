# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one object is on the way to being ready: a rule per kind, from the object alone. Pure.

The rules follow the API's conventions: nothing is believed before ``observedGeneration`` has caught up.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, Progress, failed, waiting

SIDECAR = "istio-proxy"
# A crashing container is given up after so many restarts; before, it may just wait for something it depends on.
MOST_RESTARTS = 3

# States of a container that it does not leave by itself.
_STUCK = frozenset(
    {
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImageNeverPull",
        "ImageInspectError",
        "ImagePullBackOff",
        "InvalidImageName",
    }
)
_FINAL_CREATE_ERRORS = ("exceeded quota", "is forbidden", "is invalid", "Invalid value")

Json = dict[str, Any]


def state_of(kind: str, found: Json) -> Progress:
    """Whether an object of this kind (``Kind.term``) is ready; one without a rule is ready once it is stored."""
    rule = _RULES.get(kind)
    return rule(found) if rule else DONE


def has_rule(kind: str) -> bool:
    return kind in _RULES


def condition(found: Json, kind: str) -> Json:
    """The condition of this type; empty when there is none."""
    for one in (found.get("status") or {}).get("conditions") or []:
        if one.get("type") == kind:
            return dict(one)
    return {}


def is_established(definition: Json) -> bool:
    """Whether the kind of a CustomResourceDefinition is served."""
    return bool(condition(definition, "Established").get("status") == "True")


def complaints(found: Json) -> str:
    """What the conditions of an object that are true have to say; empty when they say nothing."""
    conditions = (found.get("status") or {}).get("conditions") or []
    return " ".join(str(one["message"]) for one in conditions if one.get("status") == "True" and one.get("message"))


def pod_problem(pod: Json) -> str:
    """Why a pod will not become ready by itself; empty when it still may."""
    name = pod["metadata"]["name"]
    for status in _container_statuses(pod):
        state = status.get("state") or {}
        reason = (state.get("waiting") or {}).get("reason", "")
        where = f"pod {name}, container {status.get('name')}"
        if reason in _STUCK:
            return (
                f"{where}: {reason}: {(state['waiting'].get('message') or 'no message')} (image {status.get('image')})"
            )
        if reason == "CrashLoopBackOff" and int(status.get("restartCount") or 0) >= MOST_RESTARTS:
            return f"{where}: CrashLoopBackOff after {status.get('restartCount')} restarts{_last_end(status)}"
    return ""


def pod_delay(pod: Json) -> str:
    """What a pod that may still become ready waits for, as far as its status says it; empty when it does not."""
    name = pod["metadata"]["name"]
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return f"pod {name} cannot be scheduled: {scheduled.get('message') or scheduled.get('reason') or 'no reason'}"
    for status in _container_statuses(pod):
        blocked = (status.get("state") or {}).get("waiting") or {}
        if blocked.get("message"):
            return f"pod {name}, container {status.get('name')}: {blocked.get('reason')}: {blocked['message']}"
    return ""


def has_sidecar(pod: Json) -> bool:
    """Whether the pod carries the mesh's proxy, as a container or as a native sidecar."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    return any(container.get("name") == SIDECAR for container in containers)


def declines_sidecar(pod: Json) -> bool:
    """Whether the pod itself says that it wants no sidecar."""
    metadata = pod["metadata"]
    marks = {**(metadata.get("annotations") or {}), **(metadata.get("labels") or {})}
    return str(marks.get("sidecar.istio.io/inject", "")).lower() == "false"


def is_live(pod: Json) -> bool:
    """Whether a pod still counts: neither ended nor on its way out."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in ("Succeeded", "Failed") and not pod["metadata"].get("deletionTimestamp")


def selects(selector: Json, labels: Json) -> bool:
    """Whether a label selector (``matchLabels``, ``matchExpressions``) fits these labels."""
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    for one in selector.get("matchExpressions") or []:
        key, operator, values = one.get("key"), one.get("operator"), one.get("values") or []
        fits = {
            "In": labels.get(key) in values,
            "NotIn": labels.get(key) not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not fits.get(str(operator), False):
            return False
    return True


def _deployment(found: Json) -> Progress:
    spec, status = found.get("spec") or {}, found.get("status") or {}
    if spec.get("paused"):
        return DONE
    behind = _behind(found)
    if behind:
        return behind
    progressing = condition(found, "Progressing")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return failed(f"{_title(found)} made no progress within its deadline: {progressing.get('message')}")
    refused = condition(found, "ReplicaFailure")
    if refused.get("status") == "True":
        message = str(refused.get("message", ""))
        if any(text in message for text in _FINAL_CREATE_ERRORS):
            return failed(f"The pods of {_title(found)} cannot be created: {message}")
        return waiting(f"{_title(found)}: pods are refused so far: {message}", 0)
    wanted = int(spec.get("replicas", 1))
    updated, total = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    available = int(status.get("availableReplicas") or 0)
    if updated < wanted:
        return _count(found, updated, wanted, "updated")
    if available < wanted:
        return _count(found, available, wanted, "available")
    if total > updated:
        return waiting(f"{_title(found)}: {total - updated} old pods to end", 99)
    return DONE


def _stateful_set(found: Json) -> Progress:
    spec, status = found.get("spec") or {}, found.get("status") or {}
    behind = _behind(found)
    if behind:
        return behind
    wanted = int(spec.get("replicas", 1))
    ready = int(status.get("readyReplicas") or 0)
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") != "OnDelete":
        partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
        updated = int(status.get("updatedReplicas") or 0)
        settled = status.get("updateRevision") == status.get("currentRevision")
        if updated < wanted - partition and not settled:
            return _count(found, updated, wanted - partition, "updated")
    return DONE if ready >= wanted else _count(found, ready, wanted, "ready")


def _daemon_set(found: Json) -> Progress:
    status = found.get("status") or {}
    behind = _behind(found)
    if behind:
        return behind
    wanted = int(status.get("desiredNumberScheduled") or 0)
    on_delete = ((found.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete"
    updated = wanted if on_delete else int(status.get("updatedNumberScheduled") or 0)
    available = int(status.get("numberAvailable") or 0)
    if updated < wanted:
        return _count(found, updated, wanted, "updated")
    return DONE if available >= wanted else _count(found, available, wanted, "available")


def _job(found: Json) -> Progress:
    if condition(found, "Failed").get("status") == "True":
        return failed(f"{_title(found)} failed: {condition(found, 'Failed').get('message')}")
    if condition(found, "Complete").get("status") == "True" or (found.get("spec") or {}).get("suspend"):
        return DONE
    done = int((found.get("status") or {}).get("succeeded") or 0)
    return _count(found, done, int((found.get("spec") or {}).get("completions") or 1), "completed")


def _pod(found: Json) -> Progress:
    phase = (found.get("status") or {}).get("phase")
    if phase == "Succeeded" or condition(found, "Ready").get("status") == "True":
        return DONE
    if phase == "Failed":
        return failed(f"{_title(found)} failed: {(found.get('status') or {}).get('message') or 'its containers ended'}")
    return waiting(f"{_title(found)} (phase {phase or 'unknown'})")


def _service(found: Json) -> Progress:
    if (found.get("spec") or {}).get("type") != "LoadBalancer":
        return DONE
    ingress = ((found.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return DONE if ingress else waiting(f"the address of {_title(found)}")


def _namespace(found: Json) -> Progress:
    phase = (found.get("status") or {}).get("phase")
    return DONE if phase == "Active" else waiting(f"{_title(found)} (phase {phase})")


def _definition(found: Json) -> Progress:
    refused = condition(found, "NamesAccepted")
    if refused.get("status") == "False":
        return failed(f"{_title(found)}: {refused.get('message')}")
    return DONE if is_established(found) else waiting(_title(found))


_RULES: dict[str, Callable[[Json], Progress]] = {
    "CustomResourceDefinition": _definition,
    "DaemonSet": _daemon_set,
    "Deployment": _deployment,
    "Job": _job,
    "Namespace": _namespace,
    "Pod": _pod,
    "Service": _service,
    "StatefulSet": _stateful_set,
}


def _behind(found: Json) -> Progress | None:
    seen = int((found.get("status") or {}).get("observedGeneration") or 0)
    return (
        waiting(f"{_title(found)} to be noticed", 0) if seen < int(found["metadata"].get("generation") or 0) else None
    )


def _count(found: Json, now: int, wanted: int, what: str) -> Progress:
    return waiting(f"{_title(found)}: {now} of {wanted} {what}", 100 * now // max(wanted, 1))


def _title(found: Json) -> str:
    metadata = found["metadata"]
    name = "/".join(part for part in (metadata.get("namespace"), metadata["name"]) if part)
    return f"{found.get('kind', 'object')} {name}"


def _container_statuses(pod: Json) -> list[Json]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _last_end(status: Json) -> str:
    ended = (status.get("lastState") or {}).get("terminated") or {}
    if not ended:
        return ""
    said = f": {ended['message'].strip()}" if ended.get("message") else ""
    return f" (exit code {ended.get('exitCode')}, {ended.get('reason') or 'no reason'}{said})"
