# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each check of the traffic on real Envoy: it is fulfilled by a mesh that does as declared, and not by a broken one."""

from __future__ import annotations

from .labs import Lab
from .playing import EXAMPLE, SPEC, texts
from .runner import Runner
from .traffic import BY_VERSION, GATEWAY, NAMESPACE, RATINGS, REVIEWS, Bookinfo, destination_rule, to, virtual_service

VERSIONS = {"service": "reviews.bookinfo", "path": REVIEWS, "by": BY_VERSION}


def test_the_example_does_what_it_declares(run: Runner, book: Bookinfo) -> None:
    played = run.play("meshops.asm.verify", *SPEC, cwd=EXAMPLE).ok()
    shown = " ".join(texts(played.output)["verify : Compare the spec with what is there"].split())
    for words in ("v1 ", "(declared 60, interval ", "jason sees black stars", "HTTP 404 20x"):
        assert words in shown


def test_check_mode_sends_no_request(run: Runner, book: Bookinfo) -> None:
    result = run(
        "asm_verify", check=True, mesh="bookinfo", gateways=[{"name": GATEWAY}], checks=[{"name": "a", **VERSIONS}]
    )
    assert result["checks"][0]["state"] == "not tried in check mode"


def test_versions_in_turn(book: Bookinfo) -> None:
    in_turn = {**VERSIONS, "expect": {"even": ["v1", "v2", "v3"], "tolerance": 7}}
    at_gateway = "At the gateway VirtualService bookinfo/bookinfo decides about GET "
    book.fails("v1: ", "33.33 % declared", at_gateway, "VirtualService bookinfo/reviews decides", "v1 60 %", **in_turn)
    with book.having(virtual_service(to())):
        book.holds(**in_turn)


def test_weights(book: Bookinfo) -> None:
    declared = {**VERSIONS, "expect": {"split": {"v1": 80, "v3": 20}, "tolerance": 6}}
    with book.having(virtual_service(to(80, 0, 20))):
        found = book.holds(**declared)
        assert found["requests"] >= 500
        assert all(row["low"] < row["declared"] < row["high"] for row in found["distribution"])
    with book.having(virtual_service(to(50, 0, 50))):
        book.fails("v3: ", "anything -> v1 50 %, v3 50 %", **declared)


def test_a_header_chooses_the_version(book: Bookinfo) -> None:
    jason = {**VERSIONS, "headers": {"end-user": "jason"}, "expect": {"split": {"v2": 100}}}
    book.holds(**jason)
    with book.having(virtual_service(to(100))):
        book.fails("v2: 0 % observed", "anything -> v1 100 %", **jason)


def test_a_subset_without_pods_is_reported_as_such(book: Bookinfo) -> None:
    with book.having(destination_rule("RANDOM", "v1", "v9"), virtual_service(to(0, 0, 0, 0, 0, 0, 0, 0, 100))):
        book.fails(
            "The subset v9 of DestinationRule bookinfo/reviews (version=v9) has no ready pod in any cluster",
            **VERSIONS,
            expect={"split": {"v9": 100}},
        )


def test_a_subset_that_nobody_declares(book: Bookinfo) -> None:
    with book.having(virtual_service(to(0, 0, 0, 100))):
        book.fails("The subset v4 is used, but no DestinationRule", **VERSIONS, expect={"split": {"v4": 100}})


def test_fault_injection(book: Bookinfo) -> None:
    """The page asks twice for reviews, so the share is seen at ratings, which it asks for once."""
    abort = {"abort": {"httpStatus": 555, "percentage": {"value": 40}}}
    half = {"path": RATINGS, "by": {"status": True}, "expect": {"split": {"200": 60, "555": 40}, "tolerance": 7}}
    slow = {"delay": {"fixedDelay": "2s", "percentage": {"value": 100}}}
    late = {"path": RATINGS, "by": {"slower_than": 1.9}, "expect": {"split": {"slower": 100}}, "concurrency": 32}
    plain = {"route": [{"destination": {"host": "ratings"}}]}
    book.fails("555: 0 % observed", **half)
    book.fails("slower: 0 % observed", **late)
    with book.having(virtual_service({**plain, "fault": abort}, name="ratings")):
        book.holds(**half)
    with book.having(virtual_service({**plain, "fault": slow}, name="ratings")):
        book.holds(**late)


def test_an_authorization_policy(book: Bookinfo) -> None:
    refused = {"path": "/productpage", "count": 40, "service": "productpage.bookinfo", "expect": {"status": [403]}}
    policy = {
        "apiVersion": "security.istio.io/v1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "no-page", "namespace": NAMESPACE},
        "spec": {
            "action": "DENY",
            "selector": {"matchLabels": {"app": "productpage"}},
            "rules": [{"to": [{"operation": {"paths": ["/productpage"]}}]}],
        },
    }
    found = book.fails("HTTP 200 40x (expected 403)", "-> productpage.bookinfo 100 %", **refused)
    assert not any("inside the mesh" in line for line in found["explanation"])
    with book.having(policy):
        book.holds(**refused)
        book.fails(
            "RBAC: access denied",
            "AuthorizationPolicy bookinfo/no-page applies (DENY)",
            **{**refused, "expect": {"status": [200]}},
        )
        # Its other paths are not the policy's business.
        book.holds(path="/api/v1/products", count=20)


def test_load_balancing_is_told_apart_by_its_sequence(book: Bookinfo) -> None:
    """By one entrance and one product page, whose proxy is the balancer that is looked at."""
    by_pod = {"path": REVIEWS, "by": {"jmespath": "podname"}, "concurrency": 1, "cluster": "shop-1"}
    everything = virtual_service(to())
    for declared, other in (("ROUND_ROBIN", "RANDOM"), ("RANDOM", "ROUND_ROBIN")):
        with book.having(destination_rule(declared), everything):
            book.holds(**by_pod, expect={"balancing": {"policy": declared}})
            book.fails(f"{other}: the instances", **by_pod, expect={"balancing": {"policy": other}})


def test_load_balancing_is_told_apart_under_uneven_load(book: Bookinfo) -> None:
    slow = {**VERSIONS, "concurrency": 32}
    for cluster in ("shop-1", "shop-2"):
        book.environment("reviews-v3", cluster, LAB_DELAY="0.5")
    try:
        with book.having(destination_rule("LEAST_REQUEST"), virtual_service(to())):
            book.holds(**slow, expect={"balancing": {"policy": "LEAST_REQUEST", "slow": "v3"}})
        with book.having(destination_rule("RANDOM"), virtual_service(to())):
            book.holds(**slow, expect={"balancing": {"policy": "RANDOM", "slow": "v3"}})
            book.fails("would have spared it", **slow, expect={"balancing": {"policy": "LEAST_REQUEST", "slow": "v3"}})
    finally:
        for cluster in ("shop-1", "shop-2"):
            book.environment("reviews-v3", cluster, LAB_DELAY=None)


def test_an_external_host_needs_a_service_entry_under_registry_only(lab: Lab, run: Runner, book: Bookinfo) -> None:
    lab.control.outside("books.example.net", [9080])
    outside = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "outside", "namespace": NAMESPACE},
        "spec": {
            "hosts": ["books.example.net"],
            "location": "MESH_EXTERNAL",
            "resolution": "DNS",
            "ports": [{"number": 9080, "name": "http", "protocol": "HTTP"}],
        },
    }
    calls = {"path": RATINGS, "count": 30, "expect": {"status": [200]}}
    for cluster in ("shop-1", "shop-2"):
        book.environment("productpage-v1", cluster, RATINGS_HOSTNAME="books.example.net")
    try:
        book.holds(**calls)
        run("asm_mesh", name="bookinfo", outbound_traffic_policy="REGISTRY_ONLY")
        blocked = {**calls, "expect": {"status": [500, 502, 503]}}
        book.holds(**blocked)
        book.fails("30 of 30 requests failed", **calls)
        with book.having(outside):
            book.holds(**calls)
            book.fails("expected 500, 502, 503", **blocked)
    finally:
        run("asm_mesh", name="bookinfo", outbound_traffic_policy="ALLOW_ANY")
        for cluster in ("shop-1", "shop-2"):
            book.environment("productpage-v1", cluster, RATINGS_HOSTNAME=None)


def test_a_gateway_port_without_a_listener(book: Bookinfo) -> None:
    (address,) = book.run("asm_gateway_info", mesh="bookinfo")["gateways"][0]["addresses"]["shop-1"]
    book.fails("None of ", "no Gateway resource with a server for it", address=[address], port=443, count=20)


def test_a_virtual_service_that_istiod_rejects(book: Bookinfo) -> None:
    wrong = virtual_service({"route": [{"destination": {"host": "reviews", "subset": "v1"}, "weight": -20}]})
    failed = book.run.failing("istio_resource", "weight", mesh="bookinfo", definition=[wrong])
    assert failed["changed"] is False
    book.holds(**VERSIONS, expect={"split": {"v1": 60, "v2": 20, "v3": 20}, "tolerance": 8})


def test_a_probe_by_name_of_mesh_and_gateway(run: Runner, book: Bookinfo) -> None:
    result = run("asm_probe", mesh="bookinfo", gateway=GATEWAY, path="/productpage", count=40)
    assert result["statuses"] == {"200": 40}
    assert len(result["by_address"]) == 2
    run.failing("asm_probe", "Gateways of the mesh: ingressgateway", mesh="bookinfo", gateway="other")
