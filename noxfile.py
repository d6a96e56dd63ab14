# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit tests on pairs of Python and ansible-core: the oldest and the newest, or every one with -s all_pairs."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nox

ROOT = Path(__file__).resolve().parent
# The Pythons on which each release runs a controller, of those that the collection supports.
PAIRS = {
    "2.17": ["3.10", "3.11", "3.12"],
    "2.18": ["3.11", "3.12", "3.13"],
    "2.19": ["3.11", "3.12", "3.13"],
    "2.20": ["3.12", "3.13"],
    "2.21": ["3.12", "3.13"],
}
EVERY = [(python, core) for core, pythons in PAIRS.items() for python in pythons]

nox.options.sessions = ["ends"]
# A pair whose Python is missing is an error that names it, never left out in silence.
nox.options.error_on_missing_interpreters = True


def _use_pyenv() -> None:
    """Lets nox find all that pyenv has installed, not only what its user has switched on (pyenv global, local)."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = [folder.name for folder in (root / "versions").glob("*") if re.fullmatch(r"3\.\d+\.\d+", folder.name)]
    newest = sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    if newest:
        os.environ.update(PYENV_ROOT=str(root), PYENV_VERSION=":".join(newest))


_use_pyenv()


def _units(session: nox.Session, core: str) -> None:
    """Installs what the collection and its unit tests need, with the newest fix of one ansible-core, and runs them."""
    session.install("-r", "requirements.txt", f"ansible-core~={core}.0", "pytest", "cryptography", "hypothesis")
    session.run("ansible", "--version")
    folder = Path(session.create_tmp()).resolve() / "ansible_collections" / "meshops"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / "asm"
    if not link.exists():
        link.symlink_to(ROOT)
    collections = str(folder.parent.parent)
    environment = {"PYTHONPATH": f"{ROOT}/tests/lab:{collections}", "ANSIBLE_COLLECTIONS_PATH": collections}
    session.run("python", "-m", "pytest", "-q", "tests/unit", *session.posargs, env=environment)


@nox.session(name="ends")
@nox.parametrize("python,core", [EVERY[0], EVERY[-1]])
def ends(session: nox.Session, core: str) -> None:
    """The oldest and the newest pair."""
    _units(session, core)


@nox.session(name="all_pairs")
@nox.parametrize("python,core", EVERY)
def all_pairs(session: nox.Session, core: str) -> None:
    """Every supported pair."""
    _units(session, core)
