# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of a list of the service: as many as a list has, for as long as a list takes.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Clock

# Pages and seconds; no list of this API has that many entries.
MOST_PAGES, LONGEST = 200, 300.0


def pages(action: str, clock: Clock | None = None) -> Iterator[int]:
    """Numbers from 1, one before each page is read. Raises ``AsmError`` for a list that would be read for ever."""
    clock = clock or Clock()
    end = clock.now() + LONGEST
    for number in range(1, MOST_PAGES + 1):
        yield number
        if clock.now() > end:
            break
    raise endless(action, f"after {number} pages")


def endless(action: str, how: str) -> AsmError:
    """The failure of a list that does not end."""
    return AsmError(
        f"The service's reply to {action} is not what it documents: the list goes on {how}.", code="UnexpectedReply"
    )


def marked(action: str, seen: set[str], mark: str | None) -> str | None:
    """The mark of the next page; None for the last one. Raises ``AsmError`` for one that was there before."""
    if mark is None or mark == "":
        return None
    if mark in seen:
        raise endless(action, "with a page that was read before")
    seen.add(mark)
    return mark
