# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway of a spec beside the one that is there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.gateway.described import differences

NAMES = {"c1": "shop-1", "c2": "shop-2"}
PREFIX = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
LIVE: dict[str, Any] = {
    "metadata": {"name": "in", "namespace": "istio-system", "labels": {"by": "us"}},
    "spec": {
        "gatewayType": "egress",
        "clusterIds": ["c1"],
        "replicaCount": 2,
        "ports": [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}],
        "serviceAnnotations": {PREFIX + "address-type": "internet", "of": "others"},
        "podLabels": {"a": "1"},
    },
}
SAME: dict[str, Any] = {
    "name": "in",
    "clusters": ["shop-1"],
    "replicas": 2,
    "ports": [{"name": "http", "port": "80"}],
    "load_balancer": {"address_type": "internet"},
    "pod_labels": {"a": 1},
    "mesh": "shop",
}


@pytest.mark.parametrize("item", [SAME, {"name": "in"}, {**SAME, "clusters": ["c1"]}, {**SAME, "type": "egress"}])
def test_what_is_as_described(item: Any) -> None:
    assert differences(item, LIVE, NAMES) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"replicas": 3}, ["spec.replicaCount: 2 is there, 3 is described"]),
        ({"type": "ingress"}, ["spec.gatewayType: egress is there, ingress is described"]),
        (
            {"load_balancer": {"address_type": "intranet"}},
            [f"spec.serviceAnnotations.{PREFIX}address-type: internet is there, intranet is described"],
        ),
        ({"run_as_root": True}, ["spec.runAsRoot: true is described, and not there"]),
        ({"pod_labels": {}}, ["spec.podLabels.a: 1 is there, and not described"]),
        ({"clusters": ["shop-1", "shop-2"]}, ['spec.clusterIds: ["c1"] is there, ["c1", "c2"] is described']),
        ({"labels": {"by": "them"}}, ["metadata.labels.by: us is there, them is described"]),
    ],
)
def test_each_difference_is_told_with_both_values(change: dict[str, Any], told: list[str]) -> None:
    assert differences({**SAME, **change}, LIVE, NAMES) == told


@pytest.mark.parametrize(
    "item", [None, 7, [], {"replicas": "two"}, {**SAME, "clusters": ["shop-9"]}, {**SAME, "ports": [7]}, {"spec": 7}]
)
def test_what_the_module_refuses_has_no_differences(item: Any) -> None:
    assert differences(item, LIVE, NAMES) == []
