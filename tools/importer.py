# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds an artifact to what Galaxy does with it: galaxy-importer, which loads, documents and lints it.

Without the name of an artifact that of the working tree is built and looked at. The importer has a Python environment
of its own in ``.cache``, which is made once; after that nothing is fetched.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: The rest has the versions of the tests.
IMPORTER = "galaxy-importer==0.4.44"
_VERSIONS = ROOT / "tests" / "requirements.txt"

_LOUD = re.compile(r"^(WARNING|ERROR|CRITICAL):|^Traceback ")
_DONE = "Importer processing completed successfully"
#: It looks for ansible_collections below ansible_collections, so that no collection finds its own playbooks.
_ITS_OWN = re.compile(r"^WARNING: ERROR +Failed to find meshops\.asm\.(\w+) playbook\.$")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("artifact", nargs="?", type=Path, help="default: that of the working tree, which is built")
    artifact = parser.parse_args().artifact
    with tempfile.TemporaryDirectory(prefix="meshops-importer-") as folder:
        found = check(artifact.resolve() if artifact else _built(Path(folder)))
    for line in found:
        print(line, file=sys.stderr)
    print(f"{IMPORTER}: {len(found)} findings")
    return 1 if found else 0


def check(artifact: Path) -> list[str]:
    """What the importer complains about, a line each."""
    programs = _environment()
    with tempfile.TemporaryDirectory(prefix="meshops-importer-") as folder:
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")},
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "GALAXY_IMPORTER_ANSIBLE_LOCAL_TMP": folder,
            "ANSIBLE_HOME": folder,
        }
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(
            [programs / "python", "-m", "galaxy_importer.main", artifact],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    return findings(done.stdout)


def findings(output: str) -> list[str]:
    """The complaints in the importer's output; that it broke off is one. Pure."""
    lines = output.splitlines()
    found = [
        f"{line} {_end_of_traceback(lines[number + 1 :])}".rstrip()
        for number, line in enumerate(lines)
        if _LOUD.match(line) and not _excused(line)
    ]
    return found if found or _DONE in lines else [f"The importer broke off: {' '.join(lines[-3:])}"]


def _end_of_traceback(lines: list[str]) -> str:
    """What was raised, where a line with an indented one below it is the head of a traceback."""
    if not lines or not lines[0].startswith(" "):
        return ""
    return next((line for line in lines if not line.startswith(" ")), "")


def _excused(line: str) -> bool:
    named = _ITS_OWN.match(line)
    return named is not None and (ROOT / "playbooks" / f"{named[1]}.yml").exists()


def _environment() -> Path:
    """The folder of the importer's programs."""
    place = ROOT / ".cache" / IMPORTER.replace("==", "-")
    ready = place / ".ready"
    if not ready.exists():
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--constraint", str(_VERSIONS), IMPORTER], check=True)
        ready.touch()
    return place / "bin"


def _built(folder: Path) -> Path:
    command = ["ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (artifact,) = folder.glob("*.tar.gz")
    return artifact


if __name__ == "__main__":
    sys.exit(main())
