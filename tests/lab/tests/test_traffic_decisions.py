# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's model of Istio decides as istiod's own routes and Envoy's own answers show, for many random meshes.

``ROUTING_STEPS`` says how many meshes, ``ROUTING_SEEDS`` which ones; ``make routing`` tries more of them.
"""

from __future__ import annotations

import ipaddress
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3
from ansible_collections.meshops.asm.plugins.module_utils.istio import routing
from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request, fits
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import Mesh, visible
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy, Route, VirtualHost
from ansible_collections.meshops.asm.plugins.module_utils.istio.subsets import destination_rules, subsets
from conftest import wait_for
from meshlab import istiod
from meshlab.kubeapi import KubeApiError
from routes import PORTS, SERVICES, Key, RandomRoutes, key_of, made
from shop import GATEWAY, ONE, TWO, Shop

STEPS = int(os.environ.get("ROUTING_STEPS", "30"))
SEEDS = [int(one) for one in os.environ.get("ROUTING_SEEDS", "1").split()]
#: Requests of each step, to the gateway and as many within the mesh.
ASKED = 4
_PATIENCE = 15.0

_GROUP = "/apis/networking.istio.io/v1"
_KINDS = {
    "VirtualService": "virtualservices",
    "DestinationRule": "destinationrules",
    "Gateway": "gateways",
    "ServiceEntry": "serviceentries",
}
_MARKER: Key = ("VirtualService", "istio-system", "marker")
#: The virtual hosts that are looked at, by proxy.
_TABLES = {"gateway": ("http.8080", "http.8090"), "mesh": tuple(map(str, PORTS))}
#: What the gateway answers where no other VirtualService does, in place of the product page.
_EVERYTHING = GATEWAY.replace(
    "{route: [{destination: {host: productpage, port: {number: 9080}}}]}",
    "{name: page, directResponse: {status: 200, body: {string: page}}}",
)
#: An address that nothing has: the sidecar decides by the host.
_ANYWHERE = "192.0.2.1"

Json = dict[str, Any]
# The routes in their order, each with its VirtualService, its name and the hosts, subsets and weights that it leads to;
# and whether all is redirected to HTTPS.
Said = tuple[list[tuple[str, list[tuple[str, str, int]]]], bool]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_model_decides_as_istiod_and_envoy_do(shop: Shop, seed: int) -> None:
    with Trial(shop, seed) as trial:
        for number in range(STEPS):
            trial.step(number)
            trial.compare(f"step {number}")
            for _unused in range(ASKED):
                trial.ask_gateway(f"step {number}")
                trial.ask_sidecar(f"step {number}")
        # What hardly ever happens has not been compared.
        assert trial.refused <= STEPS / 4
        assert all(trial.seen[what] >= STEPS // 30 for what in _SEEN), trial.seen


_SEEN = (
    "200",
    "301",
    "404",
    "503",
    "delegated",
    "several on one host",
    "wildcard",
    "default",
    "subsets",
    "unknown",
    "hidden",
)


class Trial:
    """A mesh that changes, what the model says of it, and what istiod and the two Envoys do."""

    def __init__(self, shop: Shop, seed: int) -> None:
        self.shop = shop
        self.random = RandomRoutes(seed)
        self.refused = 0
        self.seen: Counter[str] = Counter()
        self.mesh = Mesh()
        gate, page = shop.pod("istio-ingressgateway", namespace="istio-system"), shop.pod("productpage")
        self.pods = {"gateway": gate, "mesh": page}
        self.gate = Proxy("istio-system", gate["metadata"]["labels"], {80: 8080, 443: 8443})
        self.page = Proxy("bookinfo", page["metadata"]["labels"])
        self._pool = ThreadPoolExecutor(6)
        self._http = urllib3.PoolManager(retries=False, timeout=5.0)

    def __enter__(self) -> Trial:
        cluster = self.shop.api(ONE)
        for space, names in SERVICES.items():
            for api in (self.shop.mesh, cluster):
                api.apply(f"/api/v1/namespaces/{space}", _plain("Namespace", space), manager="decisions")
            for name, exported in names.items():
                body = _plain("Service", name)
                ports = [{"name": f"http-{number}", "port": number} for number in PORTS]
                body["spec"] = {"ports": ports, "selector": {"app": "nobody"}}
                body["metadata"]["annotations"] = {"networking.istio.io/exportTo": exported}
                cluster.apply(f"/api/v1/namespaces/{space}/services/{name}", body)
        assert "string: page" in _EVERYTHING
        self.shop.apply(_EVERYTHING)
        return self

    def __exit__(self, *_unused: object) -> None:
        for space, names in SERVICES.items():
            for name in names:
                self.shop.api(ONE).delete(f"/api/v1/namespaces/{space}/services/{name}")
        list(self._pool.map(self._remove, [*self.random.objects, _MARKER]))
        self._pool.shutdown()
        self.shop.apply(GATEWAY)
        self.shop.open()

    def step(self, number: int) -> None:
        """The next mesh; a host of its own is written last, by which istiod's answers are known to be new."""
        gone, written = self.random.step()
        list(self._pool.map(self._remove, gone))
        self.refused += sum(self._pool.map(self._is_refused, written))
        rule = {"name": "marker", "directResponse": {"status": 200}}
        spec = {"hosts": [f"{number}.marker.example"], "gateways": ["bookinfo/bookinfo", "mesh"], "http": [rule]}
        assert not self._is_refused(made(_MARKER, spec))
        self.mesh = self._read()
        # Asked for a proxy's configuration before the proxy has it, istiod keeps old routes in its cache as new ones.
        wait_for(lambda: self._is_marked(spec["hosts"][0]), _PATIENCE)

    def compare(self, title: str) -> None:
        """All virtual hosts with all their routes, and all subsets."""
        mine: Json = {}
        for name in _TABLES["gateway"]:
            hosts = routing.gateway_hosts(self.mesh, self.gate, int(name.removeprefix("http."))) or {}
            mine.update(self._modelled(f"gateway {name}", hosts))
        for name in _TABLES["mesh"]:
            mine.update(self._modelled(f"mesh {name}", routing.sidecar_hosts(self.mesh, self.page, int(name))))
        for name, proxy in (("gateway", self.gate), ("mesh", self.page)):
            seen = {one.host for one in visible(self.mesh, proxy.namespace)}
            for host in routing.reachable(self.mesh, proxy.namespace):
                declared = set(subsets(destination_rules(self.mesh, proxy.namespace, host)))
                self.seen["subsets"] += bool(declared)
                self.seen["hidden"] += host not in seen
                mine[f"{name} subsets of {host}"] = declared
        _agreed(title, mine, lambda: {**self._told("gateway"), **self._told("mesh")})

    def ask_gateway(self, title: str) -> None:
        """A request through the gateway."""
        request = self.random.request(outside=True)
        hosts = routing.gateway_hosts(self.mesh, self.gate, 80) or {}
        url = f"http://{self.shop.gateways[ONE]}{request.path}"
        headers = {**(request.headers or {}), "Host": request.host}

        def answer() -> str:
            got = self._http.request(request.method or "", url, headers=headers, redirect=False)
            return _outcome(got.status, got.headers.get("location", ""), got.data.decode())

        self._answered(f"{title}, gateway, {request}", self._expected(hosts, request), answer)

    def ask_sidecar(self, title: str) -> None:
        """A request of the product page's pod; hosts that the mesh does not have go to where they are."""
        port, request = self.random.port(), self.random.request()
        hosts = routing.sidecar_hosts(self.mesh, self.page, port)
        if routing.decide(hosts, request) is None:
            return
        url = f"http://{_ANYWHERE}:{port}{request.path}"
        sent = {**(request.headers or {}), "Host": request.host}

        def answer() -> str:
            got = self.shop.request(self.pods["mesh"], url, method=request.method, headers=sent)
            headers = got["headers"] or {}
            return got["error"] or _outcome(got["status"], headers.get("location", ""), got["body"])

        self._answered(f"{title}, mesh, port {port}, {request}", self._expected(hosts, request), answer)

    def _expected(self, hosts: dict[str, VirtualHost], request: Request) -> set[str]:
        decided = routing.decide(hosts, request)
        if decided is None:
            return {"404"}
        _pattern, host, routes = decided
        if host.to_https:
            return {"301 https"}
        if host.service:
            return {"503"}
        self.seen["unknown"] += len(routes) > 1
        # After those of which it is not known whether they fit, one that fits, or none.
        certain = routes and fits(routes[-1].match, request)
        return {_leads(one.rule) for one in routes} | (set() if certain else {"404"})

    def _answered(self, title: str, expected: set[str], answer: Callable[[], str]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while (got := answer()) not in expected:
            assert time.monotonic() < deadline, f"{title}: {got}, the model says {expected}"
            time.sleep(0.05)
        self.seen[got[:3]] += 1

    def _modelled(self, title: str, hosts: dict[str, VirtualHost]) -> Iterator[tuple[str, Said]]:
        for domain, host in hosts.items():
            self.seen["delegated"] += any(route.delegate for route in host.routes)
            self.seen["several on one host"] += len({route.key for route in host.routes}) > 1
            self.seen["wildcard"] += domain.startswith("*.")
            self.seen["default"] += bool(host.service)
            default = [("default", [(host.service, "", 100)])] if host.service else []
            yield f"{title} {domain}", (default or [_named(route) for route in host.routes], host.to_https)

    def _told(self, name: str) -> Json:
        """What istiod sends a proxy."""
        found: Json = {}
        for one in self._dump(self.pods[name]):
            if one["name"] in _TABLES[name]:
                found.update(_routes(f"{name} {one['name']}", one.get("virtualHosts", [])))
            elif one["name"].startswith("outbound|"):
                _outbound, _port, subset, host = one["name"].split("|")
                found.setdefault(f"{name} subsets of {host}", set()).update({subset} - {""})
        return found

    def _dump(self, pod: Json) -> list[Json]:
        plane = self.shop.lab.fleet.mesh(self.shop.mesh_id)._istiod
        assert plane
        proxy = f"{pod['metadata']['name']}.{pod['metadata']['namespace']}"
        url = f"http://{plane.address}:{istiod.HTTP_PORT}/debug/config_dump?types=RDS,CDS&proxyID={proxy}"
        found: list[Json] = json.loads(self._http.request("GET", url).data)["configs"]
        return found

    def _read(self) -> Mesh:
        """What the API servers have."""
        found = Mesh()
        for kind, plural in _KINDS.items():
            for one in self.shop.mesh.list(f"{_GROUP}/{plural}"):
                found.put({**one, "kind": kind})
        for cluster in (ONE, TWO):
            for one in self.shop.api(cluster).list("/api/v1/services"):
                found.put({**one, "kind": "Service"})
        return found

    def _is_marked(self, host: str) -> bool:
        """Whether both proxies answer for the host."""
        headers = {"Host": host}
        outside = self._http.request("GET", f"http://{self.shop.gateways[ONE]}/", headers=headers)
        if outside.status != 200:
            return False
        inside = self.shop.request(self.pods["mesh"], f"http://{_ANYWHERE}:80/", headers=headers, timeout=0.5)
        return bool(inside["status"] == 200)

    def _is_refused(self, body: Json) -> bool:
        try:
            self.shop.mesh.apply(_path(key_of(body)), body, manager="decisions")
        except KubeApiError as error:
            if "admission webhook" not in str(error):
                raise
            return True
        return False

    def _remove(self, key: Key) -> None:
        self.shop.mesh.delete(_path(key))


def _plain(kind: str, name: str) -> Json:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}


def _path(key: Key) -> str:
    kind, namespace, name = key
    return f"{_GROUP}/namespaces/{namespace}/{_KINDS[kind]}/{name}"


def _agreed(title: str, mine: Json, told: Callable[[], Json]) -> None:
    """Fails with what differs, unless istiod says the same after a while."""
    deadline = time.monotonic() + _PATIENCE
    while (theirs := told()) != mine:
        wrong = sorted(key for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key))
        texts = [f"{key}\n  model  {mine.get(key)}\n  istiod {theirs.get(key)}" for key in wrong]
        assert time.monotonic() < deadline, "\n".join([title, *texts])
        time.sleep(0.05)


def _routes(title: str, hosts: list[Json]) -> Iterator[tuple[str, Said]]:
    """The virtual hosts of Envoy by domain, without what stands for the rest of the world."""
    for host in (one for one in hosts if one["name"] != "allow_any" and ("routes" in one or "requireTls" in one)):
        said = ([_said(route) for route in host.get("routes", [])], "requireTls" in host)
        for domain in host["domains"]:
            if _is_name(domain):
                yield f"{title} {domain}", said


def _is_name(domain: str) -> bool:
    """Whether a domain is of interest: no address, no name with a dot at its end, which goes the way of the name."""
    try:
        ipaddress.ip_address(domain.strip("[]"))
    except ValueError:
        # A redirecting server's host with a namespace stays as it is, and is never asked for.
        return not domain.endswith(".") and "/" not in domain
    return False


def _said(route: Json) -> tuple[str, list[tuple[str, str, int]]]:
    """A route of Envoy."""
    owner = route.get("metadata", {}).get("filterMetadata", {}).get("istio", {}).get("config", "//")
    *_path, namespace, _kind, name = owner.split("/")
    action = route.get("route", {})
    clusters = [(action["cluster"], 100)] if "cluster" in action else []
    clusters += [(one["name"], one["weight"]) for one in action.get("weightedClusters", {}).get("clusters", [])]
    leads = [(cluster.split("|")[3], cluster.split("|")[2], weight) for cluster, weight in clusters]
    return (f"{namespace}/{name} {route.get('name', '')}" if name else route["name"]), leads


def _named(route: Route) -> tuple[str, list[tuple[str, str, int]]]:
    """The same of the model."""
    names = [route.rule.get("name", ""), *([route.match["name"]] if route.match.get("name") else [])]
    leads = [] if "redirect" in route.rule or "directResponse" in route.rule else routing.targets(route.rule)
    return f"{route.key[1]}/{route.key[2]} {'.'.join(names)}", leads


def _leads(rule: Json) -> str:
    """What is answered where a rule counts: nothing that it leads to has a pod."""
    if "redirect" in rule:
        return "301 elsewhere"
    return f"200 {rule['directResponse']['body']['string']}" if "directResponse" in rule else "503"


def _outcome(status: int, location: str, body: str) -> str:
    if status == 301:
        return "301 https" if location.startswith("https") else "301 elsewhere"
    return f"200 {body}" if status == 200 else str(status)
