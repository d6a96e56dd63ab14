# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark of changes keeps between runs, when a tool is done with, and what its figures must not say."""

from __future__ import annotations

import argparse
from pathlib import Path

from ansible_collections.meshops.asm.tests.bench import change, change_tools

ASKED = {"rate": 1000.0, "settle": 2}
OPTIONS = argparse.Namespace(changes=50, least=100_000, pairs=20)


def test_a_run_goes_on_where_the_last_one_was_kept(tmp_path: Path) -> None:
    file = tmp_path / "change.json"
    rows = change.Rows(ASKED, file)
    row = rows.begun("kubectl")
    assert (row["changes"], row["requests"], row["lost"]) == (0, 0, 0)
    row["changes"] = 7
    rows.keep("kubectl", row)
    assert change.Rows(ASKED, file).begun("kubectl")["changes"] == 7
    # What was measured in another way is no beginning, and nobody else's row goes with it.
    other = change.Rows({**ASKED, "rate": 10.0}, file)
    assert other.begun("kubectl")["changes"] == 0
    fresh = change.Rows(ASKED, file)
    other_tool = fresh.begun("helm", fresh=True)
    fresh.keep("helm", other_tool)
    assert sorted(change.Rows(ASKED, file).all) == ["helm", "kubectl"]


def test_a_tool_is_done_with_after_enough_changes_and_requests() -> None:
    assert change.lacks("core", {"changes": 49, "requests": 200_000}, OPTIONS)
    assert change.lacks("core", {"changes": 60, "requests": 99_999}, OPTIONS)
    assert not change.lacks("core", {"changes": 50, "requests": 100_000}, OPTIONS)
    assert change.lacks("random", {"changes": 19, "requests": 200_000}, OPTIONS)
    assert not change.lacks("random", {"changes": 20, "requests": 1}, OPTIONS)


def test_the_figures_are_judged_and_shown_in_the_order_of_the_tools() -> None:
    def row(lost: int, **more: object) -> change.Row:
        figures = {"changes": 50, "requests": 120_000, "lost": lost, "seconds": 120.0, "apply_s": 100.0}
        return {**ASKED, **figures, "machine": "one", "date": "2026-11-26", **more}

    good = {"helm": row(9), "fast": row(7), "strict": row(0)}
    assert change.problems(good) == []
    lines = change.markdown(good).splitlines()
    assert lines[0] == "Measured 2026-11-26 on one, `proxies_settle: 2`."
    assert [line.split("|")[1].strip() for line in lines[4:]] == [
        change.TITLES[key] for key in ("strict", "fast", "helm")
    ]
    assert lines[4] == "| meshops.asm | 50 | 120,000 | 0 | 1,000 | 1,000 | 2.0 |"
    bad = {"strict": row(1), "fast": row(0), "random": row(2, machine="two")}
    assert len(change.problems(bad)) == 3
    assert [line for line in change.markdown(bad).splitlines() if "two" in line] == [
        "Measured 2026-11-26 on two, `proxies_settle: 2` (meshops.asm, random meshes)."
    ]


def test_every_tool_has_a_title_and_a_way() -> None:
    assert list(change.TITLES) == [*change_tools.TOOLS, "random"]
