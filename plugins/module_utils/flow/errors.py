# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every failure that a user of the collection meets, as one family of exceptions.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.text import cut, one_line, printable

_MOST_CODE = 200


class AsmError(Exception):
    """A failure with all that a user needs in order to act on it.

    ``message`` is a full sentence or two: what is wrong, where, what to do. ``code``, ``request_id`` and
    ``http_status`` are those of the service when it has answered. ``details`` holds further result keys,
    for example the outcomes of the objects that were applied before the failure, and ``changed`` says whether
    anything had been written by then. Whatever a service has put into message or code is safe to show.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        request_id: str = "",
        http_status: int | None = None,
        changed: bool = False,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.message = message
        self.code = one_line(cut(str(code), _MOST_CODE)) or type(self).__name__
        self.request_id = request_id
        self.http_status = http_status
        self.changed = changed
        self.details = details or {}

    @property
    def message(self) -> str:
        """Layers above may put it into their own words."""
        return self._message

    @message.setter
    def message(self, text: str) -> None:
        # Names and states of an account are in it, of whatever length.
        self._message = printable(cut(str(text)))

    def __str__(self) -> str:
        return self.message

    def as_result(self) -> dict[str, Any]:
        """The value of the result key ``error``: ``{code, message, request_id, http_status}``."""
        return {
            "code": self.code,
            "message": self.message,
            "request_id": self.request_id,
            "http_status": self.http_status,
        }


class InvalidInput(AsmError):
    """The options or files cannot mean anything valid; nothing was sent."""


class NotFound(AsmError):
    """A named object does not exist.

    ``yet`` is how check mode says it in a warning, in one short sentence that is the same in all tasks, so that Ansible
    shows it once; it is that of the failure where nothing else is given.
    """

    def __init__(self, message: str, *, yet: str = "", **more: Any) -> None:
        super().__init__(message, **more)
        self.yet = yet or self.message


class Ambiguous(AsmError):
    """A name fits more than one object; the message lists the candidates."""


class Immutable(AsmError):
    """An option differs from the existing object and cannot be changed in place."""


class Refused(AsmError):
    """The service's rules forbid the operation; found out before writing."""


class LostReply(AsmError):
    """A write was sent and it is unknown whether it happened.

    ``answered`` tells an answered server error (HTTP 5xx) from silence (timeout, reset).
    """

    def __init__(self, message: str, *, answered: bool = False, **more: Any) -> None:
        super().__init__(message, **more)
        self.answered = answered


class Outrun(AsmError):
    """The service refused what another run has done meanwhile: it is to be looked at and planned anew."""


class Unexpected(AsmError):
    """Something that the collection did not foresee. The message names its type and place; please report it."""


class WaitFailed(AsmError):
    """The object reached a state from which it will not become ready by itself."""


class WaitTimeout(AsmError):
    """The object did not become ready within ``wait_timeout``; it may still do so later."""
