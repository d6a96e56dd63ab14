# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of a mesh whose names change while requests go through it: what every tool is given to apply.

Its requests have the host ``HOST`` and go to ``PATH`` at port 80 of the gateway, and in every state they are answered.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

NAMESPACE = "bookinfo"
HOST, PATH = "change.example.com", "/details/0"
SET = "change"
PARTS = ("subset", "host", "gateway", "port")
_API = "networking.istio.io/v1"


@dataclass(frozen=True)
class State:
    """Which of two names each part has."""

    subset: int = 0
    host: int = 0
    gateway: int = 0
    port: int = 0

    def changed(self, *parts: str) -> State:
        return replace(self, **{part: 1 - getattr(self, part) for part in parts})

    def random_change(self, dice: random.Random) -> State:
        """One to four of its names are others."""
        return self.changed(*dice.sample(PARTS, dice.randint(1, len(PARTS))))

    def objects(self) -> dict[str, dict[str, Any]]:
        """File -> object; in the order of the files' names what others refer to comes first."""
        gateway, other = f"change-{'ab'[self.gateway]}", f"change-{'ab'[self.host]}.example.com"
        rule = {
            "host": "details",
            "subsets": [
                {"name": f"{'ab'[self.subset]}-{one}", "labels": {"version": "v1"}} for one in ("left", "right")
            ],
        }
        servers = [
            {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [HOST, other]},
            {
                "port": {"number": 8090 + self.port, "name": "http-more", "protocol": "HTTP"},
                "hosts": [HOST],
            },
        ]
        route = [{"destination": {"host": "details", "subset": one["name"]}, "weight": 50} for one in rule["subsets"]]
        # The sidecars' own retries would hide what the gateway loses.
        routes = {"hosts": [HOST, other], "gateways": [gateway], "http": [{"route": route, "retries": {"attempts": 0}}]}
        return {
            "destination-rule.yml": _object("DestinationRule", "change", rule),
            "gateway.yml": _object("Gateway", gateway, {"selector": {"istio": "ingressgateway"}, "servers": servers}),
            "virtual-service.yml": _object("VirtualService", "change", routes),
        }

    def write(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for name, one in self.objects().items():
            (folder / name).write_text(yaml.safe_dump(one), encoding="utf-8")


def _object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}
