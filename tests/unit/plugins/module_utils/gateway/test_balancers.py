# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load balancers that gateways cannot share."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.gateway.balancers import clashes

ID = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id"
OWN: dict[str, Any] = {"load_balancer": {"id": "lb-1"}}
HTTP = [{"name": "http", "port": 80}]
UDP = [{"name": "x", "port": 80, "protocol": "UDP"}]


def gateway(name: str, *clusters: str, **options: Any) -> dict[str, Any]:
    return {"name": name, "clusters": list(clusters), "ports": HTTP} | options


@pytest.mark.parametrize(
    "how",
    [
        OWN,
        {"service_annotations": {ID: "lb-1"}},
        {"spec": {"serviceAnnotations": {ID.replace("alibaba-cloud", "alicloud"): "lb-1"}}},
        {"overrides": [{"cluster": "a", **OWN}, {"cluster": "b", **OWN}]},
    ],
)
def test_one_load_balancer_for_two_clusters(how: dict[str, Any]) -> None:
    (said,) = clashes([gateway("in", "a", "b", **how)])
    for word in ("lb-1", "2 clusters", "'in' in a, 'in' in b"):
        assert word in said


def test_two_gateways_on_one_port() -> None:
    (said,) = clashes([gateway("in", "a", **OWN), gateway("other", "a", **OWN)])
    assert "'in' and 'other' both want port 80/TCP of the load balancer lb-1 in a" in said


@pytest.mark.parametrize(
    ("ports", "told"),
    [
        ({"spec": {"ports": HTTP}, "ports": UDP}, "port 80/TCP"),
        ({"ports": None}, "port the service's default"),
        ({"ports": []}, "port the service's default"),
    ],
)
def test_two_gateways_on_one_port_in_other_words(ports: dict[str, Any], told: str) -> None:
    (said,) = clashes([gateway("in", "a", **OWN | ports), gateway("other", "a", **OWN | ports)])
    assert f"both want {told} of the load balancer lb-1 in a" in said


def test_two_gateways_in_two_clusters() -> None:
    (said,) = clashes([gateway("in", "a", **OWN), gateway("other", "b", **OWN)])
    assert "'in' in a, 'other' in b" in said


@pytest.mark.parametrize(
    "gateways",
    [
        [],
        [gateway("in", "a", "b")],
        [gateway("in", "a", **OWN), gateway("other", "b", load_balancer={"id": "lb-2"})],
        [gateway("in", "a", **OWN), gateway("other", "a", **{**OWN, "ports": [{"name": "x", "port": 81}]})],
        [
            gateway("in", "a", **OWN),
            gateway("other", "a", **{**OWN, "ports": UDP}),
        ],
        [gateway("in", "a", "b", **OWN, overrides=[{"cluster": "b", "load_balancer": {"id": "lb-2"}}])],
        [gateway("in", "a", "b", **OWN, overrides=[{"cluster": "b", "service_type": "ClusterIP"}])],
        [gateway("in", "a", "b", **OWN, service_type="NodePort")],
        [{"name": "in", **OWN}],
    ],
)
def test_what_needs_no_sharing(gateways: Any) -> None:
    assert clashes(gateways) == []


@pytest.mark.parametrize("value", [None, 7, "x", [7], [{}], [{"name": "in", "clusters": "a", "overrides": {"a": 1}}]])
def test_odd_types_clash_with_nothing(value: Any) -> None:
    assert clashes(value) == []
