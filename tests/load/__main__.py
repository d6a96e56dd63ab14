# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes every kind of change under load on a lab of its own, counts lost requests, and writes the table of the docs.

Run by ``make load-changes``; ``CHANGES`` names some of them, which are measured beside the rows that are there. Exits
with 1 when a change has lost a request that it need not lose.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from tests.bench import documents
from tests.bench.flow import EXAMPLE, ROOT, lab_environment, lab_with_traffic
from tests.bench.machine import describe_machine
from tests.integration.labs import Lab
from tests.integration.runner import Runner
from tests.integration.traffic import Bookinfo

from .changes import CHANGES, VERSIONS, Change, under_load

RESULTS = ROOT / "tests" / "bench" / "results" / "load.json"
Rows = dict[str, dict[str, Any]]


def bookinfo(workdir: Path, folder: Path) -> Bookinfo:
    """The example in a mesh of the oldest version."""
    described = yaml.safe_load((EXAMPLE / "mesh.yml").read_text(encoding="utf-8"))["asm_mesh"]
    given = json.dumps({"asm_mesh": {**described, "version": VERSIONS[0]}, "asm_checks": []})
    made = subprocess.run(
        ["ansible-playbook", "meshops.asm.site", "-e", "@mesh.yml", "-e", given],
        cwd=EXAMPLE,
        env=lab_environment(workdir),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        sys.exit(made.stdout[-4000:])
    found = Lab(workdir)
    book = Bookinfo(found, Runner(found, folder))
    book.holds(path="/productpage", count=40, expect={"status": [200]})
    return book


def measure(book: Bookinfo, changes: Iterable[type[Change]]) -> Rows:
    rows: Rows = {}
    for kind in changes:
        seen = under_load(kind(), book)
        rows[kind.key] = {**asdict(seen), "seconds": round(seen.seconds, 1)}
        print(f"{kind.key}: {seen.lost} of {seen.requests} lost in {seen.seconds:.1f} s {seen.how or ''}", flush=True)
    return rows


def markdown(rows: Rows) -> str:
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} on {describe_machine()}.",
        "",
        "| Change | How it is made | Seconds | Requests | Lost |",
        "|---|---|---:|---:|---:|",
    ]
    for kind in CHANGES:
        if row := rows.get(kind.key):
            lost = f"{row['lost']:,}" + (f" ({kind.allowed})" if kind.allowed else "")
            lines.append(f"| {kind.title} | {kind.way} | {row['seconds']:.0f} | {row['requests']:,} | {lost} |")
    return "\n".join(lines)


def main() -> None:
    known = {kind.key: kind for kind in CHANGES}
    parser = argparse.ArgumentParser()
    parser.add_argument("keys", nargs="*", metavar="change", help=", ".join(known))
    parser.add_argument("--lab", help="work directory of a lab that runs, instead of one of its own")
    options = parser.parse_args()
    if unknown := [key for key in options.keys if key not in known]:
        sys.exit(f"there is no change {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [known[key] for key in options.keys or known]
    with lab_with_traffic(options.lab) as (workdir, folder):
        rows = measure(bookinfo(workdir, folder), chosen)
    last = json.loads(RESULTS.read_text(encoding="utf-8")) if options.keys and RESULTS.exists() else {}
    before = last["rows"] if last.get("machine") == describe_machine() else {}
    everything = {**before, **rows}
    result = {"machine": describe_machine(), "rows": everything}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    documents.put("load", markdown(everything))
    if bad := [key for key, row in rows.items() if row["lost"] and not known[key].allowed]:
        sys.exit(f"requests were lost that need not be: {', '.join(bad)}")


if __name__ == "__main__":
    main()
