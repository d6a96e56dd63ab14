# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host needs: read of the mesh and its cluster, and a token only when it needs one."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.modules.asm_host_config import HostConfig

from ..module_utils.kube.conftest import MemoryApi, api, kubeconfig

__all__ = ["api"]

Json = dict[str, Any]
Run = Callable[..., Outcome]
GROUP = "/apis/networking.istio.io/v1/namespaces/default/workloadgroups/stock"
ENTRY = "/apis/networking.istio.io/v1/namespaces/default/workloadentries/stock-1"
ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/stock"
SERVICE = "/api/v1/namespaces/istio-system/services/istiod-default"
ROOT = "/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert"
OPTIONS = {
    "mesh": "shop",
    "cluster": "shop-1",
    "namespace": "default",
    "group": "stock",
    "name": "stock-1",
    "address": "192.0.2.20",
}


def token(minutes: int, uid: str) -> str:
    claims = {
        "sub": "system:serviceaccount:default:stock",
        "aud": ["istio-ca"],
        "exp": time.time() + minutes * 60,
        "kubernetes.io": {"serviceaccount": {"uid": uid}},
    }
    return f"e30.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.sig"


def made(kind: str, name: str, namespace: str = "istio-system", **parts: Any) -> Json:
    api_version = "networking.istio.io/v1" if kind == "WorkloadGroup" else "v1"
    labels = {"istio.io/rev": "default"} if kind == "Service" else {}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}


@pytest.fixture
def run(api: MemoryApi, fake_cloud: Callable[..., Any], task: Callable[..., Any], clock: Any) -> Run:
    """``run(**options)`` runs the module for a group of the mesh and its account in the cluster: one server is both."""
    spec = {"template": {"serviceAccount": "stock", "ports": {"http": 8080}}}
    api.put(GROUP, made("WorkloadGroup", "stock", "default", spec=spec))
    api.put(ACCOUNT, made("ServiceAccount", "stock", "default"))
    api.put(SERVICE, made("Service", "istiod-default", spec={"ports": [{"port": 443}, {"port": 15012}]}))
    api.put(ROOT, made("ConfigMap", "istio-ca-root-cert", data={"root-cert.pem": "PEM\n"}))

    def play(check: bool = False, endpoint: str = "192.0.2.1:15011", **given: Any) -> Outcome:
        info = {"ServiceMeshId": "m1", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}
        shown = {"ServiceMeshInfo": info, "Endpoints": {"IntranetPilotEndpoint": endpoint}}
        listed = {"clusters": [{"cluster_id": "k1", "name": "shop-1"}], "page_info": {"total_count": 1}}
        attached = {"Clusters": [{"ClusterId": "k1", "Name": "shop-1", "State": "running"}]}
        cloud = fake_cloud(
            DescribeServiceMeshes={"ServiceMeshes": [shown]},
            DescribeServiceMeshDetail={"ServiceMesh": shown},
            DescribeClustersInServiceMesh=attached,
            DescribeServiceMeshKubeconfig={"Kubeconfig": kubeconfig(api.url)},
            DescribeClustersV1=listed,
            DescribeClusterUserKubeconfig={"config": kubeconfig(api.url)},
        )
        resource = HostConfig(task(HostConfig, **{**OPTIONS, **given}), cloud)
        outcome = reconcile(resource, check=check, wait=False, clock=clock)
        told = resource.extra(outcome.plan)
        play.token, play.needed, play.healthy = (  # type: ignore[attr-defined]
            told[name] for name in ("token", "token_needed", "healthy")
        )
        return outcome

    return play


def answer(api: MemoryApi, value: str) -> None:
    """What the server says to the next request for a token."""
    api.answers.append((f"{ACCOUNT}/token", (201, made("TokenRequest", "stock", status={"token": value}), {})))


def test_a_host_without_a_token_gets_one(api: MemoryApi, run: Run) -> None:
    predicted = run(check=True)
    assert predicted.changed
    assert api.sent("POST") == []
    answer(api, "new.token.here")
    done = run()
    assert done.changed
    assert run.token == "new.token.here"  # type: ignore[attr-defined]  # noqa: S105
    assert (done.plan.before, done.plan.after) == (predicted.plan.before, predicted.plan.after)
    assert predicted.value == done.value
    assert "new.token.here" not in str((done.value, done.plan))
    (asked,) = [body for method, _path, _headers, body in api.requests if method == "POST"]
    assert asked["spec"] == {"audiences": ["istio-ca"], "expirationSeconds": 3600}
    assert done.value["hosts_line"] == "192.0.2.1 istiod-default.istio-system.svc"
    assert done.value["pilot"] == "istiod-default.istio-system.svc:15012"
    assert done.value["entry"]["spec"]["address"] == "192.0.2.20"


def test_a_good_token_stays(api: MemoryApi, run: Run) -> None:
    uid = api.objects[ACCOUNT]["metadata"]["uid"]
    assert not run(token=token(40, uid)).changed
    assert (run.token, run.needed) == (None, False)  # type: ignore[attr-defined]
    assert api.sent("POST") == []
    assert run(check=True, token=token(20, uid)).changed
    # The account was removed and made again since.
    assert run(check=True, token=token(40, "another")).changed


def test_the_host_has_a_way_of_its_own_to_the_control_plane(run: Run) -> None:
    found = run(check=True, pilot_address="203.0.113.7:443").value
    assert found["hosts_line"] == "203.0.113.7 istiod-default.istio-system.svc"
    assert found["pilot"] == "istiod-default.istio-system.svc:443"


def test_a_probe_has_to_have_succeeded(api: MemoryApi, run: Run) -> None:
    run(check=True)
    assert run.healthy is True  # type: ignore[attr-defined]
    api.objects[GROUP]["spec"]["probe"] = {"httpGet": {"port": 8080}}
    run(check=True)
    assert run.healthy is False  # type: ignore[attr-defined]
    for said in ("False", "True"):
        status = {"conditions": [{"type": "Other", "status": "True"}, {"type": "Healthy", "status": said}]}
        api.put(ENTRY, {**made("WorkloadGroup", "stock-1", "default", status=status), "kind": "WorkloadEntry"})
        run(check=True)
        assert run.healthy is (said == "True")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("gone", "given", "words"),
    [
        (GROUP, {}, "Mesh 'shop' has no WorkloadGroup default/stock (in this namespace: none)"),
        (ACCOUNT, {}, "Cluster shop-1 has no ServiceAccount default/stock, which WorkloadGroup default/stock names"),
        (SERVICE, {}, "Cluster shop-1 has no Service istio-system/istiod-<revision>"),
        (ROOT, {}, "Cluster shop-1 has no ConfigMap istio-system/istio-ca-root-cert"),
        ("", {"cluster": "shop-2"}, "Cluster 'shop-2' is not in mesh 'shop' (attached: shop-1)"),
        ("", {"endpoint": ""}, "The mesh shows no private address of its control plane"),
    ],
)
def test_what_is_missing_is_told(api: MemoryApi, run: Run, gone: str, given: Json, words: str) -> None:
    api.objects.pop(gone, None)
    with pytest.raises(NotFound) as caught:
        run(**given)
    assert words in caught.value.message
    assert api.sent("POST") == []


def test_an_address_of_the_account_that_is_none(run: Run) -> None:
    with pytest.raises(AsmError, match="is no address of the control plane"):
        run(endpoint="192.0.2.1 evil.example\n192.0.2.2:15011")


def test_two_control_planes_are_told(api: MemoryApi, run: Run) -> None:
    api.put(SERVICE.replace("default", "canary"), made("Service", "istiod-canary", spec={}))
    with pytest.raises(Ambiguous, match="istiod-canary, istiod-default"):
        run()


def test_an_answer_without_a_token(api: MemoryApi, run: Run) -> None:
    answer(api, "")
    with pytest.raises(AsmError, match="without one"):
        run()
