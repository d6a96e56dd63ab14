# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Extension providers of a mesh: services that decide about requests, for policies with the action CUSTOM.

The service keeps ``{Name, Type, Config}`` of each; the configuration is JSON text and replaced as a whole, so that what
is not given is taken from what is there. Whether it shows the secrets in it is not documented: they may be there, be
masked or be left out.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding, options, table
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import (
    Attribute,
    argument_spec,
    dig,
    nested,
    put,
)
from ansible_collections.meshops.asm.plugins.module_utils.mesh.hidden import is_hidden

HTTP, GRPC = "httpextauth", "grpcextauth"
_NAME = re.compile(rf"({HTTP}|{GRPC})-[a-z0-9]([a-z0-9.-]{{0,200}}[a-z0-9])?")
_SERVICE = re.compile(r"([a-z0-9-]+/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_TIMEOUT = re.compile(r"\d+(\.\d+)?(ms|s|m|h)")
_STATUS = re.compile(r"[1-5]\d\d")
_MOST_PORT = 65535

_OIDC = "oidc."
# What only HTTP has; with gRPC the service that decides gets the whole request.
_ONLY_HTTP = ("path_prefix", "request_headers", "headers_", _OIDC)

EXTENSION_ATTRIBUTES = (
    Attribute("service", "str", read="service"),
    Attribute("port", "int", read="port"),
    Attribute("timeout", "str", read="timeout"),
    Attribute("fail_open", "bool", read="failOpen"),
    Attribute("clear_route_cache", "bool", read="clearRouteCache"),
    Attribute("status_on_error", "str", read="statusOnError"),
    Attribute("path_prefix", "str", read="pathPrefix"),
    Attribute("request_headers", "list", read="includeRequestHeadersInCheck"),
    Attribute("headers_to_upstream_on_allow", "list", read="headersToUpstreamOnAllow"),
    Attribute("headers_to_downstream_on_allow", "list", read="headersToDownstreamOnAllow"),
    Attribute("headers_to_downstream_on_deny", "list", read="headersToDownstreamOnDeny"),
    Attribute("oidc.client_id", "str", read="oidc.clientID"),
    Attribute("oidc.client_secret", "str", read="oidc.clientSecret", no_log=True),
    Attribute("oidc.issuer_uri", "str", read="oidc.issuerURI"),
    Attribute("oidc.redirect_domain", "str", read="oidc.redirectDomain"),
    Attribute("oidc.redirect_protocol", "str", read="oidc.redirectProtocol", choices=("http", "https")),
    Attribute("oidc.scopes", "list", read="oidc.scopes"),
    Attribute("oidc.cookie_secret", "str", read="oidc.cookieSecret", no_log=True),
    # The service writes these two as text.
    Attribute("oidc.cookie_expire", "int", read="oidc.cookieExpire"),
    Attribute("oidc.cookie_refresh", "int", read="oidc.cookieRefresh"),
)
_AS_TEXT = ("oidc.cookie_expire", "oidc.cookie_refresh")
# What a new provider cannot do without.
_NEEDED = ("service", "port")
_NEEDED_OIDC = ("oidc.client_id", "oidc.client_secret", "oidc.issuer_uri")

Json = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """The configuration as it is to be, whether it differs, and whether a secret of the task is another one."""

    config: Json
    differs: bool
    secrets: bool = False


def kind_of(name: str) -> str:
    """The type of a provider, which its name begins with. Raises ``InvalidInput``."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"name is '{name}', but the service takes only names that begin with the type of the provider and go on "
            f"with small letters, digits, dots and dashes: {HTTP}-login, {GRPC}-opa."
        )
    return name.partition("-")[0]


def check(params: Json) -> None:
    """Raises ``InvalidInput`` naming every option that cannot be meant."""
    problems = list(_problems(params, kind_of(params["name"])))
    if problems:
        raise InvalidInput(" ".join(problems))


def _problems(params: Json, kind: str) -> list[str]:
    given = {row.option: row.desired(params) for row in EXTENSION_ATTRIBUTES if row.desired(params) is not None}
    found = [
        f"{one} is only for {HTTP}, not for {kind}." for one in given if kind == GRPC and one.startswith(_ONLY_HTTP)
    ]
    rules = (
        ("service", _SERVICE, "the name of a service, as oauth2.istio-system.svc.cluster.local, in small letters"),
        ("timeout", _TIMEOUT, "a time with its unit, as 500ms or 10s"),
        ("status_on_error", _STATUS, "an HTTP status, as 503"),
        ("path_prefix", re.compile(r"/\S*"), "a path, which begins with /"),
        ("oidc.issuer_uri", re.compile(r"https?://[^\s/]\S*"), "a URL, which begins with https:// or http://"),
    )
    found += [f"{one} must be {what}." for one, form, what in rules if one in given and not form.fullmatch(given[one])]
    if not 0 < given.get("port", 1) <= _MOST_PORT:
        found.append(f"port must be a number from 1 to {_MOST_PORT}.")
    times = ("oidc.cookie_expire", "oidc.cookie_refresh")
    found += [f"{one} must not be negative, it is {given[one]}." for one in times if given.get(one, 0) < 0]
    return found


def providers(cloud: Cloud, mesh: str) -> list[Json]:
    """``{Name, Type, Config}`` of the providers of the mesh with this id (action DescribeExtensionProvider)."""
    return cloud.asm("DescribeExtensionProvider", ServiceMeshId=mesh).get("ExtensionProviderArray") or []


def known_names(cloud: Cloud, mesh: str) -> list[str] | None:
    """The names of the providers; None where the service does not tell them, as to a caller without the permission."""
    try:
        return [str(one.get("Name")) for one in providers(cloud, mesh)]
    except AsmError:
        return None


def config_of(found: Json) -> Json:
    """The configuration of a provider as the service shows it. Raises ``AsmError``."""
    config = decoding.mapping(found.get("Config"))
    login = None if config is None else decoding.mapping(config.get("oidc"))
    if config is None or login is None:
        raise AsmError(
            f"The service's description of the extension provider {found.get('Name')} is not what it documents: "
            "Config is no JSON object.",
            code="UnexpectedReply",
        )
    told = {key: value for key, value in config.items() if key != "oidc" and value is not None}
    return {**told, "oidc": login} if login else told


def change(params: Json, current: Json | None, *, renew: bool = False) -> Change:
    """What the options make of the configuration that is there, None for none yet. Pure.

    With ``renew`` secrets are sent also where the service does not show those that are there. Raises ``InvalidInput``
    where something is missing, and ``Refused`` where a secret that is not given would be lost.
    """
    wanted = [(row, row.desired(params)) for row in EXTENSION_ATTRIBUTES if row.desired(params) is not None]
    config = copy.deepcopy(current or {})
    secrets = differs = False
    for row, value in wanted:
        if row.no_log:
            another = _another(row, value, current, renew=renew)
            secrets = secrets or another
        else:
            another = current is None or row.differs(value, row.current(current))
        if another or row.no_log:
            put(config, str(row.read), str(value) if row.option in _AS_TEXT else value)
        differs = differs or another
    _complete(config)
    if differs:
        _refuse_lost(config)
    return Change(config, differs or current is None, secrets)


def _another(row: Attribute, value: str, current: Json | None, *, renew: bool) -> bool:
    """Whether a secret has to be sent: one that the service does not show is taken for the one that is there."""
    if current is None or not current.get("oidc"):
        return True
    there = dig(current, str(row.read))
    return renew if is_hidden(there) else bool(there != value)


def _complete(config: Json) -> None:
    """Raises ``InvalidInput`` naming what a configuration lacks."""
    needed = (*_NEEDED, *(_NEEDED_OIDC if config.get("oidc") else ()))
    secret = {row.option for row in EXTENSION_ATTRIBUTES if row.no_log}
    paths = {row.option: str(row.read) for row in EXTENSION_ATTRIBUTES}
    lacking = [one for one in needed if one not in secret and dig(config, paths[one]) in (None, "", 0)]
    if lacking:
        raise InvalidInput(f"The provider needs {' and '.join(lacking)}.")


def _refuse_lost(config: Json) -> None:
    """The configuration is replaced as a whole: a secret that is not shown has to come from the task."""
    if not config.get("oidc"):
        return
    lost = ["oidc.client_secret"] if is_hidden(dig(config, "oidc.clientSecret")) else []
    cookie = dig(config, "oidc.cookieSecret")
    # One that is masked is there; of one that is left out nobody knows, and a login can do without.
    lost += ["oidc.cookie_secret"] if cookie and is_hidden(cookie) else []
    if lost:
        raise Refused(
            f"{' and '.join(lost)} must be given: the configuration is replaced as a whole, and the service does not "
            "show the secrets that are there. Nothing was changed."
        )


def differences(item: Any, config: Json) -> list[str]:
    """``port: 80 is there, 81 is described``, for each option of an item of a spec that the module would change. Pure.

    ``item`` is of whatever types; what the module would refuse has no differences, and secrets are not compared.
    """
    params = options.accepted(item, argument_spec(EXTENSION_ATTRIBUTES))
    return table.differences(EXTENSION_ATTRIBUTES, params, config) if params else []


def public(item: Json) -> Json:
    """An item of a spec with nothing but its name and what is compared: what else is in it may be a secret. Pure."""
    compared = [row.option for row in EXTENSION_ATTRIBUTES if not row.no_log]
    given = {option: dig(item, option) for option in compared}
    return {"name": item["name"], **nested({option: value for option, value in given.items() if value is not None})}


def encoded(config: Json) -> str:
    """The parameter ``Config``."""
    return json.dumps(config, sort_keys=True)


def view(name: str, config: Json) -> Json:
    """A provider as the user sees it, without its secrets; of settings that this collection does not know the names."""
    kind = name.partition("-")[0]
    rows = [row for row in EXTENSION_ATTRIBUTES if _belongs(row.option, kind, config)]
    known = {str(row.read).split(".", maxsplit=1)[0] for row in EXTENSION_ATTRIBUTES}
    further = sorted(key for key in config if key not in known)
    return {"name": name, "type": kind, **table.view(rows, config), "further": further, "state": "ready"}


def _belongs(option: str, kind: str, config: Json) -> bool:
    if option.startswith(_OIDC):
        return bool(config.get("oidc"))
    return kind != GRPC or not option.startswith(_ONLY_HTTP)
