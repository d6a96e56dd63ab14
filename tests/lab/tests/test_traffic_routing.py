# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What VirtualService and DestinationRule declare is what is seen at the gateway."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from itertools import pairwise

import pytest
from meshlab.kubeapi import KubeApiError
from shop import ONE, SUBSETS, TWO, Shop, settles, virtual_service

_TO = "{{route: [{{destination: {{host: reviews, subset: {}}}}}]}}"


def _within(seen: Counter[str], version: str, share: float) -> bool:
    """Whether a count is within four standard deviations of what is declared."""
    count = sum(seen.values())
    return abs(seen[version] - count * share) <= 4 * math.sqrt(count * share * (1 - share))


@pytest.mark.parametrize("cluster", [ONE, TWO])
def test_the_three_versions_take_turns(shop: Shop, cluster: str) -> None:
    answers = shop.pages(180, cluster)
    assert {one.status for one in answers} == {200}
    seen = Counter(one.version for one in answers)
    assert set(seen) == {"reviews-v1", "reviews-v2", "reviews-v3"}
    assert all(_within(seen, version, 1 / 3) for version in seen)
    assert {one.cluster for one in answers} == {"shop-1", "shop-2"}  # one mesh over two clusters


def test_the_page_shows_the_stars_of_the_version(shop: Shop) -> None:
    pages = {one.version: one.text for one in shop.pages(40)}
    assert "glyphicon-star" not in pages["reviews-v1"]
    assert "color: black" in pages["reviews-v2"]
    assert "color: red" in pages["reviews-v3"]
    assert all("The Comedy of Errors" in text and "PublisherA" in text for text in pages.values())


def test_weights(shop: Shop) -> None:
    parts = ", ".join(
        f"{{destination: {{host: reviews, subset: {one}}}, weight: {weight}}}"
        for one, weight in (("v1", 80), ("v3", 20))
    )
    with shop.with_resources(virtual_service(f"[{{route: [{parts}]}}]")):
        settles(lambda: shop.page().version != "reviews-v2", 20)
        seen = shop.versions(400)
        assert set(seen) == {"reviews-v1", "reviews-v3"}
        assert _within(seen, "reviews-v1", 0.8)


def test_a_header_chooses_the_version(shop: Shop) -> None:
    match = "{match: [{headers: {end-user: {exact: jason}}}], route: [{destination: {host: reviews, subset: v2}}]}"
    with shop.with_resources(virtual_service(f"[{match}, {_TO.format('v3')}]")):
        settles(lambda: shop.page().version == "reviews-v3")
        assert set(shop.versions(30, end_user="jason")) == {"reviews-v2"}
        assert set(shop.versions(30, end_user="anna")) == {"reviews-v3"}


def test_a_change_takes_effect_within_half_a_second(shop: Shop) -> None:
    for version in ("v1", "v2", "v3", "v1"):
        shop.apply(virtual_service(f"[{_TO.format(version)}]"))
        begin = time.monotonic()
        while shop.page().version != f"reviews-{version}":
            assert time.monotonic() - begin < 2.0
    with shop.with_resources(virtual_service(f"[{_TO.format('v1')}]")):
        pass
    settles(lambda: {one.version for one in shop.pages(12)} != {"reviews-v1"}, 1)


def test_round_robin_is_cyclic_and_random_is_not(shop: Shop) -> None:
    client = shop.pod("productpage")

    def repeats() -> int:
        """How often one pod answered twice in a row, of 59 times; at random every sixth time."""
        answers = [shop.request(client, "http://reviews:9080/reviews/0")["body"] for _unused in range(60)]
        pods = [json.loads(one)["podname"] for one in answers]
        return sum(one == other for one, other in pairwise(pods))

    settles(lambda: repeats() == 0, 2)
    shop.apply(SUBSETS.replace("ROUND_ROBIN", "RANDOM"))
    try:
        settles(lambda: repeats() > 0, 2, 20)
    finally:
        shop.apply(SUBSETS)


def test_fault_injection(shop: Shop) -> None:
    fault = "{fault: {abort: {httpStatus: 418, percentage: {value: 100}}}, route: [{destination: {host: reviews}}]}"
    with shop.with_resources(virtual_service(f"[{fault}]")):
        settles(lambda: "Error fetching product reviews" in shop.page().text)
    settles(lambda: shop.page().version != "")


def test_a_rule_that_istiod_rejects_changes_nothing(shop: Shop) -> None:
    bad = virtual_service("[{route: [{destination: {host: reviews, subset: v1}, weight: -20}]}]")
    with pytest.raises(KubeApiError, match="weight"):
        shop.apply(bad)
    assert len(shop.versions(30)) == 3
