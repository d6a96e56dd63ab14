# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a value of the option kubeconfig is a text or a path."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import given
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import read_kubeconfig

TEXT = "apiVersion: v1\nclusters: []\nusers: [{name: u, user: {client-key-data: S0VZ}}]\n"
CODED = base64.b64encode(TEXT.encode()).decode()
NO_PATHS = ["x" * 5000, CODED[:-3] + "!" * 3000, "a\0b", "~nobody-of-this-name/x", "/" + "x" * 300, "\x1b[31m", "", " "]


@pytest.mark.parametrize(
    "value", [TEXT, '{"clusters": []}', "\n" + TEXT, CODED, f"{CODED}\n", f" {CODED[:76]}\n{CODED[76:]}"]
)
def test_texts(value: str) -> None:
    text = given.text_of(value)
    assert text is not None
    assert "clusters" in text
    assert read_kubeconfig(value) == (text, Path.cwd())


@pytest.mark.parametrize("value", ["~/.kube/config", "config", "home/user", "/etc/x.yaml", "abcd", "QUJD", "mit Raum"])
def test_paths(value: str) -> None:
    assert given.text_of(value) is None
    assert given.path_of(value) == Path(value).expanduser().absolute()


@pytest.mark.parametrize("value", NO_PATHS)
def test_what_is_neither_is_refused_without_being_quoted(value: str) -> None:
    assert given.path_of(value) is None
    with pytest.raises(InvalidInput, match=r"^The option kubeconfig holds neither a kubeconfig nor a path of one\."):
        read_kubeconfig(value)
