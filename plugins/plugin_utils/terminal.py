# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines on Ansible's standard error from a thread of a task's process: shown at once, or not at all.

Ansible's display takes locks. A task's process is a fork, and a lock that was held at that moment by the thread that
forked stays held for every other thread of the fork, for ever: with ansible-runner before 2.4.2, which wraps the
display, a thread that shows a line hangs, and the task with it. So nothing here takes a lock of Ansible's or of
Python's streams, and nothing waits: not for a reader that is slow, and not for one that is gone.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import contextlib
import os
import select

# At most this many bytes are written to a pipe as one, and where there is room for one there is room for all (POSIX).
_MOST = 512


class Terminal:
    """The file behind ``descriptor`` at this moment, whatever becomes of the descriptor itself.

    Since ansible-core 2.19 a task's process has no standard error of its own any more; plugins are loaded before.
    """

    def __init__(self, descriptor: int) -> None:
        self._own = _opened(descriptor)

    def say(self, line: str) -> None:
        """Shows ``line``, cut to what can be written as one, unless that would have to wait."""
        if self._own is None:
            return
        whole = line.encode(errors="replace")[: _MOST - 1].decode(errors="ignore").encode() + b"\n"
        with contextlib.suppress(OSError):
            poll = select.poll()
            poll.register(self._own, select.POLLOUT)
            if any(event & select.POLLOUT for _descriptor, event in poll.poll(0)):
                os.write(self._own, whole)


def _opened(descriptor: int) -> int | None:
    """Opened anew, so that it can be made not to wait without a change to what Ansible itself writes to."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    with contextlib.suppress(OSError):
        return os.open(f"/proc/self/fd/{descriptor}", flags)
    # A socket (systemd's journal), another user's terminal, not Linux: asking for room before has to do.
    with contextlib.suppress(OSError):
        return os.dup(descriptor)
    return None


TERMINAL = Terminal(2)
