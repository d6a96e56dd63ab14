# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong list of checks is told by the preflight, not by the last role of a run that has made everything."""

from __future__ import annotations

from .labs import Lab
from .playing import EXAMPLE, SPEC, tasks
from .runner import Runner

VERSION = {"regex": r"reviews-(v\d)"}


def test_wrong_checks_are_refused_before_anything_is_written(lab: Lab, run: Runner) -> None:
    checks = [
        {"name": "too much", "path": "/productpage", "by": VERSION, "expect": {"split": {"v1": 80, "v2": 30}}},
        {"name": "no key", "path": "/productpage", "expect": {"even": ["v1", "v2"]}},
        {"name": "right", "path": "/productpage", "count": 10},
    ]
    with lab.unwritten():
        played = run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE, asm_checks=checks)
    assert played.code == 2
    assert list(tasks(played.output))[-1] == "preflight : Check the spec"
    message = played.output[played.output.index("The spec of mesh 'bookinfo' has 2 problems. Nothing was changed.") :]
    for words in ("asm_checks, 'too much': ", "110", "asm_checks, 'no key': ", "by"):
        assert words in message
    assert "'right'" not in message
