# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random valid meshes, and a judge of where requests lead in one: written without the code that orders changes.

A mesh is ``{(kind, name): object}``, all in one namespace. The judge goes the way of a request, from the gateway or the
client to the pods, and knows nothing of tokens, changes or steps.
"""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
Mesh = dict[tuple[str, str], Json]

NAMESPACE = "shop"
SERVICES = ("reviews", "ratings")
OUTSIDE = ("pay.example.net", "mail.example.net", "maps.example.net")
SUBSETS = ("v1", "v2", "v3", "v4")
HOSTS = ("a.example.com", "b.example.com", "c.example.org")
PATTERNS = (*HOSTS, "*.example.com", "*")
PORTS = (80, 8080)


def put(mesh: Mesh, kind: str, name: str, spec: Json) -> None:
    mesh[kind, name] = {
        "apiVersion": "networking.istio.io/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": spec,
    }


def some(dice: random.Random, pool: tuple[Any, ...], least: int = 1) -> list[Any]:
    return dice.sample(pool, dice.randint(least, len(pool)))


def random_mesh(dice: random.Random) -> Mesh:
    """A mesh in which every request that has a route arrives."""
    mesh: Mesh = {}
    for host in SERVICES:
        if dice.random() < 0.85:
            names = [{"name": one, "labels": {"version": one}} for one in some(dice, SUBSETS)]
            put(mesh, "DestinationRule", dice.choice([host, f"{host}-rule"]), {"host": host, "subsets": names})
    for number in range(dice.randint(0, 2)):
        ports = [{"number": port, "name": f"http-{port}", "protocol": "HTTP"} for port in some(dice, PORTS)]
        spec = {"hosts": some(dice, OUTSIDE), "ports": ports, "resolution": "DNS"}
        put(mesh, "ServiceEntry", f"outside-{number}", spec)
    for name in some(dice, ("front", "side")):
        servers = [
            {"port": {"number": port, "name": f"http-{port}", "protocol": "HTTP"}, "hosts": some(dice, PATTERNS)}
            for port in some(dice, PORTS)
        ]
        put(mesh, "Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": servers})
    if dice.random() < 0.4:
        put(mesh, "VirtualService", dice.choice(["part", "piece"]), {"http": [rule(dice, mesh)]})
    # Each host is routed by one object: which of several decides is another question.
    free = [*HOSTS, *SERVICES]
    dice.shuffle(free)
    for number in range(dice.randint(1, 3)):
        hosts = [free.pop() for _unused in range(dice.randint(1, 2)) if free]
        if hosts and dice.random() < 0.1:
            hosts = ["*.example.com"]
            free = [host for host in free if not host.endswith(".example.com")]
        if hosts:
            # Mostly the object keeps its name with its first host, as people have it.
            name = hosts[0].strip("*.").replace(".", "-") if dice.random() < 0.8 else f"routes-{number}"
            put(
                mesh, "VirtualService", name, {**entrance(dice, mesh), "hosts": hosts, "http": [rule(dice, mesh, True)]}
            )
    return mesh


def spelled(dice: random.Random, mesh: Mesh, domain: str) -> Mesh:
    """The same mesh, in which half of the hosts of Services are written in full."""

    def again(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: again(one) for key, one in value.items()}
        if isinstance(value, list):
            return [again(one) for one in value]
        return f"{value}.{NAMESPACE}.{domain}" if value in SERVICES and dice.random() < 0.5 else value

    return {key: {**one, "spec": again(one["spec"])} for key, one in mesh.items()}


def shortened(value: Any, domain: str) -> Any:
    """What ``spelled`` was made of."""
    if isinstance(value, dict):
        return {key: shortened(one, domain) for key, one in value.items()}
    if isinstance(value, list):
        return [shortened(one, domain) for one in value]
    return value.removesuffix(f".{NAMESPACE}.{domain}") if isinstance(value, str) else value


def pairs() -> Iterator[tuple[Mesh, Mesh]]:
    """Meshes that are changed to other ones, without end, and always the same."""
    dice = random.Random(20261126)  # noqa: S311
    while True:
        yield random_mesh(dice), random_mesh(dice)


def entrance(dice: random.Random, mesh: Mesh) -> Json:
    known = [name for kind, name in mesh if kind == "Gateway"]
    return {"gateways": some(dice, (*known, "mesh"))}


def rule(dice: random.Random, mesh: Mesh, root: bool = False) -> Json:
    parts = [name for (kind, name), one in mesh.items() if kind == "VirtualService" and "hosts" not in one["spec"]]
    if root and parts and dice.random() < 0.3:
        return {"delegate": {"name": parts[0]}}
    targets: list[Json] = [{"host": host} for host in SERVICES]
    for (kind, _name), one in mesh.items():
        if kind == "DestinationRule":
            targets += [{"host": one["spec"]["host"], "subset": part["name"]} for part in one["spec"]["subsets"]]
        if kind == "ServiceEntry":
            targets += [
                {"host": host, "port": {"number": port["number"]}}
                for host in one["spec"]["hosts"]
                for port in one["spec"]["ports"]
            ]
    chosen = dice.sample(targets, min(len(targets), dice.randint(1, 3)))
    return {"route": [{"destination": one, "weight": 100 // len(chosen)} for one in chosen]}


def requests() -> Iterator[tuple[int, str]]:
    """(port of the gateway, host), and (0, host) for one from within the mesh."""
    for host in (*HOSTS, *SERVICES):
        yield 0, host
        for port in PORTS:
            yield port, host


def arrives(mesh: Mesh, port: int, host: str) -> bool | None:
    """Whether a request arrives; None where nothing routes it."""
    routed = False
    for (kind, _name), one in mesh.items():
        if kind != "VirtualService" or not any(
            fnmatch.fnmatchcase(host, known) for known in one["spec"].get("hosts", ())
        ):
            continue
        if not any(admitted(mesh, gateway, port, host) for gateway in one["spec"]["gateways"]):
            continue
        routed = True
        # All that is left of routes for a host may be used.
        if not all(reaches(mesh, each) for each in one["spec"]["http"]):
            return False
    return True if routed else None


def admitted(mesh: Mesh, gateway: str, port: int, host: str) -> bool:
    if gateway == "mesh" or port == 0:
        return (gateway == "mesh") is (port == 0)
    servers = mesh[("Gateway", gateway)]["spec"]["servers"] if ("Gateway", gateway) in mesh else []
    return any(
        server["port"]["number"] == port and any(fnmatch.fnmatchcase(host, pattern) for pattern in server["hosts"])
        for server in servers
    )


def reaches(mesh: Mesh, given: Json) -> bool:
    if "delegate" in given:
        part = mesh.get(("VirtualService", given["delegate"]["name"]))
        return part is not None and all(reaches(mesh, each) for each in part["spec"]["http"])
    return all(stands(mesh, target["destination"]) for target in given["route"])


def stands(mesh: Mesh, target: Json) -> bool:
    """Whether a destination is a cluster that proxies have."""
    specs = [(kind, one["spec"]) for (kind, _name), one in mesh.items()]
    if "port" in target:
        number = target["port"]["number"]
        entries = [spec for kind, spec in specs if kind == "ServiceEntry" and target["host"] in spec["hosts"]]
        return any(port["number"] == number for spec in entries for port in spec["ports"])
    if "subset" not in target:
        return target["host"] in SERVICES
    rules = [spec for kind, spec in specs if kind == "DestinationRule" and spec["host"] == target["host"]]
    return any(part["name"] == target["subset"] for spec in rules for part in spec["subsets"])
