# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``make samples``: writes the tables of docs/samples.rst."""

from __future__ import annotations

from tests.samples.table import PAGE, page


def main() -> None:
    before = PAGE.read_text(encoding="utf-8")
    after = page(before)
    if after != before:
        PAGE.write_text(after, encoding="utf-8")
    print(f"{PAGE.name}: {'written' if after != before else 'as it is'}")


if __name__ == "__main__":
    main()
