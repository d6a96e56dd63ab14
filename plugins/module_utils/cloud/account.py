# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result says about the account: where the credential came from, and whose it is.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

_SHORT = 12


def owner(reply: Any) -> str | None:
    """The account in a reply of DescribeServiceMeshes or DescribeServiceMeshDetail; other replies name none.

    GetCallerIdentity of the Security Token Service would always know, but is a call to another host, which a network
    or a policy may not allow.
    """
    if not isinstance(reply, dict):
        return None
    listed = reply.get("ServiceMeshes")
    meshes = listed if isinstance(listed, list) else [reply.get("ServiceMesh")]
    owners = {str(mesh["OwnerId"]) for mesh in meshes if isinstance(mesh, dict) and mesh.get("OwnerId")}
    # Meshes of several owners say nothing about who is asking.
    return owners.pop() if len(owners) == 1 else None


def told(module: Any, cloud: Any) -> dict[str, Any]:
    """``{account: {source, access_key_id, region, account_id}}`` of a ``cloud.client.Cloud`` that was used.

    Empty when nobody had to call.

    Keeps the secrets of variables and files out of everything that the module prints, as Ansible does with options.
    """
    identity = vars(cloud).get("identity")
    if identity is None:
        return {}
    key = identity.access_key_id
    # The id is no secret, but says whose key it is. A short one would take ordinary words out of the result.
    module.no_log_values.update({*identity.secrets(), *([key] if len(key) > _SHORT else [])})
    return {
        "account": {
            "source": str(identity),
            "access_key_id": f"{key[:4]}***{key[-4:]}" if len(key) > _SHORT else ("***" if key else ""),
            "region": identity.region,
            "account_id": cloud.account_id,
        }
    }
