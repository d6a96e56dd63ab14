# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in refuses what a real AWX 24.6.1 refused, and accepts what that accepted.

``verdicts.json`` has the requests that were sent to both: ``objects`` as ``[resource, body of the POST, field that was
refused or null]``, ``surveys`` as ``[body of the POST to survey_spec, whether it was taken]`` and ``answers`` as
``[question, answers in a schedule, field that was refused or null]``. ``$organization`` and the like in a body are ids
of objects that exist; the survey of ``$template`` requires ``spec_file``, a text of 5 characters at least.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .server import Awx

VERDICTS = json.loads(Path(__file__).with_name("verdicts.json").read_text(encoding="utf-8"))
FIELD = {"id": "a", "label": "A", "type": "string"}
QUESTION = {"type": "text", "question_name": "q", "variable": "spec_file", "required": True, "min": 5}
DAILY = "DTSTART:20260101T030000Z RRULE:FREQ=DAILY;INTERVAL=1"
# The objects that exist, in the order of their making.
EXISTING: dict[str, tuple[str, dict[str, Any]]] = {
    "$environment": ("execution_environments", {"image": "a"}),
    "$project": ("projects", {"organization": "$organization", "scm_type": "git", "scm_url": "$repository"}),
    "$inventory": ("inventories", {"organization": "$organization"}),
    "$template": (
        "job_templates",
        {"project": "$project", "inventory": "$inventory", "playbook": "site.yml", "ask_variables_on_launch": True,
         "survey_enabled": True},
    ),
    "$type": (
        "credential_types",
        {"kind": "cloud", "inputs": {"fields": [{**FIELD, "id": name} for name in
                                                ("access_key_id", "access_key_secret", "region")]}},
    ),
    "$credential": ("credentials", {"organization": "$organization", "credential_type": "$type"}),
    "$workflow": ("workflow_job_templates", {"organization": "$organization"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("repository")
    (folder / "site.yml").write_text("- hosts: localhost\n", encoding="utf-8")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "--quiet", "-b", "main"], ["add", "."], ["commit", "--quiet", "-m", "a"]):
        subprocess.run([*git, *words], check=True)
    return folder.as_uri()


def filled(value: Any, ids: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    return ids.get(value, value) if isinstance(value, str) else value


@pytest.fixture(scope="module")
def standing(repository: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Awx, dict[str, Any]]:
    """An AWX with the objects of ``EXISTING``, and their ids."""
    awx = Awx(tmp_path_factory.mktemp("awx"))
    ids: dict[str, Any] = {"$organization": 1, "$repository": repository}
    for name, (resource, body) in EXISTING.items():
        status, made = awx.answer("POST", f"/api/v2/{resource}/", {"name": f"there{name}", **filled(body, ids)})
        assert status == 201, made
        ids[name] = made["id"]
    survey = {"name": "", "description": "", "spec": [QUESTION]}
    assert awx.answer("POST", f"/api/v2/job_templates/{ids['$template']}/survey_spec/", survey)[0] == 200
    node = {"workflow_job_template": ids["$workflow"], "identifier": "create"}
    assert awx.answer("POST", "/api/v2/workflow_job_template_nodes/", node)[0] == 201
    return awx, ids


def refused(awx: Awx, resource: str, body: dict[str, Any]) -> list[str] | None:
    """The fields that are refused, or None; what was made goes again."""
    status, answer = awx.answer("POST", f"/api/v2/{resource}/", body)
    if status != 201:
        return list(answer)
    awx.answer("DELETE", f"/api/v2/{resource}/{answer['id']}/", {})
    return None


@pytest.mark.parametrize(("resource", "body", "field"), VERDICTS["objects"], ids=lambda one: str(one)[:60])
def test_objects(resource: str, body: dict[str, Any], field: str | None, standing: tuple[Awx, dict[str, Any]]) -> None:
    awx, ids = standing
    found = refused(awx, resource, filled(body, ids))
    assert found == field if field is None or found is None else field in found


@pytest.mark.parametrize(("survey", "taken"), VERDICTS["surveys"], ids=lambda one: str(one)[:60])
def test_surveys(survey: dict[str, Any], taken: bool, standing: tuple[Awx, dict[str, Any]]) -> None:
    awx, ids = standing
    _status, made = awx.answer("POST", "/api/v2/job_templates/", filled({**EXISTING["$template"][1], "name": "x"}, ids))
    status, _answer = awx.answer("POST", f"/api/v2/job_templates/{made['id']}/survey_spec/", survey)
    awx.answer("DELETE", f"/api/v2/job_templates/{made['id']}/", {})
    assert (status == 200) is taken


@pytest.mark.parametrize(("question", "answers", "field"), VERDICTS["answers"], ids=lambda one: str(one)[:60])
def test_answers(
    question: dict[str, Any], answers: dict[str, Any], field: str | None, standing: tuple[Awx, dict[str, Any]]
) -> None:
    awx, ids = standing
    template = {**EXISTING["$template"][1], "name": "x", "ask_variables_on_launch": False}
    _status, made = awx.answer("POST", "/api/v2/job_templates/", filled(template, ids))
    survey = {"name": "", "description": "", "spec": [question]}
    assert awx.answer("POST", f"/api/v2/job_templates/{made['id']}/survey_spec/", survey)[0] == 200
    schedule = {"name": "x", "unified_job_template": made["id"], "rrule": DAILY, "extra_data": answers}
    found = refused(awx, "schedules", schedule)
    awx.answer("DELETE", f"/api/v2/job_templates/{made['id']}/", {})
    assert found == (None if field is None else [field])


def test_a_survey_that_is_not_enabled_asks_nothing(standing: tuple[Awx, dict[str, Any]]) -> None:
    awx, ids = standing
    target = f"/api/v2/job_templates/{ids['$template']}/"
    schedule = {"name": "x", "unified_job_template": ids["$template"], "rrule": DAILY}
    assert refused(awx, "schedules", schedule) == ["variables_needed_to_start"]
    try:
        assert awx.answer("PATCH", target, {"survey_enabled": False})[0] == 200
        assert refused(awx, "schedules", schedule) is None
    finally:
        awx.answer("PATCH", target, {"survey_enabled": True})


def test_the_fields_of_a_type_in_use_do_not_change(standing: tuple[Awx, dict[str, Any]]) -> None:
    awx, ids = standing
    target = f"/api/v2/credential_types/{ids['$type']}/"
    there = awx.answer("GET", target, {})[1]["inputs"]
    secret = {"fields": [{**one, "secret": True} for one in there["fields"]]}
    assert awx.answer("PATCH", target, {"inputs": secret})[0] == 403
    assert awx.answer("PATCH", target, {"inputs": there})[0] == 200
    assert awx.answer("PATCH", target, {"injectors": {"env": {"A": "{{ region }}"}}})[0] == 200
