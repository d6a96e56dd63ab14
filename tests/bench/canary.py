# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases the example's new version, a bad and a good one, as a user does, and says how long that took.

Run by ``make bench-canary``; the lab is one of its own, in a temporary folder. First a tenth of the new version's
answers fails: it has to be rolled back in the step of 5 %. Then none does: it has to be promoted, and ``site`` must
change nothing, neither in the middle nor at the end. Exits with 1 when it is otherwise.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from tests.bench import documents
from tests.bench.flow import EXAMPLE, ROOT, lab_environment, lab_with_traffic
from tests.bench.machine import describe_machine
from tests.integration.labs import Lab
from tests.integration.runner import Runner
from tests.integration.test_traffic_canary import bad_version, live, weights
from tests.integration.traffic import Bookinfo

FOLDER = ROOT / "examples" / "canary"
VARIABLES = ("-e", "@../bookinfo/mesh.yml", "-e", "@canary.yml")

Json = dict[str, Any]


def play(environment: dict[str, str], folder: Path, playbook: str, *words: str) -> tuple[int, str, float]:
    """Exit code, output in one line and seconds of a whole ansible-playbook process."""
    start = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", f"meshops.asm.{playbook}", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, " ".join(done.stdout.split()), time.monotonic() - start


def require(holds: object, what: str, output: str) -> None:
    if not holds:
        sys.exit(f"{what}:\n{output[-4000:]}")


def unchanged(environment: dict[str, str]) -> None:
    code, said, _seconds = play(environment, FOLDER, "site", *VARIABLES)
    require(code == 0 and re.search(r"changed=0\b", said), "site changed something", said)


def bad(book: Bookinfo, environment: dict[str, str]) -> Json:
    """The release that has to fail, in its first step."""
    with bad_version(book):
        code, said, seconds = play(environment, FOLDER, "canary", *VARIABLES)
    found = re.search(r"Compare at 5 %: v3 fails more than v1: .*? It took (\d+) requests in ([0-9.]+) s\.", said)
    require(code == 2 and found and weights(live(book)) == [100, 0], "it was not rolled back in the step of 5 %", said)
    unchanged(environment)
    return {"requests": int(found[1]), "step_s": float(found[2]), "whole_s": round(seconds, 1)} if found else {}


def good(book: Bookinfo, environment: dict[str, str]) -> Json:
    """The release that has to pass, interrupted once on the way, and with ``site`` in between."""
    code, said, first = play(environment, FOLDER, "canary", *VARIABLES, "-e", _with(steps=[5]))
    require(code == 0 and weights(live(book)) == [95, 5], "it did not pass the step of 5 %", said)
    step = re.findall(r"v3 is as good as v1 after (\d+) requests and ([0-9.]+) s", said)
    unchanged(environment)
    require(weights(live(book)) == [95, 5], "site has shifted requests in the middle of a release", said)
    code, said, rest = play(environment, FOLDER, "canary", *VARIABLES)
    require(code == 0 and weights(live(book)) == [0, 100], "it was not promoted", said)
    unchanged(environment)
    return {"requests": int(step[0][0]), "step_s": float(step[0][1]), "whole_s": round(first + rest, 1)}


def _with(**more: Any) -> str:
    """The example's own options with others over them: Ansible replaces a variable as a whole."""
    described = yaml.safe_load((FOLDER / "canary.yml").read_text(encoding="utf-8"))["asm_canary"]
    return json.dumps({"asm_canary": {**described, **more}})


def markdown(rows: dict[str, Json]) -> str:
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} on {describe_machine()}.",
        "",
        "| Version v3 | It was | Requests until the verdict at 5 % | Seconds until then | Seconds of the playbook |",
        "|---|---|---:|---:|---:|",
    ]
    became = {"bad": ("fails one request in ten", "rolled back"), "good": ("fails none", "promoted")}
    for name, (what, end) in became.items():
        row = rows[name]
        lines.append(f"| {what} | {end} | {row['requests']:,} | {row['step_s']:.0f} | {row['whole_s']:.0f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lab", help="work directory of a lab that runs, instead of one of its own")
    options = parser.parse_args()
    with lab_with_traffic(options.lab) as (workdir, folder):
        environment = lab_environment(workdir)
        code, said, _seconds = play(environment, EXAMPLE, "site", "-e", "@mesh.yml", "-e", '{"asm_checks": []}')
        require(code == 0, "the site playbook failed", said)
        code, said, _seconds = play(environment, FOLDER, "site", *VARIABLES)
        require(code == 0, "the beginning of the release cannot be made", said)
        found = Lab(workdir)
        book = Bookinfo(found, Runner(found, folder))
        rows = {}
        for name, release in (("bad", bad), ("good", good)):
            rows[name] = release(book, environment)
            print(name, rows[name], flush=True)
    documents.put("canary", markdown(rows))
    print(markdown(rows))


if __name__ == "__main__":
    main()
