# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what requirements.txt costs: installed size of each package and the time of the imports.

Prints a table, and with ``--write`` puts it into docs/requirements.rst. Installs into a virtual environment of its own.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "requirements.rst"
BEGIN, END = ".. measured: begin", ".. measured: end"
# What a module imports when it needs it, and for what.
IMPORTS = {
    "ansible.module_utils.basic": "every module",
    "alibabacloud_servicemesh20200111.client": "calls of ASM",
    "alibabacloud_cs20151215.client": "calls of Container Service",
    "alibabacloud_credentials.client": "credentials",
    "yaml": "kubeconfigs, manifests",
    "urllib3": "requests to Kubernetes",
    "kubernetes.config": "kubeconfigs that log in by a program",
    "jmespath": "wait conditions, filters",
    "h11": "answers to the requests of a probe",
}
_REPEATS = 5
_LIST = """
import importlib.metadata as m, pathlib
for d in m.distributions():
    files = [pathlib.Path(d.locate_file(f)) for f in d.files or []]
    print(d.name, d.version, sum(f.stat().st_size for f in files if f.is_file()))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put the table into {PAGE.relative_to(ROOT)}")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory(prefix="meshops-size-") as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        before = sizes(python)
        run(
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "-r",
            str(ROOT / "requirements.txt"),
        )
        after = {name: size for name, size in sizes(python).items() if name not in before}
        times = {name: seconds(python, name) for name in IMPORTS}
    table = "\n".join(lines(after, times))
    print(table)
    if write:
        text = PAGE.read_text(encoding="utf-8")
        head, _old, tail = re.split(f"{re.escape(BEGIN)}|{re.escape(END)}", text)
        PAGE.write_text(f"{head}{BEGIN}\n\n{table}\n\n{END}{tail}", encoding="utf-8")
    return 0


def sizes(python: str) -> dict[str, int]:
    """Bytes of the files of each installed package, by ``name version``."""
    found = (line.split() for line in run(python, "-c", _LIST).splitlines())
    return {f"{name} {version}": int(size) for name, version, size in found}


def seconds(python: str, module: str) -> float:
    """The best of some runs, without the start of Python itself."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    return min(float(run(python, "-c", code)) for _repeat in range(_REPEATS))


def lines(packages: dict[str, int], times: dict[str, float]) -> list[str]:
    """The two tables in reStructuredText."""
    total = sum(packages.values())
    head = [
        f"Measured with Python {platform.python_version()} on {platform.system()} {platform.machine()}, "
        f"compiled files included: {len(packages)} packages, {total / 1e6:.1f} MB.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - Package",
        "     - MB",
    ]
    large = sorted(packages.items(), key=lambda entry: -entry[1])
    rows = [f"   * - {name}\n     - {size / 1e6:.1f}" for name, size in large if size >= 5e5]
    rest = sum(size for _name, size in large if size < 5e5)
    rows += [f"   * - {sum(size < 5e5 for size in packages.values())} others\n     - {rest / 1e6:.1f}", ""]
    rows += [".. list-table::", "   :header-rows: 1", "", "   * - Import", "     - Seconds", "     - For"]
    rows += [f"   * - ``{name}``\n     - {times[name]:.2f}\n     - {purpose}" for name, purpose in IMPORTS.items()]
    return head + rows


def run(*command: str) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
