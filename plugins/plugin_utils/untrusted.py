# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account or a server says is data: Ansible is told never to take it for a template.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

try:
    from ansible.template import trust_as_template
except ImportError:
    trust_as_template = None


# What begins a template, an instruction or a comment of Jinja2.
_MARKS = ("{{", "{%", "{#")


def untrusted_name(name: str) -> Any:
    """A host's name, marked only where it could be a template.

    Before ansible-core 2.19 ``ansible-inventory`` shows a marked one as a mapping, which is no name to AWX.
    """
    return untrusted(name) if any(mark in name for mark in _MARKS) else name


def untrusted(value: Any) -> Any:
    """``value`` (JSON types) with every text in it marked as no template, the keys of mappings included."""
    if trust_as_template is not None:
        # Since ansible-core 2.19 nothing is a template that has not been marked as one.
        return value
    from ansible.utils.unsafe_proxy import wrap_var

    return wrap_var(value)
