# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Load balancers of Services: what the cloud controller manager of ACK does, for one cluster."""

from __future__ import annotations

import time
from collections.abc import Callable

from meshlab.account import Cluster, LoadBalancer, new_id
from meshlab.events import Events
from meshlab.informer import Informer
from meshlab.inventory import Inventory
from meshlab.kubeapi import KubeApi, KubeApiError, Object
from meshlab.states import Transitions
from meshlab.worker import Worker
from meshlab.world import World

#: Keeps a Service until its load balancer has been released.
FINALIZER = "service.k8s.alibaba/resources"

#: Prefixes of the annotations, the older one last.
PREFIXES = (
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-",
    "service.beta.kubernetes.io/alicloud-loadbalancer-",
)

NLB_CLASS = "alibabacloud.com/nlb"

#: Seconds before a Service that could not be served is looked at again.
_AGAIN = 10.0


class Refused(Exception):
    """The Service asks for something that cannot be had; the message says why."""


class LoadBalancerController:
    """Gives every Service of type LoadBalancer in one cluster a load balancer of the account.

    ``on_change`` is called with "namespace/name" whenever a Service's address or problem changes.
    """

    def __init__(
        self,
        world: World,
        inventory: Inventory,
        transitions: Transitions,
        cluster: Cluster,
        api: KubeApi,
        on_change: Callable[[str], None],
    ) -> None:
        self._world = world
        self._inventory = inventory
        self._transitions = transitions
        self._cluster = cluster
        self._api = api
        self._on_change = on_change
        self._events = Events(api, "service-controller")
        self._ready_at: dict[str, float] = {}
        #: "namespace/name" -> why the Service has no load balancer.
        self.problems: dict[str, str] = {}
        self._worker = Worker(f"load balancers of {cluster.name}", self._reconcile)
        self._informer = Informer(api, "/api/v1/services", self._seen)

    def start(self) -> None:
        """Begin to watch."""
        self._worker.start()
        self._informer.start()

    def stop(self) -> None:
        """Stop watching; the load balancers stay."""
        self._informer.stop()
        self._worker.stop()

    def orphan(self, key: str) -> None:
        """Let go of the load balancer of a Service without releasing it: it stays in the account."""
        with self._world.lock:
            balancer = self._of(key)
            if balancer is not None and balancer.made_for == self._user(key):
                balancer.orphaned = True
                balancer.used_by = []
                balancer.made_for = f"orphan of {self._user(key)}"
                self._world.save()

    def idle(self, timeout: float) -> bool:
        """Wait until all Services have been looked at."""
        return self._worker.idle(timeout)

    def _seen(self, kind: str, service: Object) -> None:
        metadata = service["metadata"]
        if service["spec"].get("type") == "LoadBalancer" or FINALIZER in metadata.get("finalizers", []):
            self._worker.add(f"{metadata['namespace']}/{metadata['name']}")

    def _reconcile(self, key: str) -> None:
        namespace, name = key.split("/")
        path = f"/api/v1/namespaces/{namespace}/services/{name}"
        service = self._api.find(path)
        if service is None:
            self._release(key)
        elif service["spec"].get("type") != "LoadBalancer" or "deletionTimestamp" in service["metadata"]:
            self._give_up(key, path, service)
        else:
            self._serve(key, path, service)

    def _serve(self, key: str, path: str, service: Object) -> None:
        finalizers = service["metadata"].get("finalizers", [])
        if FINALIZER not in finalizers:
            self._api.patch(path, {"metadata": {"finalizers": [*finalizers, FINALIZER]}})
        try:
            balancer = self._ensure(key, service)
        except Refused as refusal:
            if self.problems.get(key) != str(refusal):
                self.problems[key] = str(refusal)
                self._events.emit(service, "Warning", "SyncLoadBalancerFailed", str(refusal))
                self._on_change(key)
            self._worker.add(key, _AGAIN)
            return
        left = self._ready_at.get(key, 0.0) - time.monotonic()
        if left > 0:
            self._worker.add(key, left)
            return
        self._ready_at.pop(key, None)
        ingress = [_address(balancer)]
        cleared = self.problems.pop(key, None) is not None
        if service.get("status", {}).get("loadBalancer", {}).get("ingress") != ingress:
            self._api.patch(f"{path}/status", {"status": {"loadBalancer": {"ingress": ingress}}})
            self._events.emit(
                service, "Normal", "EnsuredLoadBalancer", f"Ensured load balancer [{balancer.load_balancer_id}]"
            )
            self._on_change(key)
        elif cleared:
            self._on_change(key)

    def _ensure(self, key: str, service: Object) -> LoadBalancer:
        """The load balancer of a Service, made or taken as the annotations ask. Raises Refused."""
        wanted = _annotations(service)
        with self._world.lock:
            balancer = self._of(key)
            reuse = wanted.get("id", "")
            if balancer is not None and reuse and balancer.load_balancer_id != reuse:
                self._release(key)
                balancer = None
            if balancer is None:
                balancer = self._take(key, reuse, service) if reuse else self._make(key, wanted, service)
            address_type = wanted.get("address-type", balancer.address_type)
            if address_type != balancer.address_type and balancer.made_for == self._user(key):
                raise Refused(
                    f"alibaba-cloud-loadbalancer-address-type cannot be changed from {balancer.address_type} to "
                    f"{address_type}: delete the Service and create it again"
                )
            if "spec" in wanted and balancer.made_for == self._user(key):
                balancer.spec = wanted["spec"]
            self._listen(key, balancer, wanted, service)
            self._world.save()
            return balancer

    def _take(self, key: str, load_balancer_id: str, service: Object) -> LoadBalancer:
        balancer = self._world.load_balancers.get(load_balancer_id)
        if balancer is None:
            raise Refused(f"the load balancer {load_balancer_id} does not exist")
        if balancer.region_id != self._cluster.region_id or balancer.vpc_id != self._cluster.vpc_id:
            raise Refused(f"the load balancer {load_balancer_id} is not in the region and VPC of the cluster")
        if balancer.made_for:
            raise Refused(f"the load balancer {load_balancer_id} was not made by the user and cannot be reused")
        foreign = [user for user in balancer.used_by if not user.startswith(f"service/{self._cluster.cluster_id}/")]
        if foreign:
            raise Refused(f"the load balancer {load_balancer_id} is used by {', '.join(foreign)}")
        if (balancer.kind == "nlb") != (service["spec"].get("loadBalancerClass") == NLB_CLASS):
            raise Refused(f"the load balancer {load_balancer_id} is of the kind {balancer.kind}")
        return balancer

    def _make(self, key: str, wanted: dict[str, str], service: Object) -> LoadBalancer:
        address_type = wanted.get("address-type", "internet")
        if address_type not in ("internet", "intranet"):
            raise Refused(f"alibaba-cloud-loadbalancer-address-type {address_type!r} is not internet or intranet")
        kind = "nlb" if service["spec"].get("loadBalancerClass") == NLB_CLASS else "clb"
        if kind == "nlb":
            self._check_zones(wanted.get("zone-maps", ""))
        balancer = LoadBalancer(
            load_balancer_id=new_id("nlb" if kind == "nlb" else "lb"),
            name=wanted.get("name", f"k8s-{key.replace('/', '-')}"),
            kind=kind,
            region_id=self._cluster.region_id,
            vpc_id=self._cluster.vpc_id,
            address_type=address_type,
            spec=wanted.get("spec", "slb.s1.small"),
            address=self._inventory.next_load_balancer(),
            made_for=self._user(key),
        )
        self._world.load_balancers[balancer.load_balancer_id] = balancer
        self._ready_at[key] = time.monotonic() + self._transitions.seconds("load_balancer")
        return balancer

    def _check_zones(self, zone_maps: str) -> None:
        """An NLB has vSwitches in two zones at least: those that are named ("zone:vsw,..."), else those of the VPC."""
        vswitches = [one for one in self._world.vswitches.values() if one.vpc_id == self._cluster.vpc_id]
        if zone_maps:
            pairs = [tuple(part.split(":", 1)) for part in zone_maps.split(",") if ":" in part]
            known = {(one.zone_id, one.vswitch_id) for one in vswitches}
            unknown = [":".join(pair) for pair in pairs if pair not in known]
            if unknown:
                raise Refused(f"alibaba-cloud-loadbalancer-zone-maps names unknown vSwitches: {', '.join(unknown)}")
            zones = {pair[0] for pair in pairs}
        else:
            zones = {one.zone_id for one in vswitches}
        if len(zones) < 2:
            raise Refused("an NLB needs vSwitches in two zones (alibaba-cloud-loadbalancer-zone-maps)")

    def _listen(self, key: str, balancer: LoadBalancer, wanted: dict[str, str], service: Object) -> None:
        """Listeners for the Service's ports; those of others are replaced only with force-override-listeners."""
        user = self._user(key)
        ports = {f"{port['port']}/{port.get('protocol', 'TCP').lower()}" for port in service["spec"]["ports"]}
        taken = sorted(port for port in ports if balancer.listeners.get(port, user) != user)
        if taken and wanted.get("force-override-listeners", "false").lower() != "true":
            raise Refused(
                f"the load balancer {balancer.load_balancer_id} has listeners on {', '.join(taken)} already: set "
                "alibaba-cloud-loadbalancer-force-override-listeners to replace them"
            )
        mine = {port for port, owner in balancer.listeners.items() if owner == user}
        for port in mine - ports:
            del balancer.listeners[port]
        balancer.listeners.update(dict.fromkeys(ports, user))
        if user not in balancer.used_by:
            balancer.used_by.append(user)

    def _give_up(self, key: str, path: str, service: Object) -> None:
        """Release the load balancer, then let the Service go."""
        finalizers = service["metadata"].get("finalizers", [])
        if FINALIZER not in finalizers:
            self._release(key)
            return
        with self._world.lock:
            balancer = self._of(key)
            own = balancer is not None and balancer.made_for == self._user(key)
        if own and key not in self._ready_at:
            self._ready_at[key] = time.monotonic() + self._transitions.seconds("release_load_balancer")
        left = self._ready_at.get(key, 0.0) - time.monotonic()
        if left > 0:
            self._worker.add(key, left)
            return
        self._release(key)
        if "deletionTimestamp" not in service["metadata"]:
            self._api.patch(f"{path}/status", {"status": {"loadBalancer": {"ingress": None}}})
        rest = [one for one in finalizers if one != FINALIZER]
        try:
            self._api.patch(path, {"metadata": {"finalizers": rest or None}})
        except KubeApiError as error:
            if error.status != 404:
                raise
        self._on_change(key)

    def _release(self, key: str) -> None:
        user = self._user(key)
        self._ready_at.pop(key, None)
        self.problems.pop(key, None)
        with self._world.lock:
            balancer = self._of(key)
            if balancer is None:
                return
            balancer.used_by = [one for one in balancer.used_by if one != user]
            balancer.listeners = {port: owner for port, owner in balancer.listeners.items() if owner != user}
            if balancer.made_for == user:
                self._inventory.release_load_balancer(balancer.load_balancer_id)
            self._world.save()

    def _of(self, key: str) -> LoadBalancer | None:
        user = self._user(key)
        balancers = self._world.load_balancers.values()
        return next((one for one in balancers if user in one.used_by or one.made_for == user), None)

    def _user(self, key: str) -> str:
        return f"service/{self._cluster.cluster_id}/{key}"


def _annotations(service: Object) -> dict[str, str]:
    """The load-balancer annotations of a Service without their prefix."""
    found: dict[str, str] = {}
    for prefix in reversed(PREFIXES):
        for name, value in (service["metadata"].get("annotations") or {}).items():
            if name.startswith(prefix):
                found[name.removeprefix(prefix)] = value
    return found


def _address(balancer: LoadBalancer) -> dict[str, str]:
    if balancer.kind == "nlb":
        return {"hostname": f"{balancer.load_balancer_id}.{balancer.region_id}.nlb.aliyuncs.com"}
    return {"ip": balancer.address}
