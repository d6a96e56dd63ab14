# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Containerfile does, done in a clean virtual environment: the collection runs in it, and needs nothing more.

The steps are those of ansible-builder's four stages: base (ansible-core, ansible-runner), galaxy (the collections),
builder (what they say they need), final (that, and nothing else, installed).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from integration.conftest import lab
from integration.labs import VPC, VSWITCH, Lab
from integration.runner import ROOT

__all__ = ["lab"]

CONTEXT = ROOT / ".cache" / "ee" / "context"
PLAYBOOKS = sorted(file.stem for file in (ROOT / "playbooks").glob("*.yml") if file.stem != "awx")
Program = Callable[..., str]


def ended_well(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the image: a virtual environment, with the collections where the Containerfile puts them."""
    root = tmp_path_factory.mktemp("image")
    definition = yaml.safe_load((CONTEXT.parent / "execution-environment.yml").read_text(encoding="utf-8"))
    wanted = definition["dependencies"]
    python = shutil.which(Path(wanted["python_interpreter"]["python_path"]).name) or _pyenv(wanted)
    ended_well(python, "-m", "venv", root, cwd=root)
    pip = (root / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    ended_well(*pip, wanted["ansible_core"]["package_pip"], wanted["ansible_runner"]["package_pip"], cwd=root)
    collections = root / "usr" / "share" / "ansible" / "collections"
    galaxy = (root / "bin" / "ansible-galaxy", "collection", "install", "--offline", "-r", "requirements.yml")
    ended_well(*galaxy, "--collections-path", collections, cwd=CONTEXT / "_build", env=_clean(root))
    builder = (Path(sys.executable).parent / "ansible-builder", "introspect", "--sanitize")
    ended_well(*builder, "--write-pip", root / "pip.txt", "--write-bindep", root / "bindep.txt", collections, cwd=root)
    ended_well(*pip, "-r", root / "pip.txt", cwd=root)
    return root


def _pyenv(wanted: dict[str, dict[str, str]]) -> str:
    name = Path(wanted["python_interpreter"]["python_path"]).name
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found = sorted(versions.glob(f"{name.removeprefix('python')}.*/bin/{name}"))
    assert found, f"{name}, the image's Python, is not on this machine"
    return str(found[-1])


def _clean(root: Path, **more: str) -> dict[str, str]:
    """The environment of a container: nothing of this process."""
    home = root / "home"
    home.mkdir(exist_ok=True)
    return {
        "PATH": f"{root / 'bin'}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(root / "usr" / "share" / "ansible" / "collections"),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        **more,
    }


@pytest.fixture
def program(image: Path, lab: Lab, tmp_path: Path) -> Program:
    """``program("ansible", ...)``: runs a program of the image against the lab, and returns its output."""

    def run(name: str, *words: str) -> str:
        return ended_well(image / "bin" / name, *words, cwd=tmp_path, env=_clean(image, **lab.control.environment()))

    return run


def test_the_packages_are_the_declared_ones(image: Path) -> None:
    declared = (ROOT / "requirements.txt").read_text(encoding="utf-8").split("\n")
    wanted = {line.split(">")[0].lower() for line in declared if line and not line.startswith("#")}
    asked = (image / "pip.txt").read_text(encoding="utf-8").lower()
    # ansible-core is the base's: ansible-builder leaves it out of what collections ask for.
    assert [name for name in wanted - {"ansible-core"} if name not in asked] == []
    assert "openssh" in (image / "bindep.txt").read_text(encoding="utf-8")
    ended_well(image / "bin" / "python", "-m", "pip", "check", cwd=image)


def test_modules_find_their_libraries(program: Program) -> None:
    words = ("localhost", "-c", "local", "-e", "ansible_python_interpreter={{ ansible_playbook_python }}")
    assert "SUCCESS" in program("ansible", *words, "-m", "meshops.asm.asm_mesh_info")
    made = program(
        "ansible", *words, "--check", "-m", "meshops.asm.asm_mesh", "-a",
        json.dumps({"name": "image", "vpc_id": VPC, "vswitch_ids": [VSWITCH]}),
    )  # fmt: skip
    assert "CHANGED" in made


def test_the_inventory_is_read(program: Program, tmp_path: Path) -> None:
    shutil.copy(ROOT / "awx" / "project" / "asm.yml", tmp_path)
    assert "north" in program("ansible-inventory", "-i", "asm.yml", "--list", "--export")


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbooks_are_read(program: Program, playbook: str) -> None:
    assert "playbook:" in program("ansible-playbook", f"meshops.asm.{playbook}", "--syntax-check")


def test_a_job_of_the_project_runs(program: Program, image: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "awx" / "project", tmp_path / "job" / "project")
    spec = {"asm_mesh": {"name": "image", "vpc_id": VPC, "vswitch_ids": [VSWITCH]}}
    (tmp_path / "job" / "project" / "mesh.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    output = program("ansible-runner", "run", "job", "-p", "site.yml", "--cmdline", "--check -e spec_file=mesh.yml")
    assert "failed=0" in output
    assert "Create or change the mesh" in output
