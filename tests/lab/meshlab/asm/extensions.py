# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Services that decide about requests (external authorization), for AuthorizationPolicy with the action CUSTOM.

The SDK does not have these actions; names and shapes are those that Terraform works with.
"""

from __future__ import annotations

import json
from typing import Any

from meshlab.account import Mesh
from meshlab.asm.actions import Call, action
from meshlab.meshconfig import EXTENSION_TYPES, extension_problem
from meshlab.openapi.errors import ApiError, invalid_parameter

#: Parts of oidc that are secrets.
_SECRETS = {"clientSecret", "cookieSecret"}

_KEY = ("ServiceMeshId", "Type", "Name")


@action("CreateExtensionProvider", *_KEY, "Config", write=True)
def create_extension_provider(call: Call) -> dict[str, Any]:
    """A new provider; its name begins with its type."""
    mesh = call.settled_mesh()
    kind, name = _kind(call), call.get("Name")
    if not name.startswith(f"{kind}-"):
        raise invalid_parameter("Name", f"{name!r} does not begin with {kind}-")
    config = _config(call)
    with call.world.lock:
        if _find(mesh, kind, name):
            raise ApiError(400, "ExtensionProvider.AlreadyExists", f"The extension provider {name} exists already.")
        _providers(mesh).append({"Name": name, "Type": kind, "Config": config})
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


@action("UpdateExtensionProvider", *_KEY, "Config", write=True)
def update_extension_provider(call: Call) -> dict[str, Any]:
    """Another configuration, as a whole."""
    mesh = call.settled_mesh()
    config = _config(call)
    with call.world.lock:
        _existing(call, mesh)["Config"] = config
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


@action("DescribeExtensionProvider", "ServiceMeshId")
def describe_extension_provider(call: Call) -> dict[str, Any]:
    """All providers of a mesh, or those of one type; the configuration as it was sent but for secrets."""
    kind = call.get("Type")
    rows = [dict(one) for one in _providers(call.mesh()) if kind in (None, one["Type"])]
    shown = call.world.settings["extension_provider_secrets"]
    return {"ExtensionProviderArray": [{**row, "Config": _without_secrets(row["Config"], shown)} for row in rows]}


@action("DeleteExtensionProvider", *_KEY, write=True)
def delete_extension_provider(call: Call) -> dict[str, Any]:
    """Take a provider away; a policy that names it denies from then on, as Istio has it."""
    mesh = call.settled_mesh()
    with call.world.lock:
        _providers(mesh).remove(_existing(call, mesh))
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}


def _without_secrets(config: str, shown: str) -> str:
    """The configuration with its secrets ``shown``, masked or left_out."""
    found = json.loads(config)
    login = found.get("oidc")
    if shown == "shown" or not isinstance(login, dict):
        return config
    for name in _SECRETS & {*login}:
        if shown == "masked":
            login[name] = "******"
        else:
            del login[name]
    return json.dumps(found)


def _providers(mesh: Mesh) -> list[dict[str, str]]:
    found: list[dict[str, str]] = mesh.hidden.setdefault("ExtensionProviders", [])
    return found


def _find(mesh: Mesh, kind: str, name: str) -> dict[str, str] | None:
    return next((one for one in _providers(mesh) if (one["Type"], one["Name"]) == (kind, name)), None)


def _existing(call: Call, mesh: Mesh) -> dict[str, str]:
    found = _find(mesh, _kind(call), call.get("Name"))
    if found is None:
        raise ApiError(404, "ExtensionProvider.NotFound", f"There is no extension provider {call.get('Name')}.")
    return found


def _kind(call: Call) -> str:
    kind: str = call.get("Type")
    if kind not in EXTENSION_TYPES:
        raise invalid_parameter("Type", f"{kind!r} is not one of {', '.join(EXTENSION_TYPES)}")
    return kind


def _config(call: Call) -> str:
    """The configuration, checked, as it was sent."""
    text: str = call.get("Config")
    try:
        config = json.loads(text)
    except ValueError as error:
        raise invalid_parameter("Config", f"it is not JSON ({error})") from None
    problem = extension_problem(config)
    if problem:
        raise invalid_parameter("Config", problem)
    return text
