# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a control plane for users to read: by kind, name, namespace, selectors and query.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library
from ansible_collections.meshops.asm.plugins.module_utils.istio.names import ROOT_NAMESPACE
from ansible_collections.meshops.asm.plugins.module_utils.kube import secrets
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.comparison import HIDDEN
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import (
    MESH,
    Kind,
    check_target,
    find_kind,
    is_optional,
    known_kind,
    prunable_kinds,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import explain_list_error, listed

Json = dict[str, Any]


def read_objects(client: KubeClient, params: Json) -> list[Json]:
    """The objects that fit, sorted by kind, namespace and name, without ``managedFields``.

    ``params`` has ``kind``, ``api_version``, ``name``, ``namespace``, ``label_selectors`` and ``field_selectors``.
    Without a kind, all of Istio's and ASM's that the server has are read at the same time, but for those of ASM that
    this user may not list. Credentials in kinds of ASM are hidden.
    """
    kinds = [_kind_of(client, params)] if params["kind"] else prunable_kinds(MESH)
    query = _selectors(params)

    def look(kind: Kind) -> list[Json]:
        namespace = params["namespace"] or "" if kind.namespaced else ""
        try:
            found = listed(client, kind, namespace, **query)
        except KubeError as error:
            if not params["kind"] and (error.http_status == 404 or (error.http_status == 403 and is_optional(kind))):
                return []
            raise explain_list_error(error, client, kind, namespace, MESH) from error
        return list(map(_told, found))

    result = [one for found in client.all(look, kinds) for one in found]
    for one in result:
        one["metadata"].pop("managedFields", None)
    return sorted(result, key=_order)


def _told(found: Json) -> Json:
    return secrets.hidden(found, lambda _value: HIDDEN) if secrets.is_secret(found) else found


def queried(expression: str, objects: list[Json]) -> Any:
    """The result of a JMESPath expression. Raises ``InvalidInput`` for one that cannot be read."""
    jmespath = library("jmespath", "jmespath")
    try:
        return jmespath.search(expression, objects)
    except jmespath.exceptions.JMESPathError as error:
        raise InvalidInput(f"The query is not valid JMESPath: {error}") from error


def _kind_of(client: KubeClient, params: Json) -> Kind:
    kind: Kind | None
    if params["api_version"]:
        kind = find_kind(params["api_version"], params["kind"], client.get)
    else:
        kind = known_kind(params["kind"])
    if kind:
        check_target(MESH, kind, ROOT_NAMESPACE)
        return kind
    near = difflib.get_close_matches(params["kind"], [kind.kind for kind in prunable_kinds(MESH)], n=1)
    hint = f" Did you mean {near[0]}?" if near else " Give its api_version too."
    raise InvalidInput(f"There is no Istio kind '{params['kind']}'.{hint}")


def _selectors(params: Json) -> dict[str, Any]:
    fields = [*params["field_selectors"], *([f"metadata.name={params['name']}"] if params["name"] else [])]
    query = {"labelSelector": ",".join(params["label_selectors"]), "fieldSelector": ",".join(fields)}
    return {key: value for key, value in query.items() if value}


def _order(found: Json) -> tuple[str, str, str]:
    return (found["kind"], found["metadata"].get("namespace") or "", found["metadata"]["name"])
