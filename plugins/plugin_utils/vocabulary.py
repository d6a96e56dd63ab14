# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a spec and their options, as the roles document them.

PRIVATE: this code is for the plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import yaml

# The role that reads every variable.
_WHOLE = Path(__file__).resolve().parents[2] / "roles/preflight/meta/argument_specs.yml"


@functools.cache
def vocabulary() -> dict[str, Any]:
    """``{variable: its argument spec}``, with sub-options."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(_WHOLE.read_bytes())
    try:
        options: dict[str, Any] = loader.get_single_data()["argument_specs"]["main"]["options"]
    finally:
        loader.dispose()
    return options
