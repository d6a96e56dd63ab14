# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the records of meshes to hosts with their variables and groups. Pure.

PRIVATE: this code is for the inventory plugin of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line

Json = dict[str, Any]

_PLURAL = {"mesh": "meshes", "cluster": "clusters", "gateway": "gateways"}
# v1.22.6.109-g5ddeaef7-aliyun is one build of v1.22.6, and the release is what hosts are grouped by.
_RELEASE = re.compile(r"v?\d+\.\d+(\.\d+)?")


@dataclass(frozen=True)
class Host:
    """One host: its name, the groups it is in and its variables."""

    name: str
    groups: list[str]
    variables: Json


def hosts_of(records: list[Json], kinds: list[str], group_by: list[str]) -> Iterator[Host]:
    """The hosts of the wanted kinds. ``records`` are those of ``inventory_account.read_account``."""
    times = Counter(record["mesh"]["name"] for record in records)
    for record in records:
        mesh = record["mesh"]
        name = str(mesh["name"]) if times[mesh["name"]] == 1 else str(mesh["id"])
        if "mesh" in kinds:
            yield _host(name, "mesh", mesh, mesh, group_by)
        for kind in ("cluster", "gateway"):
            names = Counter(entry["name"] for entry in record[f"{kind}s"])
            for entry in record[f"{kind}s"] if kind in kinds else []:
                unique = entry["name"] if entry["name"] and names[entry["name"]] == 1 else entry.get("id")
                yield _host(f"{name}.{kind}.{unique}", kind, entry, mesh, group_by)


def _host(name: str, kind: str, entry: Json, mesh: Json, group_by: list[str]) -> Host:
    groups = [_PLURAL[kind], *(group for aspect in group_by for group in _groups(aspect, entry, mesh))]
    variables = {"mesh_kind": kind, "mesh": mesh, kind: entry, "ansible_connection": "local"}
    # A host's name is in every line of output.
    return Host(one_line(name), groups, variables)


def _groups(aspect: str, entry: Json, mesh: Json) -> Iterator[str]:
    if aspect == "tag":
        for key, value in sorted((mesh.get("tags") or {}).items()):
            yield group_name("tag", key, value)
        return
    if aspect == "version":
        found = _RELEASE.match(str(mesh.get("version") or ""))
        value = found[0] if found else None
    elif aspect == "state":
        # A gateway calls it status, and writes it with a capital.
        value = str(entry.get("state") or entry.get("status") or "").lower()
    else:
        value = entry.get(aspect) or mesh.get(aspect)
    if value:
        yield group_name(aspect, str(value))


def group_name(*parts: str) -> str:
    """A name of letters, digits and underscores, which every version of Ansible takes for a group."""
    return re.sub(r"\W", "_", "_".join(part for part in parts if part))
