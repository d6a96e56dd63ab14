# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module that waits says so while it runs: lines in a file that the controller has named and reads meanwhile.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import contextlib
import json
import os

from ansible_collections.meshops.asm.plugins.module_utils.flow.text import cut, one_line

# The most characters of a line on a terminal.
_MOST = 500
# Names the file; set by plugin_utils/waiting.py for a task whose module runs on the controller.
VARIABLE = "MESHOPS_ASM_PROGRESS_FILE"


def tell(what: str, seconds: float, percent: int | None) -> None:
    """Adds a line ``{what, seconds, percent}``: how long ``what`` has been waited for, and how far it is.

    Without the variable, and once the file is gone (nobody is reading any more), nothing happens.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return
    line = json.dumps({"what": one_line(cut(what, _MOST)), "seconds": round(seconds, 1), "percent": percent}) + "\n"
    with contextlib.suppress(OSError):
        # Never created here: a file that the controller has removed stays removed.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)
