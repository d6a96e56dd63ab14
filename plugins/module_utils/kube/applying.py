# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dry runs and writes of many objects: concurrent within a phase, one phase after the other.

By the order of phases the API server accepts every write: what is referred to exists before what refers to it, and goes
after. What the proxies of a mesh can follow without losing requests is another matter: the steps of ``ordering``, each
of which is written in phases.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, WaitTimeout
from ansible_collections.meshops.asm.plugins.module_utils.kube import secrets, takeover
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError, encoded
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.ordering import OrderedStep
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import same_content
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import (
    CREATED,
    DELETED,
    FAILED,
    SKIPPED,
    UNCHANGED,
    UPDATED,
    Item,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.workloads import complaints, is_established

# etcd takes no larger request; the server finds out only at the write, never in a dry run.
MOST_BYTES = 1_500_000
# How long (seconds) a new kind may take to be served, and an object that is going to be gone.
KIND_PATIENCE, GOING_PATIENCE = 30.0, 120.0
_SHOWN_FAILURES = 3
# How often an object is looked at anew when somebody else writes it at the same moment.
_LOOKS = 4

_PHASES = (
    frozenset({"Namespace"}),
    frozenset({"CustomResourceDefinition"}),
    frozenset(
        {"ClusterRole", "ClusterRoleBinding", "ConfigMap", "LimitRange", "PersistentVolume", "PersistentVolumeClaim"}
        | {"PriorityClass", "ResourceQuota", "Role", "RoleBinding", "Secret", "ServiceAccount", "StorageClass"}
    ),
    # A policy that asks for tokens needs somebody who reads them.
    frozenset(
        {"DestinationRule", "Gateway", "IstioGateway", "ReferenceGrant", "RequestAuthentication", "Service"}
        | {"ServiceEntry", "WorkloadEntry", "WorkloadGroup"}
    ),
)
_REFERRING = frozenset({"GRPCRoute", "HTTPRoute", "Ingress", "TCPRoute", "TLSRoute", "VirtualService"})

Json = dict[str, Any]


def phase_of(kind: str) -> int:
    """When objects of a kind (``Kind.term``) are applied; deletion goes the other way round."""
    if kind in _REFERRING:
        return len(_PHASES) + 1
    return next((number for number, kinds in enumerate(_PHASES) if kind in kinds), len(_PHASES))


def dry_run(
    client: KubeClient,
    items: Iterable[Item],
    *,
    force: bool,
    new_namespaces: Iterable[str],
    new_kinds: Iterable[Kind] = (),
) -> None:
    """Asks the server what would become of the items; sets ``predicted``, and ``outcome`` where nothing would change.

    An object of a namespace that is not there yet (``new_namespaces``) is tried in ``default``, which tells as much
    about its content; one of a kind that the same task brings (``new_kinds``) cannot be tried. Sets ``error`` on those
    that the server refuses.
    """
    absent = set(new_namespaces)
    coming = {(kind.group, kind.kind) for kind in new_kinds}

    def ask(item: Item) -> Json | None:
        body = item.body or {}
        try:
            if item.namespace in absent:
                return _tried_elsewhere(client, item, body)
            return _predicted(client, item, body, force)
        except KubeError as error:
            if error.http_status == 404 and (item.kind.group, item.kind.kind) in coming:
                return None
            raise

    asked = list(items)
    for item, answer in zip(asked, client.each(ask, asked), strict=True):
        if isinstance(answer, AsmError):
            item.error, item.outcome = explain(item, answer), FAILED
            continue
        if item.outcome == UPDATED and item.live and answer and same_content(item.live, answer):
            item.outcome = UPDATED if takeover.to_take_over(item.live) else UNCHANGED
        item.predicted = _without_record(answer)


def _predicted(client: KubeClient, item: Item, body: Json, force: bool) -> Json:
    """What an apply would store, compared with what was there at that moment.

    A controller may write between our look and the question; then both are asked for anew, so that its work does not
    count as ours.
    """
    taking_over = takeover.to_take_over(item.live)
    answer: Json = {}
    for _unused in range(_LOOKS):
        try:
            answer = client.apply(item.path, body, force=force, dry_run=True)
        except KubeError as error:
            if not (taking_over and _only_with(takeover.earlier_managers(item.live), error)):
                raise
            answer = client.apply(item.path, body, force=True, dry_run=True)
        if taking_over and item.live:
            return takeover.given_up(item.live, answer)
        moved = item.live and _revision(item.live) != _revision(answer)
        if not moved or item.outcome != UPDATED or same_content(item.live or {}, answer):
            break
        item.live = client.get(item.path) or item.live
    return answer


def _only_with(managers: set[str], error: KubeError) -> bool:
    """Whether the refusal is a conflict with nobody but the tools that are about to be replaced."""
    causes = [str(cause.get("message", "")) for cause in error.causes]
    return (
        error.code == "Conflict"
        and bool(causes)
        and all(any(f'"{one}"' in cause for one in managers) for cause in causes)
    )


def _revision(found: Json) -> str:
    return str(found["metadata"].get("resourceVersion") or "")


def check_sizes(items: Iterable[Item]) -> None:
    """Sets ``error`` on items that cannot be stored, or are too large: found here, before anything has been written."""
    for item in items:
        try:
            size = len(encoded(item.body))
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            text = f"{item.title} holds {half}, half of a pair of surrogates, which is no character: correct the text."
            item.error, item.outcome = InvalidInput(text), FAILED
            continue
        if size > MOST_BYTES:
            text = f"{item.title} has {size:,} bytes; the API server stores at most {MOST_BYTES:,} in one object."
            item.error, item.outcome = InvalidInput(f"{text} Split it."), FAILED


def apply_all(client: KubeClient, items: Iterable[Item], *, force: bool, patience: float = GOING_PATIENCE) -> None:
    """Sends the writes, phase by phase. A phase with a failure is finished, later ones are not begun.

    ``patience`` (seconds) bounds the wait for an object that has to go before it can be created anew.

    Sets ``outcome`` of each item to what became of it (``failed`` with ``error``, ``skipped``).
    """
    todo = [item for item in items if item.outcome in (CREATED, UPDATED)]
    halted = False
    for phase in sorted({phase_of(item.kind.term) for item in todo}):
        batch = [item for item in todo if phase_of(item.kind.term) == phase]
        if halted:
            _skip(batch)
            continue
        answers = client.each(lambda item: _write(client, item, force, patience), batch)
        halted = _record(batch, answers)
        if not halted and batch[0].kind.term == "CustomResourceDefinition":
            _wait_for_kinds(client, batch)
    gone = [item for item in items if item.outcome == DELETED]
    for phase in sorted({phase_of(item.kind.term) for item in gone}, reverse=True):
        batch = [item for item in gone if phase_of(item.kind.term) == phase]
        if halted:
            _skip(batch)
            continue
        halted = _record(batch, client.each(lambda item: _delete(client, item), batch))


def apply_steps(
    client: KubeClient,
    items: list[Item],
    steps: list[OrderedStep],
    *,
    force: bool,
    patience: float,
    follow: Callable[[], None],
) -> None:
    """As ``apply_all``, one step after the other. ``follow`` is called before those that wait for the proxies.

    What it raises ends the work; what was not written by then is ``skipped``.
    """
    left = {id(item): item for item in items if item.outcome in (CREATED, UPDATED, DELETED)}
    try:
        for step in steps:
            if step.waits:
                follow()
            for item, written in step.parts:
                if written is item:
                    left.pop(id(item), None)
            apply_all(client, [written for _item, written in step.parts], force=force, patience=patience)
            for item, written in step.parts:
                item.error = item.error or written.error
            if any(item.error for item, _written in step.parts):
                break
    finally:
        for item in left.values():
            item.outcome = FAILED if item.error else SKIPPED


def failure(items: Iterable[Item], *, written: bool) -> AsmError | None:
    """One error for all failed items, naming the first few; ``None`` when none has failed."""
    items = list(items)
    failed = [item for item in items if item.error]
    if not failed:
        return None
    texts = [str(item.error) for item in failed[:_SHOWN_FAILURES]]
    more = len(failed) - len(texts)
    if more > 0:
        texts.append(f"... and {more} more, see the result's resources")
    text = texts[0] if len(failed) == 1 else f"{len(failed)} of {len(items)} objects failed. " + " | ".join(texts)
    skipped = sum(1 for item in items if item.outcome == SKIPPED)
    text += "" if text.endswith((".", "!", "?")) else "."
    if not written:
        text += " Nothing was written."
    elif skipped:
        text += f" {skipped} objects that come after them were not sent."
    first = failed[0].error
    return AsmError(
        text,
        code=first.code if first else "",
        request_id=first.request_id if first else "",
        http_status=first.http_status if first else None,
    )


def explain(item: Item, error: AsmError) -> AsmError:
    """The server's refusal of one object, with file and document and, for conflicts, who owns which field."""
    if not isinstance(error, KubeError):
        error.message = error.message if item.short in error.message else f"{item.title}: {error.message}"
        return error
    if error.code == "Conflict" and error.causes:
        text = "; ".join(_conflict(cause) for cause in error.causes)
        text += ". Set force_conflicts: true (in a spec at the item) to take these fields over, or leave them out."
    elif error.http_status == 404 and item.namespace and f'namespaces "{item.namespace}"' in error.message:
        text = namespace_missing(item.namespace)
    elif (item.kind.kind == "Secret" and item.kind.builtin) or secrets.has_credentials(
        item.kind.kind, item.kind.api_version
    ):
        text = secrets.refusal(error, item.kind.kind)
    elif error.http_status == 500:
        text = _without_preamble(error.message)
    else:
        text = error.message
    return KubeError(
        f"{item.title}: {text}",
        code=error.code,
        http_status=error.http_status,
        request_id=error.request_id,
        causes=error.causes,
    )


def namespace_missing(namespace: str) -> str:
    return (
        f"the namespace '{namespace}' does not exist on this API server. Namespaces of the mesh's control plane and "
        "of a data-plane cluster are different objects: create it here with meshops.asm.asm_namespace (control "
        "plane), or list a Namespace among the objects (cluster)."
    )


def _tried_elsewhere(client: KubeClient, item: Item, body: Json) -> Json | None:
    path = item.kind.path("default", item.name)
    try:
        if client.get(path) is not None:
            return None
        found = client.apply(path, {**body, "metadata": {**body["metadata"], "namespace": "default"}}, dry_run=True)
    except KubeError as error:
        # Not allowed there: the object stays unchecked until it is written.
        if error.http_status == 403:
            return None
        raise
    return {**found, "metadata": {**found["metadata"], "namespace": item.namespace}}


def wait_until_gone(client: KubeClient, path: str, live: Json, title: str, *, patience: float = GOING_PATIENCE) -> None:
    """An object that is being deleted takes no changes: it has to go before it can be created anew.

    Raises ``WaitTimeout`` after ``patience`` seconds, naming what holds it.
    """
    deadline = time.monotonic() + patience
    while True:
        found = client.get(path)
        if found is None or found["metadata"].get("uid") != live["metadata"]["uid"]:
            return
        rest = deadline - time.monotonic()
        if rest <= 0:
            raise WaitTimeout(
                f"{title} is still being deleted after {patience:.0f} s, so it cannot be created. {_held_by(found)}"
            )
        time.sleep(min(0.3, rest))


def _held_by(found: Json) -> str:
    """What keeps an object that is being deleted: its finalizers, or what a namespace says about its content."""
    told = complaints(found)
    if told:
        return f"It says: {told}"
    finalizers = found["metadata"].get("finalizers") or (found.get("spec") or {}).get("finalizers") or []
    return f"Held by finalizers: {', '.join(finalizers)}." if finalizers else "It names no finalizer."


def _write(client: KubeClient, item: Item, force: bool, patience: float) -> Json:
    if item.terminating and item.live:
        wait_until_gone(client, item.path, item.live, item.title, patience=patience)
    elif takeover.to_take_over(item.live):
        _take_over(client, item)
    return client.apply(item.path, item.body or {}, force=force)


def _take_over(client: KubeClient, item: Item) -> None:
    """What the earlier tool owned becomes ours, so that the apply which follows gives up what is no longer wanted."""
    for attempt in range(_LOOKS):
        if not takeover.to_take_over(item.live):
            return
        try:
            client.patch(item.path, takeover.patch(item.live or {}, takeover.MANAGER))
            return
        except KubeError as error:
            # Somebody wrote in between: the patch is for one revision.
            if error.http_status not in (409, 422) or attempt == _LOOKS - 1:
                raise
        item.live = client.get(item.path)


def _delete(client: KubeClient, item: Item) -> None:
    client.delete(item.path, uid=item.live["metadata"]["uid"] if item.live else "")


def _record(batch: list[Item], answers: Iterable[Any]) -> bool:
    for item, answer in zip(batch, answers, strict=True):
        if isinstance(answer, AsmError):
            item.error, item.outcome = explain(item, answer), FAILED
        elif answer is not None:
            item.predicted = _without_record(answer)
    return any(item.error for item in batch)


def _without_record(answer: Json | None) -> Json | None:
    """Nobody looks at who owns which field any more: with thousands of objects that is a good part of the memory."""
    if answer:
        answer["metadata"].pop("managedFields", None)
    return answer


def _skip(batch: list[Item]) -> None:
    for item in batch:
        item.outcome = SKIPPED


def _wait_for_kinds(client: KubeClient, definitions: list[Item]) -> None:
    deadline = time.monotonic() + KIND_PATIENCE
    waiting = list(definitions)
    while waiting and time.monotonic() < deadline:
        waiting = [item for item in waiting if not is_established(client.get(item.path) or {})]
        if waiting:
            time.sleep(0.1)


def _conflict(cause: Json) -> str:
    manager = str(cause.get("message", "")).replace("conflict with ", "")
    return f"field {cause.get('field')} is managed by {manager}"


def _without_preamble(message: str) -> str:
    """``failed to create typed patch object (...): .spec.x: why`` -> ``.spec.x: why``."""
    head, separator, rest = message.partition("): ")
    return rest if separator and head.startswith("failed to create typed patch object") else message
