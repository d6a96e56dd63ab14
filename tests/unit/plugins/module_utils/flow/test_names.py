# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.names import is_label, is_name


@pytest.mark.parametrize(
    ("text", "label", "name"),
    [
        ("a", True, True),
        ("web-1", True, True),
        ("1", True, True),
        ("a" * 63, True, True),
        ("a" * 64, False, True),
        ("a.b-c", False, True),
        ("a" * 253, False, True),
        ("a" * 254, False, False),
        *((text, False, False) for text in ("", "-a", "a-", "A", "a_b", "a b", "a..b", ".a", "a.", "a\n", "ä")),
    ],
)
def test_names_of_kubernetes(text: str, label: bool, name: bool) -> None:
    assert (is_label(text), is_name(text)) == (label, name)
