# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read to explain a check, and what becomes of it when a part cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.checks import surroundings
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import Service, services
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy

Json = dict[str, Any]
#: Reached by functions that the tests replace.
CLOUD: Any = None
SPACE = "/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways"


class Server:
    """An API server that has these objects by path and these lists; a path that it does not know has nothing."""

    def __init__(self, **found: Any) -> None:
        self.found = found
        self.closed = False

    def get(self, path: str) -> Json | None:
        found: Json | None = self.found.get(path)
        return found

    def list(self, path: str, **_selectors: str) -> list[Json]:
        found: list[Json] = self.found.get(path, [])
        return found

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def plane(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The control plane of a mesh with one cluster."""
    route = {"metadata": {"name": "in", "namespace": "shop"}, "spec": {"hosts": ["*"]}}
    spec = {"podLabels": {"tier": "edge"}, "ports": [{"port": 80, "targetPort": 8080}]}
    virtual_services = "/apis/networking.istio.io/v1/virtualservices"
    server = Server(**{virtual_services: [route], f"{SPACE}/front": {"metadata": {"name": "front"}, "spec": spec}})
    monkeypatch.setattr(surroundings.meshes, "find_mesh", lambda _cloud, name: {"id": name} if name == "shop" else None)
    monkeypatch.setattr(surroundings.meshes, "mesh_id", lambda mesh: mesh["id"])
    proxy = {"ClusterDomain": "Corp.Test"}
    described = {"Spec": {"MeshConfig": {"Proxy": proxy}}}
    monkeypatch.setattr(surroundings.meshes, "describe_mesh", lambda *_arguments: described)
    monkeypatch.setattr(surroundings.gateways, "control_plane", lambda *_arguments: server)
    monkeypatch.setattr(surroundings.clusters, "attached", lambda *_arguments: [{"ClusterId": "c1", "Name": "one"}])
    monkeypatch.setattr(surroundings.clusters, "name", lambda cluster: cluster["Name"])
    return server


def cluster(monkeypatch: pytest.MonkeyPatch, server: Any) -> None:
    monkeypatch.setattr(surroundings.access, "cluster_kubeconfig", lambda *_arguments: "")
    monkeypatch.setattr(surroundings, "load", lambda _text: None)
    monkeypatch.setattr(surroundings, "KubeClient", lambda *_arguments, **_options: server)


def test_the_mesh_the_gateway_and_the_service_are_read(plane: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/api/v1/namespaces/shop"
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    service = {
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"selector": {"app": "api"}, "ports": [{"port": 9080, "name": "http"}]},
    }
    pod = {"metadata": {"labels": {"app": "api"}}, "status": ready}
    cluster(monkeypatch, Server(**{f"{path}/services/api": service, f"{path}/pods": [pod]}))
    around, gateway = surroundings.look(CLOUD, "shop", "api.shop", "front")
    assert gateway == Proxy("istio-system", {"app": "istio-front", "istio": "front", "tier": "edge"}, {80: 8080})
    assert around.mesh.spec(("VirtualService", "shop", "in")) == {"hosts": ["*"]}
    assert list(services(around.mesh)) == [
        Service("Service", "api.shop.svc.corp.test", "shop", ("*",), {9080: True}),
    ]
    assert (around.pods, around.unreadable, plane.closed) == ({"one": [{"app": "api"}]}, [], True)


def test_a_check_by_address_is_taken_to_reach_every_gateway(plane: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster(monkeypatch, Server())
    _around, gateway = surroundings.look(CLOUD, "shop", "api.shop", None)
    assert gateway == Proxy("istio-system")
    assert gateway.has({"istio": "any"})


def test_what_cannot_be_read_is_said(plane: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> Any:
        raise AsmError("no right")

    monkeypatch.setattr(surroundings.access, "cluster_kubeconfig", refuse)
    around, _gateway = surroundings.look(CLOUD, "shop", "api.shop", "front")
    assert around.unreadable == ["The pods in one could not be counted: no right"]
    monkeypatch.setattr(surroundings.clusters, "attached", refuse)
    around, _gateway = surroundings.look(CLOUD, "shop", "api.shop", "front")
    assert around.unreadable == ["The clusters could not be listed: no right"]
    monkeypatch.setattr(surroundings.meshes, "describe_mesh", refuse)
    around, _gateway = surroundings.look(CLOUD, "shop", "api.shop", "front")
    assert around.unreadable[0] == "The cluster domain of the mesh could not be read: no right"
    assert around.host == "api.shop.svc.cluster.local"
    with pytest.raises(NotFound, match="There is no mesh 'other'"):
        surroundings.look(CLOUD, "other", "api.shop", "front")
