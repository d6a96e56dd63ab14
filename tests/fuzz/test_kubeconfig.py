# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kubeconfigs of any shape and of any bytes."""

from __future__ import annotations

import base64
import contextlib
import json
import tempfile
import traceback
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import (
    load,
    read_kubeconfig,
    self_contained,
    ssl_context,
)
from hypothesis import strategies as st

from .harness import fuzz
from .values import anything, nearly

SECRET = base64.b64encode(b"secret-of-a-kubeconfig").decode()
RIGHT: dict[str, Any] = {
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "n"}}],
    "clusters": [
        {
            "name": "c",
            "cluster": {
                "server": "https://127.0.0.1:6443",
                "certificate-authority-data": SECRET,
                "certificate-authority": "nowhere",
                "insecure-skip-tls-verify": False,
                "tls-server-name": "api",
                "proxy-url": "http://127.0.0.1:3128",
            },
        }
    ],
    "users": [
        {
            "name": "u",
            "user": {
                "token": SECRET,
                "tokenFile": "nowhere",
                "username": "a",
                "password": SECRET,
                "client-certificate-data": SECRET,
                "client-key-data": SECRET,
                "client-key": "nowhere",
            },
        }
    ],
}
_KEYS = ("clusters", "users", "contexts", "current-context", "name", "cluster", "user", "server", "token")


def missing(value: Any, draw: Any) -> Any:
    """``value`` without some of the keys of its mappings."""
    if isinstance(value, dict):
        return {key: missing(item, draw) for key, item in value.items() if draw(st.integers(0, 5))}
    return [missing(item, draw) for item in value] if isinstance(value, list) else value


@st.composite
def kubeconfigs(draw: Any) -> str:
    """Text that is nearly a kubeconfig, or whose bytes have been tampered with."""
    text = json.dumps(nearly(missing(RIGHT, draw), draw))
    for _time in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text = text[:at] + draw(st.text(max_size=3)) + text[at + draw(st.integers(0, 2)) :]
    return text


def used(text: str, folder: Path | None) -> None:
    """The way of a kubeconfig up to its first request; no error on it tells what it holds."""
    try:
        endpoint = load(text, folder=folder)
        with contextlib.suppress(AsmError):
            ssl_context(endpoint)
        with contextlib.suppress(AsmError):
            KubeClient(endpoint, concurrency=1).close()
    except AsmError as error:
        assert SECRET not in "".join(traceback.TracebackException.from_exception(error).format())
        raise


@fuzz(text=kubeconfigs())
def test_nearly_right(text: str) -> None:
    """Right but for a few values, keys or characters."""
    used(text, None)


@fuzz(value=anything(_KEYS))
def test_any_value(value: Any) -> None:
    """JSON of any shape."""
    used(json.dumps(value), None)


@fuzz(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes(data: bytes) -> None:
    """A file of any bytes, and the same as text of the option."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with contextlib.suppress(AsmError):
            text, folder = read_kubeconfig(file.name)
            used(text, folder)
    text, folder = read_kubeconfig(data.decode("utf-8", "surrogateescape"))
    used(text, folder)


@fuzz(text=kubeconfigs())
def test_made_self_contained(text: str) -> None:
    """What the controller sends to a module that runs elsewhere."""
    with tempfile.TemporaryDirectory() as folder:
        load(self_contained(text, Path(folder)))
