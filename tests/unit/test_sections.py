# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vocabulary of a spec is complete: whatever a module manages has a row, or a reason to have none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import CLUSTER, MESH
from ansible_collections.meshops.asm.plugins.module_utils.spec import sections
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS, Section

COLLECTION = Path(sections.__file__).parents[3]
SOURCES = {file.stem: file.read_text(encoding="utf-8") for file in (COLLECTION / "plugins/modules").glob("*.py")}


def managing(sources: dict[str, str]) -> set[str]:
    """The modules whose object can be present or absent."""
    return {name for name, text in sources.items() if "run_resource(" in text}


def gaps(sources: dict[str, str], rows: tuple[Section, ...], elsewhere: dict[str, str]) -> list[str]:
    """A line for each module that the vocabulary has forgotten, and for each entry that means no module."""
    known = {one.module for one in rows}
    return [
        *(
            f"{name} has neither a row nor a reason to have none"
            for name in sorted(managing(sources) - known - {*elsewhere})
        ),
        *(f"{name} has a row, and a reason to have none" for name in sorted(known & {*elsewhere})),
        *(f"there is no module {name}" for name in sorted({*known, *elsewhere} - {*sources})),
        *(f"{name} has no reason" for name, reason in elsewhere.items() if not reason.endswith(".")),
    ]


def tasks_of(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        yield from tasks_of(task.get("block") or [])


def modules_of(role: str) -> set[str]:
    """The modules that a role calls, without the collection's name."""
    text = (COLLECTION / "roles" / role / "tasks/main.yml").read_text(encoding="utf-8")
    return {key.removeprefix("meshops.asm.") for task in tasks_of(yaml.safe_load(text)) for key in task}


def untold(row: Section, made: set[str], removed: set[str]) -> list[str]:
    """What a row leaves open; ``made`` and ``removed`` are the modules that its role and the role remove call."""
    told = {
        "nothing makes it": row.module in made or row.variable == "asm_checks",
        "nothing removes it, and it does not say why it stays": bool(row.stays) or row.module in removed,
        "it stays, and is removed": not (row.stays and row.removal),
        "the report of drift has no name for it": bool(row.kind) != bool(row.target) or row.variable == "asm_checks",
        "its manifests are for no API server": row.target in ("", CLUSTER, MESH),
    }
    return [f"{row.variable}: {problem}" for problem, fine in told.items() if not fine]


def test_every_module_that_manages_something_has_a_row_or_a_reason_to_have_none() -> None:
    assert gaps(SOURCES, SECTIONS, sections.ELSEWHERE) == []


def test_a_forgotten_module_is_found() -> None:
    forgotten = {**SOURCES, "asm_forgotten": "def main():\n    run_resource(Forgotten)\n"}
    expected = ["asm_forgotten has neither a row nor a reason to have none"]
    assert gaps(forgotten, SECTIONS, sections.ELSEWHERE) == expected
    assert gaps({**SOURCES, "asm_forgotten_info": "run_info(...)"}, SECTIONS, sections.ELSEWHERE) == []
    without = tuple(one for one in SECTIONS if one.module != "asm_gateway")
    assert gaps(SOURCES, without, {}) != []
    assert gaps(SOURCES, without, {"asm_gateway": ""})[-1] == "asm_gateway has no reason"
    assert gaps({}, SECTIONS[:1], {}) == ["there is no module asm_mesh"]


@pytest.mark.parametrize("row", SECTIONS, ids=lambda row: row.variable)
def test_a_row_says_all_that_is_needed(row: Section) -> None:
    assert untold(row, modules_of(row.role), modules_of("remove")) == []


def test_a_row_with_a_gap_is_found() -> None:
    gateways = next(one for one in SECTIONS if one.variable == "asm_gateways")
    row = replace(gateways, kind="")
    assert untold(row, {"asm_gateway"}, {"asm_gateway"}) == ["asm_gateways: the report of drift has no name for it"]
    assert untold(gateways, set(), set()) == [
        "asm_gateways: nothing makes it",
        "asm_gateways: nothing removes it, and it does not say why it stays",
    ]


def test_verify_looks_for_what_a_row_says() -> None:
    source = (COLLECTION / "plugins/module_utils/spec/inspection.py").read_text(encoding="utf-8")
    assert [one.noun for one in SECTIONS if one.verified and f'Row("{one.noun}"' not in source] == []


def test_words_mean_one_section() -> None:
    for words in ([one.variable for one in SECTIONS], [one.noun for one in SECTIONS], list(sections.VARIABLES)):
        assert len(words) == len(set(words))
    assert all(one.startswith("asm_") for one in sections.VARIABLES)


@pytest.mark.parametrize("row", [row for row in SECTIONS if "named" in row.options], ids=lambda row: row.variable)
def test_a_removal_says_all_that_tells_one_item_from_another(row: Section) -> None:
    text = (COLLECTION / "roles/remove/tasks/main.yml").read_text(encoding="utf-8")
    (task,) = [one for one in tasks_of(yaml.safe_load(text)) if f"meshops.asm.{row.module}" in one]
    assert set(row.options["named"]) <= set(task[f"meshops.asm.{row.module}"])


def test_no_loop_shows_items_with_secrets() -> None:
    """Ansible shows the items of a loop; where they hold secrets it runs over names."""
    for row in (one for one in SECTIONS if one.making and (one.options.get("secrets") or one.target)):
        text = (COLLECTION / "roles" / row.role / "tasks/main.yml").read_text(encoding="utf-8")
        (task,) = [one for one in tasks_of(yaml.safe_load(text)) if one.get("name") == row.making]
        assert "map(attribute='name')" in task["loop"], row.variable
