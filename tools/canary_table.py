# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases versions of known quality a thousand times each, by chance alone, and writes the table of docs/canary.rst.

The draws are the same in every run. With ``--check`` nothing is written, and the exit code is 1 when the table of the
document is not what it would be.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.meshops.asm.plugins.module_utils.probe import sequential, versus
from ansible_collections.meshops.asm.plugins.module_utils.probe.sequential import GOOD, UNDECIDED, WORSE, Look

PAGE = Path(__file__).resolve().parents[1] / "docs/canary.rst"
BEGIN, END = ".. the table of tools/canary_table.py\n", ".. the end of the table\n"
SEED = 20260101
RELEASES = 1000
#: Fractions: what fails of the stable version's answers, the canary's share in its first step, what fails of its own.
STABLE, SHARE, RATES = 0.001, 0.05, (0.0, 0.001, 0.005, 0.01, 0.011, 0.05, 0.1)
#: The defaults of the role, with three steps that are compared. Larger looks than in a release decide a little later.
RULE = sequential.Rule(margin=0.01, false_rollback=0.05 / 3, false_promotion=0.05)
SIZE = 5 * versus.LOOK
#: Requests a second, from which the seconds come.
RATE = 100


class Chance(random.Random):
    """Draws that are the same in every run."""


@dataclass(frozen=True)
class Row:
    """What became of the releases with one rate; the requests are in ascending order."""

    rate: float
    verdicts: Counter[str]
    requests: list[int]


def simulate(seed: int = SEED) -> list[Row]:
    """A row for each rate."""
    rng = Chance(seed)
    most = versus.most(sequential.needed(SHARE, STABLE, RULE, SIZE)) // SIZE
    canary = round(SIZE * SHARE)
    rows = []
    for rate in RATES:
        verdicts: Counter[str] = Counter()
        requests = []
        for _unused in range(RELEASES):
            found, _evidence, count = sequential.decide(_looks(rng, canary, rate, most), RULE)
            verdicts[found] += 1
            requests.append(count * SIZE)
        rows.append(Row(rate, verdicts, sorted(requests)))
    return rows


def _looks(rng: random.Random, canary: int, rate: float, most: int) -> Iterator[Look]:
    stable = SIZE - canary
    for _unused in range(most):
        yield Look(canary, binomial(rng, canary, rate), stable, binomial(rng, stable, STABLE))


def binomial(rng: random.Random, count: int, share: float) -> int:
    """How many of so many independent answers are bad, by the gaps between them (L. Devroye, 1986, X.4.3)."""
    if share <= 0:
        return 0
    found, place, scale = 0, 0, math.log1p(-share)
    while True:
        place += int(math.log(1 - rng.random()) / scale) + 1
        if place > count:
            return found
        found += 1


def table(rows: list[Row]) -> str:
    """The rows as a table of reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    cells = [["Canary fails", "It is", "Promoted", "Worse", "Undecided", "Requests, median", "95 % within", "Seconds"]]
    for row in rows:
        middle, late = row.requests[RELEASES // 2], row.requests[int(RELEASES * 0.95)]
        counts = [str(row.verdicts[one]) for one in (GOOD, WORSE, UNDECIDED)]
        figures = [f"{middle:,}", f"{late:,}", f"{middle / RATE:g}"]
        cells.append([f"{row.rate * 100:g} %", quality(row.rate), *counts, *figures])
    for one in cells:
        lines += [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(one)]
    return "\n".join(lines) + "\n"


def quality(rate: float) -> str:
    """What a verdict on this rate would have to be."""
    if rate <= STABLE:
        return "good"
    return "bad" if rate >= STABLE + RULE.margin - 1e-12 else "in between"


def main(arguments: list[str] | None = None) -> int:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the page has this table")
    wanted = parser.parse_args(arguments)
    text = PAGE.read_text(encoding="utf-8")
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    made = f"{before}{BEGIN}\n{table(simulate())}\n{END}{after}"
    if wanted.check:
        return int(made != text)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
