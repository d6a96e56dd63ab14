# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions of any shape."""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube import documents

from .harness import fuzz
from .values import anything

_KEYS = ("apiVersion", "kind", "metadata", "name", "namespace", "items", "data", "stringData", "labels", "spec")


@fuzz(value=anything(_KEYS))
def test_definition(value: Any) -> None:
    """What comes as ``definition`` of a task."""
    for document in documents.from_definition(value):
        documents.clean(document.body)
