# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds of ASM as objects of istio_resource: applied, in force, read without credentials, pruned. Limits, breakers."""

from __future__ import annotations

import json
from typing import Any

from .labs import Lab
from .runner import Runner
from .traffic import GATEWAY, NAMESPACE, Bookinfo

HOST = "limits.example"
ASM = "istio.alibabacloud.com"
QUOTA = 5

ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "VirtualService",
    "metadata": {"name": "limits", "namespace": NAMESPACE},
    "spec": {
        "hosts": [HOST],
        "gateways": ["bookinfo-gateway"],
        "http": [{"name": "limited", "route": [{"destination": {"host": "productpage", "port": {"number": 9080}}}]}],
    },
}
LIMITER = {
    "apiVersion": f"{ASM}/v1",
    "kind": "ASMLocalRateLimiter",
    "metadata": {"name": "limits", "namespace": NAMESPACE},
    "spec": {
        "workloadSelector": {"labels": {"istio": GATEWAY}},
        "isGateway": True,
        "configs": [
            {
                "match": {"vhost": {"name": HOST, "port": 80, "route": {"name_match": "limited"}}},
                # No token comes while the test runs.
                "limit": {"fill_interval": {"seconds": 3600}, "quota": QUOTA},
            }
        ],
    },
}


BAD = {"app": "ratings", "version": "bad"}
BAD_INSTANCE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "ratings-bad", "namespace": NAMESPACE},
    "spec": {
        "selector": {"matchLabels": BAD},
        "template": {
            "metadata": {"labels": BAD},
            "spec": {
                "containers": [
                    {
                        "name": "ratings",
                        "image": "docker.io/istio/examples-bookinfo-ratings-v1:1.20.3",
                        "ports": [{"containerPort": 9080}],
                        "env": [{"name": "LAB_ERROR_RATE", "value": "1"}],
                    }
                ]
            },
        },
    },
}
TO_RATINGS = {
    **ROUTE,
    "metadata": {"name": "breaker", "namespace": NAMESPACE},
    "spec": {
        "hosts": ["breaker.example"],
        "gateways": ["bookinfo-gateway"],
        "http": [{"route": [{"destination": {"host": "ratings", "port": {"number": 9080}}}]}],
    },
}
BREAKER = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "DestinationRule",
    "metadata": {"name": "ratings-breaker", "namespace": NAMESPACE},
    "spec": {
        "host": "ratings",
        "trafficPolicy": {
            "outlierDetection": {
                "consecutive5xxErrors": 3,
                "interval": "1s",
                "baseEjectionTime": "300s",
                "maxEjectionPercent": 50,
            }
        },
    },
}


def test_a_breaker_leaves_a_bad_instance_out_and_goes_with_its_set(lab: Lab, run: Runner, book: Bookinfo) -> None:
    """The how-to "Break the circuit to what fails"."""

    def failed(count: int = 30) -> int:
        asked = {"mesh": "bookinfo", "gateway": GATEWAY, "cluster": "shop-1", "host": "breaker.example"}
        found = run("asm_probe", **asked, path="/ratings/0", count=count, expect={"status": [200, 404, 500, 503]})
        return sum(number for status, number in found["statuses"].items() if status != "200")

    given = {"mesh": "bookinfo", "set": "breaker", "prune": True}
    try:
        run("asm_workload", cluster="shop-1", definition=BAD_INSTANCE, require_sidecar=True)
        run("istio_resource", definition=[TO_RATINGS], **given)
        # One of the three instances always fails.
        lab.wait_for(lambda: 3 < failed() < 27, "the bad instance to get its share", 30)
        run.converge("istio_resource", definition=[TO_RATINGS, BREAKER], **given)
        lab.wait_for(lambda: failed() == 0, "the bad instance to be left out", 30)
        assert failed(100) == 0
        run.converge("istio_resource", definition=[TO_RATINGS], **given)
        lab.wait_for(lambda: failed() > 3, "the bad instance to get its share again", 30)
    finally:
        run("istio_resource", definition=[TO_RATINGS, BREAKER], mesh="bookinfo", state="absent")
        run("asm_workload", cluster="shop-1", definition=BAD_INSTANCE, state="absent")


def test_a_rate_limit_takes_effect_and_goes_with_its_set(lab: Lab, run: Runner, book: Bookinfo) -> None:
    def statuses(count: int) -> dict[str, int]:
        asked = {"mesh": "bookinfo", "gateway": GATEWAY, "cluster": "shop-1", "host": HOST, "path": "/productpage"}
        found = run("asm_probe", **asked, count=count, concurrency=1, expect={"status": [200, 404, 429]})
        return dict(found["statuses"])

    given = {"mesh": "bookinfo", "set": "limits", "prune": True}
    try:
        run.converge("istio_resource", definition=[ROUTE], **given)
        lab.wait_for(lambda: statuses(3) == {"200": 3}, "the route", 30)
        run.converge("istio_resource", definition=[ROUTE, LIMITER], **given)
        seen: list[dict[str, int]] = []
        lab.wait_for(lambda: seen.append(statuses(QUOTA + 1)) or "429" in seen[-1], "the limit", 30)
        assert seen[-1]["429"] >= 1
        assert statuses(10) == {"429": 10}
        done = run.converge("istio_resource", definition=[ROUTE], **given)
        assert [one["kind"] for one in done["resources"] if one["outcome"] == "deleted"] == ["ASMLocalRateLimiter"]
        lab.wait_for(lambda: statuses(10) == {"200": 10}, "no limit", 30)
    finally:
        run("istio_resource", definition=[ROUTE, LIMITER], mesh="bookinfo", state="absent")


def test_kinds_of_asm_are_managed_and_their_credentials_are_not_told(lab: Lab, run: Runner, book: Bookinfo) -> None:
    key = "sk-0123456789abcdef"

    def provider(secret: str) -> dict[str, Any]:
        configs = {"defaultConfig": {"openAIConfig": {"model": "m", "apiKey": secret}}}
        metadata = {"name": "it-llm", "namespace": NAMESPACE}
        spec = {"host": "llm.example.com", "path": "/v1", "configs": configs}
        return {"apiVersion": f"{ASM}/v1beta1", "kind": "LLMProvider", "metadata": metadata, "spec": spec}

    lane = {"apiVersion": f"{ASM}/v1", "kind": "ASMSwimLaneGroup", "metadata": {"name": "it-kinds"}, "spec": {}}
    given = {"mesh": "bookinfo", "set": "it-kinds", "prune": True}
    try:
        told = [run("istio_resource", definition=[provider(key), lane], **given)]
        run.settled("istio_resource", definition=[provider(key), lane], **given)
        # Hidden values differ from run to run in a diff, so that nobody can guess them.
        told.append(run("istio_resource", definition=[provider(f"{key}-2"), lane], **given))
        outcomes = {one["kind"]: one["outcome"] for one in told[1]["resources"]}
        assert outcomes == {"LLMProvider": "updated", "ASMSwimLaneGroup": "unchanged"}
        told += [run("istio_resource_info", mesh="bookinfo", **kind) for kind in ({}, {"kind": "LLMProvider"})]
        assert key not in json.dumps(told)
        kube = lab.kube(lab.mesh_id("bookinfo"))
        stored = kube.get(f"/apis/{ASM}/v1beta1/namespaces/{NAMESPACE}/llmproviders/it-llm")
        assert stored["spec"]["configs"]["defaultConfig"]["openAIConfig"]["apiKey"] == f"{key}-2"
    finally:
        run("istio_resource", definition=[provider(key), lane], mesh="bookinfo", state="absent")
