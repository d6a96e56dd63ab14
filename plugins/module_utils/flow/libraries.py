# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python libraries that the Kubernetes layer needs, imported when first used, with Ansible's message if missing.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import importlib
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.meshops.asm.plugins.module_utils.flow import loggers
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError

loggers.silence()


class MissingLibrary(AsmError):
    """A Python library is not installed where the module runs."""


def library(module: str, package: str) -> Any:
    """The Python module ``module``; raises ``MissingLibrary`` naming the ``package`` that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingLibrary(missing_required_lib(package)) from error
