# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects for users to read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, Refused
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.reading import queried, read_objects

from .conftest import MemoryApi, managed, virtual_service

BASE = "/apis/networking.istio.io/v1/namespaces"


def params(**given: Any) -> dict[str, Any]:
    empty = {"kind": None, "api_version": None, "name": None, "namespace": None}
    return {**empty, "label_selectors": [], "field_selectors": [], **given}


@pytest.fixture
def filled(api: MemoryApi) -> MemoryApi:
    for namespace, name in (("default", "b"), ("default", "a"), ("istio-system", "c")):
        body = virtual_service(name, namespace)
        body["metadata"]["labels"] = {"app": name}
        api.put(f"{BASE}/{namespace}/virtualservices/{name}", body, managedFields=managed(body))
    gateway = {**virtual_service("g"), "kind": "Gateway"}
    api.put(f"{BASE}/default/gateways/g", gateway)
    return api


def names(client: KubeClient, **given: Any) -> list[str]:
    return [one["metadata"]["name"] for one in read_objects(client, params(**given))]


def test_all_kinds_of_all_namespaces_in_order(filled: MemoryApi, client: KubeClient) -> None:
    filled.unserved.add("istiogateways")
    found = read_objects(client, params())
    assert [(one["kind"], one["metadata"]["name"]) for one in found] == [
        ("Gateway", "g"),
        ("VirtualService", "a"),
        ("VirtualService", "b"),
        ("VirtualService", "c"),
    ]
    assert not any("managedFields" in one["metadata"] for one in found)
    assert found[1]["apiVersion"] == "networking.istio.io/v1"


def test_kinds_of_asm_that_may_not_be_listed_are_left_out(filled: MemoryApi, client: KubeClient) -> None:
    refusal = {"kind": "Status", "reason": "Forbidden", "message": "no"}
    filled.fail_next(403, refusal, only="asmcredentials")
    assert len(read_objects(client, params())) == 4
    filled.fail_next(403, refusal, only="asmcredentials")
    with pytest.raises(AsmError, match="Not allowed to list asmcredentials"):
        names(client, kind="ASMCredential")


def test_credentials_are_not_told(filled: MemoryApi, client: KubeClient) -> None:
    body = {"metadata": {"name": "tls", "namespace": "default"}, "kind": "ASMCredential", "spec": {"key": "hush"}}
    filled.put("/apis/istio.alibabacloud.com/v1/namespaces/default/asmcredentials/tls", body)
    (found,) = [one for one in read_objects(client, params()) if one["kind"] == "ASMCredential"]
    assert (found["metadata"]["name"], found["spec"]) == ("tls", "(hidden)")


def test_selection(filled: MemoryApi, client: KubeClient) -> None:
    assert names(client, kind="VirtualService", namespace="default") == ["a", "b"]
    assert names(client, kind="VirtualService", namespace="default", name="b") == ["b"]
    assert names(client, kind="VirtualService", label_selectors=["app=c"]) == ["c"]
    assert names(client, kind="VirtualService", field_selectors=["metadata.name=a"]) == ["a"]
    assert names(client, kind="Gateway", api_version="networking.istio.io/v1") == ["g"]


def test_kinds_that_cannot_be_read(api: MemoryApi, client: KubeClient) -> None:
    with pytest.raises(InvalidInput, match=r"no Istio kind 'VirtualServic'. Did you mean VirtualService\?"):
        names(client, kind="VirtualServic")
    with pytest.raises(InvalidInput, match="Give its api_version too"):
        names(client, kind="Qqqqqq")
    with pytest.raises(Refused, match="Secret belongs to a data-plane cluster"):
        names(client, kind="Secret")
    api.unserved.add("virtualservices")
    with pytest.raises(AsmError, match="no control plane of a mesh"):
        names(client, kind="VirtualService")


def test_queries() -> None:
    objects = [virtual_service("a"), virtual_service("b")]
    assert queried("[].metadata.name", objects) == ["a", "b"]
    with pytest.raises(InvalidInput, match="not valid JMESPath"):
        queried("[].", objects)
