# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A folder for each set in which mutmut finds the collection as Python does, with one file of it to mutate.

mutmut names a mutant by the path of its file, and a module by how it is imported; they have to be the same. Everything
but that file is a link to the working tree.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache" / "mutants"
_COLLECTION = Path("ansible_collections", "meshops", "asm")
#: A mutant that goes on for longer than this many times its tests and a second is killed, and counts as noticed.
_PATIENCE = 8.0


class Workspace:
    """The folder of one set: a module, and the tests (paths below ``tests/unit/plugins``) that have to notice."""

    def __init__(self, module: str, tests: tuple[str, ...]) -> None:
        self.module = module
        self.folder = FOLDER / module.replace("/", ".")
        self.tests = tuple(f"tests/unit/plugins/{test}" for test in tests)
        self.source = Path("plugins", "module_utils", f"{module}.py")
        self.mutated = self.folder / "mutants" / _COLLECTION / self.source

    def lay(self) -> None:
        """Brings the folder to what the working tree has. What was found out earlier stays as far as it holds."""
        copy = self.folder / _COLLECTION / self.source
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or copy.read_bytes() != (ROOT / self.source).read_bytes():
            shutil.copyfile(ROOT / self.source, copy)
        self._link()
        self._configure()
        self._forget()

    def results(self) -> dict[str, int | None]:
        """Mutants by name with the exit code of their tests; None for one that was not tried."""
        found: dict[str, int | None] = self._kept().get("exit_code_by_key", {})
        return found

    def lines_of(self, function: str) -> list[str]:
        """A function of the mutated file, which has the original and every mutant of it under names of their own."""
        first, last = json.loads(Path(f"{self.mutated}.spans").read_text(encoding="utf-8"))["spans"][function]
        lines = self.mutated.read_text(encoding="utf-8").splitlines()[first - 1 : last]
        return [line.replace(function, "") for line in lines]

    def _link(self) -> None:
        """Every folder on the way to the file is one of its own, and beside it are links."""
        inner = self.folder / "mutants" / _COLLECTION
        for depth in range(len(self.source.parts)):
            part = Path(*self.source.parts[:depth])
            (inner / part).mkdir(parents=True, exist_ok=True)
            for entry in os.scandir(ROOT / part):
                link = inner / part / entry.name
                on_the_way = entry.name == self.source.parts[depth]
                if not on_the_way and not entry.name.startswith(".") and not link.is_symlink():
                    link.symlink_to(entry.path)

    def _configure(self) -> None:
        tests = [str(_COLLECTION / test) for test in self.tests]
        lines = [
            "[tool.mutmut]",
            f"source_paths = [{json.dumps(str(_COLLECTION / self.source))}]",
            f"pytest_add_cli_args_test_selection = {json.dumps(tests)}",
            'pytest_add_cli_args = ["-p", "no:cacheprovider"]',
            f"timeout_multiplier = {_PATIENCE}",
            "use_git_change_detection = false",
            "track_dependencies = false",
            "[tool.pytest.ini_options]",
            'markers = ["playbooks: runs Ansible itself"]',
            "",
        ]
        (self.folder / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")

    def _forget(self) -> None:
        """Mutants that nothing noticed are tried again once the tests have changed."""
        digest = hashlib.sha256(b"".join((ROOT / test).read_bytes() for test in self.tests)).hexdigest()
        seen = self.folder / "tests"
        kept = self._kept()
        if kept and (not seen.exists() or seen.read_text() != digest):
            codes = kept["exit_code_by_key"]
            kept["exit_code_by_key"] = {name: None if code in (0, 33) else code for name, code in codes.items()}
            self._meta().write_text(json.dumps(kept), encoding="utf-8")
        seen.write_text(digest)

    def _meta(self) -> Path:
        return Path(f"{self.mutated}.meta")

    def _kept(self) -> dict[str, Any]:
        return json.loads(self._meta().read_text(encoding="utf-8")) if self._meta().exists() else {}
