# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in refuses what a real AWX 24.6.1 was seen to refuse, and accepts what that accepted."""

from __future__ import annotations

from typing import Any

import pytest

from . import schema, surveys
from .server import Awx

OBJECTS = {
    1: {"_resource": "job_templates"},
    2: {"_resource": "projects"},
    3: {"_resource": "inventories"},
    4: {"_resource": "organizations"},
}
FIELD = {"id": "a", "label": "A", "type": "string"}
DAILY = "DTSTART:20260101T030000Z RRULE:FREQ=DAILY;INTERVAL=1"
SLACK = {"name": "x", "organization": 4, "notification_type": "slack"}


def kind(fields: list[dict[str, Any]], env: dict[str, str]) -> dict[str, Any]:
    return {"name": "x", "kind": "cloud", "inputs": {"fields": fields}, "injectors": {"env": env}}


@pytest.mark.parametrize(
    ("resource", "sent", "problem"),
    [
        ("projects", {"scm_type": "git"}, "name: This field is required"),
        ("projects", {"name": "x", "scm_type": "cvs"}, "'cvs' is not a valid choice"),
        ("projects", {"name": "x", "organization": 77}, "Invalid pk 77"),
        ("projects", {"name": "x", "scm_update_cache_timeout": "soon"}, "A valid integer is required"),
        ("job_templates", {"name": "x", "project": 2, "inventory": 3, "diff_mode": "perhaps"}, "valid boolean"),
        ("job_templates", {"name": "x", "inventory": 3}, "must have a project"),
        ("job_templates", {"name": "x", "project": 2}, "set a default value or ask to prompt on launch"),
        ("inventory_sources", {"name": "x", "inventory": 3, "source": "scm"}, "Project required"),
        ("execution_environments", {"name": "x", "image": "an image"}, "not a valid container image name"),
        ("schedules", {"name": "x", "unified_job_template": 1, "rrule": "daily"}, "Valid DTSTART required"),
        (
            "schedules",
            {"name": "x", "unified_job_template": 1, "rrule": DAILY.replace("Z ", " ")},
            "cannot be a naive datetime",
        ),
        (
            "schedules",
            {"name": "x", "unified_job_template": 1, "rrule": DAILY.removesuffix(";INTERVAL=1")},
            "INTERVAL required",
        ),
        ("notification_templates", {**SLACK, "notification_configuration": {"token": "t"}}, "['channels']"),
        (
            "notification_templates",
            {**SLACK, "notification_configuration": {"token": "t", "channels": "#mesh"}},
            "'channels' incorrect type",
        ),
        ("credential_types", kind([{"id": "a"}], {}), "'label' is a required property"),
        ("credential_types", kind([{**FIELD, "colour": "red"}], {}), "Additional properties"),
        ("credential_types", kind([FIELD], {"ANSIBLE_CONFIG": "{{ a }}"}), "not allowed in credentials"),
        ("credential_types", kind([FIELD], {"B": "{{ b }}"}), "undefined field"),
    ],
)
def test_refused(resource: str, sent: dict[str, Any], problem: str) -> None:
    (found,) = schema.problems(resource, sent, OBJECTS, creating=True)
    assert problem in found


@pytest.mark.parametrize(
    ("resource", "sent", "kept"),
    [
        ("projects", {"name": "x", "scm_typ": "git"}, {"name": "x"}),
        ("job_templates", {"name": "x", "project": 2, "inventory": 3, "diff_mode": "yes"}, {"diff_mode": True}),
        ("job_templates", {"name": "x", "project": 2, "ask_inventory_on_launch": True}, {"project": 2}),
        ("credential_types", kind([FIELD], {"A": "{{ a }}", "REGION": "cn-hangzhou"}), {"kind": "cloud"}),
        ("credential_types", kind([FIELD], {"A": "{{ b | default('') }}"}), {"kind": "cloud"}),
        ("execution_environments", {"name": "x", "image": "registry.example.com:5000/a/b-c:1.0"}, {"name": "x"}),
        ("schedules", {"name": "x", "unified_job_template": 1, "rrule": DAILY}, {"rrule": DAILY}),
        (
            "notification_templates",
            {**SLACK, "notification_type": "awssns", "notification_configuration": {}},
            {"notification_type": "awssns"},
        ),
    ],
)
def test_accepted(resource: str, sent: dict[str, Any], kept: dict[str, Any]) -> None:
    assert schema.problems(resource, sent, OBJECTS, creating=True) == []
    stored = schema.stored(resource, sent)
    assert stored.items() >= kept.items()
    assert schema.unknown(resource, stored) == []


QUESTION = {"type": "integer", "question_name": "q", "variable": "v", "required": True}


@pytest.mark.parametrize(
    ("question", "problem"),
    [
        ({**QUESTION, "type": "number"}, "not one of the allowed question types"),
        ({**QUESTION, "required": "yes"}, "expected to be boolean"),
        ({**QUESTION, "default": "5"}, "expected to be integer"),
        ({**QUESTION, "min": "1"}, "expected to be integer"),
        ({**QUESTION, "type": "multiplechoice"}, "must specify choices"),
        ({**QUESTION, "type": "multiplechoice", "choices": ["a"], "default": "b"}, "from the choices listed"),
        ({"type": "text", "variable": "v", "required": True}, "'question_name' missing"),
    ],
)
def test_surveys_that_are_refused(question: dict[str, Any], problem: str) -> None:
    (found,) = surveys.survey_problems({"name": "", "description": "", "spec": [question]})
    assert problem in found


@pytest.mark.parametrize(
    ("question", "answers", "problem"),
    [
        (QUESTION, {}, "'v' value missing"),
        (QUESTION, {"v": "5"}, "expected to be an integer"),
        (QUESTION, {"v": ""}, "expected to be an integer"),
        ({**QUESTION, "min": 1}, {"v": -5}, "too small"),
        ({**QUESTION, "max": 9}, {"v": 10}, "too large"),
        ({**QUESTION, "type": "text", "min": 1}, {"v": ""}, "too small"),
        ({**QUESTION, "type": "text"}, {"v": 5}, "expected to be a string"),
        ({**QUESTION, "type": "multiplechoice", "choices": ["a"], "required": False}, {"v": ""}, "one of ['a']"),
    ],
)
def test_answers_that_are_refused(question: dict[str, Any], answers: dict[str, Any], problem: str) -> None:
    (found,) = surveys.answer_problems({"spec": [question]}, answers)
    assert problem in found


def test_a_schedule_needs_the_answers_that_the_survey_needs(tmp_path: Any) -> None:
    awx = Awx(tmp_path)
    awx.objects[9] = {"id": 9, "_resource": "job_templates", "_survey": {"spec": [QUESTION]}}
    sent = {"name": "x", "unified_job_template": 9, "rrule": DAILY}
    status, answer = awx.answer("POST", "/api/v2/schedules/", sent)
    assert (status, answer["__all__"]) == (400, ["'v' value missing"])
    assert awx.answer("POST", "/api/v2/schedules/", {**sent, "extra_data": {"v": 5}})[0] == 201


def test_the_fields_of_a_type_in_use_do_not_change(tmp_path: Any) -> None:
    awx = Awx(tmp_path)
    _status, made = awx.answer("POST", "/api/v2/credential_types/", kind([FIELD], {}))
    awx.answer("POST", "/api/v2/credentials/", {"name": "x", "credential_type": made["id"]})
    target = f"/api/v2/credential_types/{made['id']}/"
    assert awx.answer("PATCH", target, {"inputs": {"fields": [{**FIELD, "secret": True}]}})[0] == 403
    assert awx.answer("PATCH", target, {"inputs": {"fields": [FIELD]}})[0] == 200
    assert awx.answer("PATCH", target, {"injectors": {"env": {"A": "{{ a }}"}}})[0] == 200
