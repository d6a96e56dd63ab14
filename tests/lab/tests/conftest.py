# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud without servers and the SDK clients that talk to it; a control plane alone; Bookinfo with traffic."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from alibabacloud_cs20151215 import models as cs_models
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_servicemesh20200111 import models as asm_models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
from alibabacloud_tea_util.models import RuntimeOptions
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import from_definition
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load
from ansible_collections.meshops.asm.plugins.module_utils.kube.objectset import Manner, ObjectSet
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from doubles import NO_BINARIES, MemoryPlane, MemoryPlanes
from meshlab import lab as lab_module
from meshlab.account import User
from meshlab.addresses import Addresses
from meshlab.binaries import ensure_binaries
from meshlab.lab import Lab
from meshlab.planes import MeshPlane, Planes
from meshlab.world import DEFAULT_WORLD, World, new_world
from Tea.exceptions import TeaException


@pytest.fixture(scope="session")
def content() -> dict[str, Any]:
    """The default world, parsed once."""
    parsed: dict[str, Any] = yaml.safe_load(DEFAULT_WORLD.read_text(encoding="utf-8"))
    return parsed


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, content: dict[str, Any]) -> None:
    """Labs have their planes in memory and the default world."""

    def load(file: Path, content_file: Path, addresses: Addresses) -> World:
        if file.exists():
            return World.from_dump(json.loads(file.read_text(encoding="utf-8")), file)
        world = new_world(content, addresses)
        world.file = file
        return world

    monkeypatch.setattr(lab_module, "Planes", MemoryPlanes)
    monkeypatch.setattr(lab_module, "load_world", load)


@pytest.fixture
def cloud(tmp_path: Path, memory: None) -> Iterator[Lab]:
    """A lab in memory, with transitions as fast as they can be."""
    lab = Lab(tmp_path, DEFAULT_WORLD, NO_BINARIES, 0.0)
    lab.start(lambda line: None)
    yield lab
    lab.stop()


def config(lab: Lab, product: str, user: User, **more: Any) -> Config:
    """Client configuration of a user of the account."""
    endpoint = lab.urls[product].removeprefix("http://")
    return Config(
        access_key_id=user.access_key_id,
        access_key_secret=more.pop("secret", user.access_key_secret),
        endpoint=endpoint,
        protocol="http",
        region_id="cn-hangzhou",
        **more,
    )


def user_named(lab: Lab, name: str) -> User:
    """A user of the account."""
    return next(user for user in lab.world.users.values() if user.name == name)


def _unknown(sent: Any, understood: Any, path: str = "") -> list[str]:
    """Paths of what was sent and is not in what the SDK made of it."""
    if isinstance(sent, dict) and isinstance(understood, dict):
        lost = [f"{path}/{key}" for key in sent if key not in understood]
        both = [key for key in sent if key in understood]
        return lost + [one for key in both for one in _unknown(sent[key], understood[key], f"{path}/{key}")]
    if isinstance(sent, list) and isinstance(understood, list):
        pairs = zip(sent, understood, strict=True)
        return [one for number, (a, b) in enumerate(pairs) for one in _unknown(a, b, f"{path}/{number}")]
    return [] if sent == understood else [path]


def _assert_known(models: Any, action: str, body: Any) -> None:
    """Every field of a reply is one that the SDK knows: what it drops on the way in would be a field of our own."""
    model = getattr(models, f"{action}ResponseBody")
    for one in body if isinstance(body, list) else [body]:
        unknown = _unknown(one, model().from_map(one).to_map())
        assert not unknown, f"{action} answers with fields that the SDK does not know: {', '.join(unknown)}"


class CheckedAsm(AsmClient):
    """The official client; each reply is also held against the SDK's model."""

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        reply = super().call_api(params, request, runtime)
        _assert_known(asm_models, params.action, reply["body"])
        return reply


class CheckedCs(CsClient):
    """The same for ACK."""

    def call_api(self, params: Any, request: Any, runtime: Any) -> Any:
        reply = super().call_api(params, request, runtime)
        if isinstance(reply.get("body"), (dict, list)) and hasattr(cs_models, f"{params.action}ResponseBody"):
            _assert_known(cs_models, params.action, reply["body"])
        return reply


@pytest.fixture
def asm(cloud: Lab) -> AsmClient:
    """ASM for the account itself."""
    return CheckedAsm(config(cloud, "servicemesh", cloud.world.main_user()))


@pytest.fixture
def cs(cloud: Lab) -> CsClient:
    """ACK for the account itself."""
    return CheckedCs(config(cloud, "cs", cloud.world.main_user()))


def wait_for(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    """The first true value of ``check()``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def create_mesh(asm: AsmClient, **more: Any) -> str:
    """A mesh in the shop's VPC; its id."""
    parameters = {
        "region_id": "cn-hangzhou",
        "vpc_id": "vpc-lab-shop",
        "v_switches": '["vsw-lab-shop-h"]',
        "name": "shop",
        **more,
    }
    mesh_id: str = asm.create_service_mesh(asm_models.CreateServiceMeshRequest(**parameters)).body.service_mesh_id
    return mesh_id


def mesh_detail(asm: AsmClient, mesh_id: str) -> Any:
    """DescribeServiceMeshDetail as plain data."""
    request = asm_models.DescribeServiceMeshDetailRequest(service_mesh_id=mesh_id)
    return asm.describe_service_mesh_detail(request).body.to_map()["ServiceMesh"]


def wait_state(asm: AsmClient, mesh_id: str, state: str = "running", seconds: float = 5.0) -> Any:
    """The detail of a mesh once it is in a state."""

    def check() -> Any:
        detail = mesh_detail(asm, mesh_id)
        return detail if detail["ServiceMeshInfo"]["State"] == state else None

    return wait_for(check, seconds)


def cluster_id(lab: Lab, name: str) -> str:
    """The id of the only cluster of a name."""
    (found,) = [one.cluster_id for one in lab.world.clusters.values() if one.name == name]
    return found


def attach(asm: AsmClient, mesh_id: str, cluster: str, **more: Any) -> Any:
    """AddClusterIntoServiceMesh as plain data."""
    request = asm_models.AddClusterIntoServiceMeshRequest(service_mesh_id=mesh_id, cluster_id=cluster, **more)
    return asm.add_cluster_into_service_mesh(request).body.to_map()


def attached(asm: AsmClient, mesh_id: str) -> dict[str, Any]:
    """DescribeClustersInServiceMesh by cluster id."""
    request = asm_models.DescribeClustersInServiceMeshRequest(service_mesh_id=mesh_id)
    return {row["ClusterId"]: row for row in asm.describe_clusters_in_service_mesh(request).body.to_map()["Clusters"]}


def raw_call(
    client: Any,
    action: str,
    body: dict[str, Any] | None = None,
    *,
    query: dict[str, Any] | None = None,
    version: str = "2020-01-11",
    method: str = "POST",
    path: str = "/",
) -> Any:
    """The body of any action's reply, by a client of either product; a ``path`` makes it one of ACK's."""
    rpc = path == "/"
    params = Params(
        action=action,
        version=version,
        protocol="HTTP",
        pathname=path,
        method=method,
        auth_type="AK",
        style="RPC" if rpc else "ROA",
        req_body_type="formData" if rpc else "json",
        body_type="json",
    )
    return client.call_api(params, OpenApiRequest(query=query, body=body), RuntimeOptions())["body"]


def refused(call: Callable[[], Any]) -> TeaException:
    """The error that a call raises."""
    with pytest.raises(TeaException) as caught:
        call()
    return caught.value


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshPlane]:
    """A control plane with Istio's kinds alone: no istiod that would refuse objects, no controller that would write."""
    workdir = tmp_path_factory.mktemp("lab")
    addresses = Addresses(workdir)
    planes = Planes(workdir, dataclasses.replace(ensure_binaries(print), istiod=None), addresses)
    try:
        planes.start()
        yield planes.mesh("m1")
    finally:
        planes.stop()
        addresses.close()


@contextlib.contextmanager
def client_of(mesh: MeshPlane) -> Iterator[KubeClient]:
    """The collection's own client of a control plane, as an administrator."""
    text = mesh.kubeconfig(user="tester", groups=["system:masters"], server=mesh.private_url, hours=1.0)
    made = KubeClient(load(text))
    try:
        yield made
    finally:
        made.close()


def ours(
    client: KubeClient, *bodies: dict[str, Any], target: str = "mesh", check: bool = False, **manner: Any
) -> Outcome:
    """The outcome of one task of istio_resource or, with the target cluster, asm_workload."""
    objects = ObjectSet(
        Wishes(target, from_definition(list(bodies)), set_name=manner.get("set_name")), Manner(**manner), lambda: client
    )
    return reconcile(objects, check=check, wait=False)


#: What the fixture ``shop`` has made, while there is one.
_shops: list[Any] = []


@pytest.fixture
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Bookinfo in a mesh over two clusters, with traffic; shared by the tests that stand one after the other."""
    from shop import Shop  # it needs this module

    if not _shops:
        lab = Lab(tmp_path_factory.mktemp("shop"), DEFAULT_WORLD, ensure_binaries(print), 0.0)
        if lab.network is None:
            lab.stop()
            pytest.skip(f"no traffic: {lab.without_traffic}")
        _shops.append(Shop(lab))
        _shops[0].build()
    return _shops[0]


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the shop's lab with the last of its tests: others count processes and threads."""
    if "shop" not in getattr(nextitem, "fixturenames", ()):
        end_shop()


def end_shop() -> None:
    """End the shop's lab, if there is one."""
    while _shops:
        _shops.pop().lab.stop()


@pytest.fixture(scope="session")
def pem_pair() -> tuple[str, str]:
    """A self-signed certificate and its private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + timedelta(days=3650))
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def plane_of(lab: Lab, plane_id: str) -> MemoryPlane:
    """The plane of a mesh or cluster, started when it is not running."""
    plane: Any = lab.fleet.cluster(plane_id) if plane_id in lab.world.clusters else lab.fleet.mesh(plane_id)
    assert isinstance(plane, MemoryPlane)
    return plane
