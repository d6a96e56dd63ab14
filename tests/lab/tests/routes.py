# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Istio resources made up at random, with few names, so that hosts, gateways and subsets meet about as often as not."""

from __future__ import annotations

import random
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request

Json = dict[str, Any]
#: Kind, namespace, name.
Key = tuple[str, str, str]

#: The clients' namespace, another one, and the gateway's, which is Istio's root namespace.
NAMESPACES = ("bookinfo", "pay", "istio-system")
#: Services without pods, by namespace, with the namespaces that see them.
SERVICES = {"bookinfo": {"cart": "*", "card": "*", "stock": "pay"}, "pay": {"cart": "*", "secret": "."}}
PORTS = (80, 9080)

_FULL = tuple(f"{name}.{space}.svc.cluster.local" for space, names in SERVICES.items() for name in names)
_INSIDE = ("cart", "card", *_FULL, "*.pay.svc.cluster.local", "*.bookinfo.svc.cluster.local", "*.cluster.local")
_OUTSIDE = ("shop.example", "api.shop.example", "*.shop.example", "*.example")
_SUBSETS = ("v1", "v2", "v3")
_GATEWAYS = {"front": "istio-system", "back": "pay"}
_PATHS = ("/", "/a", "/a/b", "/b")
_PEOPLE = ("anna", "ann", "bob")
_ISTIO = "networking.istio.io/v1"


class Dice(random.Random):
    """Chance that is the same in every run."""


class RandomRoutes:
    """A mesh that changes step by step; the same for the same ``seed``."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed)
        self.objects: dict[Key, Json] = {}

    def step(self) -> tuple[list[Key], list[Json]]:
        """What goes and what is written next, so that some objects are older than others."""
        gone = [key for key in self.objects if self._happens(0.5)]
        for key in gone:
            del self.objects[key]
        new = [self._virtual_service(f"v{number}") for number in range(5) if self._happens(0.6)]
        new += [self._delegate(f"d{number}") for number in range(2) if self._happens(0.4)]
        new += [self._gateway(name) for name in _GATEWAYS if self._happens(0.5)]
        new += [self._destination_rule(f"r{number}") for number in range(4) if self._happens(0.5)]
        new += [self._service_entry(f"e{number}") for number in range(2) if self._happens(0.4)]
        self._dice.shuffle(new)
        for one in new:
            self.objects[key_of(one)] = one
        return [key for key in gone if key not in self.objects], new

    def port(self) -> int:
        return self._dice.choice(PORTS)

    def request(self, outside: bool = False) -> Request:
        """A request that one of the rules may be about."""
        hosts = ("shop.example", "api.shop.example", "www.shop.example", "other.example")
        inside = (*_FULL, "cart", "card", "cart.bookinfo", "cart.pay", "cart.pay.svc", "api.shop.example")
        path = self._dice.choice((*_PATHS, "/A/b", "/ab")) + self._dice.choice(("", "", "?q=1"))
        headers = {"x-who": self._dice.choice(_PEOPLE)} if self._happens(0.6) else {}
        method = self._dice.choice(("GET", "GET", "POST"))
        return Request(self._dice.choice((*hosts, *_FULL) if outside else inside), path, method, "http", headers)

    def _virtual_service(self, name: str) -> Json:
        names = ("bookinfo/bookinfo", "bookinfo/bookinfo", "istio-system/front", "pay/back", "front", "back.pay")
        hosts = [self._dice.choice(_INSIDE), self._dice.choice(_OUTSIDE)]
        spec: Json = {}
        if self._happens(0.7):
            spec["gateways"] = sorted({*self._dice.sample(names, 2), *(["mesh"] if self._happens(0.3) else [])})
            if "mesh" not in spec["gateways"]:
                hosts = [self._dice.choice(("*", *_FULL)), *self._dice.sample(_OUTSIDE, 1)]
        # Hosts that overlap are refused, and so is every host within the mesh.
        both = self._happens(0.3) and "*" not in hosts
        spec["hosts"] = hosts if both else [self._dice.choice(hosts)]
        spec["http"] = self._rules(name, delegates=True)
        return self._made("VirtualService", name, {**spec, **self._export()})

    def _delegate(self, name: str) -> Json:
        return self._made("VirtualService", name, {"http": self._rules(name), **self._export()})

    def _rules(self, name: str, delegates: bool = False) -> list[Json]:
        return [self._rule(name, number, delegates) for number in range(1, self._dice.randint(1, 3) + 1)]

    def _rule(self, name: str, number: int, delegates: bool) -> Json:
        rule: Json = {"name": f"rule{number}"}
        if self._happens(0.7):
            rule["match"] = [self._match(index) for index in range(self._dice.choice((1, 1, 2)))]
        if delegates and self._happens(0.25):
            rule["delegate"] = {"name": self._dice.choice(("d0", "d1")), "namespace": self._dice.choice(NAMESPACES)}
        elif self._happens(0.3):
            rule["directResponse"] = {"status": 200, "body": {"string": f"{name} {number}"}}
        elif self._happens(0.25):
            rule["redirect"] = {"uri": "/elsewhere"}
        else:
            rule["route"] = self._targets()
        if self._happens(0.1) and "route" in rule:
            rule["mirror"] = self._target()
        return rule

    def _targets(self) -> list[Json]:
        if self._happens(0.6):
            return [{"destination": self._target()}]
        first = self._dice.choice((0, 20, 100))
        return [{"destination": self._target(), "weight": weight} for weight in (first, 100 - first)]

    def _target(self) -> Json:
        target: Json = {"host": self._dice.choice(("cart", "card", *_FULL, "api.shop.example")), "port": {"number": 80}}
        if self._happens(0.4):
            target["subset"] = self._dice.choice(_SUBSETS)
        return target

    def _match(self, index: int) -> Json:
        parts: Json = {
            "uri": lambda: self._text(_PATHS),
            "headers": lambda: {"x-who": self._text(_PEOPLE)},
            "withoutHeaders": lambda: {"x-who": self._text(_PEOPLE)},
            "queryParams": lambda: {"q": {"exact": self._dice.choice(("1", "2"))}},
            "method": lambda: {"exact": self._dice.choice(("GET", "POST"))},
            "authority": lambda: {"prefix": self._dice.choice(("api.", "cart"))},
            "ignoreUriCase": lambda: True,
            "port": lambda: self._dice.choice((80, 8080, 9080)),
            "gateways": lambda: [self._dice.choice(("mesh", "bookinfo/bookinfo", "pay/back"))],
            "sourceLabels": lambda: {"app": self._dice.choice(("productpage", "reviews"))},
            "sourceNamespace": lambda: self._dice.choice(NAMESPACES),
        }
        common = ("uri", "uri", "uri", "headers")
        chosen = self._dice.sample([*common, *parts], self._dice.choice((1, 1, 2)))
        return {"name": f"match{index}", **{name: parts[name]() for name in chosen}}

    def _text(self, values: tuple[str, ...]) -> Json:
        return {self._dice.choice(("exact", "prefix", "prefix", "regex", "regex")): self._dice.choice(values)}

    def _gateway(self, name: str) -> Json:
        servers = []
        for number in range(self._dice.choice((1, 1, 2))):
            port = {"number": self._dice.choice((80, 80, 8080, 8090)), "name": f"http-{number}", "protocol": "HTTP"}
            several = ("*", "*", "*", "*.shop.example", "pay/*.example", "./api.shop.example", "*/shop.example", *_FULL)
            server: Json = {"port": port, "hosts": self._dice.sample(several, self._dice.choice((1, 1, 2)))}
            if self._happens(0.15):
                server["tls"] = {"httpsRedirect": True}
            servers.append(server)
        selector = self._dice.choice(({"istio": "ingressgateway"},) * 4 + ({"istio": "other"},))
        return made(("Gateway", _GATEWAYS[name], name), {"selector": selector, "servers": servers})

    def _destination_rule(self, name: str) -> Json:
        host = self._dice.choice(("cart", *_FULL, "*.pay.svc.cluster.local", "*.cluster.local", "api.shop.example"))
        subsets = [{"name": one, "labels": {"version": one}} for one in _SUBSETS if self._happens(0.5)]
        return self._made("DestinationRule", name, {"host": host, "subsets": subsets, **self._export()})

    def _service_entry(self, name: str) -> Json:
        spec = {
            "hosts": self._dice.sample(("shop.example", "api.shop.example", "*.shop.example"), 1),
            "location": "MESH_EXTERNAL",
            "ports": [{"number": self._dice.choice(PORTS), "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            # Where nobody listens, which the proxy knows at once.
            "endpoints": [{"address": "127.0.0.1", "ports": {"http": 1}}],
        }
        return self._made("ServiceEntry", name, {**spec, **self._export()})

    def _export(self) -> Json:
        if not self._happens(0.4):
            return {}
        several = self._dice.sample(NAMESPACES, self._dice.choice((1, 2)))
        return {"exportTo": self._dice.choice(([*several], [*several], ["."], ["*"]))}

    def _made(self, kind: str, name: str, spec: Json) -> Json:
        return made((kind, self._dice.choice(NAMESPACES), name), spec)

    def _happens(self, chance: float) -> bool:
        return self._dice.random() < chance


def made(key: Key, spec: Json) -> Json:
    """An object of Istio."""
    kind, namespace, name = key
    return {"apiVersion": _ISTIO, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def key_of(body: Json) -> Key:
    return body["kind"], body["metadata"]["namespace"], body["metadata"]["name"]
