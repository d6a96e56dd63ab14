# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stand-in serves for a container's image; data/images.yml has the kinds."""

from __future__ import annotations

import re
from typing import Any

from meshlab.kubeapi import Object
from meshlab.node.images import Image


def standin(pod: Object, container: Object, image: Image) -> dict[str, Any]:
    """What the data-plane process is told to serve: kind, version, ports, environment and the disturbances asked for.

    The variables LAB_DELAY (seconds) and LAB_ERROR_RATE (0 to 1) of a container make its stand-in slow or failing.
    ValueError when one of them is no number.
    """
    labels = pod["metadata"].get("labels") or {}
    environment = {one["name"]: one["value"] for one in container.get("env") or [] if one.get("value") is not None}
    version = re.search(r"-(v\d+)$", image.reference.rpartition("/")[2].partition(":")[0].partition("@")[0])
    return {
        "kind": image.kind or "echo",
        "version": version[1] if version else labels.get("version", ""),
        "ports": ports(container, image),
        "pod": pod["metadata"]["name"],
        "namespace": pod["metadata"]["namespace"],
        "env": environment,
        "delay": float(environment.get("LAB_DELAY", "0")),
        "error_rate": float(environment.get("LAB_ERROR_RATE", "0")),
    }


def ports(container: Object, image: Image) -> list[int]:
    """TCP ports that a container's stand-in listens on: those of its spec, else those of the image."""
    declared = [one["containerPort"] for one in container.get("ports") or [] if one.get("protocol", "TCP") == "TCP"]
    return list(dict.fromkeys(declared or image.ports))
