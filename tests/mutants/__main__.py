# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make mutants``: the mutants of every set that were not tried yet, and the table of docs/mutants.rst.

It fails when a set is below the rate, and for a survivor that ``survivors.py`` does not name (or names in vain). A run
that was interrupted goes on. Mutants that nothing noticed are tried again once the tests of their set have changed, and
those of a function once it has; ``--fresh`` tries all.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from tests.mutants.outcome import Outcome, outcome_of, write_page
from tests.mutants.sets import SETS
from tests.mutants.workspace import FOLDER, ROOT, Workspace

#: It has packages of its own, so it is no part of tests/requirements.txt; what both need has the versions of the tests.
MUTMUT = "mutmut==3.8.1"
TOOLS = FOLDER / "tools"
PAGE = ROOT / "docs" / "mutants.rst"
#: Percent of a set's mutants, those aside that behave as the original does.
LEAST = 85.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="set", help=f"{', '.join(SETS)} (all without)")
    parser.add_argument("--fresh", action="store_true", help="also what was tried before")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)), help="at a time; default: cores")
    parser.add_argument("--report", action="store_true", help="only say what earlier runs found")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.sets) - SETS.keys()):
        parser.error(f"there is no set {', '.join(unknown)}")
    workspaces = [Workspace(module, SETS[module]) for module in chosen.sets or SETS]
    if not chosen.report:
        _prepare_tools()
        for workspace in workspaces:
            if chosen.fresh:
                shutil.rmtree(workspace.folder, ignore_errors=True)
            _run(workspace, chosen.processes)
    outcomes = [outcome_of(workspace) for workspace in workspaces]
    if not chosen.sets:
        write_page(PAGE, outcomes)
    complaints = [line for outcome in outcomes for line in _judge(outcome)]
    print("\n".join(complaints))
    return 1 if complaints else 0


def _prepare_tools() -> None:
    """Installs mutmut beside the project's environment, once."""
    mark = TOOLS / MUTMUT
    if not mark.exists():
        shutil.rmtree(TOOLS, ignore_errors=True)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", TOOLS]
        subprocess.run([*command, "--constraint", ROOT / "tests" / "requirements.txt", MUTMUT], check=True)
        mark.touch()


def _run(workspace: Workspace, processes: int) -> None:
    """Tries what is left to try; what a run says is in a file of the workspace."""
    workspace.lay()
    environment = {
        **os.environ,
        "PYTHONPATH": str(TOOLS),
        "ANSIBLE_COLLECTIONS_PATH": str(workspace.folder / "mutants"),
    }
    with (workspace.folder / "log").open("wb") as log:
        ended = subprocess.run(
            [sys.executable, "-c", "from mutmut.__main__ import cli; cli()", "run", "--max-children", str(processes)],
            cwd=workspace.folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if ended.returncode:
        raise SystemExit(f"{workspace.module}: mutmut broke off, see {workspace.folder / 'log'}")
    print(outcome_of(workspace).line(), flush=True)


def _judge(outcome: Outcome) -> list[str]:
    """What is wrong with a set, a line each."""
    if not outcome.tried:
        return [f"{outcome.module}: {outcome.untried or 'all'} mutants were not tried yet"]
    found = [f"{outcome.module}: {survivor}" for survivor in outcome.unnamed]
    found += [f"{outcome.module}: survivors.py names what no survivor is: {one}" for one in outcome.vain]
    if outcome.rate < LEAST:
        found.append(f"{outcome.module}: {outcome.rate:.1f} % noticed, less than {LEAST:g} %")
    return found


if __name__ == "__main__":
    sys.exit(main())
