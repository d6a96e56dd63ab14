# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys as AWX takes them, and the answers to them at a launch. Pure."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

_QUESTIONS = {"text": str, "textarea": str, "password": str, "multiplechoice": str, "multiselect": str, "integer": int}


def survey_problems(spec: Json) -> list[str]:
    """What AWX would refuse in the body of a POST to survey_spec. Pure."""
    found = [f"{key} missing" for key in ("name", "description", "spec") if key not in spec]
    variables = [question.get("variable") for question in spec.get("spec", [])]
    found += ["variables are not unique"] if len(variables) != len(set(variables)) else []
    found += [] if variables else ["spec is empty"]
    for question in spec.get("spec", []):
        missing = [key for key in ("type", "question_name", "variable", "required") if key not in question]
        found += [f"'{key}' missing from survey question {question}" for key in missing]
        if not missing:
            found += _question_problems(question)
    return found


def _question_problems(question: Json) -> list[str]:
    name, kind = question["variable"], question["type"]
    if kind not in (*_QUESTIONS, "float"):
        return [f"{name}: {kind!r} is not one of the allowed question types"]
    found = [] if isinstance(question["required"], bool) else [f"{name}: 'required' expected to be boolean"]
    default, choices = question.get("default", ""), question.get("choices")
    if default != "" and not isinstance(default, _QUESTIONS.get(kind, (float, int))):
        found.append(f"{name}: default value {default!r} expected to be {kind}")
    limits = [question.get(limit) for limit in ("min", "max")]
    found += [
        f"{name}: limit {limit!r} expected to be integer" for limit in limits if not isinstance(limit, int | None)
    ]
    if kind in ("multiplechoice", "multiselect"):
        if choices is None:
            found.append(f"{name}: must specify choices")
        elif [one for one in str(default).splitlines() if one not in choices]:
            found.append(f"{name}: default choice must be answered from the choices listed")
    return found


def answer_problems(spec: Json, answers: Json) -> list[str]:
    """What AWX says to the answers when a template with this survey is launched or scheduled. Pure."""
    found = []
    for question in spec.get("spec", []):
        name, kind = question["variable"], question["type"]
        if name not in answers:
            found += [f"'{name}' value missing"] if question["required"] else []
            continue
        value, size = answers[name], answers[name]
        if kind in ("text", "textarea", "password"):
            if not isinstance(value, str):
                found.append(f"Value {value} for '{name}' expected to be a string.")
                continue
            size = len(value)
        elif kind == "integer" and type(value) is not int:
            found.append(f"Value {value} for '{name}' expected to be an integer.")
            continue
        elif kind == "multiplechoice":
            if value not in question["choices"]:
                found.append(f"Value {value} for '{name}' expected to be one of {question['choices']}.")
            continue
        if question.get("min") not in ("", None) and size < question["min"]:
            found.append(f"'{name}' value {value} is too small (must be at least {question['min']}).")
        if question.get("max") not in ("", None) and size > question["max"]:
            found.append(f"'{name}' value {value} is too large (must be no more than {question['max']}).")
    return found


def defaults(spec: Json) -> Json:
    """The answers that AWX gives itself: defaults that are valid answers. Pure."""
    found = {}
    for question in spec.get("spec", []):
        given = {question["variable"]: question["default"]} if "default" in question else {}
        if given and not answer_problems({"spec": [question]}, given):
            found.update(given)
    return found
