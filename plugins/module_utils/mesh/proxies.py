# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the proxies of a mesh have its configuration (action DescribeServiceMeshProxyStatus), and waiting for them.

The service says of each proxy what istiod knows: ``SYNCED`` when the proxy has acknowledged the last message that was
sent to it, ``STALE`` when it has not. It does not say of which version that message was, and istiod does not send at
once: it collects changes until there have been none for 100 ms, at most for 10 s (``PILOT_DEBOUNCE_AFTER``,
``PILOT_DEBOUNCE_MAX``). Until then every proxy is ``SYNCED`` with what was before. So what is said within the first
seconds after a write does not count (``settle``, which is longer than that by default). From then on the messages are
on their way or acknowledged, and with many proxies they are not sent all at once: no proxy may be behind in several
looks in a row.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, WaitTimeout
from ansible_collections.meshops.asm.plugins.module_utils.flow.progress import tell
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Clock
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line
from ansible_collections.meshops.asm.plugins.module_utils.mesh.versions import numbers

FAIL, GO_ON = "fail", "go_on"
# Looks in a row in which no proxy may be behind, and the seconds between two.
_LOOKS, _PAUSE = 3, 0.5
_LONGEST_PAUSE = 5.0
# Seconds within which a message that is on its way arrives, also at proxies that are busy with many requests.
_PATIENCE = 30.0
_SHOWN = 5

# What the service says of a proxy's parts, in the words of messages.
_PARTS = {
    "ClusterSynced": "clusters",
    "ListenerSynced": "listeners",
    "RouteSynced": "routes",
    "EndpointSynced": "endpoints",
}


@dataclass(frozen=True)
class Seen:
    """The proxies that are connected, of those that are behind the parts that they have not acknowledged, and the
    versions of all, where they are told.
    """

    names: tuple[str, ...] = ()
    behind: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return len(self.names)

    @property
    def text(self) -> str:
        """``14 of 14 in sync``, with the names of those that are not."""
        there = f"{self.total - len(self.behind)} of {self.total} in sync"
        return f"{there}; behind: {named(self.behind)}" if self.behind else there

    def older(self, version: str) -> str:
        """The proxies of an older release than the mesh (``version``): those of pods that have yet to restart."""
        release = numbers(version)[:2]
        old = {name: [one] for name, one in self.versions.items() if numbers(one) and numbers(one)[:2] < release}
        return named(old)


def look(cloud: Cloud, mesh_id: str) -> Seen:
    """Asks once. ``NOT SENT`` is not behind: a proxy that never asked for routes, as many gateways do, gets none."""
    rows = cloud.asm("DescribeServiceMeshProxyStatus", ServiceMeshId=mesh_id).get("ProxyStatus") or []
    names = tuple(one_line(row.get("ProxyId") or f"proxy {number}") for number, row in enumerate(rows, 1))
    parts = [[word for key, word in _PARTS.items() if str(row.get(key)).upper().startswith("STALE")] for row in rows]
    versions = {name: one_line(row.get("ProxyVersion") or "") for name, row in zip(names, rows, strict=True)}
    return Seen(names, {name: lacking for name, lacking in zip(names, parts, strict=True) if lacking}, versions)


def patient_look(ask: Callable[[], Seen], clock: Clock | None = None) -> Seen:
    """The state without those that are behind only for a moment, because a message is on its way to them."""
    clock = clock or Clock()
    begin, pause = clock.now(), _PAUSE
    seen = ask()
    while seen.behind and (elapsed := clock.now() - begin) < _PATIENCE:
        tell(f"{len(seen.behind)} of {seen.total} proxies to follow", elapsed, None)
        clock.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
        seen = ask()
    return seen


def named(behind: dict[str, list[str]]) -> str:
    """The first few proxies, each with what it lacks."""
    texts = [f"{name} ({', '.join(parts)})" for name, parts in sorted(behind.items())[:_SHOWN]]
    return ", ".join([*texts, *([f"and {len(behind) - _SHOWN} more"] if len(behind) > _SHOWN else [])])


@dataclass
class Follower:
    """Waits for the proxies of one mesh after a write. ``ask`` is None where nobody can be asked, for ``reason``.

    ``settle`` and ``timeout`` are seconds; ``on_behind`` says what becomes of a wait that ends without success.
    ``some`` notes whether there were proxies before anything was written.
    """

    ask: Callable[[], Seen] | None
    settle: float
    timeout: float
    on_behind: str = FAIL
    reason: str = ""
    clock: Clock = field(default_factory=Clock)
    warnings: list[str] = field(default_factory=list)
    prepared: bool = False
    some: bool = False

    def prepare(self) -> None:
        """Finds out before the first write whether the service answers, and says so in ``warnings`` if it does not."""
        if self.prepared:
            return
        self.prepared = True
        if self.ask is not None:
            try:
                self.some = self.ask().total > 0
            except AsmError as error:
                self.ask, self.reason = None, error.message
        if self.ask is None:
            self.warnings.append(
                f"Nobody can say whether the proxies follow, so {self.settle:g} s are waited each time "
                f"(proxies_settle): {self.reason}"
            )

    def wait(self) -> None:
        """Returns when all proxies have what was written before; raises ``WaitTimeout`` that names those behind."""
        begin = self.clock.now()
        self.prepare()
        if self.ask is not None and not self.some and not self.ask().total:
            # Who connects later gets what is there then.
            return
        self._settle(begin)
        if self.ask is None:
            return
        seen = self._follow(self.ask, begin)
        if not seen.behind and (seen.total or not self.some):
            return
        who = f"{len(seen.behind)} of {seen.total} proxies do not follow for {self.timeout:g} s: {named(seen.behind)}."
        text = who if seen.total else f"No proxy is connected any more, for {self.timeout:g} s."
        if self.on_behind == GO_ON:
            self.warnings.append(f"{text} Their requests may fail until they do.")
            return
        raise WaitTimeout(
            f"{text} What they may still use was not removed. Run again when they follow or are gone: it goes on from "
            "there. proxies_timeout waits longer, and proxies_behind: go_on leaves them behind.",
            code="ProxiesBehind",
            details={"last_state": {"proxies": seen.total, "behind": seen.behind}},
        )

    def _settle(self, begin: float) -> None:
        while (rest := begin + self.settle - self.clock.now()) > 0:
            tell("istiod to send what was written", self.clock.now() - begin, None)
            self.clock.sleep(min(rest, 1.0))

    def _follow(self, ask: Callable[[], Seen], begin: float) -> Seen:
        """The last look: nobody behind, or the time is over.

        One that is behind and then no longer listed is still behind: istiod gives a proxy up that does not answer, and
        it goes on with what it has. One that was in sync and is gone has ended.
        """
        behind: dict[str, list[str]] = {}
        quiet, pause = 0, _PAUSE
        while True:
            seen = ask()
            behind = {name: parts for name, parts in behind.items() if name not in seen.names} | seen.behind
            # With nobody connected where there were some before, istiod is just starting.
            quiet = 0 if behind or (self.some and not seen.total) else quiet + 1
            elapsed = self.clock.now() - begin
            if quiet == _LOOKS or elapsed >= self.settle + self.timeout:
                return Seen(tuple({*seen.names, *behind}), behind)
            tell(f"{len(behind)} of {seen.total} proxies to follow", elapsed, None)
            pause = _PAUSE if not behind else min(pause * 1.5, _LONGEST_PAUSE)
            self.clock.sleep(pause)
