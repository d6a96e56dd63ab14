# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions by the counters of Istio; tests/prometheus holds the same to a real Prometheus."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.meshops.asm.plugins.filter.canary_judged import FilterModule

from .conftest import Chance

judged, query = (FilterModule().filters()[name] for name in ("canary_judged", "canary_query"))
Json = dict[str, Any]
SINCE = 1_767_225_600.0
OPTIONS: Json = {
    "stable": "v1",
    "canary": "v2",
    "namespace": "shop",
    "prometheus": {"url": "http://x", "service": "reviews"},
    "compare": {"limit": 300},
}
STAGE = {"share": 20}


def series(labels: Json, values: list[float], *, first: int = 0, every: float = 5.0) -> Json:
    """Scrapes of one counter every five seconds."""
    metric = {"__name__": "istio_requests_total", **labels}
    return {"metric": metric, "values": [[SINCE + (first + n) * every, str(value)] for n, value in enumerate(values)]}


def answer(*result: Json) -> Json:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(result)}}


def counted(failing: dict[str, float], scrapes: int = 61, each: int = 200) -> Json:
    """A fifth of ``each`` requests in a scrape goes to v2; what fails has a counter of its own, as with Istio."""
    rng = Chance(7)
    result = []
    for version, share in (("v1", 0.8), ("v2", 0.2)):
        sums = {"200": [1000.0], "503": [0.0]}
        for _unused in range(scrapes - 1):
            bad = sum(rng.random() < failing.get(version, 0.0) for _one in range(int(each * share)))
            sums["200"].append(sums["200"][-1] + each * share - bad)
            sums["503"].append(sums["503"][-1] + bad)
        result += [series({"destination_version": version, "response_code": code}, sums[code]) for code in sums]
    return answer(*result)


def test_counters_that_fail_alike_and_not() -> None:
    found = counted({"v1": 0.01, "v2": 0.01})
    good = judged(found, OPTIONS, STAGE, SINCE)
    assert (good["verdict"], good["over"], good["problem"]) == ("good", True, "")
    assert good["after"] < 200
    early = answer(*({**one, "values": one["values"][:6]} for one in found["data"]["result"]))
    assert judged(early, OPTIONS, STAGE, SINCE)["requests"] == 0, "a look is looked at when all have been scraped"
    worse = judged(counted({"v1": 0.01, "v2": 0.1}), OPTIONS, STAGE, SINCE)
    assert (worse["verdict"], worse["about"]) == ("worse", "failures")
    assert worse["after"] <= 30
    assert worse["problem"].startswith("v2 fails more than v1: ")


def test_with_a_fresh_copy_it_is_what_counts() -> None:
    found = counted({"v1": 0.2, "v2": 0.1})
    options = {**OPTIONS, "baseline": {"service": "reviews"}}
    assert judged(found, options, STAGE, SINCE)["verdict"] == "good", "v1 fails more than v2"
    copied = answer(
        *(
            {**one, "metric": {**one["metric"], "destination_version": "v1-baseline"}}
            for one in counted({"v2": 0.1})["data"]["result"]
            if one["metric"]["destination_version"] == "v1"
        ),
        *found["data"]["result"],
    )
    fresh = judged(copied, options, {"share": 20, "fresh": 20}, SINCE)
    assert (fresh["verdict"], fresh["problem"][:36]) == ("worse", "v2 fails more than v1-baseline: 8 of")


def test_more_scrapes_change_no_verdict() -> None:
    """It is asked for again and again until it is there."""
    found = counted({"v2": 0.1})
    last = judged(found, OPTIONS, STAGE, SINCE)
    for one in found["data"]["result"]:
        del one["values"][30:]
    assert judged(found, OPTIONS, STAGE, SINCE) == last


def test_what_was_counted_before_does_not_count() -> None:
    before = series({"destination_version": "v2", "response_code": "503"}, [0, 500, 900], first=-3)
    found = counted({})
    found["data"]["result"].append(before)
    assert judged(found, OPTIONS, STAGE, SINCE)["verdict"] == "good"


def test_a_counter_that_begins_anew_or_late() -> None:
    fine = {"destination_version": "v1", "response_code": "200"}
    own = {"destination_version": "v2", "response_code": "200"}
    late = {"destination_version": "v2", "response_code": "503"}
    result = [series(fine, [1000, 1100, 50, 150]), series(own, [10, 20, 30, 40]), series(late, [7, 9], first=4)]
    # Nothing more comes: the time is over.
    seen = judged(answer(*result), {**OPTIONS, "compare": {"limit": 25}}, STAGE, SINCE)
    # 100, 50 and 100 of v1; 30 and 9 of v2.
    assert seen["requests"] == 250 + 30 + 9
    assert "9 of 39 requests to v2 failed, of those to v1 0 of 250" in seen["problem"]


def test_nothing_counted_is_no_good_news() -> None:
    found = judged(answer(), OPTIONS, STAGE, SINCE)
    assert (found["verdict"], found["over"]) == ("undecided", False)
    assert found["problem"] == "Prometheus has counted no request to v2 and v1."
    only = series({"destination_version": "v1", "response_code": "200"}, [0.0] + [100.0 * n for n in range(70)])
    silent = judged(answer(only), OPTIONS, STAGE, SINCE)
    assert (silent["verdict"], silent["over"]) == ("undecided", True)
    assert silent["problem"] == "Prometheus has counted no request to v2."


def buckets(version: str, slow: float, scrapes: int = 61, each: int = 100) -> list[Json]:
    """Of each scrape's answers a tenth takes 50 ms to 100 ms, and so many more of v2 as said."""
    result = [series({"destination_version": version, "response_code": "200"}, [each * n for n in range(scrapes)])]
    for bound, share in (("50", 0.9 - slow), ("100", 1.0), ("+Inf", 1.0)):
        labels = {"__name__": "istio_request_duration_milliseconds_bucket", "destination_version": version, "le": bound}
        result.append(series(labels, [round(each * n * share) for n in range(scrapes)]))
    return result


@pytest.mark.parametrize(("slow", "verdict"), [(0.0, "good"), (0.3, "worse")])
def test_buckets_of_latency(slow: float, verdict: str) -> None:
    options = {**OPTIONS, "compare": {"limit": 300, "latency": {"p90": 10}}}
    found = judged(answer(*buckets("v1", 0.0), *buckets("v2", slow)), options, STAGE, SINCE)
    assert found["verdict"] == verdict
    if slow:
        assert found["about"] == "p90"
        assert found["problem"].startswith("v2 is slower than v1: ")


def test_the_query_is_made_of_the_names() -> None:
    assert query(OPTIONS) == (
        '{__name__=~"istio_requests_total",reporter="source",destination_service_name="reviews",'
        'destination_service_namespace="shop",destination_version=~"v1|v2"}[360s]'
    )
    prometheus = {"service": 'a"b', "reporter": "destination", "versions": {"canary": "2.0"}}
    odd = query({**OPTIONS, "prometheus": prometheus, "compare": {"latency": {"p95": 5}}})
    assert 'destination_service_name="a\\"b"' in odd
    assert 'destination_version=~"v1|2\\\\.0"' in odd
    assert odd.startswith('{__name__=~"istio_requests_total|istio_request_duration_milliseconds_bucket"')
    assert odd.endswith("[960s]")
    copied = query({**OPTIONS, "baseline": {"service": "reviews"}})
    assert 'destination_service_name=~"reviews|reviews-baseline"' in copied
    assert 'destination_version=~"v1|v2|v1-baseline"' in copied


@pytest.mark.parametrize(
    ("given", "options", "complaint"),
    [
        ({"status": "error"}, OPTIONS, "has not answered the query with success"),
        (None, OPTIONS, "has not answered"),
        (answer(), {**OPTIONS, "compare": {"margin": "much"}}, "compare.margin must be a number"),
        (answer(), {**OPTIONS, "compare": {"latency": {"p99.9": 5}}}, "compare.latency takes p50, p90, p95, p99"),
        (answer(), {**OPTIONS, "canary": "v1"}, "both 'v1'"),
    ],
)
def test_what_cannot_be_judged(given: Any, options: Json, complaint: str) -> None:
    with pytest.raises(AnsibleFilterError, match=complaint):
        judged(given, options, STAGE, SINCE)


@pytest.mark.parametrize(
    "values", [None, "x", [1], [[1]], [["a", "b"]], [[SINCE, "NaN"]], [[SINCE, None]], [{}], [[SINCE, [1]]]]
)
def test_odd_values_are_none(values: Any) -> None:
    odd = {"metric": {"__name__": "istio_requests_total", "destination_version": "v2"}, "values": values}
    assert judged(answer(odd), OPTIONS, STAGE, SINCE)["requests"] == 0
