# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: ansible-runner, the built artifact, a project, credentials in the environment, a survey."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .labs import Lab
from .playing import EXAMPLE
from .runner import ROOT, Runner


@pytest.fixture(scope="module")
def job(lab: Lab, run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private folder of a job: project, environment and inventory; the collection is the artifact's."""
    folder = tmp_path_factory.mktemp("job")
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        tool: Any = importlib.import_module("release")
    finally:
        sys.path.remove(str(ROOT / "tools"))
    place = tmp_path_factory.mktemp("artifact")
    tool.release(place, write=False)
    shutil.copytree(ROOT / "awx" / "project", folder / "project")
    shutil.copytree(EXAMPLE, folder / "project" / "meshes" / "bookinfo")
    (folder / "env").mkdir()
    environment = {
        **{key: value for key, value in run.environment.items() if key.startswith(("ALIBABA_CLOUD_", "MESHOPS_"))},
        "ANSIBLE_COLLECTIONS_PATH": str(place / "installed"),
        "ANSIBLE_HOME": str(folder / "home"),
    }
    (folder / "env" / "envvars").write_text(json.dumps(environment), encoding="utf-8")
    (folder / "inventory").mkdir()
    (folder / "inventory" / "hosts").write_text("localhost ansible_connection=local\n", encoding="utf-8")
    return folder


JOBS = ["site", "verify", "upgrade", "drift", "remove"]
OLDER, NEWER = "v1.24.6.64-g0b8a1cd2-aliyun", "v1.25.6.41-g9d2f5e71-aliyun"


def test_every_playbook_of_the_project_is_run() -> None:
    assert sorted(JOBS) == sorted(file.stem for file in (ROOT / "awx" / "project").glob("*.yml"))


@pytest.fixture
def older(lab: Lab, job: Path) -> None:
    """The mesh as if it had been made some time ago, and a spec that asks for the newest version."""
    lab.control.change("meshes", lab.mesh_id("bookinfo"), version=OLDER)
    spec = job / "project" / "meshes" / "bookinfo" / "mesh.yml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("asm_mesh:\n", f"asm_mesh:\n  version: {NEWER}\n"), encoding="utf-8")


@pytest.mark.parametrize("playbook", JOBS)
def test_a_job_of_awx(run: Runner, job: Path, playbook: str, request: pytest.FixtureRequest) -> None:
    if playbook == "upgrade":
        request.getfixturevalue("older")
    survey = {"spec_file": "meshes/bookinfo/mesh.yml", "asm_wait_timeout": 300}
    (job / "env" / "extravars").write_text(json.dumps(survey), encoding="utf-8")
    options = ["--check"] if playbook == "remove" else []
    (job / "env" / "cmdline").write_text(" ".join(options), encoding="utf-8")
    command = ["ansible-runner", "run", str(job), "-p", f"{playbook}.yml", "-i", playbook, "-vvvv"]
    path = {key: run.environment[key] for key in ("PATH", "HOME", "LANG")}
    done = subprocess.run(command, env=path, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:]
    artifacts = job / "artifacts" / playbook
    assert (artifacts / "status").read_text() == "successful"
    # The collection was the installed artifact's, not that of the checkout.
    told = (artifacts / "stdout").read_text(encoding="utf-8")
    assert not [part for part in ("plugins", "roles", "playbooks", ".cache/collections") if f"{ROOT}/{part}" in told]
    # ansible-runner itself keeps the environment that it was given in the file "command", for its owner only.
    assert (artifacts / "command").stat().st_mode & 0o077 == 0
    files = [file for file in artifacts.rglob("*") if file.is_file() and file.name != "command"]
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        assert not [secret for secret in run.secrets if secret in text], file
    if playbook == "upgrade":
        (mesh,) = run.lab.meshes("bookinfo")
        assert mesh["version"] == NEWER
