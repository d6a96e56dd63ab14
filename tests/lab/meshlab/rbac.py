# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Users' roles in one plane, as ClusterRoleBindings."""

from __future__ import annotations

from meshlab.kubeapi import KubeApi, Object

_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
_GROUP = "rbac.authorization.k8s.io"


def bind(api: KubeApi, user: str, role: str) -> None:
    """Bind ``user`` to the ClusterRole ``role``; a binding to another role is replaced."""
    path = f"{_BINDINGS}/{_name(user)}"
    existing = api.find(path)
    if existing and existing["roleRef"]["name"] != role:
        api.delete(path)  # the API refuses a change of roleRef
    api.apply(path, _binding(user, role))


def unbind(api: KubeApi, user: str) -> None:
    """Remove the binding of ``user``, if any."""
    api.delete(f"{_BINDINGS}/{_name(user)}")


def _name(user: str) -> str:
    return f"asm-user:{user}"


def _binding(user: str, role: str) -> Object:
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": _name(user)},
        "roleRef": {"apiGroup": _GROUP, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _GROUP, "kind": "User", "name": user}],
    }
