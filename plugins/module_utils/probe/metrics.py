# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions compared by what Prometheus has scraped of Istio's metrics, all of it at once. Pure.

The query asks for the scraped values themselves (a range vector), so that what is counted are whole requests and not
the estimates of ``rate`` or ``increase``, and so that the same values give the same verdict each time they are read.
A counter that falls has begun anew; a series that begins later than the others begins at zero.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import TEXT
from ansible_collections.meshops.asm.plugins.module_utils.probe import sequential
from ansible_collections.meshops.asm.plugins.module_utils.probe.sequential import GOOD, UNDECIDED, WORSE, Look
from ansible_collections.meshops.asm.plugins.module_utils.probe.versus import FAILURES, Compare

REQUESTS, BUCKETS = "istio_requests_total", "istio_request_duration_milliseconds_bucket"
#: Seconds of one look; scrapes of several proxies fall into it.
WINDOW = 15.0
_MOST = 2.0**53

Json = dict[str, Any]
_ANSWER: shapes.Shape = {"status": TEXT, "data": {"result": [{"metric": {...: TEXT}}]}}


@dataclass(frozen=True)
class Count:
    """So many requests more of a series, by its labels, in the window with this number."""

    window: int
    labels: Mapping[str, str]
    more: float


def query(options: Json, namespace: str, versions: Iterable[str], latency: bool) -> str:
    """The query for the counters of both versions over the last ``seconds``.

    ``options`` has ``service`` (or several ``services``), ``seconds``, and perhaps ``reporter`` (source, unless told
    otherwise).
    """
    services = [str(one) for one in options.get("services") or [options["service"]]]
    named = ("=", services[0]) if len(services) == 1 else ("=~", "|".join(map(_literal, services)))
    labels = {
        "reporter": ("=", options.get("reporter") or "source"),
        "destination_service_name": named,
        "destination_service_namespace": ("=", namespace),
    }
    matchers = [f"{name}{sign}{_quoted(value)}" for name, (sign, value) in labels.items()]
    matchers.append(f"destination_version=~{_quoted('|'.join(map(_literal, versions)))}")
    metrics = f"{REQUESTS}|{BUCKETS}" if latency else REQUESTS
    matchers.insert(0, f"__name__=~{_quoted(metrics)}")
    return f"{{{','.join(matchers)}}}[{int(options['seconds'])}s]"


def judged(answer: Any, compare: Compare, since: float, limit: float) -> Json:
    """``{verdict, about, requests, after, over, problem}`` from Prometheus' answer to ``query``.

    ``since`` is when the step began, as Prometheus tells the time; ``limit`` is after how many seconds it is over.
    """
    counts, last = _counts(answer, since)
    # What is still to be scraped by others must not change a look that was looked at.
    settled = int((last - since) // WINDOW) - 1
    counts = [one for one in counts if one.window < settled or last - since >= limit]
    found: dict[str, tuple[str, sequential.Evidence, int]] = {
        name: sequential.decide(_looks(counts, name, compare), rule) for name, rule in compare.rules.items()
    }
    worse = [name for name, (verdict, _evidence, _looks_taken) in found.items() if verdict == WORSE]
    good = all(verdict == GOOD for verdict, _evidence, _looks_taken in found.values())
    verdict = WORSE if worse else GOOD if good else UNDECIDED
    about = worse[0] if worse else ""
    taken = max(looks for _verdict, _evidence, looks in found.values())
    windows = sorted({one.window for one in counts})
    after = (windows[taken - 1] + 1) * WINDOW if verdict != UNDECIDED else last - since
    seen = found[about or FAILURES][1].seen
    return {
        "verdict": verdict,
        "about": about,
        "requests": round(seen.canary + seen.stable),
        "after": round(after, 1),
        "over": verdict != UNDECIDED or last - since >= limit,
        "problem": _problem(compare, verdict, about, seen),
    }


def _problem(compare: Compare, verdict: str, about: str, seen: Look) -> str:
    canary, stable = compare.canary, compare.stable
    bad = "failed" if about in ("", FAILURES) else f"took longer than the {about} of {stable}"
    figures = (
        f"{seen.canary_bad:.0f} of {seen.canary:.0f} requests to {canary} {bad}, of those to {stable} "
        f"{seen.stable_bad:.0f} of {seen.stable:.0f}"
    )
    if verdict == WORSE:
        return f"{canary} {'fails more' if about == FAILURES else 'is slower'} than {stable}: {figures}."
    silent = [name for name, count in ((canary, seen.canary), (stable, seen.stable)) if not count]
    if verdict == UNDECIDED and silent:
        return f"Prometheus has counted no request to {' and '.join(silent)}."
    return f"It cannot be told whether {canary} is as good as {stable}: {figures}." if verdict == UNDECIDED else ""


def _looks(counts: list[Count], name: str, compare: Compare) -> Iterator[Look]:
    by_window: dict[int, list[Count]] = defaultdict(list)
    for one in counts:
        by_window[one.window].append(one)
    before: list[Count] = []
    for window in sorted(by_window):
        own = by_window[window]
        limit = "" if name == FAILURES else _bound(before, compare.stable, float(name[1:]) / 100)
        known = name == FAILURES or limit
        both = [(_total(own, one, name), _bad(own, one, name, limit)) for one in (compare.canary, compare.stable)]
        (canary, bad), (stable, stable_bad) = both
        yield Look(canary, min(bad, canary), stable, min(stable_bad, stable)) if known else Look(0, 0, 0, 0)
        before += own


def _total(counts: list[Count], version: str, name: str) -> float:
    if name == FAILURES:
        return sum(one.more for one in counts if _is(one, REQUESTS, version))
    return sum(one.more for one in counts if _is(one, BUCKETS, version) and one.labels.get("le") == "+Inf")


def _bad(counts: list[Count], version: str, name: str, limit: str) -> float:
    if name == FAILURES:
        return sum(one.more for one in counts if _is(one, REQUESTS, version) and _failed(one.labels))
    within = sum(one.more for one in counts if _is(one, BUCKETS, version) and one.labels.get("le") == limit)
    return max(0.0, _total(counts, version, name) - within)


def _bound(before: list[Count], stable: str, share: float) -> str:
    """The smallest bound of a bucket within which that share of the stable version's answers came; empty for none."""
    within: dict[str, float] = defaultdict(float)
    for one in before:
        if _is(one, BUCKETS, stable):
            within[one.labels.get("le", "")] += one.more
    total = within.pop("+Inf", 0.0)
    fitting = [bound for bound, count in within.items() if total and count >= share * total and _number(bound) > 0]
    return min(fitting, key=_number, default="")


def _is(one: Count, metric: str, version: str) -> bool:
    return one.labels.get("__name__") == metric and one.labels.get("destination_version") == version


def _failed(labels: Mapping[str, str]) -> bool:
    """Istio counts a request without an answer as code 0."""
    code = labels.get("response_code", "")
    return code == "0" or code.startswith("5")


def _counts(answer: Any, since: float) -> tuple[list[Count], float]:
    """What was counted since then, and when the last value was scraped."""
    found = shapes.fit(answer, _ANSWER)[0] or {}
    if found.get("status") != "success":
        raise InvalidInput("Prometheus has not answered the query with success: see its address and the query.")
    result = found.get("data", {}).get("result", [])
    series = [(one.get("metric", {}), list(_values(one.get("values"), since))) for one in result]
    begins = [values[0][0] for _labels, values in series if values]
    first = min(begins, default=since)
    counts = []
    for labels, values in series:
        # The others were seen for a whole window before this one was: it did not exist then.
        level = 0.0 if values and values[0][0] - first > WINDOW else values[0][1] if values else 0.0
        for time, value in values:
            more, level = value - level if value >= level else value, value
            if more:
                counts.append(Count(int(max(time - since, 0.0) // WINDOW), labels, more))
    return counts, max((values[-1][0] for _labels, values in series if values), default=since)


def _values(values: Any, since: float) -> Iterator[tuple[float, float]]:
    for one in values if isinstance(values, list) else []:
        if isinstance(one, list) and len(one) == 2:
            time, value = _number(one[0]), _number(one[1])
            if time >= since and value >= 0:
                yield time, value


def _number(value: Any) -> float:
    """A number as Prometheus writes it; what is none, or no count that anything could have, is negative."""
    try:
        found = float(value) if not isinstance(value, bool) else -1.0
    except (TypeError, ValueError, OverflowError):
        return -1.0
    return found if 0 <= found <= _MOST else -1.0


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _literal(text: str) -> str:
    """A text as a regular expression of Prometheus (RE2)."""
    return "".join(f"\\{letter}" if letter in r"\.+*?()|[]{}^$" else letter for letter in text)
