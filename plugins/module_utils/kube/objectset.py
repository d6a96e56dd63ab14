# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set of Kubernetes objects as one resource of ``reconcile``: the flow of listing, judging, writing, waiting.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, NONE, UPDATE, Plan, Progress
from ansible_collections.meshops.asm.plugins.module_utils.kube import (
    applying,
    comparison,
    differ,
    ordering,
    planning,
    pruning,
    releases,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import Kind
from ansible_collections.meshops.asm.plugins.module_utils.kube.linting import Lint, Providers, lint
from ansible_collections.meshops.asm.plugins.module_utils.kube.ordering import OrderedStep
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import UNSURE
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import CREATED, UNCHANGED, UPDATED, Item, Wishes
from ansible_collections.meshops.asm.plugins.module_utils.kube.readiness import Readiness

Json = dict[str, Any]


class Follower(Protocol):
    """Whoever knows the proxies of the mesh."""

    def prepare(self) -> None:
        """Called before anything is written, when there is something to wait for."""

    def wait(self) -> None:
        """Returns when the proxies have what was written; raises ``AsmError`` when they do not get it."""


@dataclass(frozen=True)
class Manner:
    """How a set is applied; the meaning of each is that of the option with the same name.

    ``strict`` is ``order: strict``. ``patience`` (seconds) is what ``wait_timeout`` leaves for objects that have to go
    first. ``compare`` is for check mode only: no object's refusal ends the look at the others, and a conflict is a
    difference like any other. ``providers`` gives lint the names of the mesh's extension providers;
    ``cluster_domain`` gives lint and the order the domain of its services, empty for the usual one.
    """

    force_conflicts: bool = False
    validate: bool = True
    set_name: str | None = None
    prune: bool = False
    prune_all: bool = False
    require_sidecar: bool = False
    lint: bool = False
    strict: bool = False
    patience: float = applying.GOING_PATIENCE
    compare: bool = False
    providers: Providers | None = None
    cluster_domain: Callable[[], str] = str


class ObjectSet:
    """The objects of one task on one API server.

    ``connect`` opens the client when it is first needed. It raises ``NotFound`` when the mesh or cluster does not
    exist: then nothing is there to be removed, creating everything can be predicted, and only a write fails.
    ``follower`` waits between the steps of an order.
    """

    def __init__(
        self, wishes: Wishes, manner: Manner, connect: Callable[[], KubeClient], follower: Follower | None = None
    ) -> None:
        self._wishes = wishes
        self._follower = follower
        self._manner = manner
        self._connect = connect
        self._client: KubeClient | None = None
        self._nowhere: NotFound | None = None
        self._applied = False
        self._readiness: Readiness | None = None
        self._missing: list[str] = []
        self._unlisted: list[Kind] = []
        self.lint: Lint | None = None
        self.steps: list[OrderedStep] = []
        self._told: list[Json] = []
        self.items: list[Item] = []
        self._check_options()

    def find(self) -> list[Item]:
        """The items with what is there and what would become of each. Raises when the server refuses one of them.

        After the writes it is what they returned, which is newer than any further LIST.
        """
        if self._applied:
            return self.items
        try:
            items = planning.make_items(self._wishes, lambda path: self.client().get(path))
            client = self.client()
        except NotFound as error:
            self._nowhere = error
            self.items = planning.make_items(self._wishes, None)
            planning.decide(self.items)
            self._look_for_mistakes(None)
            return self.items
        planning.read_live(client, items, self._wishes.target, defined=self._wishes.new_kinds())
        if not self._manner.force_conflicts:
            releases.respect(items)
        planning.decide(items)
        self.items = items
        self._missing = planning.missing_namespaces(client, self.items)
        if self._manner.prune:
            self._add_surplus(client)
        self._look_for_mistakes(client)
        self._ask_server(client)
        if self._manner.strict and not self._manner.compare:
            self._put_in_order(client)
        return self.items

    def plan(self, found: list[Item]) -> Plan:
        """The outcomes as a plan; its diff holds only the objects that change."""
        changed = any(item.outcome != UNCHANGED for item in found)
        diff = differ.diff_of(found)
        if self.steps:
            diff["after"][differ.STEPS] = self.steps_view()
        return Plan(
            UPDATE if changed else NONE,
            before=diff["before"],
            after=diff["after"],
            predicted=self.view(found),
            warnings=tuple(self._warnings()),
        )

    def apply(self, plan: Plan) -> None:
        """Sends the writes. Raises ``AsmError`` for the objects that failed, when all others have been tried."""
        if self._nowhere:
            raise self._nowhere
        if self._missing:
            raise self._no_namespace()
        client = self.client()
        self._applied = True
        how: dict[str, Any] = {"force": self._manner.force_conflicts, "patience": self._manner.patience}
        if self.steps and self._follower:
            applying.apply_steps(client, self.items, self.steps, follow=self._follower.wait, **how)
        else:
            applying.apply_all(client, self.items, **how)
        error = applying.failure(self.items, written=client.writes > 0)
        if error:
            raise error

    def progress(self, plan: Plan) -> Progress:
        if self._nowhere:
            return DONE
        if self._readiness is None:
            self._readiness = Readiness(self.client(), self.items, require_sidecar=self._manner.require_sidecar)
        return self._readiness.look()

    def view(self, found: list[Item]) -> list[dict[str, Any]]:
        return [differ.result_of(item) for item in found]

    def steps_view(self) -> list[Json]:
        """The order of the writes as planned; empty where one pass does."""
        return self._told

    def comparison(self) -> dict[str, Any]:
        """``{fields: {Kind namespace/name: its differences}, failures, releases}``; the last two are sentences."""
        fields: dict[str, list[dict[str, Any]]] = {}
        for item in (one for one in self.items if one.body and one.live and not one.error and not one.terminating):
            found = comparison.compare(
                item.body or {}, item.live or {}, builtin=item.kind.builtin, predicted=item.predicted
            )
            if found:
                fields[item.short] = [one.as_result() for one in found]
        failures = [str(item.error) for item in self.items if item.error]
        released = releases.told(self.items)
        return {"fields": fields, "failures": failures, **({"releases": released} if released else {})}

    def unlisted(self) -> list[str]:
        """The kinds among which prune was not allowed to look."""
        return sorted({kind.term for kind in self._unlisted})

    def wrote(self) -> bool:
        return bool(self._client and self._client.writes)

    def client(self) -> KubeClient:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _check_options(self) -> None:
        manner = self._manner
        if manner.prune and not manner.set_name:
            raise InvalidInput("prune needs the option set: it removes only members of a named set.")
        if manner.prune and self._wishes.absent:
            raise InvalidInput("prune goes with state: present only; state: absent removes what is listed.")
        if manner.prune and not self._wishes.documents and not manner.prune_all:
            raise InvalidInput(
                f"prune with an empty list would remove the whole set '{manner.set_name}'. Check the files, or allow "
                "it with prune_all: true."
            )

    def _add_surplus(self, client: KubeClient) -> None:
        set_name = str(self._manner.set_name)
        kinds = list(dict.fromkeys(item.kind for item in self.items))
        found = pruning.members(client, set_name, self._wishes.target, kinds, self._unlisted)
        self.items += pruning.surplus(found, self.items, set_name, everything=self._manner.prune_all)

    def _look_for_mistakes(self, client: KubeClient | None) -> None:
        if not self._manner.lint:
            return
        self.lint = lint(client, self.items, self._manner.providers, self._manner.cluster_domain)
        error = self.lint.error()
        if error:
            raise error

    def _ask_server(self, client: KubeClient) -> None:
        """Dry runs: of all that would be written, or (without ``validate``) only where it is not certain locally."""
        changing = [item for item in self.items if item.outcome in (CREATED, UPDATED)]
        applying.check_sizes(changing)
        asked = [item for item in changing if not item.error and not item.terminating]
        if not self._manner.validate and not self._manner.compare:
            asked = [item for item in asked if item.verdict == UNSURE]
        coming = [item.name for item in self.items if item.kind.term == "Namespace" and item.outcome == CREATED]
        applying.dry_run(
            client,
            asked,
            force=self._manner.force_conflicts or self._manner.compare,
            new_namespaces=[*coming, *self._missing],
            new_kinds=self._wishes.new_kinds(),
        )
        error = applying.failure(self.items, written=False)
        if error and not self._manner.compare:
            raise error

    def _put_in_order(self, client: KubeClient) -> None:
        """The steps, with what is written in between tried as well, and asked whether anybody can be waited for."""
        self.steps = ordering.in_steps(self.items, self._manner.cluster_domain)
        self._told = [step.as_result() for step in self.steps]
        if not self.steps or not self._follower:
            return
        if self._manner.validate:
            tried = ordering.between(self.steps)
            applying.dry_run(client, tried, force=self._manner.force_conflicts, new_namespaces=self._missing)
            error = applying.failure(tried, written=False)
            if error:
                raise error
        self._follower.prepare()

    def _no_namespace(self) -> AsmError:
        first = next(item for item in self.items if item.namespace in self._missing)
        return NotFound(f"{first.title}: {applying.namespace_missing(first.namespace)} Nothing was written.")

    def _warnings(self) -> list[str]:
        texts = list(self._client.warnings) if self._client else []
        texts += self.lint.warnings() if self.lint else []
        texts += ordering.notes(self.items) if self._manner.strict else []
        texts += [f"{text} It stays so (force_conflicts: true ends it)." for text in releases.told(self.items)]
        if self._nowhere and not self._wishes.absent:
            texts.append(self._nowhere.yet)
        unserved = dict.fromkeys(f"{item.kind.kind} of {item.kind.api_version}" for item in self.items if item.unserved)
        texts += [f"The API server does not serve {kind}, so there is none to be removed." for kind in unserved]
        texts += pruning.unlooked(self._unlisted)
        if self._missing:
            names = ", ".join(self._missing)
            texts.append(f"Namespaces that do not exist yet ({names}): the objects in them are predicted without them.")
        return texts
