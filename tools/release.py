# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the release of the version in galaxy.yml from the last commit, and tries it out.

The changelog is written from the fragments, the artifact is built twice and has to have the same bytes, is installed
offline into an empty place and verified there, and handed to galaxy-importer. With ``--write`` the changelog goes back
into the working tree, where it is committed together with the tag. The date of everything is that of the commit.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ("CHANGELOG.rst", "changelogs/changelog.yaml")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--write", action="store_true", help="put the changelog into the working tree, use up fragments"
    )
    parser.add_argument("--output", type=Path, default=ROOT, help="folder for the artifact (default: the project's)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="meshops-release-") as folder:
        artifact = release(Path(folder), write=options.write)
        run([sys.executable, str(ROOT / "tools" / "importer.py"), str(artifact)], Path(folder))
        target = options.output / artifact.name
        shutil.copyfile(artifact, target)
    print(
        f"{target.name}: {target.stat().st_size // 1024} KiB, sha256 {hashlib.sha256(target.read_bytes()).hexdigest()}"
    )
    return 0


def release(folder: Path, *, write: bool) -> Path:
    """The artifact, built and tried out inside ``folder``."""
    date = int(run(["git", "log", "-1", "--format=%ct"], ROOT))
    source = folder / "ansible_collections" / "meshops" / "asm"
    source.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=source, input=archive(), check=True)
    version = str(yaml.safe_load((source / "galaxy.yml").read_text(encoding="utf-8"))["version"])
    write_changelog(source, folder, version, date)
    if write:
        for name in CHANGELOG:
            shutil.copyfile(source / name, ROOT / name)
        for fragment in (ROOT / "changelogs/fragments").glob("*.yml"):
            if not (source / "changelogs/fragments" / fragment.name).exists():
                fragment.unlink()
    first, second = (build(source, folder / name, date) for name in ("first", "second"))
    if first.read_bytes() != second.read_bytes():
        raise SystemExit("Two builds of the same commit differ.")
    try_out(first, folder, version)
    return first


def archive() -> bytes:
    """The last commit as a tar file."""
    return subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def write_changelog(source: Path, folder: Path, version: str, date: int) -> None:
    """Adds the release to the changelog, unless it is there already."""
    known = yaml.safe_load((source / "changelogs/changelog.yaml").read_text(encoding="utf-8"))
    if version not in (known.get("releases") or {}):
        day = datetime.fromtimestamp(date, tz=timezone.utc).date().isoformat()
        run(["antsibull-changelog", "release", "--version", version, "--date", day], source, collections=folder)
    if version not in (source / CHANGELOG[0]).read_text(encoding="utf-8"):
        raise SystemExit(f"{CHANGELOG[0]} does not mention {version}.")


def build(source: Path, folder: Path, date: int) -> Path:
    """``ansible-galaxy collection build``, with everything taken out that differs from run to run."""
    run(["ansible-galaxy", "collection", "build", str(source), "--output-path", str(folder)], source)
    (artifact,) = folder.glob("*.tar.gz")
    plain = io.BytesIO()
    with tarfile.open(artifact) as old, tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            member.mtime, member.uid, member.gid, member.uname, member.gname = date, 0, 0, "", ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    artifact.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
    return artifact


def try_out(artifact: Path, folder: Path, version: str) -> None:
    """Installs the artifact offline into an empty place, verifies it and reads its documentation there."""
    place = folder / "installed"
    run(
        ["ansible-galaxy", "collection", "install", "--offline", "-p", str(place), str(artifact)],
        folder,
        collections=place,
    )
    run(["ansible-galaxy", "collection", "verify", "--offline", f"meshops.asm:{version}"], folder, collections=place)
    run(["ansible-doc", "-t", "module", "meshops.asm.asm_mesh"], folder, collections=place)


def run(command: list[str], folder: Path, collections: Path | None = None) -> str:
    """The output of a command that has to succeed. Ansible knows no collections but those in ``collections``."""
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections or folder), "ANSIBLE_NOCOLOR": "1"}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
