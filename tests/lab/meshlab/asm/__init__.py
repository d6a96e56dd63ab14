# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions of ASM 2020-01-11, grouped by topic. register_all() loads them into the register."""

from __future__ import annotations

import importlib

TOPICS = (
    "clusters",
    "dashboards",
    "eips",
    "extensions",
    "gateways",
    "gatewaydomains",
    "gatewayroutes",
    "gatewaysecrets",
    "gatewayservices",
    "injection",
    "kiali",
    "kubeconfigs",
    "meshes",
    "network",
    "observability",
    "permissions",
    "proxies",
    "registry",
    "sidecars",
    "swimlanes",
    "tags",
    "versions",
    "waypoints",
)


def register_all() -> None:
    """Import every topic; each registers its actions."""
    for topic in TOPICS:
        importlib.import_module(f"meshlab.asm.{topic}")
