# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upstream programs that the lab runs: found in the user's cache, or built once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Binaries:
    """Paths of the programs. ``istiod`` and ``envoy`` may be missing; then ``missing`` says why, by their name."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    crds: Path | None
    istiod: Path | None
    envoy: Path | None
    missing: dict[str, str]


class BinariesError(RuntimeError):
    """A program that the lab needs cannot be had; the message says which, why and what to do."""


def ensure_binaries(report: Callable[[str], None]) -> Binaries:
    """Find the programs, or build them; ``report`` gets a line of progress about every ten seconds."""
    raise BinariesError("not built yet")
