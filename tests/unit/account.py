# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account with one mesh, served on loopback, in which every text that has no meaning for the collection is given.

For runs of the real ansible-playbook and ansible-inventory on every supported pair of Python and ansible-core: nothing
but the standard library is needed here.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from ansible_collections.meshops.asm.plugins.module_utils.cloud.shapes import BOOL, JSON, NUMBER, shape_of
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import put
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.mesh.kiali import KIALI_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.mesh.sidecar_attributes import SIDECAR_ATTRIBUTES

from .plugins.module_utils.kube.conftest import MemoryApi

ROOT = Path(__file__).resolve().parents[2]
Json = dict[str, Any]

MESH, MESH_ID, CLUSTER, CLUSTER_ID = "shop", "c0a1", "shop-1", "ck1"
ISTIO, ASM = "networking.istio.io/v1", "istio.alibabacloud.com/v1beta1"
_READ = ("Describe", "List", "Get")
# What says that a list goes on.
_PAGES = ("Continue", "Mark", "NextToken")


def filled(shape: Any, text: str) -> Any:
    """A value of a shape of ``cloud/shapes.py`` with all of its parts."""
    if isinstance(shape, dict):
        parts = {key: part for key, part in shape.items() if key not in _PAGES}
        return {text if key == "*" else key: filled(part, text) for key, part in parts.items()}
    if isinstance(shape, list):
        return [filled(shape[0], text)]
    return {NUMBER: 1, BOOL: True, JSON: json.dumps({text: text})}.get(shape, text)


class Account:
    """Answers the OpenAPI of ASM and ACK, and is the API server of the control plane and of the cluster.

    ``text`` stands in every field. ``answers`` maps an action to another reply, ``(status, body)``.
    """

    def __init__(self, url: str, text: str) -> None:
        self.url = url
        self.text = text
        self.answers: dict[str, tuple[int, Any]] = {}
        # What a refused write is told, made of its parameters; None for a service that refuses none.
        self.words: Callable[[Json], str] | None = None
        self.calls: list[str] = []
        # The parameters of the last call.
        self.given: dict[str, str] = {}
        self.token = base64.b64encode(b"token of a user").decode()
        self.servers = {"mesh": MemoryApi(), "cluster": MemoryApi()}
        self._fill()

    @property
    def written(self) -> list[str]:
        """Actions and requests that may have changed something; dry runs are none."""
        requests = [
            f"{method} {path}"
            for server in self.servers.values()
            for method, path, query, _body in server.requests
            if method != "GET" and "dryRun" not in query
        ]
        return [*requests, *(action for action in self.calls if not action.startswith(_READ))]

    def kubeconfig(self, server: str) -> str:
        """Of the control plane (``mesh``) or of the ``cluster``."""
        return json.dumps(
            {
                "current-context": "x",
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": f"{self.url}/{server}"}}],
                "users": [{"name": "u", "user": {"token": self.token}}],
            }
        )

    def answer(self, action: str) -> tuple[int, Any]:
        self.calls.append(action)
        if action in self.answers:
            return self.answers[action]
        if self.words and not action.startswith(_READ):
            return 400, {"Code": "InvalidParameter", "RequestId": "r-1", "Message": self.words(self.given)}
        mesh = self.mesh()
        known: Json = {
            "DescribeServiceMeshes": {"ServiceMeshes": [mesh]},
            "CreateServiceMesh": {"ServiceMeshId": MESH_ID},
            "DescribeServiceMeshDetail": {"ServiceMesh": mesh},
            "DescribeClustersInServiceMesh": {"Clusters": [self.cluster()]},
            "DescribeServiceMeshClusters": {"Clusters": [self.cluster()], "NumberOfClusters": 1},
            "DescribeServiceMeshKubeconfig": {"Kubeconfig": self.kubeconfig("mesh"), "ExpireTime": self.text},
            "DescribeVersions": {"VersionInfo": [{"Edition": "Default", "Versions": [self.text]}]},
            "DescribeUpgradeVersion": {"Version": {"IstioVersion": ""}},
            "DescribeMetadata": {"MetaData": {"Regions": ["cn-hangzhou", self.text]}},
            "DescribeVpcs": {"Vpcs": [{"VpcId": "vpc-1", "VpcName": self.text, "Status": "Available"}]},
            "DescribeVSwitches": {"VSwitches": [{"VSwitchId": "vsw-1", "VSwitchName": self.text}]},
            "DescribeClustersV1": {
                "clusters": [{"cluster_id": CLUSTER_ID, "name": CLUSTER, "region_id": "cn-hangzhou"}],
                "page_info": {"total_count": 1},
            },
            "DescribeClusterUserKubeconfig": {"config": self.kubeconfig("cluster"), "expiration": self.text},
        }
        return 200, {"RequestId": "r-1", **(known.get(action) or self._documented(action))}

    def _documented(self, action: str) -> Json:
        """All that the collection reads of a reply, with the text in each place for one."""
        found: Json = filled(shape_of(action), self.text)
        rows = {
            "DescribeKialiConfiguration": KIALI_ATTRIBUTES,
            "DescribeNamespaceScopeSidecarConfig": SIDECAR_ATTRIBUTES,
        }
        place = found.setdefault("ConfigPatches", {}) if action == "DescribeNamespaceScopeSidecarConfig" else found
        for row in rows.get(action, ()):
            if row.read and row.type == "str" and not row.no_log:
                put(place, row.read, self.text)
        return found

    def mesh(self) -> Json:
        info = {"ServiceMeshId": MESH_ID, "Name": MESH, "RegionId": "cn-hangzhou", "State": "running"}
        texts = dict.fromkeys(
            ("Version", "CreationTime", "UpdateTime", "ErrorMessage", "ClusterSpec", "Profile"), self.text
        )
        found: Json = {
            "ServiceMeshInfo": {**texts, **info},
            "Clusters": [CLUSTER_ID],
            "Tag": [{"Key": self.text, "Value": self.text}, {"Key": "team", "Value": self.text}],
            "Endpoints": dict.fromkeys(("IntranetApiServerEndpoint", "PublicApiServerEndpoint"), self.text),
        }
        for row in MESH_ATTRIBUTES:
            if row.read and row.type == "str":
                put(found, row.read, self.text)
        for path in ("ApiServerLoadbalancerId", "PilotPublicLoadbalancerId", "ApiServerPublicEipId"):
            put(found, f"Spec.LoadBalancer.{path}", self.text)
        put(found, "Spec.MeshConfig.Telemetry", True)
        put(found, "Spec.Network.VpcId", "vpc-1")
        put(found, "Spec.Network.VSwitches", ["vsw-1"])
        put(found, "Spec.Network.SecurityGroupId", self.text)
        return found

    def cluster(self) -> Json:
        texts = ("ClusterDomain", "ClusterType", "ErrorMessage", "ForbiddenInfo", "LogtailStatus", "Version", "VpcId")
        ours = {"ClusterId": CLUSTER_ID, "Name": CLUSTER, "State": "running", "ServiceMeshId": MESH_ID}
        return {**dict.fromkeys(texts, self.text), "RegionId": self.text, **ours}

    def _fill(self) -> None:
        marks = {"labels": {"app": self.text, "meshops.asm/set": self.text}, "annotations": {self.text: self.text}}
        gateway = {
            "clusterIds": [CLUSTER_ID],
            "serviceType": "LoadBalancer",
            "ports": [{"name": self.text, "port": 80, "targetPort": 80}],
            "podLabels": {self.text: self.text},
            "env": {"A": self.text},
        }
        status = {
            "Status": self.text,
            "ErrorMessage": self.text,
            "ClusterIdGatewayAddressMap": [{"clusterId": CLUSTER_ID, "ipAddress": self.text}],
        }
        route = [{"destination": {"host": "reviews", "subset": name}, "weight": 50} for name in ("v1", "v2")]
        http = [{"name": self.text, "match": [{"uri": {"exact": self.text}}], "route": route}]
        objects = [
            ("mesh", "/apis/istio.alibabacloud.com/v1beta1", "istiogateways", "in", "IstioGateway", ASM,
             {"spec": gateway, "status": status}),
            ("mesh", "/apis/networking.istio.io/v1", "virtualservices", "reviews", "VirtualService", ISTIO,
             {"spec": {"hosts": [self.text], "http": http}}),
            ("cluster", "/api/v1", "services", "istio-in", "Service", "v1", {"spec": {"type": self.text}}),
        ]  # fmt: skip
        for server, group, plural, name, kind, version, more in objects:
            metadata = {"name": name, "namespace": "istio-system", **marks}
            body = {"apiVersion": version, "kind": kind, "metadata": metadata, **more}
            self.servers[server].put(f"{group}/namespaces/istio-system/{plural}/{name}", body)
        for server in self.servers.values():
            place = "/api/v1/namespaces/istio-system"
            server.put(place, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system", **marks}})


@contextmanager
def serving(text: str) -> Iterator[Account]:
    """The account at an address of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The body of an answer does not wait for the receipt of its head, which takes 40 ms.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if action := self.headers.get("x-acs-action"):
                account.given = dict([*parse_qsl(parts.query), *parse_qsl(given.decode())])
                code, answer, headers = *account.answer(action), {}
            else:
                _none, server, rest = parts.path.split("/", 2)
                query = {key: values[0] for key, values in parse_qs(parts.query).items()}
                body = json.loads(given) if given else None
                code, answer, headers = account.servers[server].handle(self.command, f"/{rest}", query, body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": len(data)}.items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_POST = do_PUT = do_DELETE = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    account = Account(f"http://127.0.0.1:{server.server_port}", text)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Ansible:
    """Ansible's commands of the Python that runs the tests, with the account and a home of their own."""

    def __init__(self, folder: Path, account: Account) -> None:
        self.folder = folder
        link = folder / "collections/ansible_collections/meshops/asm"
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(folder / "collections"),
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "AKTEST",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": base64.b64encode(b"secret of the account").decode(),
            "ALIBABA_CLOUD_REGION_ID": "cn-hangzhou",
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
            "MESHOPS_ASM_ENDPOINT": account.url,
            "MESHOPS_CS_ENDPOINT": account.url,
            "MESHOPS_API_TIMEOUT": "2",
        }

    def __call__(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """One command, as in ``("ansible-playbook", "play.yml")``, in the folder."""
        return subprocess.run(
            [str(Path(sys.executable).parent / words[0]), *words[1:]],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
