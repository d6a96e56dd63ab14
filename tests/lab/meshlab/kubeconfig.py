# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubeconfig texts with one cluster and one user, every secret embedded."""

from __future__ import annotations

import base64
from typing import Any

import yaml

from meshlab.pki import Pair


def certificate_kubeconfig(*, name: str, server: str, ca_pem: str, user: str, pair: Pair) -> str:
    """A kubeconfig for a client certificate."""
    login = {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}
    return _kubeconfig(name, server, ca_pem, user, login)


def token_kubeconfig(*, name: str, server: str, ca_pem: str, user: str, token: str) -> str:
    """A kubeconfig for a bearer token."""
    return _kubeconfig(name, server, ca_pem, user, {"token": token})


def _kubeconfig(name: str, server: str, ca_pem: str, user: str, login: dict[str, str]) -> str:
    context = f"{user}@{name}"
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server, "certificate-authority-data": _base64(ca_pem)}}],
        "users": [{"name": user, "user": login}],
        "contexts": [{"name": context, "context": {"cluster": name, "user": user}}],
        "current-context": context,
        "preferences": {},
    }
    return yaml.safe_dump(config, sort_keys=False)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
