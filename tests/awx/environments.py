# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Execution environments without a container: a virtual environment for each pair of ansible-core and ansible-runner.

They are made once per user, below ``~/.cache/meshops.asm/awx``. What the collection itself needs is the same for all
pairs of one Python, and shared by them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: The Pythons on which each release runs a controller.
CORES = {
    "2.17": ("3.10", "3.11", "3.12"),
    "2.18": ("3.11", "3.12", "3.13"),
    "2.19": ("3.11", "3.12", "3.13"),
    "2.21": ("3.12", "3.13"),
}
RUNNERS = ("2.4.0", "2.4.1", "2.4.3")


@dataclass(frozen=True)
class Pair:
    """Releases of ansible-core and ansible-runner."""

    core: str
    runner: str

    def __str__(self) -> str:
        return f"core-{self.core}-runner-{self.runner}"


EVERY = [Pair(core, runner) for core in CORES for runner in RUNNERS]
#: What ``make test`` runs on: the oldest pair, and the newest.
ENDS = [EVERY[0], EVERY[-1]]


def environment(pair: Pair) -> Path:
    """The folder of the programs of a pair; the first one that asks makes it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "meshops.asm" / "awx"
    python = _python(CORES[pair.core])
    wanted = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    needs = hashlib.sha256(wanted.encode()).hexdigest()[:8]
    shared = cache / f"python-{python.name.removeprefix('python')}-{needs}"
    with _made(shared) as folder:
        if folder:
            _venv(python, folder)
            _pip(folder, "-r", str(ROOT / "requirements.txt"), "ansible-runner")
    own = cache / f"{pair}-{needs}"
    with _made(own) as folder:
        if folder:
            _venv(python, folder)
            _pip(folder, "--no-deps", f"ansible-core~={pair.core}.0", f"ansible-runner=={pair.runner}")
            (site,) = folder.glob("lib/python*/site-packages")
            (others,) = shared.glob("lib/python*/site-packages")
            # Afterwards, so that pip does not leave out what is shared; what the pair has itself is found first.
            (site / "shared.pth").write_text(f"{others}\n", encoding="utf-8")
    return own / "bin"


@contextmanager
def _made(folder: Path) -> Iterator[Path | None]:
    """The folder, when it has to be filled by the block: nothing is known of one that was not finished."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / ".ready"
        if ready.exists():
            yield None
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield folder
        ready.touch()


def _venv(python: Path, folder: Path) -> None:
    subprocess.run([python, "-m", "venv", folder], check=True)


def _pip(folder: Path, *words: str) -> None:
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, *words], env={**os.environ, "PYTHONPATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _python(releases: tuple[str, ...]) -> Path:
    """The oldest of some Pythons that this machine has, on the path or in pyenv."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for release in releases:
        found = sorted(versions.glob(f"{release}.*/bin/python{release}"))
        found += [Path(path) for path in [shutil.which(f"python{release}")] if path and "/.venv/" not in path]
        if found and re.search(r"\d", found[-1].name):
            return found[0]
    raise RuntimeError(f"None of the Pythons {', '.join(releases)} is on this machine.")
