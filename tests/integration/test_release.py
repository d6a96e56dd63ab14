# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact of a release: what tools/release.py checks itself, and what is in it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from .runner import ROOT


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("release", ROOT / "tools" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact of the last commit; it was built twice alike, installed offline (beside it) and verified."""
    made: Path = _tool().release(tmp_path_factory.mktemp("release"), write=False)
    return made


@pytest.fixture(scope="module")
def files(artifact: Path) -> dict[str, bytes]:
    """The files of the artifact."""
    with tarfile.open(artifact) as tar:
        assert {member.mtime for member in tar} == {max(member.mtime for member in tar)}
        return {one.name: stream.read() for one in tar if (stream := tar.extractfile(one)) is not None}


def test_the_version_is_said_in_one_place(files: dict[str, bytes]) -> None:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert json.loads(files["MANIFEST.json"])["collection_info"]["version"] == version
    assert f"v{version}" in files["CHANGELOG.rst"].decode()


def test_the_changelog_holds_the_fragments(files: dict[str, bytes]) -> None:
    assert "inventory plugin" in files["CHANGELOG.rst"].decode()
    assert not [name for name in files if name.startswith("changelogs/fragments/")]


@pytest.mark.parametrize(
    "part", ["roles/create/", "playbooks/site.yml", "plugins/inventory/asm.py", "meta/runtime.yml"]
)
def test_what_users_need_is_in_it(files: dict[str, bytes], part: str) -> None:
    assert [name for name in files if name.startswith(part)]


def test_nothing_of_this_machine_is_in_it(files: dict[str, bytes]) -> None:
    hidden = [name for name in files if name.split("/")[0].startswith(".") and name != ".yamllint"]
    assert hidden == []
    assert not [name for name in files if "__pycache__" in name or name.startswith(("tools/", "Makefile"))]
    assert not [name for name, content in files.items() if str(ROOT).encode() in content]


def test_ansible_builder_finds_the_requirements_in_the_installed_collection(artifact: Path) -> None:
    installed = artifact.parent.parent / "installed"
    command = ["ansible-builder", "introspect", str(installed)]
    said = yaml.safe_load(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    packages = " ".join(said["python"])
    for name in ("alibabacloud-servicemesh20200111", "alibabacloud-cs20151215", "alibabacloud-credentials"):
        assert name in packages
    assert "openssh-client [platform:dpkg]" in " ".join(said["system"])


def test_ansible_builder_makes_the_context_of_an_image(artifact: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "execution-environment.yml", tmp_path)
    shutil.copy(artifact, tmp_path / "meshops-asm.tar.gz")
    command = ["ansible-builder", "create", "--output-filename", "Containerfile"]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    assert (tmp_path / "context/_build/artifacts/meshops-asm.tar.gz").read_bytes() == artifact.read_bytes()
    assert "rockylinux:9" in (tmp_path / "context/Containerfile").read_text(encoding="utf-8")
