# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole lab with its real servers, from the command line: up, the flow of a mesh, a restart, down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from alibabacloud_cs20151215 import models as cs_models
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from alibabacloud_tea_openapi.models import Config
from conftest import attach, attached, create_mesh, wait_for, wait_state
from kubernetes import client as kube
from kubernetes import config as kube_config
from meshlab.control import Control

SHOP_1, SHOP_2 = "c5b0c7a1e00000000000000000000000a", "c5b0c7a1e00000000000000000000000b"
GATEWAYS = {"group": "istio.alibabacloud.com", "version": "v1beta1", "plural": "istiogateways"}
IN_SYSTEM = {**GATEWAYS, "namespace": "istio-system"}


def _meshlab(workdir: Path, *words: str) -> str:
    command = [sys.executable, "-m", "meshlab", words[0], "--workdir", str(workdir), *words[1:]]
    package = str(Path(__file__).parent.parent)
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": package}, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A running lab."""
    path = tmp_path_factory.mktemp("lab")
    _meshlab(path, "up")
    yield path
    _meshlab(path, "down")


def _environment(workdir: Path) -> dict[str, str]:
    lines = _meshlab(workdir, "env").splitlines()
    return dict(line.removeprefix("export ").split("=", 1) for line in lines)


def _config(workdir: Path, endpoint: str) -> Config:
    environment = _environment(workdir)
    return Config(
        access_key_id=environment["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"].strip("'"),
        region_id=environment["ALIBABA_CLOUD_REGION_ID"],
        endpoint=environment[endpoint].removeprefix("http://"),
        protocol="http",
        read_timeout=60000,
    )


def _kube(text: str) -> kube.ApiClient:
    return kube_config.new_client_from_config_dict(yaml.safe_load(text))


def _mesh_kube(asm: AsmClient, mesh_id: str, *, private: bool) -> kube.ApiClient:
    request = models.DescribeServiceMeshKubeconfigRequest(service_mesh_id=mesh_id, private_ip_address=private)
    return _kube(asm.describe_service_mesh_kubeconfig(request).body.kubeconfig)


def _cluster_kube(cs: CsClient, cluster: str) -> kube.ApiClient:
    request = cs_models.DescribeClusterUserKubeconfigRequest(private_ip_address=True)
    return _kube(cs.describe_cluster_user_kubeconfig(cluster, request).body.config)


def _processes(workdir: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(workdir) in command and int(entry.name) != os.getpid():
                found.append(command)
    return found


def _refusal(call: Any) -> int:
    with pytest.raises(kube.ApiException) as caught:
        call()
    return int(caught.value.status)


def test_the_flow_of_a_mesh(workdir: Path) -> None:
    control = Control(workdir)
    asm = AsmClient(_config(workdir, "MESHOPS_ASM_ENDPOINT"))
    cs = CsClient(_config(workdir, "MESHOPS_CS_ENDPOINT"))
    assert "running already" in _meshlab(workdir, "up")
    mesh_id = create_mesh(asm, api_server_public_eip=True)
    wait_state(asm, mesh_id, seconds=90)
    for cluster in (SHOP_1, SHOP_2):
        attach(asm, mesh_id, cluster)
        wait_state(asm, mesh_id, seconds=60)
    assert {row["State"] for row in attached(asm, mesh_id).values()} == {"running"}

    # The control plane takes Istio resources and gateways, at both of its addresses, and no workloads.
    mesh = _mesh_kube(asm, mesh_id, private=True)
    custom = kube.CustomObjectsApi(mesh)
    assert kube.CustomObjectsApi(_mesh_kube(asm, mesh_id, private=False)).list_cluster_custom_object(**GATEWAYS)
    service_entry = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": "outside"},
        "spec": {"hosts": ["example.com"], "ports": [{"number": 443, "name": "https", "protocol": "TLS"}]},
    }
    custom.create_namespaced_custom_object("networking.istio.io", "v1", "default", "serviceentries", service_entry)
    assert _refusal(lambda: kube.AppsV1Api(mesh).list_namespaced_deployment("default")) == 403
    assert _refusal(lambda: kube.CoreV1Api(mesh).list_namespaced_secret("default")) == 403

    # A gateway comes up in both clusters, with a load balancer each.
    gateway = {
        "apiVersion": "istio.alibabacloud.com/v1beta1",
        "kind": "IstioGateway",
        "metadata": {"name": "ingressgateway", "namespace": "istio-system"},
        "spec": {
            "gatewayType": "ingress",
            "clusterIds": [SHOP_1, SHOP_2],
            "serviceType": "LoadBalancer",
            "ports": [{"name": "http-0", "port": 80, "targetPort": 8080}],
        },
    }
    custom.create_namespaced_custom_object(**IN_SYSTEM, body=gateway)

    def running() -> Any:
        status = custom.get_namespaced_custom_object(**IN_SYSTEM, name="ingressgateway").get("status", {})
        return status if status.get("Status") == "running" else None

    status = wait_for(running, 60)
    assert {row["clusterId"] for row in status["ClusterIdGatewayAddressMap"]} == {SHOP_1, SHOP_2}
    core = kube.CoreV1Api(_cluster_kube(cs, SHOP_1))
    service = core.read_namespaced_service("istio-ingressgateway", "istio-system")
    assert service.status.load_balancer.ingress[0].ip in status["GatewayAddress"]
    pods = core.list_namespaced_pod("istio-system", label_selector="istio=ingressgateway").items
    assert [pod.status.phase for pod in pods] == ["Running"]

    # Everything is there after a restart, and still works.
    before = control.resources()
    _meshlab(workdir, "down")
    assert _processes(workdir) == []
    _meshlab(workdir, "up")
    assert control.resources() == before
    wait_for(lambda: control.idle(30), 60)
    wait_for(running, 60)
    custom.delete_namespaced_custom_object(**IN_SYSTEM, name="ingressgateway")
    wait_for(lambda: not [row for row in control.resources() if "service/" in row["made_for"]], 30)

    # And taken away again, nothing is left.
    for cluster in (SHOP_1, SHOP_2):
        asm.remove_cluster_from_service_mesh(
            models.RemoveClusterFromServiceMeshRequest(service_mesh_id=mesh_id, cluster_id=cluster)
        )
        wait_state(asm, mesh_id, seconds=90)
    assert _refusal(lambda: core.read_namespace("istio-system")) == 404
    asm.delete_service_mesh(models.DeleteServiceMeshRequest(service_mesh_id=mesh_id))
    wait_for(lambda: mesh_id not in control.records("meshes"), 60)
    assert [row for row in control.resources() if not row["initial"]] == []
    writes = [entry["action"] for entry in control.log(writes=True)]
    assert writes.count("CreateServiceMesh") == 1
    assert json.loads(_meshlab(workdir, "resources", "--json")) == control.resources()


def test_a_revoked_kubeconfig_has_no_rights(workdir: Path) -> None:
    cs = CsClient(_config(workdir, "MESHOPS_CS_ENDPOINT"))
    old = kube.CoreV1Api(_cluster_kube(cs, SHOP_2))
    assert old.list_namespace().items
    cs.revoke_k8s_cluster_kube_config(SHOP_2)
    assert _refusal(old.list_namespace) == 403
    assert kube.CoreV1Api(_cluster_kube(cs, SHOP_2)).list_namespace().items


def test_an_api_server_can_be_taken_away(workdir: Path) -> None:
    control = Control(workdir)
    core = kube.CoreV1Api(_cluster_kube(CsClient(_config(workdir, "MESHOPS_CS_ENDPOINT")), SHOP_1))
    control.pause(SHOP_1)
    with pytest.raises(Exception, match=r"refused|Max retries"):
        core.list_namespace(_request_timeout=5)
    control.resume(SHOP_1)
    assert core.list_namespace().items
    assert any(event["verb"] == "list" for event in control.audit(SHOP_1))
