# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kiali (the mesh topology) of a mesh: how it is reached, how people log in, and where it gets its figures.

The service takes changes in part, but each of the structures among them as a whole; what is not given of one is taken
from what is there. Actions DescribeKialiConfiguration and UpdateKialiConfiguration.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding, table
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import Attribute, dig, put
from ansible_collections.meshops.asm.plugins.module_utils.mesh.hidden import is_hidden

TOKEN, OPENID, RAM = "token", "openid", "ramoauth"
_MOST_PORT = 65535

KIALI_ATTRIBUTES = (
    Attribute("auth_strategy", "str", read="AuthStrategy", choices=(TOKEN, OPENID, RAM)),
    Attribute("openid.client_id", "str", read="OpenIdConfig.ClientId"),
    Attribute("openid.client_secret", "str", read="OpenIdConfig.ClientSecret", no_log=True),
    Attribute("openid.issuer_uri", "url", read="OpenIdConfig.IssuerUri"),
    Attribute("openid.scopes", "list", read="OpenIdConfig.Scopes"),
    Attribute("ram_redirect_uris", "str", read="RAMOAuthConfig.RedirectUris"),
    Attribute("server.fqdn", "str", read="ServerConfig.WebFQDN"),
    Attribute("server.port", "int", read="ServerConfig.WebPort"),
    Attribute("server.root", "str", read="ServerConfig.WebRoot"),
    Attribute("server.protocol", "str", read="ServerConfig.WebSchema", choices=("http", "https")),
    Attribute("public_load_balancer", "bool", read="IntegrateCLB"),
    Attribute("service_annotations", "json", read="KialiServiceAnnotations"),
    Attribute("prometheus_url", "url", read="CustomPrometheusUrl"),
    Attribute("prometheus_tokens", "json", read="KialiArmsAuthTokens", no_log=True),
)
# Structures, which are sent as JSON text and as a whole; of the others the value alone.
_STRUCTURES = ("OpenIdConfig", "RAMOAuthConfig", "ServerConfig", "KialiServiceAnnotations", "KialiArmsAuthTokens")
# What a login by OpenID Connect needs, and where it is.
_HUSHED = "openid.client_secret"
_OPENID = {
    "openid.client_id": "OpenIdConfig.ClientId",
    _HUSHED: "OpenIdConfig.ClientSecret",
    "openid.issuer_uri": "OpenIdConfig.IssuerUri",
}

Json = dict[str, Any]


@dataclass
class Change:
    """The parameters to send, the description as it will be, and whether a secret of the task is another one."""

    parameters: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)
    secrets: bool = False


def check(params: Json) -> None:
    """Raises ``InvalidInput`` naming every option that cannot be meant."""
    given = {row.option: row.desired(params) for row in KIALI_ATTRIBUTES if row.desired(params) is not None}
    urls = [one for one in ("openid.issuer_uri", "prometheus_url") if one in given and not _is_url(given[one])]
    problems = [f"{one} must be a URL, which begins with https:// or http://." for one in urls]
    if not 0 < given.get("server.port", 1) <= _MOST_PORT:
        problems.append(f"server.port must be a number from 1 to {_MOST_PORT}.")
    if not given.get("server.root", "/").startswith("/"):
        problems.append("server.root must be a path, which begins with /.")
    odd = [one for one, inner in given.get("service_annotations", {}).items() if not isinstance(inner, dict)]
    problems += [f"service_annotations.{one} must be a mapping: the annotations of one cluster." for one in odd]
    if problems:
        raise InvalidInput(" ".join(problems))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def change(params: Json, described: Json, *, renew: bool = False) -> Change:
    """What the options make of the configuration that is there. Pure.

    With ``renew`` secrets are sent also where the service does not show those that are there. Raises ``InvalidInput``
    where the way to log in lacks something, and ``Refused`` where a secret that is not given would be lost.
    """
    found = Change(after=_plain(described))
    touched: dict[str, None] = {}
    for row in KIALI_ATTRIBUTES:
        value, path = row.desired(params), str(row.read)
        if value is None:
            continue
        if row.no_log:
            differs = _another(row, value, described, renew=renew)
        else:
            differs = row.differs(value, row.current(described))
        if differs:
            touched[path.split(".", maxsplit=1)[0]] = None
            found.secrets = found.secrets or row.no_log or row.looks_like(value, row.current(described))
        if differs or row.no_log:
            put(found.after, path, value)
    _complete(found, touched, known=_has_login(described))
    for name in touched:
        value = found.after[name]
        found.parameters[name] = json.dumps(value, sort_keys=True) if name in _STRUCTURES else value
    return found


def _plain(described: Json) -> Json:
    """The description with its structures as such, whatever way they came."""
    plain = json.loads(json.dumps(described))
    return {**plain, **{name: decoding.mapping(plain.get(name)) or {} for name in _STRUCTURES}}


def _another(row: Attribute, value: Any, described: Json, *, renew: bool) -> bool:
    """Whether a secret has to be sent: one that the service does not show is taken for the one that is there."""
    there = dig(_plain(described), str(row.read))
    if there in (None, "", {}):
        return renew if row.option == _HUSHED and _has_login(described) else True
    hidden = any(is_hidden(one) for one in there.values()) if isinstance(there, dict) else is_hidden(there)
    return renew if hidden else bool(there != value)


def _has_login(described: Json) -> bool:
    """Whether a login by OpenID Connect has been set up."""
    return not is_hidden(dig(_plain(described), "OpenIdConfig.ClientId"))


def _complete(found: Change, touched: Iterable[str], *, known: bool) -> None:
    """Raises where the login by OpenID Connect, if it is changed at all, lacks something.

    ``known`` says that it has been set up before, so that a secret is there even where the service shows none.
    """
    login = {"AuthStrategy", "OpenIdConfig"} & {*touched}
    shown = {one: dig(found.after, path) for one, path in _OPENID.items()}
    lacking = [one for one, value in shown.items() if is_hidden(value) and not (known and one == _HUSHED)]
    if login and lacking and found.after.get("AuthStrategy") == OPENID:
        raise InvalidInput(f"The login by OpenID Connect needs {' and '.join(lacking)}.")
    if "OpenIdConfig" in login and known and is_hidden(shown[_HUSHED]):
        raise Refused(
            f"{_HUSHED} must be given: the settings of the login are replaced as a whole, and the service does not "
            "show the secret that is there. Nothing was changed."
        )


def view(mesh: str, described: Json) -> Json:
    """Kiali as the user sees it, without secrets and tokens."""
    enabled = bool(decoding.boolean(described.get("Enabled")))
    shown = {"name": mesh, "enabled": enabled, **table.view(KIALI_ATTRIBUTES, described)}
    return {**shown, "addresses": addresses(described), "state": "on" if enabled else "off"}


def addresses(described: Json) -> Json:
    """Where Kiali is: ``managed`` for the mesh, ``gateway`` at a gateway, and by cluster id in ``clusters``."""
    by_cluster = decoding.mapping(described.get("DistributedKialiAddresses")) or {}
    return {
        "managed": decoding.text(described.get("AggregatedKialiAddress")) or "",
        "gateway": decoding.text(described.get("KialiIstioIngressAddress")) or "",
        "clusters": {key: str(decoding.text(value) or "") for key, value in by_cluster.items()},
    }
