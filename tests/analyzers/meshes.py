# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random small meshes with few names, so that references are met and missed about equally often."""

from __future__ import annotations

import random
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.istio.model import EXPORT_ANNOTATION

_ISTIO = "networking.istio.io/v1"
_NAMESPACES = ("shop", "pay")
_SERVICES = ("cart", "card")
_EXTERNAL = ("api.example.com", "www.example.org")
_PATTERNS = ("api.example.com", "*.example.com", "*.example.org", "www.example.org")
_SUBSETS = ("v1", "v2")
_GATEWAYS = ("front", "back")
_SERVER = {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
_ENTRY = {"location": "MESH_EXTERNAL", "ports": [_SERVER["port"]], "resolution": "NONE"}

Json = dict[str, Any]


class Dice(random.Random):
    """Chance that is the same in every run."""


class RandomMesh:
    """The same mesh for the same ``seed``."""

    def __init__(self, seed: int) -> None:
        self._dice = Dice(seed)

    def objects(self) -> list[Json]:
        found = [self._made("Service", "kept", "shop", self._service_spec())]
        for namespace in _NAMESPACES:
            found += [self._service(name, namespace) for name in self._some(_SERVICES)]
            gateway = {"selector": {"istio": "ingressgateway"}, "servers": [_SERVER]}
            found += [self._made("Gateway", name, namespace, gateway) for name in self._some(_GATEWAYS)]
        found += [self._destination_rule(number) for number in range(self._dice.randint(0, 2))]
        found += [one for number in range(2) if (one := self._service_entry(number))]
        return found + [self._virtual_service(number) for number in range(self._dice.randint(1, 3))]

    def _service(self, name: str, namespace: str) -> Json:
        service = self._made("Service", name, namespace, self._service_spec())
        if self._happens(0.2):
            exported = self._dice.choice((".", "pay", "shop, pay"))
            service["metadata"]["annotations"] = {EXPORT_ANNOTATION: exported}
        return service

    def _destination_rule(self, number: int) -> Json:
        subsets = [{"name": name, "labels": {"version": name}} for name in self._some(_SUBSETS)]
        return self._anywhere("DestinationRule", number, {"host": self._inside(), "subsets": subsets})

    def _service_entry(self, number: int) -> Json | None:
        hosts = self._some(_PATTERNS)
        return self._anywhere("ServiceEntry", number, {"hosts": hosts, **_ENTRY, **self._export()}) if hosts else None

    def _virtual_service(self, number: int) -> Json:
        spec: Json = {"hosts": [self._host()], "http": [self._http()], **self._export()}
        if self._happens(0.2):
            spec["tcp"] = [{"route": [self._target()]}]
        if self._happens(0.4):
            names = [*_GATEWAYS, *(f"{namespace}/{name}" for namespace in _NAMESPACES for name in _GATEWAYS), "mesh"]
            spec["gateways"] = self._dice.sample(names, self._dice.randint(1, 2))
        return self._anywhere("VirtualService", number, spec)

    def _http(self) -> Json:
        route: Json = {"route": [self._target() for _unused in range(self._dice.randint(1, 2))]}
        if self._happens(0.2):
            route["mirror"] = self._target()["destination"]
        if self._happens(0.2):
            route["mirrors"] = [self._target()]
        return route

    def _target(self) -> Json:
        # No subsets of external hosts: Istio's analyzer knows them only within the namespace of their DestinationRule,
        # which is not how Istio finds that rule.
        if self._happens(0.3):
            return {"destination": {"host": self._inside(), "subset": self._dice.choice(_SUBSETS)}}
        return {"destination": {"host": self._host()}}

    def _host(self) -> str:
        return self._dice.choice(_EXTERNAL) if self._happens(0.25) else self._inside()

    def _inside(self) -> str:
        service, namespace = self._dice.choice(_SERVICES), self._dice.choice(_NAMESPACES)
        return self._dice.choice((service, service, f"{service}.{namespace}.svc.cluster.local"))

    def _export(self) -> Json:
        return {"exportTo": [self._dice.choice((".", "*", *_NAMESPACES))]} if self._happens(0.3) else {}

    def _anywhere(self, kind: str, number: int, spec: Json) -> Json:
        return self._made(kind, f"one-{number}", self._dice.choice(_NAMESPACES), spec)

    def _made(self, kind: str, name: str, namespace: str, spec: Json) -> Json:
        metadata = {"name": name, "namespace": namespace}
        version = "v1" if kind == "Service" else _ISTIO
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}

    def _service_spec(self) -> Json:
        return {"ports": [{"port": 80, "name": "http"}]}

    def _some(self, values: tuple[str, ...]) -> list[str]:
        return [one for one in values if self._happens(0.5)]

    def _happens(self, chance: float) -> bool:
        return self._dice.random() < chance
