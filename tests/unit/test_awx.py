# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX as code: surveys, job templates, the workflow and the credential type fit together."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS, ENVIRONMENT
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors

ROOT = Path(errors.__file__).resolve().parents[3]
AWX = ROOT / "awx"


@cache
def settings(name: str) -> dict[str, Any]:
    found: dict[str, Any] = DataLoader().load_from_file(str(AWX / f"{name}.yml"))
    return found


TEMPLATES = settings("job_templates")["awx_job_templates"]


def test_surveys_are_those_of_the_roles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    assert importlib.import_module("awx_surveys").main(["--check"]) == 0


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["name"])
def test_each_job_template_has_a_playbook_and_a_survey(template: dict[str, Any]) -> None:
    plays = yaml.safe_load((AWX / "project" / template["playbook"]).read_text(encoding="utf-8"))
    # The spec is read whatever the tags of the job are.
    assert plays[0]["tags"] == ["always"]
    assert plays[0]["tasks"][0]["ansible.builtin.import_tasks"] == "tasks/spec.yml"
    target = plays[-1]["ansible.builtin.import_playbook"].removeprefix("meshops.asm.")
    assert (ROOT / "playbooks" / f"{target}.yml").exists()
    questions = settings("surveys")["awx_surveys"][template["name"]]["spec"]
    assert questions[0]["variable"] == "spec_file"
    assert all(question["required"] in (True, False) for question in questions)


def test_steps_of_the_workflow_are_job_templates_with_tags_of_the_flow() -> None:
    by_name = {template["name"]: template for template in TEMPLATES}
    steps = settings("job_templates")["awx_workflow"]
    assert steps == ["create", "attach", "gateway", "deploy", "define", "verify"]
    plays = yaml.safe_load((ROOT / "playbooks" / "site.yml").read_text(encoding="utf-8"))
    tags = {tag for role in plays[-1]["roles"] for tag in role["tags"]}
    for step in steps[:-1]:
        assert set(by_name[step]["tags"].split(",")) <= tags


def test_credentials_are_variables_of_the_environment_that_the_modules_read() -> None:
    kind = settings("credential_type")["awx_credential_type"]
    assert set(kind["injectors"]) == {"env"}
    read = {name for names in ENVIRONMENT.values() for name in names}
    assert set(kind["injectors"]["env"]) <= read
    secret = {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}
    # All but the region: AWX shows the environment of a job with these masked, and the rest as it is.
    assert secret == {"access_key_id"} | {name for name, about in CLOUD_OPTIONS.items() if about.get("no_log")}


def test_the_inventory_of_the_project_is_the_one_that_the_source_names() -> None:
    tasks = yaml.safe_load((ROOT / "playbooks" / "tasks" / "awx_present.yml").read_text(encoding="utf-8"))
    (source,) = [task["awx.awx.inventory_source"] for task in tasks if "awx.awx.inventory_source" in task]
    inventory = yaml.safe_load((AWX / "project" / source["source_path"]).read_text(encoding="utf-8"))
    assert inventory["plugin"] == "meshops.asm.asm"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["name"])
def test_no_question_can_be_answered_with_nonsense(template: dict[str, Any]) -> None:
    for question in settings("surveys")["awx_surveys"][template["name"]]["spec"]:
        # AWX's pages need a default, and send an empty answer where it is empty.
        assert "default" in question
        if question["type"] == "multiplechoice":
            assert question["default"] in question["choices"]
        else:
            assert (question["min"], question["max"]) >= (0, 1)
        if question["type"] == "text":
            assert question["required"]
            assert question["min"] > 0
        else:
            assert question["variable"].startswith("answer_asm_")
    required = {one["variable"] for one in settings("surveys")["awx_surveys"]["remove"]["spec"] if one["required"]}
    assert required == {"spec_file", "asm_remove"}


def test_the_project_asks_awx_for_no_collection() -> None:
    # AWX would install it in the image of its control plane, where no job runs: see docs/awx.rst.
    assert not (AWX / "project" / "collections").exists()
    assert not (AWX / "project" / "roles").exists()
