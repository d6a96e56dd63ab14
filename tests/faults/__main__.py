# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make faults``: every cell, and the table of docs/faults.rst; with ``--sample`` a fixed part of them."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.faults.table import write_page

Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "faults.rst"
#: The cells of the last whole run of each part, and how long it took.
KEPT = ROOT / ".cache" / "faults"
#: Of the sample: a number that has no factor in common with the numbers of kinds, so that each comes up.
EVERY = 13
#: Of the sample: what is beside the main flow, which is told by the first words of its parts.
BESIDE, EVERY_BESIDE = ("make ", "take ", "change "), 37
SECONDS = 1800.0


def environment() -> dict[str, str]:
    folders = [ROOT, ROOT / "tests" / "lab", ROOT / "tests" / "lab" / "tests"]
    given = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, folders), given])}


def run(part: str, every: int) -> list[Json]:
    """The cells of a part, from a process of its own: a lab in memory needs most of one."""
    began = time.monotonic()
    command = [sys.executable, "-m", "tests.faults.cells", part, str(every)]
    ended = subprocess.run(
        command, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    broken = [row for row in rows if row["verdict"] == "broken"]
    if ended.returncode != 0:
        broken.append({"part": part, "request": "", "number": 0, "kind": "", "problems": [ended.stderr[-3000:]]})
    print(f"{part}: {len(rows)} cells, {len(broken)} broken, {time.monotonic() - began:.0f} s", flush=True)
    for row in broken:
        print(f"  {row['request']} (request {row['number']}) {row['kind']}: {' '.join(row['problems'])}", flush=True)
    rows += [{**row, "verdict": "broken"} for row in broken if row not in rows]
    if every == 1:
        KEPT.mkdir(parents=True, exist_ok=True)
        kept = {"rows": rows, "seconds": time.monotonic() - began}
        (KEPT / f"{part}.json").write_text(json.dumps(kept), encoding="utf-8")
    return rows


def write_table(parts: list[str]) -> None:
    """Writes the page from what the last run of each part has found."""
    kept = [json.loads((KEPT / f"{part}.json").read_text(encoding="utf-8")) for part in parts]
    write_page(PAGE, [row for one in kept for row in one["rows"]], sum(one["seconds"] for one in kept))


def names() -> list[str]:
    code = "import json; from tests.faults.cells import parts; print(json.dumps([part.name for part in parts()]))"
    found: list[str] = json.loads(
        subprocess.run(
            [sys.executable, "-c", code], env=environment(), cwd=ROOT, check=True, capture_output=True
        ).stdout
    )
    return found


def _every(name: str) -> int:
    return EVERY_BESIDE if name.startswith(BESIDE) else EVERY


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("parts", nargs="*", help="names of parts, as printed (all without)")
    parser.add_argument("--sample", action="store_true", help=f"every {EVERY}th cell, and no table")
    parser.add_argument("--table", action="store_true", help="only write the table, from the last runs of all parts")
    chosen = parser.parse_args()
    if chosen.table:
        write_table(names())
        return 0
    began = time.monotonic()
    wanted = [name for name in names() if not chosen.parts or name in chosen.parts]
    # Of the tasks beside the flow the sample has the changes, in which most kinds of requests are.
    sampled = [name for name in wanted if not (chosen.sample and name.startswith(BESIDE[:2]))]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        rows = [
            row
            for found in pool.map(lambda name: run(name, _every(name) if chosen.sample else 1), sampled)
            for row in found
        ]
    seconds = time.monotonic() - began
    if not chosen.sample and not chosen.parts:
        write_table(wanted)
    broken = sum(row["verdict"] == "broken" for row in rows)
    print(f"{len(rows)} cells, {broken} broken, {seconds:.0f} s")
    return 1 if broken or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
