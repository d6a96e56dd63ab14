# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nobody foresaw, said in one sentence: what was being done, and the type and place of the exception.

Never its text, its source lines or the values around it: any of them may be a secret.

PRIVATE: this code is for this collection only and may change without notice.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import PurePath
from types import TracebackType
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, Unexpected

# Where faults are reported, as in galaxy.yml.
REPORTS = "https://github.com/meshops/asm/issues"
_MOST_FRAMES = 40
_OURS = "/ansible_collections/meshops/asm/"


class Terminated(BaseException):
    """The process was asked to end (SIGTERM)."""


def explain(error: BaseException, doing: str) -> AsmError:
    """``error`` as a failure for the user; ``doing`` completes the sentence 'It stopped while it was ...'."""
    kind = type(error).__name__
    if isinstance(error, (KeyboardInterrupt, Terminated)):
        return AsmError(f"Interrupted while it was {doing}. Run the task again to go on.", code="Interrupted")
    if isinstance(error, MemoryError):
        return AsmError(
            f"The memory was not enough while it was {doing}. Run the task again with more, or with less at a time.",
            code="OutOfMemory",
        )
    where = place(error)
    return Unexpected(
        f"It stopped unexpectedly while it was {doing}: {kind}{f' at {where}' if where else ''}. This is a fault of "
        "meshops.asm, not of your playbook. Run the task again, it goes on from what is there. If it comes back, run "
        f"it with meshops_debug=true and report what it then returns as 'debug', without any of your values, to "
        f"{REPORTS}."
    )


def place(error: BaseException) -> str:
    """``file:line`` of the innermost of the collection's own frames, else of the innermost; empty for none."""
    frames = list(_frames(error.__traceback__))
    own = [frame for frame in frames if frame.startswith("plugins/")]
    return (own or frames or [""])[-1].rpartition(" ")[0]


def debug_of(error: BaseException) -> dict[str, Any]:
    """The result key ``debug``: ``{exceptions: [{type, frames: [file:line function]}], python, system}``.

    Outermost exception first, then what it was raised from.
    """
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and not any(following is known for known in chain):
        chain.append(following)
        following = following.__cause__ or following.__context__
    return {
        "exceptions": [{"type": type(one).__name__, "frames": list(_frames(one.__traceback__))} for one in chain],
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _frames(trace: TracebackType | None) -> Iterator[str]:
    found: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{_short(code.co_filename)}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    yield from found[-_MOST_FRAMES:]


def _short(file: str) -> str:
    """Of the collection's own files the path within it, of others no more than says which they are."""
    path = PurePath(file).as_posix()
    ours = path.rpartition(_OURS)[2] if _OURS in path else ""
    return ours or "/".join(PurePath(path).parts[-3:]).lstrip("/")
