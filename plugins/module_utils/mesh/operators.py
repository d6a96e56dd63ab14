# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes that somebody else keeps: the add-on ``servicemesh-operator`` of Container Service. Pure.

Where it is installed in a cluster, an object of the kind ServiceMesh (istio.alibabacloud.com/v1beta1) in that cluster
stands for a mesh, which the add-on makes under the name ``mesh-for-<id of the cluster>`` and keeps as the object says.
Source: the page "servicemesh-operator" of the help of Container Service (2026-03). The API of ASM shows nothing of it
but the name.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from typing import Any

_NAME = re.compile(r"mesh-for-(c[0-9a-f]{20,})")


def operator_cluster(name: Any) -> str:
    """Id of the cluster whose add-on has made the mesh with this name; nothing for any other mesh."""
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    return found[1] if found else ""


def warnings(name: Any, *, removal: bool) -> tuple[str, ...]:
    """What somebody should know who changes or removes this mesh; nothing for a mesh of nobody else's."""
    cluster = operator_cluster(name)
    if not cluster:
        return ()
    meant = (
        "may make it again, as long as that object is there"
        if removal
        else "may change back what its ServiceMesh object there says otherwise, such as the edition"
    )
    return (
        f"Mesh '{name}' was made by the add-on servicemesh-operator in cluster {cluster}, as its name says. The add-on "
        f"{meant}. Look at it by: kubectl get servicemeshes.istio.alibabacloud.com -o yaml",
    )
