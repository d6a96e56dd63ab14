# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of meshes: their parts, and which are on offer.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud

# Stands for the newest version that there is.
LATEST = "latest"


def numbers(version: str) -> tuple[int, ...]:
    """``v1.22.6.109-g5ddeaef7-aliyun`` -> ``(1, 22, 6, 109)``; empty for what is no version."""
    match = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def is_build_of(version: str, name: str) -> bool:
    """Whether ``name`` stands for ``version``: that itself, or its first numbers, as v1.25.6 for all its builds."""
    wanted = numbers(name)
    short = re.fullmatch(r"v?\d+(?:\.\d+)+", name) is not None
    return version == name or (short and numbers(version)[: len(wanted)] == wanted)


def newest(offered: Iterable[str], name: str) -> str | None:
    """The newest of the versions that ``name`` stands for."""
    return max((one for one in offered if name == LATEST or is_build_of(one, name)), key=numbers, default=None)


def offers(cloud: Cloud) -> list[dict[str, Any]]:
    """``[{Edition, Versions}]``: what the account can have (action DescribeVersions)."""
    return cloud.asm("DescribeVersions").get("VersionInfo") or []


def offered(listed: Iterable[dict[str, Any]], cluster_spec: str | None = None) -> list[str]:
    """The versions among offers, sorted: all of them, or those for the edition of a specification."""
    edition = {None: None, "standard": "Default"}.get(cluster_spec, "Pro")
    fitting = [offer for offer in listed if edition in (None, offer.get("Edition"))]
    return sorted({str(version) for offer in fitting for version in offer.get("Versions") or []})
