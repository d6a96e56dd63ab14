# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation's examples, and what is generated for it: policies, error codes, diagrams."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors

pytestmark = pytest.mark.playbooks

ROOT = Path(errors.__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs").rglob("*.rst"))


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))


def tool(name: str) -> Any:
    return importlib.import_module(name)


def examples(language: str) -> Iterator[tuple[str, str]]:
    """``(page, text)`` of every code block in a language."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        pattern = rf"^\.\. code-block:: {language}\n\n((?:(?:   .*)?\n)+)"
        for block in re.findall(pattern, text, re.MULTILINE):
            yield page.name, textwrap.dedent(block)


def test_every_play_of_the_documentation_is_one(tmp_path: Path) -> None:
    plays = [text for _page, text in examples("yaml") if isinstance(yaml.safe_load(text), list)]
    assert len(plays) >= 5
    files = []
    for number, text in enumerate(plays):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(text, encoding="utf-8")
    (tmp_path / "hosts").write_text("localhost\nbastion\n", encoding="utf-8")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts", "--syntax-check", *map(str, files)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_option_in_an_example_exists() -> None:
    specs = tool("argument_specs")
    for page, text in examples("yaml"):
        document = yaml.safe_load(text)
        for play in document if isinstance(document, list) else []:
            for task in play["tasks"]:
                (module,) = [key for key in task if key.startswith(("meshops.asm.", "ansible.builtin."))]
                if module.startswith("meshops.asm."):
                    known = set(specs.module_options(module.removeprefix("meshops.asm."))) | {"region"}
                    assert set(task[module]) <= known, f"{page}: {task['name']}"


def test_playbooks_in_examples_exist() -> None:
    names = {name for _page, text in examples("console") for name in re.findall(r"playbook meshops\.asm\.(\w+)", text)}
    assert {"site", "verify", "remove", "drift"} <= names
    assert all((ROOT / "playbooks" / f"{name}.yml").exists() for name in names)


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_the_front_pages_name_every_module_and_playbook(page: str) -> None:
    named = set(re.findall(r"[\w.]+", (ROOT / page).read_text(encoding="utf-8")))
    twins = {f"{name}_info" for name in named}
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yml")}
    assert modules - named - twins == set()
    assert {name for name in playbooks if not {name, f"meshops.asm.{name}"} & named} == set()


def actions(playbook: str) -> set[str]:
    (statement,) = tool("ram_policies").policy(playbook)["Statement"]
    return set(statement["Action"])


def test_policies_of_playbooks_that_only_read() -> None:
    for playbook in ("verify", "drift"):
        assert "servicemesh:DescribeServiceMeshes" in actions(playbook)
        assert not [action for action in actions(playbook) if not re.search(":(Describe|List|Get)", action)]


def test_policies_of_playbooks_that_write() -> None:
    site, remove = actions("site"), actions("remove")
    # What the table of attributes names counts as well as what is called by name.
    assert {"servicemesh:CreateServiceMesh", "servicemesh:UpdateMeshFeature", "cs:DescribeClustersV1"} <= site
    assert "servicemesh:DeleteServiceMesh" not in site
    assert {"servicemesh:DeleteServiceMesh", "servicemesh:RemoveClusterFromServiceMesh"} <= remove
    assert "servicemesh:CreateServiceMesh" not in remove


def test_every_code_of_a_failure_is_listed() -> None:
    codes = tool("error_codes")
    known = {name for name, one in vars(errors).items() if isinstance(one, type) and one.__module__ == errors.__name__}
    assert set(codes.classes()) == known - {"AsmError"}
    assert {"MissingCredentials", "MissingRegion", "OldSdk"} <= set(codes.special_codes())
    assert "``MissingRegion``" in codes.table()


def test_diagrams_are_pictures(tmp_path: Path) -> None:
    tool("diagrams").draw(tmp_path)
    used = {name for page in PAGES for name in re.findall(r"pictures/(\w+\.svg)", page.read_text(encoding="utf-8"))}
    assert used == {file.name for file in tmp_path.iterdir()}
    for file in tmp_path.iterdir():
        text = file.read_text(encoding="utf-8")
        assert text.startswith("<svg ")
        assert text.endswith("</svg>\n")
        assert text.count("<rect ") == text.count('class="a"') + 1
