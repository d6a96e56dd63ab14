# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The artifact of a release: what tools/release.py checks itself, and what is in it."""

from __future__ import annotations

import importlib.util
import json
import tarfile
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
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of the artifact; it was built twice alike, installed offline and verified."""
    artifact = _tool().release(tmp_path_factory.mktemp("release"), write=False)
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
