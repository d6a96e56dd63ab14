# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make fuzz``: every target for SECONDS, each in a process of its own (its memory is measured), two at a time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
SECONDS = float(os.environ.get("SECONDS_EACH") or 60)


def targets() -> list[str]:
    """``file::test`` of every target, of those whose name holds an argument of the command line."""
    found = [
        f"{file.relative_to(HERE.parent.parent)}::{name}"
        for file in sorted(HERE.glob("test_*.py"))
        for name in re.findall(r"@fuzz\((?:.|\n)*?\ndef (test_\w+)", file.read_text(encoding="utf-8"))
    ]
    wanted = sys.argv[1:]
    return [target for target in found if not wanted or any(word in target for word in wanted)]


def run(target: str) -> bool:
    """Whether the target found nothing; what it found is printed."""
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:cacheprovider", target]
    try:
        ended = subprocess.run(
            command,
            env={**os.environ, "MESHOPS_FUZZ_SECONDS": str(SECONDS)},
            cwd=HERE.parent.parent,
            capture_output=True,
            text=True,
            check=False,
            # Hypothesis itself makes a find simpler for at most five minutes.
            timeout=SECONDS * 2 + 420,
        )
    except subprocess.TimeoutExpired:
        print(f"FAIL {target}: it did not end", flush=True)
        return False
    good = ended.returncode == 0
    print(f"{'ok  ' if good else 'FAIL'} {target} {time.monotonic() - began:.0f} s", flush=True)
    if not good:
        print(ended.stdout[-6000:], ended.stderr[-2000:], flush=True)
    return good


if __name__ == "__main__":
    chosen = targets()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        results = list(pool.map(run, chosen))
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    sys.exit(0 if chosen and all(results) else 1)
