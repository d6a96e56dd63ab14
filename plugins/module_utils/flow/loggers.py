# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loggers of libraries say nothing: they print requests, with signatures, keys and tokens in them.

Some of the SDK's have a handler and a level of their own, so that they speak on standard error at any verbosity; others
reach Ansible's log file by the root logger. The two files by which everything reaches a library (cloud/client.py and
kube/libraries.py) call ``silence`` when they are imported.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

#: Those of the SDK and of what it and the Kubernetes client stand on; what is below (``urllib3.util``) goes with them.
NAMES = (
    "alibabacloud-tea", "credentials", "darabonba-core", "apscheduler", "urllib3", "requests", "aiohttp", "websocket",
    "kubernetes", "client", "oauthlib", "requests_oauthlib", "google", "tzlocal", "charset_normalizer",
)  # fmt: skip


def silence() -> None:
    """Works before and after the libraries are imported: they change level and handlers, never ``disabled``."""
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.disabled = True
        logger.propagate = False
        # What is below inherits the level, and without a handler nothing falls back to standard error.
        logger.setLevel(logging.CRITICAL + 1)
        logger.addHandler(logging.NullHandler())


@contextmanager
def silent() -> Iterator[None]:
    """For calls of a library that speaks by the root logger itself."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
