# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The load balancers that gateways ask for, by the annotations of their Services. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from types import EllipsisType
from typing import Any, NamedTuple

from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import COUNT, WORD
from ansible_collections.meshops.asm.plugins.module_utils.gateway.patches import laid_over

Json = dict[str, Any]

PREFIX = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
# The controller takes the older prefix as well.
_PREFIXES = (PREFIX, "service.beta.kubernetes.io/alicloud-loadbalancer-")
NLB_CLASS = "alibabacloud.com/nlb"

_PORTS: shapes.Shape = [{"port": COUNT, "protocol": WORD}]
# What stands for ports that a gateway leaves to the service: it chooses the same ones for each.
_DEFAULT = "the service's default"
_OPTIONS: dict[str | EllipsisType, shapes.Shape] = {
    "service_type": WORD,
    "load_balancer": {"id": WORD},
    "service_annotations": {...: WORD},
    "ports": _PORTS,
    "spec": {"serviceType": WORD, "serviceAnnotations": {...: WORD}, "ports": _PORTS},
}
_GATEWAYS: shapes.Shape = [
    {"name": WORD, "clusters": [WORD], "overrides": [{"cluster": WORD, **_OPTIONS}], **_OPTIONS},
]


class _Use(NamedTuple):
    """A load balancer that a gateway is to use in a cluster, with the ports that it opens there."""

    balancer: str
    gateway: str
    cluster: str
    ports: frozenset[str]


def setting(spec: Json, name: str) -> str:
    """What an IstioGateway's spec says about its load balancer, as ``id`` or ``address-type``; empty for nothing."""
    annotations = spec.get("serviceAnnotations") or {}
    return next((str(annotations[key]) for key in (f"{one}{name}" for one in _PREFIXES) if annotations.get(key)), "")


def is_wanted(spec: Json) -> bool:
    """Whether the gateway has a load balancer at all."""
    return (spec.get("serviceType") or "LoadBalancer") == "LoadBalancer"


def kind(load_balancer_class: str) -> str:
    """The option ``kind`` for a loadBalancerClass."""
    return {"": "clb", NLB_CLASS: "nlb"}.get(load_balancer_class, load_balancer_class)


def clashes(gateways: Any) -> list[str]:
    """A sentence for each load balancer of one's own that two clusters, or two gateways on one port, are to share.

    ``gateways`` is ``asm_gateways`` of a spec, of whatever types.
    """
    uses: dict[str, list[_Use]] = {}
    for gateway in shapes.fit(gateways, _GATEWAYS)[0]:
        for use in _uses(gateway):
            uses.setdefault(use.balancer, []).append(use)
    return [sentence for balancer, those in uses.items() for sentence in _about(balancer, those)]


def _about(balancer: str, uses: list[_Use]) -> Iterator[str]:
    clusters = list(dict.fromkeys(use.cluster for use in uses))
    if len(clusters) > 1:
        whose = ", ".join(dict.fromkeys(f"'{use.gateway}' in {use.cluster}" for use in uses))
        yield (
            f"asm_gateways: the load balancer {balancer} is to serve {len(clusters)} clusters ({whose}), but one can "
            "serve a single cluster only. Name another id in the gateway's overrides, or leave it out there."
        )
    for one, other in combinations(uses, 2):
        common = sorted(one.ports & other.ports) if one.cluster == other.cluster else []
        if common and one.gateway != other.gateway:
            yield (
                f"asm_gateways: '{one.gateway}' and '{other.gateway}' both want port {', '.join(common)} of the load "
                f"balancer {balancer} in {one.cluster}. Give one of them another port, or another load balancer."
            )


def _uses(gateway: Json) -> Iterator[_Use]:
    overrides = {one["cluster"]: one for one in gateway.get("overrides", []) if "cluster" in one}
    for cluster in gateway.get("clusters", []):
        options = laid_over(gateway, overrides.get(cluster, {}))
        spec = options.get("spec", {})
        found = setting({"serviceAnnotations": spec.get("serviceAnnotations", {})}, "id")
        found = found or setting({"serviceAnnotations": options.get("service_annotations", {})}, "id")
        found = found or options.get("load_balancer", {}).get("id", "")
        service_type = spec.get("serviceType") or options.get("service_type")
        if found and is_wanted({"serviceType": service_type}):
            ports = spec.get("ports") or options.get("ports") or []
            numbers = {f"{one['port']}/{one.get('protocol', 'TCP')}" for one in ports if "port" in one}
            yield _Use(found, gateway.get("name", ""), cluster, frozenset(numbers or {_DEFAULT}))
