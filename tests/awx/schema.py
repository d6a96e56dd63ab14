# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX's REST API (v2) takes: resources with their fields, and the rules that a form of its own has.

A field is written as ``kind``, ``kind!`` (required at creation) or ``kind?`` (may be null, while other texts become
empty then); kinds are ``str``, ``int``, ``bool``, ``object``,
``id:RESOURCE`` (the id of an existing object) and ``one:a|b`` (one of these texts).
"""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

_PROMPTS = {f"ask_{what}_on_launch": "bool" for what in ("variables", "limit", "tags", "diff_mode", "inventory")}
RESOURCES: dict[str, dict[str, str]] = {
    "organizations": {"name": "str!", "description": "str"},
    "credential_types": {
        "name": "str!",
        "description": "str",
        "kind": "one!:cloud|net",
        "inputs": "object",
        "injectors": "object",
        "managed": "bool",
    },
    "credentials": {
        "name": "str!",
        "description": "str",
        "organization": "id:organizations",
        "credential_type": "id!:credential_types",
        "inputs": "object",
    },
    "execution_environments": {
        "name": "str!",
        "description": "str",
        "image": "str!",
        "organization": "id:organizations",
        "credential": "id:credentials",
        "pull": "one:|always|missing|never",
    },
    "projects": {
        "name": "str!",
        "description": "str",
        "organization": "id:organizations",
        "scm_type": "one:|git|svn|insights|archive",
        "scm_url": "str",
        "scm_branch": "str",
        "scm_update_on_launch": "bool",
        "default_environment": "id:execution_environments",
        "credential": "id:credentials",
    },
    "inventories": {
        "name": "str!",
        "description": "str",
        "organization": "id!:organizations",
        "kind": "one:|smart|constructed",
        "host_filter": "str?",
        "variables": "str",
    },
    "inventory_sources": {
        "name": "str!",
        "description": "str",
        "inventory": "id!:inventories",
        "source": "one:file|constructed|scm|ec2|gce|azure_rm",
        "source_project": "id:projects",
        "source_path": "str",
        "credential": "id:credentials",
        "execution_environment": "id:execution_environments",
        "overwrite": "bool",
        "overwrite_vars": "bool",
        "update_on_launch": "bool",
    },
    "job_templates": {
        "name": "str!",
        "description": "str",
        "organization": "id:organizations",
        "job_type": "one:run|check",
        "inventory": "id:inventories",
        "project": "id:projects",
        "playbook": "str",
        "execution_environment": "id:execution_environments",
        "job_tags": "str",
        "job_slice_count": "int",
        "diff_mode": "bool",
        "survey_enabled": "bool",
        **_PROMPTS,
    },
    "workflow_job_templates": {
        "name": "str!",
        "description": "str",
        "organization": "id:organizations",
        "survey_enabled": "bool",
        "ask_variables_on_launch": "bool",
    },
    "workflow_job_template_nodes": {
        "identifier": "str",
        "workflow_job_template": "id!:workflow_job_templates",
        "unified_job_template": "id:unified_job_templates",
        "all_parents_must_converge": "bool",
        "extra_data": "object",
        "type": "one:workflow_job_template_node",
    },
    "workflow_approval_templates": {"name": "str!", "description": "str", "timeout": "int"},
    "notification_templates": {
        "name": "str!",
        "description": "str",
        "organization": "id!:organizations",
        "notification_type": "one!:email|slack|webhook|grafana|irc|mattermost|pagerduty|rocketchat|twilio",
        "notification_configuration": "object",
        "messages": "object",
    },
    "schedules": {
        "name": "str!",
        "description": "str",
        "unified_job_template": "id!:unified_job_templates",
        "rrule": "str!",
        "extra_data": "object",
        "enabled": "bool",
    },
}
# Kinds of objects that can be launched; AWX lists them together, too.
UNIFIED = (
    "projects",
    "inventory_sources",
    "job_templates",
    "workflow_job_templates",
    "workflow_approval_templates",
)
# Lists of other objects that an object has, by the last part of their path.
RELATED = {
    "credentials": "credentials",
    "success_nodes": "workflow_job_template_nodes",
    "failure_nodes": "workflow_job_template_nodes",
    "always_nodes": "workflow_job_template_nodes",
    "notification_templates_started": "notification_templates",
    "notification_templates_success": "notification_templates",
    "notification_templates_error": "notification_templates",
}
_TYPES = {"str": str, "int": int, "bool": bool, "object": dict}
_QUESTIONS = ("text", "textarea", "password", "multiplechoice", "multiselect", "integer", "float")
# Names that AWX keeps for itself in a credential's environment.
_RESERVED = re.compile(r"^(ANSIBLE_|AWX_|INVENTORY_|JOB_ID$|HOME$|PATH$)")


def problems(resource: str, sent: Json, objects: dict[int, Json], creating: bool) -> list[str]:
    """What AWX would refuse, or silently ignore, in the body of a POST or PATCH. Pure."""
    fields = RESOURCES[resource]
    found = [f"{name}: {resource} have no such field" for name in sent if name not in fields]
    for name, about in fields.items():
        kind, _colon, values = about.partition(":")
        if name in sent and sent[name] is not None:
            found += [
                f"{name}: {problem}" for problem in _value_problems(kind.rstrip("!?"), values, sent[name], objects)
            ]
        elif creating and kind.endswith("!"):
            found.append(f"{name}: This field is required.")
    if not found and "injectors" in sent:
        found += _credential_type_problems(sent)
    if (
        not found
        and resource == "schedules"
        and not re.match(r"DTSTART\S*:\d{8}T\d{6}Z? RRULE:\S*FREQ=", sent["rrule"])
    ):
        found.append("rrule: a valid one has DTSTART and RRULE")
    return found


def stored(resource: str, sent: Json) -> Json:
    """The body as AWX keeps it. Pure."""
    texts = {name for name, about in RESOURCES[resource].items() if re.match("(str|one)(!|:|$)", about)}
    return {name: "" if value is None and name in texts else value for name, value in sent.items()}


def _value_problems(kind: str, values: str, value: Any, objects: dict[int, Json]) -> list[str]:
    if kind == "one":
        return [] if value in values.split("|") else [f"{value!r} is not a valid choice"]
    if kind == "id":
        target = objects.get(value, {}).get("_resource")
        right = target in UNIFIED if values == "unified_job_templates" else target == values
        return [] if right else [f"Invalid pk {value!r} - object does not exist"]
    # A truth value is a number to Python, but not to AWX.
    right = isinstance(value, _TYPES[kind]) and isinstance(value, bool) == (_TYPES[kind] is bool)
    return [] if right else [f"not a valid {kind}: {value!r}"]


def _credential_type_problems(sent: Json) -> list[str]:
    """Injected texts may name the type's own fields only, and no variable that AWX sets itself."""
    fields = {field["id"] for field in sent["inputs"]["fields"]}
    found = [f"inputs: unknown required {name}" for name in sent["inputs"]["required"] if name not in fields]
    found += [f"injectors: {kind}" for kind in sent["injectors"] if kind not in ("env", "extra_vars", "file")]
    for variable, text in sent["injectors"].get("env", {}).items():
        named = set(re.findall(r"{{\s*(\w+)", text))
        if _RESERVED.match(variable) or not named or not named <= fields:
            found.append(f"injectors: {variable} is reserved, or {text!r} names none of {sorted(fields)}")
    return found


def survey_problems(spec: Json) -> list[str]:
    """What AWX would refuse in the body of a POST to survey_spec. Pure."""
    found = [f"{key} missing" for key in ("name", "description", "spec") if key not in spec]
    variables = [question.get("variable") for question in spec.get("spec", [])]
    found += ["variables are not unique"] if len(variables) != len(set(variables)) else []
    found += [] if variables else ["spec is empty"]
    for question in spec.get("spec", []):
        for key in ("type", "question_name", "variable", "required"):
            found += [] if key in question else [f"{key} missing in {question}"]
        found += [] if question.get("type") in _QUESTIONS else [f"{question.get('type')!r} is no type of a question"]
        chooses = question.get("type") in ("multiplechoice", "multiselect")
        found += ["choices missing"] if chooses and not question.get("choices") else []
        found += [f"choice {one!r} is no text" for one in question.get("choices", []) if not isinstance(one, str)]
    return found
