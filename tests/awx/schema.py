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

import jinja2
import jinja2.sandbox

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
        "notification_type": "one!:awssns|email|grafana|irc|mattermost|pagerduty|rocketchat|slack|twilio|webhook",
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
_TRUE = ("t", "T", "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", "1", 1, True)
_FALSE = ("f", "F", "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", "0", 0, False)
# Names that AWX keeps for itself in a credential's environment, besides ANSIBLE_*.
_RESERVED = frozenset(
    ("VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID", "INVENTORY_UPDATE_ID",
     "AD_HOC_COMMAND_ID", "REST_API_URL", "REST_API_TOKEN", "MAX_EVENT_RES", "CALLBACK_QUEUE", "CALLBACK_CONNECTION",
     "CACHE", "JOB_CALLBACK_DEBUG", "INVENTORY_HOSTVARS", "AWX_HOST", "PROJECT_REVISION", "SUPERVISOR_CONFIG_PATH")
)  # fmt: skip
_FIELD_KEYS = {
    "type",
    "format",
    "choices",
    "id",
    "label",
    "help_text",
    "multiline",
    "secret",
    "ask_at_runtime",
    "default",
}
# What the configuration of a notification must have, by its type.
_NOTIFICATIONS = {"slack": {"token": str, "channels": list}, "webhook": {"url": str, "headers": dict}}
_IMAGE = re.compile(r"([\w.-]+(:\d+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:\w[\w.-]{0,127})?(@[\w+.:-]+)?")


def unknown(resource: str, sent: Json) -> list[str]:
    """The fields of a body that AWX ignores. Pure."""
    return [name for name in sent if name not in RESOURCES[resource]]


def problems(resource: str, sent: Json, objects: dict[int, Json], creating: bool, now: Json | None = None) -> list[str]:
    """What AWX would refuse in the body of a POST, or of a PATCH of the object ``now``. Pure."""
    found = []
    for name, about in RESOURCES[resource].items():
        kind, _colon, values = about.partition(":")
        if name in sent and sent[name] is not None:
            found += [
                f"{name}: {problem}" for problem in _value_problems(kind.rstrip("!?"), values, sent[name], objects)
            ]
        elif creating and kind.endswith("!"):
            found.append(f"{name}: This field is required.")
    return found or _RULES.get(resource, lambda _whole: [])({**(now or {}), **sent})


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
        return [] if value in values.split("|") else [f"{value!r} is not a valid choice"]
    if kind == "id":
        target = objects.get(value, {}).get("_resource")
        right = target in UNIFIED if values == "unified_job_templates" else target == values
        return [] if right else [f"Invalid pk {value!r} - object does not exist"]
    if kind == "bool":
        return [] if value in (*_TRUE, *_FALSE) else ["Must be a valid boolean."]
    if kind == "int":
        return [] if re.fullmatch(r"-?\d+", str(value)) else ["A valid integer is required."]
    return [] if isinstance(value, _TYPES[kind]) else [f"not a valid {kind}: {value!r}"]


def _job_template_problems(whole: Json) -> list[str]:
    if not whole.get("project"):
        return ["project: Job Templates must have a project assigned."]
    prompted = whole.get("inventory") or whole.get("ask_inventory_on_launch")
    return [] if prompted else ["inventory: You must either set a default value or ask to prompt on launch."]


def _source_problems(whole: Json) -> list[str]:
    lacks = whole.get("source") == "scm" and not whole.get("source_project")
    return ["source_project: Project required for scm type sources."] if lacks else []


def _image_problems(whole: Json) -> list[str]:
    return [] if _IMAGE.fullmatch(str(whole["image"])) else ["image: not a valid container image name"]


def _notification_problems(whole: Json) -> list[str]:
    wanted, given = _NOTIFICATIONS.get(whole["notification_type"], {}), whole.get("notification_configuration") or {}
    missing = [name for name in wanted if name not in given]
    if missing:
        return [f"Missing required fields for Notification Configuration: {missing}."]
    wrong = [name for name, kind in wanted.items() if not isinstance(given[name], kind)]
    return [f"Configuration field '{name}' incorrect type" for name in wrong]


def _schedule_problems(whole: Json) -> list[str]:
    """About the rule; what the survey requires only the template tells."""
    rule = whole["rrule"]
    start = re.findall(r"DTSTART(;[^:]*)?:(\d{8}T\d{6}Z?)", rule)
    if not start:
        return ["rrule: Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"]
    if len(start) > 1:
        return ["rrule: Multiple DTSTART is not supported."]
    if not start[0][0] and not start[0][1].endswith("Z"):
        return ["rrule: DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ."]
    rules = re.findall(r"RRULE:(\S+)", rule)
    if not rules:
        return ["rrule: One or more rule required in rrule."]
    return [f"rrule: INTERVAL required in rrule: {one}" for one in rules if "INTERVAL" not in one] + [
        f"rrule: SECONDLY is not supported: {one}" for one in rules if "SECONDLY" in one
    ]


def _credential_type_problems(whole: Json) -> list[str]:
    """Fields need a label; injected texts may name no other fields, and no variable that AWX or Ansible has itself."""
    inputs, injectors = whole.get("inputs") or {}, whole.get("injectors") or {}
    fields = inputs.get("fields", [])
    for field in fields:
        if missing := [key for key in ("id", "label") if key not in field]:
            return [f"inputs: '{missing[0]}' is a required property of {field}"]
        if more := set(field) - _FIELD_KEYS:
            return [f"inputs: Additional properties are not allowed ({more})"]
    found = [f"injectors: {kind}" for kind in injectors if kind not in ("env", "extra_vars", "file")]
    for variable, text in injectors.get("env", {}).items():
        if variable.startswith("ANSIBLE_") or variable in _RESERVED:
            found.append(f"injectors: variable {variable} is reserved, its use is not allowed in credentials.")
        try:
            rendered(text, {field["id"]: "EXAMPLE" for field in fields})
        except jinja2.UndefinedError as error:
            found.append(f"injectors: {variable} uses an undefined field ({error})")
    return found


def rendered(text: str, values: Json) -> str:
    """A text of an injector with the fields that a credential has; raises ``jinja2.UndefinedError``."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    return environment.from_string(text).render(values)


_RULES = {
    "credential_types": _credential_type_problems,
    "execution_environments": _image_problems,
    "inventory_sources": _source_problems,
    "job_templates": _job_template_problems,
    "notification_templates": _notification_problems,
    "schedules": _schedule_problems,
}
