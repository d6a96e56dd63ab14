# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab of the integration tests, and a namespace of its own for the samples of clusters."""

from __future__ import annotations

from tests.integration.conftest import lab, run, shop

__all__ = ["lab", "run", "shop"]
