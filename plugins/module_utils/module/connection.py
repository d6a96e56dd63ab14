# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that all modules on the Kubernetes layer share, and the connection that they describe.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cluster.access import mesh_kubeconfig
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents, given
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load, read_kubeconfig

# A control plane's address may be minutes old, and its certificate not yet fit it.
_FRESH_PATIENCE = 120.0

CONNECTION_OPTIONS: dict[str, Any] = {
    "kubeconfig": {"type": "str", "no_log": True},
    "context": {"type": "str"},
}

OBJECT_OPTIONS: dict[str, Any] = {
    **CONNECTION_OPTIONS,
    "definition": {"type": "raw"},
    "src": {"type": "list", "elements": "str"},
    "template": {"type": "list", "elements": "str"},
    "namespace": {"type": "str", "default": "default"},
    "force_conflicts": {"type": "bool", "default": False},
    "validate": {"type": "bool", "default": True},
    "set": {"type": "str"},
    "prune": {"type": "bool", "default": False},
    "prune_all": {"type": "bool", "default": False},
    "concurrency": {"type": "int", "default": 32},
    # Filled by the action plugin: the texts of definition, src and template. Secret, because manifests hold Secrets.
    "_documents": {"type": "str", "no_log": True},
    # Set by the action plugin in check mode for the playbook drift.
    "_compare": {"type": "bool", "default": False},
}


def connect(params: dict[str, Any], cloud: Cloud) -> KubeClient:
    """A client for the API server that ``kubeconfig`` or ``mesh`` names; no such mesh raises ``NotFound``."""
    concurrency = concurrency_of(params)
    if params.get("kubeconfig"):
        text, folder = read_kubeconfig(params["kubeconfig"])
        return KubeClient(load(text, context=params.get("context"), folder=folder), concurrency=concurrency)
    text = mesh_kubeconfig(cloud, params["mesh"])
    return KubeClient(load(text), concurrency=concurrency, patience=_FRESH_PATIENCE, fresh=True)


def concurrency_of(params: dict[str, Any]) -> int:
    """The number of requests at a time to one server."""
    concurrency = int(params["concurrency"]) if params.get("concurrency") is not None else 1
    if concurrency < 1:
        raise InvalidInput("concurrency must be at least 1.")
    return concurrency


def given_documents(params: dict[str, Any]) -> list[documents.Document]:
    """The objects of ``definition`` and ``src``, or what the action plugin has made of these and of ``template``."""
    found: list[documents.Document] = []
    if params.get("_documents") is not None:
        for entry in json.loads(params["_documents"]):
            found += documents.parse(entry["text"], entry["file"])
        return found
    if params.get("template"):
        raise InvalidInput("template is rendered by the action plugin of the same name; call the module by a task.")
    if params.get("definition") is not None:
        found += documents.from_definition(params["definition"])
    for value in params.get("src") or []:
        path = given.path_of(value)
        if path is None:
            raise InvalidInput("src takes names of files: there is a value that is none.")
        found += documents.read(path)
    return found
