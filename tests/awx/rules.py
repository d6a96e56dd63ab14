# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX refuses in an object besides the type of a field. A problem is written as ``field: what``. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jinja2
import jinja2.sandbox
from dateutil import rrule, tz

Json = dict[str, Any]

# Names that AWX keeps for itself in a credential's environment, besides ANSIBLE_*.
_RESERVED = frozenset(
    ("VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "INVENTORY_SOURCE_ID", "INVENTORY_UPDATE_ID",
     "AD_HOC_COMMAND_ID", "REST_API_URL", "REST_API_TOKEN", "MAX_EVENT_RES", "CALLBACK_QUEUE", "CALLBACK_CONNECTION",
     "CACHE", "JOB_CALLBACK_DEBUG", "INVENTORY_HOSTVARS", "AWX_HOST", "PROJECT_REVISION", "SUPERVISOR_CONFIG_PATH")
)  # fmt: skip
_VARIABLE = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# The keys of a credential type's field, with their types; some only for fields that are texts.
_FIELD = {"type": str, "format": str, "choices": list, "id": str, "label": str, "help_text": str, "multiline": bool,
          "secret": bool, "default": (str, bool)}  # fmt: skip
_ONLY_TEXT = {"choices", "multiline", "format", "secret"}
# What the configuration of a notification must have, by its type, and what it may have.
_NOTIFICATIONS: dict[str, Json] = {
    "awssns": {},
    "email": {"host": str, "port": int, "username": str, "password": str, "use_tls": bool, "use_ssl": bool,
              "sender": str, "recipients": list},
    "grafana": {"grafana_url": str, "grafana_key": str},
    "irc": {"server": str, "port": int, "nickname": str, "password": str, "use_ssl": bool, "targets": list},
    "mattermost": {"mattermost_url": str, "mattermost_no_verify_ssl": bool},
    "pagerduty": {"token": str, "subdomain": str, "service_key": str, "client_name": str},
    "rocketchat": {"rocketchat_url": str, "rocketchat_no_verify_ssl": bool},
    "slack": {"token": str, "channels": list},
    "twilio": {"account_sid": str, "account_token": str, "from_number": str, "to_numbers": list},
    "webhook": {"url": str, "headers": dict},
}  # fmt: skip
_OPTIONAL = {"http_method": str, "disable_ssl_verification": bool}
_EVENTS = {"started", "success", "error", "workflow_approval"}
_IMAGE = re.compile(r"(\w[\w.-]*(:\d+)?/)?[a-z0-9]+([._/-][a-z0-9]+)*(:\w[\w.-]{0,127})?(@[\w+.:-]+)?")


def problems(resource: str, whole: Json, objects: dict[int, Json]) -> list[str]:
    """What AWX would refuse in an object whose fields have the right types."""
    if resource == "credentials":
        return _credential(whole, objects[whole["credential_type"]])
    return _RULES.get(resource, lambda _whole: [])(whole)


def _project(whole: Json) -> list[str]:
    return ["scm_url: SCM URL is required."] if whole.get("scm_type") == "git" and not whole.get("scm_url") else []


def _job_template(whole: Json) -> list[str]:
    if not whole.get("project"):
        return ["project: Job Templates must have a project assigned."]
    prompted = whole.get("inventory") or whole.get("ask_inventory_on_launch")
    return [] if prompted else ["inventory: You must either set a default value or ask to prompt on launch."]


def _inventory(whole: Json) -> list[str]:
    lacks = whole.get("kind") == "smart" and not whole.get("host_filter")
    return ["host_filter: Smart inventories must specify host_filter"] if lacks else []


def _source(whole: Json) -> list[str]:
    lacks = whole.get("source") == "scm" and not whole.get("source_project")
    return ["source_project: Project required for scm type sources."] if lacks else []


def _image(whole: Json) -> list[str]:
    return [] if _IMAGE.fullmatch(str(whole["image"])) else ["image: not a valid container image name"]


def _notification(whole: Json) -> list[str]:
    wanted, given = _NOTIFICATIONS[whole["notification_type"]], whole.get("notification_configuration") or {}
    found = [f"messages: Event {event!r} invalid" for event in set(whole.get("messages") or {}) - _EVENTS]
    missing = [name for name in wanted if name not in given]
    if missing:
        return [*found, f"Missing required fields for Notification Configuration: {missing}."]
    known = {**(_OPTIONAL if whole["notification_type"] == "webhook" else {}), **wanted}
    found += [f"Configuration field '{name}' incorrect type" for name, value in given.items()
              if name in known and not isinstance(value, known[name])]  # fmt: skip
    found += [f"No values specified for field '{name}'" for name in given if given[name] == [] and name in wanted]
    return found + (["HTTP method must be 'POST' or 'PUT'"] if given.get("http_method", "POST") == "GET" else [])


def _schedule(whole: Json) -> list[str]:
    """About the rule; what the survey requires only the template tells."""
    rule = whole["rrule"]
    starts = re.findall(r"DTSTART(;[^:]*)?:(\d{8}T\d{6}Z?)", rule)
    if len(starts) != 1:
        return ["rrule: Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ"]
    zone, start = starts[0]
    if not start.endswith("Z") and not (zone and tz.gettz(zone.removeprefix(";TZID="))):
        return ["rrule: DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ."]
    parts = re.findall(r"RRULE:(\S+)", rule)
    found = [] if parts else ["rrule: One or more rule required in rrule."]
    found += [f"rrule: {dates} not allowed in rrule." for dates in ("EXDATE", "RDATE") if f"{dates}:" in rule]
    for part in parts:
        found += [f"rrule: {problem}: {part}" for problem in _part_of_a_rule(part)]
    if not found:
        try:
            rrule.rrulestr(rule, forceset=True)
        except ValueError as error:
            found.append(f"rrule: rrule parsing failed validation: {error}")
    return found


def _part_of_a_rule(part: str) -> list[str]:
    count = re.search(r"COUNT=(\d+)", part)
    wrong = {
        "INTERVAL required in rrule": "INTERVAL" not in part,
        "SECONDLY is not supported": "SECONDLY" in part,
        "BYDAY with numeric prefix not supported": re.search(r"BYDAY=\d", part),
        "RRULE may not contain both COUNT and UNTIL": count and "UNTIL" in part,
        "COUNT > 999 is unsupported": count and int(count[1]) > 999,
    }
    return [problem for problem, holds in wrong.items() if holds]


def _credential(whole: Json, kind: Json) -> list[str]:
    if not whole.get("organization"):
        return ["detail: Missing 'user', 'team', or 'organization'."]
    fields = {field["id"]: field for field in (kind.get("inputs") or {}).get("fields", [])}
    found = []
    for name, value in (whole.get("inputs") or {}).items():
        if name not in fields:
            found.append(f"inputs: Additional properties are not allowed ({name!r} was unexpected)")
        elif not isinstance(value, bool if fields[name].get("type") == "boolean" else str):
            found.append(f"inputs: {value!r} is not of type {fields[name].get('type', 'string')!r}")
    return found


def _credential_type(whole: Json) -> list[str]:
    inputs, injectors = whole.get("inputs") or {}, whole.get("injectors") or {}
    fields = inputs.get("fields", [])
    found = [f"inputs: Additional properties are not allowed ({name})" for name in inputs if name not in _INPUTS]
    found += [f"inputs: {name} expected array" for name in inputs if not isinstance(inputs[name], list)]
    found += [f"inputs: {problem}" for field in fields for problem in _field(field)]
    names = [field.get("id") for field in fields]
    found += ["inputs: field IDs must be unique"] if len(set(names)) != len(names) else []
    found += [f"injectors: {name} is none" for name in injectors if name not in ("env", "extra_vars", "file")]
    # A file makes its name known to the other injectors.
    known = {"tower": {"filename": "EXAMPLE"}} if "template" in injectors.get("file", {}) else {}
    values = {**known, **dict.fromkeys([name for name in names if name], "EXAMPLE")}
    return found or [
        f"injectors: {problem}" for one in injectors.get("env", {}).items() for problem in _env(*one, values)
    ]


_INPUTS = ("fields", "required")


def _field(field: Json) -> list[str]:
    found = [f"{key!r} is a required property of {field}" for key in ("id", "label") if key not in field]
    found += [f"Additional properties are not allowed ({key})" for key in set(field) - set(_FIELD)]
    found += [
        f"{key} has the wrong type" for key, kind in _FIELD.items() if not isinstance(field.get(key, _any(kind)), kind)
    ]
    text = field.get("type", "string") == "string"
    found += [] if text or field["type"] == "boolean" else ["type is not one of ['string', 'boolean']"]
    found += [f"{key} not allowed for {field['type']} type" for key in _ONLY_TEXT & set(field) if not text]
    found += ["default has the wrong type"] if "default" in field and isinstance(field["default"], str) != text else []
    found += ["[] should be non-empty"] if field.get("choices") == [] else []
    name = str(field.get("id", "a"))
    return found + ([] if _VARIABLE.fullmatch(name) and name != "tower" else [f"{name} is an invalid variable name"])


def _any(kind: Any) -> Any:
    """A value of a type."""
    return (kind[0] if isinstance(kind, tuple) else kind)()


def _env(variable: str, text: Any, values: Json) -> list[str]:
    if not isinstance(text, str) or not text.isascii():
        return [f"{variable} is no text of ASCII characters"]
    if not _VARIABLE.fullmatch(variable):
        return [f"{variable!r} is no name of a variable"]
    if variable.startswith("ANSIBLE_") or variable in _RESERVED:
        return [f"variable {variable} is reserved, its use is not allowed in credentials."]
    try:
        rendered(text, values)
    except jinja2.UndefinedError as error:
        return [f"{variable} uses an undefined field ({error})"]
    except jinja2.TemplateSyntaxError as error:
        return [f"Syntax error rendering template for {variable} ({error})"]
    return []


def rendered(text: str, values: Json) -> str:
    """A text of an injector with the fields that a credential has; raises ``jinja2.UndefinedError``."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    return environment.from_string(text).render(values)


_RULES: dict[str, Callable[[Json], list[str]]] = {
    "credential_types": _credential_type,
    "execution_environments": _image,
    "inventories": _inventory,
    "inventory_sources": _source,
    "job_templates": _job_template,
    "notification_templates": _notification,
    "projects": _project,
    "schedules": _schedule,
}
