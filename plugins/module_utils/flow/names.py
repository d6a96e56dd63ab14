# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names as Kubernetes has them (RFC 1123). Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re

_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL = re.compile(_PART)
_NAME = re.compile(rf"{_PART}(\.{_PART})*")
_LONGEST_LABEL, _LONGEST_NAME = 63, 253


def is_label(text: str) -> bool:
    """Whether it can be the name of a namespace or a Service."""
    return len(text) <= _LONGEST_LABEL and _LABEL.fullmatch(text) is not None


def is_name(text: str) -> bool:
    """Whether it can be the name of most other objects: labels with dots between them."""
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None
