# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a gateway that is there cannot become."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Immutable
from ansible_collections.meshops.asm.plugins.module_utils.gateway import inplace
from ansible_collections.meshops.asm.plugins.module_utils.gateway.patches import merged

PREFIX = "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-"
NLB = {"loadBalancerClass": "alibabacloud.com/nlb"}
NAMES = {"c1": "shop-1", "c2": "shop-2"}
ADDRESSES = [{"clusterId": key, "ipAddress": "192.0.2.1"} for key in NAMES]


def gateway(**spec: Any) -> dict[str, Any]:
    metadata = {"name": "in", "namespace": "istio-system"}
    return {
        "metadata": metadata,
        "spec": {"clusterIds": ["c1", "c2"], **spec},
        "status": {"ClusterIdGatewayAddressMap": copy.deepcopy(ADDRESSES)},
    }


def annotated(**settings: str) -> dict[str, Any]:
    return {"serviceAnnotations": {PREFIX + key.replace("_", "-"): value for key, value in settings.items()}}


def refused(live: dict[str, Any], **spec: Any) -> str:
    with pytest.raises(Immutable) as caught:
        inplace.refuse(live, merged(live, {"spec": spec}), NAMES)
    assert "Nothing was changed" in caught.value.message and "Gateway 'in'" in caught.value.message
    return caught.value.message


def allowed(live: dict[str, Any], **spec: Any) -> None:
    inplace.refuse(live, merged(live, {"spec": spec}), NAMES)


def test_a_load_balancer_of_another_kind() -> None:
    assert "kind is clb, wanted nlb in shop-1, shop-2" in refused(gateway(), **NLB)
    assert "kind is nlb, wanted clb" in refused(gateway(**NLB), loadBalancerClass=None)
    assert "kind is clb, wanted nlb in shop-2." in refused(gateway(), overrides={"c2": NLB})


@pytest.mark.parametrize(
    ("live", "wanted", "said"),
    [
        ({"address_type": "internet"}, {"address_type": "intranet"}, "is internet, wanted intranet"),
        ({"address_type": "intranet"}, {"address_type": "internet"}, "is intranet, wanted internet"),
        ({}, {"address_type": "intranet"}, "is internet, wanted intranet"),
        ({"id": "lb-1", "address_type": "internet"}, {"address_type": "intranet"}, "is internet, wanted intranet"),
    ],
)
def test_another_address_type(live: dict[str, str], wanted: dict[str, str], said: str) -> None:
    assert said in refused(gateway(**annotated(**live)), **annotated(**wanted))


def test_the_older_prefix_counts() -> None:
    older = {"service.beta.kubernetes.io/alicloud-loadbalancer-address-type": "intranet"}
    assert "is intranet, wanted internet" in refused(
        gateway(serviceAnnotations=older), serviceAnnotations={PREFIX + "address-type": "internet"}
    )


def test_what_goes_in_place() -> None:
    allowed(gateway(), replicaCount=3)
    allowed(gateway(), **annotated(address_type="internet"))
    # A network load balancer takes another address type, and one of one's own is what it is.
    allowed(gateway(**NLB, **annotated(address_type="internet")), **annotated(address_type="intranet"))
    allowed(gateway(**annotated(id="lb-1")), **annotated(address_type="intranet"))
    allowed(gateway(**annotated(address_type="internet")), **annotated(id="lb-2", address_type="intranet"))
    # Where there is no load balancer, or none any more, or in another cluster.
    allowed(gateway(serviceType="ClusterIP"), serviceType="LoadBalancer", **NLB)
    allowed(gateway(), serviceType="NodePort", **NLB)
    allowed(gateway(clusterIds=["c1"]), clusterIds=["c2"], **NLB)


def test_a_load_balancer_that_never_came_may_be_asked_for_in_another_way() -> None:
    live = gateway()
    live["status"] = {"ErrorMessage": "no quota"}
    allowed(live, **annotated(address_type="intranet"))
