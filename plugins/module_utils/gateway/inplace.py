# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot become of a gateway that is there: its load balancers are made once. Pure.

Kubernetes takes no other loadBalancerClass of a Service that has one or had its chance, and Alibaba's cloud controller
refuses another address type of a classic load balancer: the object would be changed, and nothing would follow.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Immutable
from ansible_collections.meshops.asm.plugins.module_utils.gateway import balancers, gateways
from ansible_collections.meshops.asm.plugins.module_utils.gateway.patches import in_cluster


def refuse(live: dict[str, Any], after: dict[str, Any], names: dict[str, str]) -> None:
    """Raises ``Immutable`` where ``after`` asks of the object ``live`` what its load balancers cannot become.

    ``names`` are those of the clusters by id. Clusters that the gateway comes to or leaves have no say.
    """
    name = live["metadata"].get("name")
    have_address = gateways.addresses(live)
    said: dict[str, list[str]] = {}
    for identifier in gateways.clusters_of(live):
        if identifier in gateways.clusters_of(after):
            why = _difference(in_cluster(live, identifier), in_cluster(after, identifier), identifier in have_address)
            if why:
                said.setdefault(why, []).append(names.get(identifier, identifier))
    if said:
        refused = "; ".join(f"{why} in {', '.join(where)}" for why, where in said.items())
        raise Immutable(
            f"Gateway '{name}' exists with a load balancer that cannot be changed in place: {refused}. Nothing was "
            "changed: correct the option, or remove the gateway (state=absent) and create it again; its address will "
            "be another one."
        )


def _difference(have: dict[str, Any], want: dict[str, Any], has_address: bool) -> str:
    if not balancers.is_wanted(have) or not balancers.is_wanted(want):
        return ""
    one, other = (str(spec.get("loadBalancerClass") or "") for spec in (have, want))
    if one != other:
        return f"load_balancer.kind is {balancers.kind(one)}, wanted {balancers.kind(other)}"
    if one or not has_address or balancers.setting(have, "id") != balancers.setting(want, "id"):
        return ""
    # The service's default is a public one. A load balancer that is reused has the type that it has.
    default = "" if balancers.setting(have, "id") else "internet"
    before, then = (balancers.setting(spec, "address-type") or default for spec in (have, want))
    return f"load_balancer.address_type is {before}, wanted {then}" if before and then and before != then else ""
