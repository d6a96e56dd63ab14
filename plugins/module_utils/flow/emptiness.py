# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are given but empty, as from a variable that turned out empty, are refused. Pure.

An empty text selects nothing, and so everything: each file of a folder, each namespace, the mesh of any region. What is
not wanted is left out (``default(omit)``); only the options of ``MAY_BE_EMPTY`` mean something when they are empty.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

_SETTING = "a setting of the mesh, of which the service shows the lack as empty"
_SIDECAR = "a setting of a namespace's sidecars: an empty one takes it away"
_LIST = "a list of the mesh's settings: an empty one clears it"
_HEADERS = "no headers: an empty list clears it"
#: Options (sub-options with a dot) and why they may be empty. They hold for every module that has them.
MAY_BE_EMPTY: dict[str, str] = {
    "security_token": "an AccessKey that is not temporary has none",
    "api_server_eip_id": "an empty text unbinds the address",
    "pilot_eip_id": "an empty text unbinds the address",
    "revision": "an empty text removes the label",
    "body": "a request without content",
    "requests.body": "a request without content",
    "prometheus_url": _SETTING,
    "access_log.project": _SETTING,
    "access_log.file": _SETTING,
    "access_log.format": _SETTING,
    "access_log.service_host": _SETTING,
    "audit.project": _SETTING,
    "control_plane_log.project": _SETTING,
    "pilot.config_source_nacos_id": _SETTING,
    "termination_drain_duration": _SIDECAR,
    "log_level": _SIDECAR,
    "pilot.offloaded_workload_labels": _LIST,
    "sidecar_injector.webhook": _SETTING,
    "include_inbound_ports": _LIST,
    "include_ip_ranges": _LIST,
    "include_outbound_ports": _LIST,
    "stats_matcher.inclusion_prefixes": _SIDECAR,
    "stats_matcher.inclusion_regexps": _SIDECAR,
    "stats_matcher.inclusion_suffixes": _SIDECAR,
    "exclude_ip_ranges": _LIST,
    "exclude_inbound_ports": _LIST,
    "exclude_outbound_ports": _LIST,
    "sidecar_injector.cni.exclude_namespaces": _LIST,
    "baseline_for": "the lane is the baseline of no service of its own",
    "request_headers": _HEADERS,
    "headers_to_upstream_on_allow": _HEADERS,
    "headers_to_downstream_on_allow": _HEADERS,
    "headers_to_downstream_on_deny": _HEADERS,
    "oidc.scopes": "the login asks for nothing further",
    "openid.scopes": "the login asks for nothing further",
    "ram_redirect_uris": "the service finds it out",
    "clusters.network.name": "the default network",
    "clusters.network.gateway": "no gateway any more",
    "clusters.network.gateway_address": "no address of its own any more",
    "retain_resources": "nothing is to stay",
    "upgrade_gateways": "no gateway is to be upgraded",
}
#: Mappings and lists that narrow something down, so that empty ones let everything through. Of other structures an
#: empty one is a value: no labels, no ports.
NARROWS: dict[str, str] = {
    "headers": "a route would take every request",
    "ingress_rules.headers": "a rule would take every request",
    "weighted_rule.matches": "every request would be divided",
    "weighted_rule.matches.headers": "every request would be divided",
}
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_HELP = "Give it a value, or leave it out, as with default(omit)."

Json = dict[str, Any]


def refuse(params: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    """Raises ``InvalidInput`` naming every option of an argument spec that is given and empty."""
    _refuse([*_empty_ones(params, spec, "")])


def refuse_choices(given: Mapping[str, Any]) -> None:
    """The same for options that all choose something: an empty list or mapping, and one with an empty item, too."""
    _refuse(
        [
            name
            for name, value in given.items()
            if name not in MAY_BE_EMPTY and (value in ([], {}) or any(is_blank(one) for one in _items(value)))
        ]
    )


def _items(value: Any) -> list[Any]:
    """What a choice consists of; a tag with any value is one."""
    return [*value] if isinstance(value, (list, Mapping)) else [value]


def _refuse(empty: list[str]) -> None:
    if empty:
        raise InvalidInput(f"{', '.join(empty)}: {'is' if len(empty) == 1 else 'are'} empty. {_HELP}")


def is_blank(value: Any) -> bool:
    """No value, or text without anything in it."""
    return value is None or (isinstance(value, str) and not value.strip())


def given_paths(option: str, value: Any) -> list[str]:
    """An option that takes one path or several, as a list.

    One that is empty or has an empty item is refused, and an address of the web, which would be looked for as a folder.
    """
    items = list(value) if isinstance(value, (list, tuple)) else [value]
    if not items or any(is_blank(item) for item in items):
        raise InvalidInput(f"{option} is empty, or an item of it is: that would be every file there is. {_HELP}")
    paths = [str(item) for item in items]
    if any(_URL.match(path) for path in paths):
        raise InvalidInput(
            f"{option}: files and folders of the controller are read, no addresses. Download it first, as with "
            "ansible.builtin.get_url, so that it is known what is applied."
        )
    return paths


def paths_below(base_dir: str, value: Any) -> list[str]:
    """The paths of an item of a spec, relative ones below ``base_dir``; ``~`` is the user's home in both."""
    if is_blank(base_dir):
        raise InvalidInput(f"asm_base_dir is empty. {_HELP}")
    try:
        base = Path(str(base_dir)).expanduser().resolve()
    except (OSError, ValueError, RuntimeError):
        raise InvalidInput("asm_base_dir is no path that a folder can have.") from None
    return [str(base / _at_home(item)) for item in given_paths("src or template", value)]


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        # A home of nobody: it is looked for as it is written, and not found.
        return Path(path)


def _empty_ones(params: Mapping[str, Any], spec: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, about in spec.items():
        value, path = params.get(name), f"{prefix}{name}"
        inner = about.get("options")
        if path in NARROWS and value in ([], {}) and value != about.get("default"):
            yield path
        if inner:
            parts = value if isinstance(value, list) else [value]
            for part in parts:
                yield from _empty_ones(part, inner, f"{path}.") if isinstance(part, Mapping) else ()
        elif path not in (*MAY_BE_EMPTY, *NARROWS) and _is_empty(value, about):
            yield path


def _is_empty(value: Any, about: Mapping[str, Any]) -> bool:
    if value is None or value == about.get("default") or _from_environment(value, about):
        return False
    if isinstance(value, list) and about.get("elements") == "str":
        return not value or any(is_blank(item) for item in value)
    return is_blank(value)


def _from_environment(value: Any, about: Mapping[str, Any]) -> bool:
    """An empty variable is to most programs one that is not set."""
    _function, *names = about.get("fallback") or (None,)
    return value == "" and any(os.environ.get(name) == "" for group in names for name in group)
