# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible prints about a playbook, task by task."""

from __future__ import annotations

import re

from .runner import ROOT

EXAMPLE = ROOT / "examples" / "bookinfo"
SPEC = ("-e", "@mesh.yml")

_TASK = re.compile(r"^TASK \[(?:meshops\.asm\.)?(?P<name>.*)\] \*+$", re.MULTILINE)
_STATUS = re.compile(r"^(ok|changed|skipping|failed|fatal): \[localhost\]", re.MULTILINE)


def tasks(output: str) -> dict[str, list[str]]:
    """``{"role : task": [status of each item]}`` in the order of the play."""
    parts = _TASK.split(output)
    return {name: _STATUS.findall(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def texts(output: str) -> dict[str, str]:
    """``{"role : task": all that was printed for it}``."""
    parts = _TASK.split(output)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def changing(output: str) -> list[str]:
    """The tasks that changed something (with --check: would change something), in the order of the play."""
    return [name for name, statuses in tasks(output).items() if "changed" in statuses]
