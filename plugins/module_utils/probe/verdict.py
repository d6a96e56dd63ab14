# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From what was observed to figures, and to what of it is not as expected. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.probe import statistics, versus
from ansible_collections.meshops.asm.plugins.module_utils.probe.engine import Observation, Sample
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import (
    WINDOWS,
    Balancing,
    Expectation,
    Plan,
    needed_count,
)

#: A sequence is even when its dispersion is below this. 40 windows of independent choice stay above it but for about
#: one case in ten thousand (chi-square with 39 degrees of freedom below 0.4 * 39); turns stay far below.
EVEN_BELOW = 0.4
#: A balancer that looks at the load sends a slow instance less than this part of an even share.
_SPARED_BELOW, _TREATED_ALIKE_ABOVE = 0.6, 0.8

Json = dict[str, Any]


def summary(plan: Plan, seen: Observation) -> Json:
    """The result keys of a probe, ``problems`` among them: a sentence for everything that is not as expected."""
    samples = seen.samples
    answered = [sample for sample in samples if not sample.error]
    latencies = sorted(sample.seconds for sample in answered)
    result: Json = {
        "requests": len(samples),
        "answered": len(answered),
        "failed": len([sample for sample in samples if _failed(plan, sample)]),
        "statuses": {str(status): count for status, count in sorted(Counter(s.status for s in answered).items())},
        "errors": dict(Counter(sample.error for sample in samples if sample.error).most_common()),
        "latency": _latency(latencies),
        "duration": round(seen.seconds, 3),
        "throughput": round(len(answered) / seen.seconds, 1) if seen.seconds else 0.0,
        "retries": seen.retries,
        "reconnects": seen.reconnects,
        "distribution": distribution(plan, answered),
        "by_request": _by(plan, samples, "request", "name", [one.name for one in plan.requests]),
        "by_address": _by(plan, samples, "address", "address", [f"{host}:{port}" for host, port in plan.addresses]),
        "excerpts": {str(status): text for status, text in sorted(seen.excerpts.items())},
    }
    result["outage"] = _outage(plan, samples)
    if plan.compare:
        result["compare"] = compared(plan, samples)
    result["problems"] = problems(plan, seen, result)
    return result


def distribution(plan: Plan, answered: list[Sample]) -> list[Json]:
    """A row for each key, seen or declared: count, share, its interval, what was declared, whether that fits."""
    if plan.key is None:
        return []
    expect = plan.expect or Expectation()
    declared = expect.split
    counts = Counter(sample.key for sample in answered)
    keys = sorted({str(key) for key in counts if key is not None} | set(declared))
    rows: list[Json] = []
    for key in keys:
        count = counts.get(key, 0)
        low, high = statistics.interval(count, len(answered), expect.confidence, len(keys))
        share = declared.get(key, 0.0) if declared else None
        fits = share is None or statistics.within(count, len(answered), share, expect.tolerance)
        rows.append(
            {
                "key": key,
                "count": count,
                "percent": _percent(count, len(answered)),
                "low": round(low * 100, 2),
                "high": round(high * 100, 2),
                "declared": None if share is None else round(share * 100, 2),
                "ok": bool(answered) and fits,
            }
        )
    return rows


def versus_of(plan: Plan, compare: versus.Compare) -> versus.Versus:
    """What tells the versions of a plan apart. Without the canary, requests may fail up to the expected share."""
    return versus.Versus(compare, plan.expect.failed if plan.expect else compare.rules[versus.FAILURES].margin)


def enough(plan: Plan) -> Callable[[Sample], bool]:
    """Says of a plan's requests, as each of them ends, whether the versions are told apart; never without any."""
    if plan.compare is None:
        return lambda sample: False
    both = versus_of(plan, plan.compare)
    return lambda sample: both.add(sample.number, sample.key, _failed(plan, sample), sample.seconds)


def compared(plan: Plan, samples: list[Sample]) -> Json:
    """The result key ``compare``, from all samples: the same verdict that ended the probe, or what is left to say."""
    if plan.compare is None:
        return {}
    both = versus_of(plan, plan.compare)
    ended: list[float] = []
    for sample in samples:
        ended.append(sample.at + sample.seconds)
        if both.add(sample.number, sample.key, _failed(plan, sample), sample.seconds):
            break
    both.finish()
    after, problem = round(max(ended, default=0.0), 3), both.problem()
    problem = problem and f"{problem} It took {both.requests} requests in {after:.1f} s."
    return {**both.result(), "after": after, "problem": problem}


def problems(plan: Plan, seen: Observation, result: Json) -> list[str]:
    """What is not as expected; without expectations, only that nobody answered at all."""
    if not result["answered"]:
        return [_nobody(seen, result)]
    found = [text for text in (result.get("compare", {}).get("problem"),) if text]
    if plan.expect is None:
        return found
    expect = plan.expect
    if result["requests"] < needed_count(expect):
        found.append(
            f"Only {result['requests']} requests could be sent in time, too few for a verdict, which needs "
            f"{needed_count(expect)}. Allow more duration, or a wider tolerance."
        )
    return [
        *found,
        *([] if plan.compare else _failures(expect, result)),
        *_split(plan, expect, seen, result),
        *_balancing(expect, seen),
    ] + [
        f"Latency {name} was {result['latency'][name]:g} s, expected at most {most:g} s."
        for name, most in expect.latency.items()
        if result["latency"][name] > most
    ]


def _failed(plan: Plan, sample: Sample) -> bool:
    """Without an answer, or with a status that is not expected; a split by status judges the statuses itself."""
    if sample.error:
        return True
    statuses = plan.expect.statuses if plan.expect else frozenset()
    if statuses:
        return sample.status not in statuses
    if plan.key and plan.key.kind == "status" and plan.expect and plan.expect.split:
        return False
    return sample.status >= 400


def _latency(ordered: list[float]) -> Json:
    figures = {f"p{percent}": statistics.percentile(ordered, percent) for percent in (50, 90, 95, 99)}
    edges = {"min": ordered[0], "max": ordered[-1]} if ordered else {"min": 0.0, "max": 0.0}
    mean = sum(ordered) / len(ordered) if ordered else 0.0
    return {name: round(value, 6) for name, value in {**edges, "mean": mean, **figures}.items()}


def _by(plan: Plan, samples: list[Sample], part: str, title: str, names: list[str]) -> list[Json]:
    """Statuses and keys of each request, or at each address, where there are several."""
    rows = [
        {title: name, **_counts(plan, [sample for sample in samples if getattr(sample, part) == index])}
        for index, name in enumerate(names)
    ]
    return rows if len(rows) > 1 else []


def _counts(plan: Plan, own: list[Sample]) -> Json:
    answered = [sample for sample in own if not sample.error]
    return {
        "requests": len(own),
        "failed": len([sample for sample in own if _failed(plan, sample)]),
        "statuses": {str(status): count for status, count in sorted(Counter(s.status for s in answered).items())},
        "keys": dict(sorted(Counter(s.key for s in answered if s.key is not None).items())),
    }


def _outage(plan: Plan, samples: list[Sample]) -> float:
    """Seconds between the first failed request and the end of the last one; 0 when none failed."""
    failed = [sample for sample in samples if _failed(plan, sample)]
    if not failed:
        return 0.0
    return round(max(sample.at + sample.seconds for sample in failed) - min(sample.at for sample in failed), 3)


def _nobody(seen: Observation, result: Json) -> str:
    why = "; ".join(f"{text} ({count}x)" for text, count in list(result["errors"].items())[:3]) or "nothing was sent"
    early = " It was given up early." if seen.aborted else ""
    return f"None of {result['requests']} requests was answered: {why}.{early}"


def _failures(expect: Expectation, result: Json) -> list[str]:
    if not result["requests"] or result["failed"] <= expect.failed * result["requests"]:
        return []
    wanted = f" (expected {', '.join(map(str, sorted(expect.statuses)))})" if expect.statuses else ""
    parts = [f"HTTP {status} {count}x{wanted}" for status, count in result["statuses"].items()]
    parts += [f"{text} {count}x" for text, count in list(result["errors"].items())[:3]]
    most = f"at most {expect.failed * 100:g} % are expected" if expect.failed else "none is expected"
    return [
        f"{result['failed']} of {result['requests']} requests failed, {most}. Seen: {'; '.join(parts)}."
        f"{_said(expect, result)}"
    ]


def _said(expect: Expectation, result: Json) -> str:
    """What the commonest unhappy answer said."""
    unhappy = {
        status: count
        for status, count in result["statuses"].items()
        if status in result["excerpts"] and int(status) not in expect.statuses
    }
    if not unhappy:
        return ""
    status = max(unhappy, key=lambda one: unhappy[one])
    return f" HTTP {status} says: {result['excerpts'][status] or '(an empty body)'}"


def _split(plan: Plan, expect: Expectation, seen: Observation, result: Json) -> list[str]:
    if plan.key is None or not (expect.split or expect.balancing):
        return []
    keyed = sum(row["count"] for row in result["distribution"])
    if not keyed:
        return [f"No answer has a key: {plan.key.title} matches nothing. An answer was {seen.unkeyed or 'not there'}"]
    found = []
    unkeyed = result["answered"] - keyed
    if unkeyed and expect.split:
        found.append(
            f"{unkeyed} of {result['answered']} answers have no key ({plan.key.title}), like this one: {seen.unkeyed}"
        )
    # Without a declared split every row is as it should be.
    for row in result["distribution"]:
        if row["ok"]:
            continue
        how = "exactly" if row["declared"] in (0.0, 100.0) else f"within {expect.tolerance * 100:g} points"
        found.append(
            f"{row['key']}: {row['percent']:g} % observed ({row['count']} of {result['answered']}, interval "
            f"{row['low']:g} to {row['high']:g} % at {expect.confidence * 100:g} %), {row['declared']:g} % declared, "
            f"{how}."
        )
    return found


def _balancing(expect: Expectation, seen: Observation) -> list[str]:
    """Whether the sequence of instances is what the policy makes; see ``statistics.dispersion``."""
    wanted = expect.balancing
    if wanted is None:
        return []
    sequence = [sample.key for sample in seen.samples if sample.key is not None]
    keys = sorted(set(sequence))
    if len(keys) < 2:
        return [f"{wanted.policy} cannot be seen: all answers came from {keys[0] if keys else 'nobody'}."]
    if len(sequence) < wanted.window * WINDOWS * 0.9:
        return [f"{wanted.policy} cannot be seen: only {len(sequence)} of {len(seen.samples)} answers have a key."]
    found = _evenness(wanted, statistics.dispersion(sequence, wanted.window))
    if wanted.slow:
        found += _under_load(wanted, sequence.count(wanted.slow) / len(sequence), keys)
    return found


def _evenness(wanted: Balancing, dispersion: float) -> list[str]:
    """Independent choice or turns; a balancer that spares a slow instance is not judged by its sequence."""
    if wanted.policy == "ROUND_ROBIN" and dispersion >= EVEN_BELOW:
        return [
            f"ROUND_ROBIN: the instances do not take turns (dispersion {dispersion:.2f}, turns stay below "
            f"{EVEN_BELOW:g}, independent choice is near 1)."
        ]
    if wanted.policy == "RANDOM" and dispersion < EVEN_BELOW:
        return [
            f"RANDOM: the instances take turns (dispersion {dispersion:.2f}; independent choice is near 1, turns stay "
            f"below {EVEN_BELOW:g})."
        ]
    return []


def _under_load(wanted: Balancing, share: float, keys: list[str]) -> list[str]:
    even = 1 / len(keys)
    part = share / even
    seen = (
        f"the slow instance {wanted.slow} got {share * 100:.1f} % of the requests, an even share is {even * 100:.1f} %"
    )
    if wanted.slow not in keys:
        return [f"{wanted.policy}: no answer came from {wanted.slow}, only from {', '.join(keys)}."]
    if wanted.policy == "LEAST_REQUEST" and part >= _SPARED_BELOW:
        return [f"LEAST_REQUEST: {seen}. A balancer that looks at the load would have spared it."]
    if wanted.policy != "LEAST_REQUEST" and part < _TREATED_ALIKE_ABOVE:
        return [f"{wanted.policy}: {seen}. A balancer that does not look at the load would not have spared it."]
    return []


def _percent(count: int, total: int) -> float:
    return round(100 * count / total, 2) if total else 0.0
