# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX's REST API (v2) takes: resources with their fields, and the rules that a form of its own has.

A field is written as ``kind``, ``kind!`` (required at creation) or ``kind?`` (may be null, while other texts become
empty then); kinds are ``str``, ``int``, ``bool``, ``object``, ``vars`` (an object, or one as YAML or JSON),
``id:RESOURCE`` (the id of an existing object) and ``one:a|b`` (one of these texts). Integers are 0 or more, required
texts not empty.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from . import rules

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
        "scm_update_cache_timeout": "int",
        "default_environment": "id:execution_environments",
        "credential": "id:credentials",
    },
    "inventories": {
        "name": "str!",
        "description": "str",
        "organization": "id!:organizations",
        "kind": "one:|smart|constructed",
        "host_filter": "str?",
        "variables": "vars",
    },
    "inventory_sources": {
        "name": "str!",
        "description": "str",
        "inventory": "id!:inventories",
        "source": "one!:file|constructed|scm|ec2|gce|azure_rm",
        "source_project": "id:projects",
        "source_path": "str",
        "credential": "id:credentials",
        "execution_environment": "id:execution_environments",
        "overwrite": "bool",
        "overwrite_vars": "bool",
        "update_on_launch": "bool",
        "update_cache_timeout": "int",
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
        "forks": "int",
        "timeout": "int",
        "verbosity": "one:0|1|2|3|4|5",
        "extra_vars": "vars",
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
        "extra_data": "vars",
        "type": "one:workflow_job_template_node",
    },
    "workflow_approval_templates": {"name": "str!", "description": "str", "timeout": "int"},
    "notification_templates": {
        "name": "str!",
        "description": "str",
        "organization": "id!:organizations",
        "notification_type": "one!:awssns|email|grafana|irc|mattermost|pagerduty|rocketchat|slack|twilio|webhook",
        "notification_configuration": "object",
        "messages": "object",
    },
    "schedules": {
        "name": "str!",
        "description": "str",
        "unified_job_template": "id!:unified_job_templates",
        "rrule": "str!",
        "extra_data": "vars",
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
_TYPES = {"str": str, "object": dict}
_TRUE = ("t", "T", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "1", 1, True)
_FALSE = ("f", "F", "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", "0", 0, False)


def unknown(resource: str, sent: Json) -> list[str]:
    """The fields of a body that AWX ignores. Pure."""
    return [name for name in sent if name not in RESOURCES[resource]]


def problems(resource: str, sent: Json, objects: dict[int, Json], creating: bool, now: Json | None = None) -> list[str]:
    """What AWX would refuse in the body of a POST, or of a PATCH of the object ``now``. Pure."""
    found = []
    for name, about in RESOURCES[resource].items():
        kind, _colon, values = about.partition(":")
        if sent.get(name) is not None:
            wrong = _value_problems(kind.rstrip("!?"), values, sent[name], objects)
            wrong += ["This field may not be blank."] if kind == "str!" and not sent[name] else []
            found += [f"{name}: {problem}" for problem in wrong]
        elif creating and kind.endswith("!"):
            found.append(f"{name}: This field is required.")
    return found or rules.problems(resource, {**(now or {}), **sent}, objects)


def stored(resource: str, sent: Json) -> Json:
    """The body as AWX keeps it. Pure."""
    fields = RESOURCES[resource]
    kept = {}
    for name, value in sent.items():
        kind = fields.get(name, "").rstrip("!?").partition(":")[0].rstrip("!?")
        if kind == "bool" and value is not None:
            kept[name] = value in _TRUE
        elif kind in ("str", "one") and value is None and not fields[name].endswith("?"):
            kept[name] = ""
        elif kind == "int" and value is not None:
            kept[name] = int(value)
        elif kind:
            kept[name] = value
    return kept


def _value_problems(kind: str, values: str, value: Any, objects: dict[int, Json]) -> list[str]:
    if kind == "one":
        return [] if str(value) in values.split("|") else [f"{value!r} is not a valid choice"]
    if kind == "id":
        target = objects.get(value, {}).get("_resource")
        right = target in UNIFIED if values == "unified_job_templates" else target == values
        return [] if right else [f"Invalid pk {value!r} - object does not exist"]
    if kind == "bool":
        return [] if value in (*_TRUE, *_FALSE) else ["Must be a valid boolean."]
    if kind == "int":
        return [] if re.fullmatch(r"\d+", str(value)) else ["A valid integer is required, 0 or more."]
    if kind == "vars":
        return [] if mapping(value) is not None else ["Cannot parse as JSON or YAML"]
    return [] if isinstance(value, _TYPES[kind]) else [f"not a valid {kind}: {value!r}"]


def mapping(value: Any) -> Json | None:
    """Variables as an object, however they are written; None when they are none. Pure."""
    try:
        read = yaml.safe_load(value) if isinstance(value, str) else value
    except yaml.YAMLError:
        return None
    return (read or {}) if isinstance(read or {}, dict) else None
