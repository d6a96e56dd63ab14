# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container Service for Kubernetes (CS 2015-12-15): the part that an ASM automation needs."""

from __future__ import annotations

import importlib

TOPICS = ("clusters", "tags")


def register_all() -> None:
    """Import every topic; each registers its routes."""
    for topic in TOPICS:
        importlib.import_module(f"meshlab.ack.{topic}")
