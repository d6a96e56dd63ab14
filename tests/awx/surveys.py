# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys as AWX takes them, and the answers to them at a launch. Pure."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

# Kinds of questions, with the types of their defaults; answers to several choices are a list.
_QUESTIONS: dict[str, Any] = {
    "text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int,
    "float": (float, int),
}  # fmt: skip
_TEXTS, _CHOICES = ("text", "textarea", "password"), ("multiplechoice", "multiselect")


def survey_problems(spec: Json) -> list[str]:
    """What AWX would refuse in the body of a POST to survey_spec."""
    wanted = {"name": str, "description": str, "spec": list}
    found = [f"{key} is missing, or no {kind}" for key, kind in wanted.items() if not isinstance(spec.get(key), kind)]
    if found or not spec["spec"]:
        return found or ["spec is empty"]
    for question in spec["spec"]:
        found += _question_problems(question) if isinstance(question, dict) else [f"{question!r} is no object"]
    variables = [question["variable"] for question in spec["spec"] if not found]
    return found + (["variables are not unique"] if len(variables) != len(set(variables)) else [])


def _question_problems(question: Json) -> list[str]:
    wanted = {"type": str, "question_name": str, "variable": str, "required": bool}
    found = [f"'{key}' missing from survey question {question}" for key in wanted if key not in question]
    found += [f"'{key}' expected to be {kind.__name__}" for key, kind in wanted.items()
              if key in question and not isinstance(question[key], kind)]  # fmt: skip
    if found:
        return found
    name, kind, default = question["variable"], question["type"], question.get("default", "")
    if kind not in _QUESTIONS:
        return [f"{name}: {kind!r} is not one of the allowed question types"]
    if default != "" and not isinstance(default, _QUESTIONS[kind]):
        found.append(f"{name}: default value {default!r} expected to be {kind}")
    limits = [question.get(limit) for limit in ("min", "max")]
    found += [f"{name}: limit {one!r} expected to be integer" for one in limits if not isinstance(one, int | None)]
    if kind in _CHOICES:
        chosen = str(default).splitlines()
        if question.get("choices") is None:
            found.append(f"{name}: must specify choices")
        elif [one for one in chosen if one not in question["choices"]]:
            found.append(f"{name}: default choice must be answered from the choices listed")
        elif len(chosen) > 1 and kind == "multiplechoice":
            found.append(f"{name}: can only have one default value")
    return found


def survey_of(template: Json) -> Json:
    """The survey that a template asks by: one that is not enabled asks nothing."""
    survey: Json = template["_survey"] if template.get("survey_enabled") else {}
    return survey


def answer_problems(spec: Json, answers: Json, asked: bool = True) -> list[str]:
    """What AWX says to the answers when a template with this survey is launched or scheduled.

    :param asked: whether required answers have to be there; those of a workflow's step may come at its launch.
    """
    found = []
    for question in spec.get("spec", []):
        if question["variable"] in answers:
            found += _answer_problems(question, answers[question["variable"]])
        elif question["required"] and asked:
            found.append(f"'{question['variable']}' value missing")
    return found


def _answer_problems(question: Json, value: Any) -> list[str]:
    name, kind, size = question["variable"], question["type"], value
    if kind in _CHOICES:
        choices = question["choices"].splitlines() if isinstance(question["choices"], str) else question["choices"]
        if kind == "multiselect" and not isinstance(value, list):
            return [f"'{name}' value is expected to be a list."]
        wrong = [one for one in (value if kind == "multiselect" else [value]) if one not in choices]
        return [f"Value {one} for '{name}' expected to be one of {choices}." for one in wrong]
    if kind in _TEXTS:
        if not isinstance(value, str):
            return [f"Value {value} for '{name}' expected to be a string."]
        size = len(value)
    elif isinstance(value, bool) or not isinstance(value, int if kind == "integer" else (int, float)):
        return [f"Value {value} for '{name}' expected to be an integer, or a numeric type."]
    low, high = question.get("min"), question.get("max")
    found = (
        [f"'{name}' value {value} is too small (must be at least {low})."]
        if low not in ("", None) and size < low
        else []
    )
    if high not in ("", None) and size > high:
        found.append(f"'{name}' value {value} is too large (must be no more than {high}).")
    return found


def defaults(spec: Json) -> Json:
    """The answers that AWX gives itself: defaults that are valid answers."""
    found = {}
    for question in spec.get("spec", []):
        given = {question["variable"]: question["default"]} if "default" in question else {}
        if given and not answer_problems({"spec": [question]}, given):
            found.update(given)
    return found
