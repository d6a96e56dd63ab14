# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What attaching a cluster to a mesh creates, in the mesh's API server and in the cluster's."""

from __future__ import annotations

import base64
import time

from meshlab import istiod
from meshlab.istiod import Istiod
from meshlab.kubeapi import KubeApi, Object
from meshlab.kubeconfig import token_kubeconfig

NAMESPACE = "istio-system"

_LABELS = {"app.kubernetes.io/managed-by": "asm"}
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"
_READER = "asm-istiod"
_ROOT = "istio-ca-root-cert"
_INJECTOR = f"istio-sidecar-injector-{istiod.REVISION}"
_SERVICE = f"istiod-{istiod.REVISION}"
_YEAR = 365 * 24 * 3600


def create_access(cluster: KubeApi, *, cluster_id: str, server: str, ca_pem: str) -> str:
    """Create istio-system and istiod's reader in a cluster; a kubeconfig for that reader."""
    cluster.apply(f"/api/v1/namespaces/{NAMESPACE}", _object("v1", "Namespace", NAMESPACE))
    cluster.apply(f"/apis/{_RBAC}/v1/clusterroles/{_READER}", _reader_role())
    cluster.apply(f"/apis/{_RBAC}/v1/clusterrolebindings/{_READER}", _reader_binding())
    account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{_READER}"
    cluster.apply(account, _object("v1", "ServiceAccount", _READER, NAMESPACE))
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": _YEAR}}
    token = cluster.create(f"{account}/token", request)["status"]["token"]
    return token_kubeconfig(name=cluster_id, server=server, ca_pem=ca_pem, user=_READER, token=token)


def create_pilot_service(cluster: KubeApi) -> None:
    """Create the Service by which a cluster's proxies know the managed istiod. It has no cluster IP."""
    service = _object("v1", "Service", _SERVICE, NAMESPACE)
    service["metadata"]["labels"]["istio.io/rev"] = istiod.REVISION
    service["spec"] = {"clusterIP": "None", "ports": [{"name": "https-dns", "port": 15012, "protocol": "TCP"}]}
    cluster.apply(f"/api/v1/namespaces/{NAMESPACE}/services/{_SERVICE}", service)


def create_root(cluster: KubeApi, pilot: Istiod) -> None:
    """Create the ConfigMap with the root of the mesh's certificates."""
    body = _object("v1", "ConfigMap", _ROOT, NAMESPACE)
    body["data"] = {"root-cert.pem": pilot.ca_pem}
    cluster.apply(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{_ROOT}", body)


def create_injector(cluster: KubeApi, *, cluster_id: str, pilot: Istiod) -> None:
    """Create the injection webhook: istiod adds the sidecar to pods of namespaces (or pods) that ask for it."""
    body = _object("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", _INJECTOR)
    body["metadata"]["labels"]["istio.io/rev"] = istiod.REVISION
    url = f"https://{pilot.address}:{istiod.WEBHOOK_PORT}/inject/cluster/{cluster_id}"
    client = {"url": url, "caBundle": base64.b64encode(pilot.ca_pem.encode()).decode()}
    not_refused = _expression("sidecar.istio.io/inject", "NotIn", "false")
    unlabelled = [_expression("istio-injection", "DoesNotExist"), _expression("istio.io/rev", "DoesNotExist")]
    by_revision = [_expression("istio.io/rev", "In", istiod.REVISION), _expression("istio-injection", "DoesNotExist")]
    selections = {
        "namespace": ([_expression("istio-injection", "In", "enabled")], [not_refused]),
        "rev.namespace": (by_revision, [not_refused]),
        "object": (unlabelled, [_expression("sidecar.istio.io/inject", "In", "true")]),
    }
    body["webhooks"] = [
        {
            "name": f"{name}.sidecar-injector.istio.io",
            "clientConfig": client,
            "namespaceSelector": {"matchExpressions": namespaces},
            "objectSelector": {"matchExpressions": pods},
            "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "admissionReviewVersions": ["v1"],
        }
        for name, (namespaces, pods) in selections.items()
    ]
    cluster.apply(f"{_ADMISSION}/mutatingwebhookconfigurations/{_INJECTOR}", body)


def create_validator(mesh: KubeApi, pilot: Istiod) -> None:
    """Have istiod check every Istio object that is written to the mesh."""
    body = _object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "istio-validator")
    groups = ["networking.istio.io", "security.istio.io", "telemetry.istio.io", "extensions.istio.io"]
    bundle = base64.b64encode(pilot.ca_pem.encode()).decode()
    body["webhooks"] = [
        {
            "name": "validation.istio.io",
            "clientConfig": {"url": f"https://{pilot.address}:{istiod.WEBHOOK_PORT}/validate", "caBundle": bundle},
            "rules": [
                {"operations": ["CREATE", "UPDATE"], "apiGroups": groups, "apiVersions": ["*"], "resources": ["*"]}
            ],
            "sideEffects": "None",
            "failurePolicy": "Fail",
            "admissionReviewVersions": ["v1"],
        }
    ]
    mesh.apply(f"{_ADMISSION}/validatingwebhookconfigurations/istio-validator", body)


def create_remote_secret(mesh: KubeApi, cluster_id: str, kubeconfig: str) -> None:
    """Tell istiod about a cluster; it starts to read it at once."""
    secret = _object("v1", "Secret", _secret_name(cluster_id), NAMESPACE)
    secret["metadata"]["labels"]["istio/multiCluster"] = "true"
    secret["data"] = {cluster_id: base64.b64encode(kubeconfig.encode()).decode()}
    mesh.apply(f"/api/v1/namespaces/{NAMESPACE}/secrets/{_secret_name(cluster_id)}", secret)


def delete_remote_secret(mesh: KubeApi, cluster_id: str) -> None:
    """Make istiod forget a cluster."""
    mesh.delete(f"/api/v1/namespaces/{NAMESPACE}/secrets/{_secret_name(cluster_id)}")


def delete_from_cluster(cluster: KubeApi, *, reserve_namespace: bool) -> None:
    """Remove what attaching created; istio-system goes with all that is in it, gateways included, unless reserved.

    Returns when the namespace is gone. TimeoutError after 60 s.
    """
    cluster.delete(f"{_ADMISSION}/mutatingwebhookconfigurations/{_INJECTOR}")
    if reserve_namespace:
        cluster.delete(f"/api/v1/namespaces/{NAMESPACE}/services/{_SERVICE}")
        cluster.delete(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{_READER}")
        cluster.delete(f"/api/v1/namespaces/{NAMESPACE}/configmaps/{_ROOT}")
    else:
        _delete_namespace(cluster)
    cluster.delete(f"/apis/{_RBAC}/v1/clusterrolebindings/{_READER}")
    cluster.delete(f"/apis/{_RBAC}/v1/clusterroles/{_READER}")


def _delete_namespace(cluster: KubeApi, *, seconds: float = 60.0) -> None:
    path = f"/api/v1/namespaces/{NAMESPACE}"
    deadline = time.monotonic() + seconds
    cluster.delete(path)
    while cluster.find(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"namespace {NAMESPACE} is still there after {seconds:.0f} s; see its status.conditions")
        time.sleep(0.1)


def _object(api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
    metadata: Object = {"name": name, "labels": dict(_LABELS)}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _secret_name(cluster_id: str) -> str:
    return f"istio-remote-secret-{cluster_id}"


def _expression(key: str, operator: str, *values: str) -> Object:
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


def _reader_role() -> Object:
    role = _object(f"{_RBAC}/v1", "ClusterRole", _READER)
    read = ["get", "list", "watch"]
    core = ["endpoints", "pods", "services", "nodes", "namespaces", "secrets", "configmaps", "replicationcontrollers"]
    role["rules"] = [
        {"apiGroups": [""], "resources": core, "verbs": read},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": read},
        {"apiGroups": ["apps"], "resources": ["replicasets", "deployments"], "verbs": read},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": read},
        {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]},
        {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
    ]
    return role


def _reader_binding() -> Object:
    binding = _object(f"{_RBAC}/v1", "ClusterRoleBinding", _READER)
    binding["roleRef"] = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _READER}
    binding["subjects"] = [{"kind": "ServiceAccount", "name": _READER, "namespace": NAMESPACE}]
    return binding
