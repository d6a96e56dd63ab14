# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page about security promises nothing without a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import ENVIRONMENT
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors

ROOT = Path(errors.__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "security.rst").read_text(encoding="utf-8")
# A file, or a test in it.
TEST = re.compile(r"``(tests/[\w/]+\.py)(?:::(\w+))?(?:::(\w+))?``")
# The part with promises ends where the policies begin.
PROMISES = re.findall(r"^- (.*(?:\n  .*)*)", PAGE.partition("The least policy")[0], re.MULTILINE)


def test_every_promise_names_its_test() -> None:
    assert len(PROMISES) >= 10
    assert [promise for promise in PROMISES if not TEST.search(promise)] == []


@pytest.mark.parametrize("named", sorted(set(TEST.findall(PAGE))), ids=lambda named: named[1] or named[0])
def test_a_named_test_exists(named: tuple[str, str, str]) -> None:
    path, name, method = named
    file = ROOT / path
    assert file.is_file(), path
    found: list[ast.stmt] = ast.parse(file.read_text(encoding="utf-8")).body
    for part in (name, method):
        if part:
            parts = [node for node in found if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name == part]
            assert parts, f"{path} has no {part}"
            found = parts[0].body


def test_nothing_that_looks_like_a_test_is_overlooked() -> None:
    """A line break inside a name, or another form of it, would be a promise that nobody checks."""
    assert len(re.findall(r"tests/", PAGE)) == len(TEST.findall(PAGE))


def test_the_table_of_credentials_has_every_variable() -> None:
    page = (ROOT / "docs" / "requirements.rst").read_text(encoding="utf-8")
    variables = {
        name
        for option in ("access_key_id", "access_key_secret", "security_token", "profile", "role_arn", "region")
        for name in ENVIRONMENT[option]
    }
    assert [name for name in sorted(variables) if f"``{name}``" not in page] == []
