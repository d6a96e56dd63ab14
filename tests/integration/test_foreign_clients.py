# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab and a client that nobody here wrote: Alibaba's own SDK, used as its documentation shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from alibabacloud_cs20151215 import models as cs_models
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_servicemesh20200111 import models
from alibabacloud_servicemesh20200111.client import Client
from kubernetes import client as kube_client
from kubernetes import config as kube_config
from Tea.exceptions import TeaException

from .foreign import config, foreign_client
from .labs import REGION, VPC, VSWITCH, Lab

NAME = "it-sdk"


@pytest.fixture(scope="module")
def asm(lab: Lab) -> Client:
    return foreign_client(lab)


@pytest.fixture(scope="module")
def mesh_id(lab: Lab, asm: Client) -> Iterator[str]:
    """A mesh by the SDK alone, deleted after the tests of this file if they did not."""
    request = models.CreateServiceMeshRequest(
        region_id=REGION,
        name=NAME,
        vpc_id=VPC,
        v_switches=json.dumps([VSWITCH]),
        api_server_public_eip=True,
        trace_sampling=1.5,
        tag=[models.CreateServiceMeshRequestTag(key="made-by", value="sdk")],
    )
    made = asm.create_service_mesh(request).body.service_mesh_id
    _wait(lab, lambda: _state(asm, made) == "running", "the mesh to run")
    yield made
    if lab.meshes(NAME):
        lab.control.remove("meshes", made)


def _wait(lab: Lab, seen: Any, what: str) -> None:
    lab.wait_for(seen, what, seconds=120)


def _state(asm: Client, mesh_id: str) -> str:
    detail = asm.describe_service_mesh_detail(models.DescribeServiceMeshDetailRequest(service_mesh_id=mesh_id))
    return str(detail.body.service_mesh.service_mesh_info.state)


def _clusters(asm: Client, mesh_id: str) -> dict[str, str]:
    request = models.DescribeClustersInServiceMeshRequest(service_mesh_id=mesh_id)
    return {one.cluster_id: one.state for one in asm.describe_clusters_in_service_mesh(request).body.clusters}


def test_it_creates_and_lists(asm: Client, mesh_id: str) -> None:
    tag = models.DescribeServiceMeshesRequestTag(key="made-by", value="sdk")
    (found,) = asm.describe_service_meshes(models.DescribeServiceMeshesRequest(tag=[tag])).body.service_meshes
    assert found.service_mesh_info.service_mesh_id == mesh_id
    assert found.service_mesh_info.name == NAME
    detail = asm.describe_service_mesh_detail(models.DescribeServiceMeshDetailRequest(service_mesh_id=mesh_id))
    assert detail.body.service_mesh.spec.mesh_config.pilot.trace_sampling == 1.5


def test_its_kubeconfig_opens_the_control_plane(asm: Client, mesh_id: str) -> None:
    for private in (True, False):
        request = models.DescribeServiceMeshKubeconfigRequest(service_mesh_id=mesh_id, private_ip_address=private)
        text = asm.describe_service_mesh_kubeconfig(request).body.kubeconfig
        with kube_config.new_client_from_config_dict(yaml.safe_load(text)) as api:
            found = kube_client.CustomObjectsApi(api).list_cluster_custom_object(
                "networking.istio.io", "v1", "virtualservices"
            )
        assert found["kind"] == "VirtualServiceList"


def test_it_attaches_reads_and_detaches_a_cluster(lab: Lab, asm: Client, mesh_id: str) -> None:
    cs = CsClient(config(lab, "MESHOPS_CS_ENDPOINT"))
    listed = cs.describe_clusters_v1(cs_models.DescribeClustersV1Request(name="shop-3")).body.clusters
    (cluster_id,) = [one.cluster_id for one in listed if one.name == "shop-3"]
    added = asm.add_cluster_into_service_mesh(
        models.AddClusterIntoServiceMeshRequest(service_mesh_id=mesh_id, cluster_id=cluster_id)
    )
    assert str(added.body.code) == "200"
    _wait(lab, lambda: _clusters(asm, mesh_id).get(cluster_id) == "running", "the cluster to run in the mesh")
    _wait(lab, lambda: _state(asm, mesh_id) == "running", "the mesh to run again")

    request = cs_models.DescribeClusterUserKubeconfigRequest(temporary_duration_minutes=15, private_ip_address=True)
    text = cs.describe_cluster_user_kubeconfig(cluster_id, request).body.config
    with kube_config.new_client_from_config_dict(yaml.safe_load(text)) as api:
        names = [one.metadata.name for one in kube_client.CoreV1Api(api).list_namespace().items]
    assert "istio-system" in names

    with pytest.raises(TeaException) as refused:
        asm.delete_service_mesh(models.DeleteServiceMeshRequest(service_mesh_id=mesh_id, force=True))
    assert refused.value.code == "ErrorPermitted.ClustersNotEmpty"

    removal = models.RemoveClusterFromServiceMeshRequest(service_mesh_id=mesh_id, cluster_id=cluster_id)
    asm.remove_cluster_from_service_mesh(removal)
    _wait(lab, lambda: cluster_id not in _clusters(asm, mesh_id), "the cluster to leave")
    _wait(lab, lambda: _state(asm, mesh_id) == "running", "the mesh to run again")


def test_a_wrong_secret_is_refused(lab: Lab) -> None:
    stranger = foreign_client(lab, access_key_secret="not-the-secret")  # noqa: S106
    with pytest.raises(TeaException) as refused:
        stranger.describe_service_meshes(models.DescribeServiceMeshesRequest())
    assert refused.value.code == "SignatureDoesNotMatch"


def test_it_deletes(lab: Lab, asm: Client, mesh_id: str) -> None:
    asm.delete_service_mesh(models.DeleteServiceMeshRequest(service_mesh_id=mesh_id))

    def ids() -> list[str]:
        found = asm.describe_service_meshes(models.DescribeServiceMeshesRequest()).body.service_meshes
        return [one.service_mesh_info.service_mesh_id for one in found]

    _wait(lab, lambda: mesh_id not in ids(), "the mesh to go")
    with pytest.raises(TeaException) as gone:
        _state(asm, mesh_id)
    assert gone.value.code == "ServiceMesh.NotFound"
    assert not [row for row in lab.billed("load_balancer", "eip", "security_group") if mesh_id in row["made_for"]]
