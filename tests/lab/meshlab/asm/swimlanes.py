# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Swim lanes: groups of services, and the lanes in them. Both are objects of the control plane, see meshlab.lanes."""

from __future__ import annotations

import json
from typing import Any

from meshlab.account import Mesh
from meshlab.asm import lanerules
from meshlab.asm.actions import Call, action
from meshlab.kubeapi import KubeApi, Object
from meshlab.laneobjects import GROUP_LABEL, services
from meshlab.lanes import GROUPS, LANES, lanes_of
from meshlab.openapi.errors import ApiError, invalid_parameter, missing_parameter

_API = "istio.alibabacloud.com/v1"
_GATEWAYS = "/apis/networking.istio.io/v1"

#: As replies say it, and as the object says it.
_STRATEGIES = {"weighted": "weighted", "rule-based": "rule_based"}


@action(
    "CreateSwimLaneGroup",
    *("ServiceMeshId", "GroupName", "IngressGatewayName", "IngressType", "ServicesList"),
    write=True,
)
def create_swim_lane_group(call: Call) -> dict[str, Any]:
    """A group without lanes, which has no effect yet; its mode, headers and gateway are for good."""
    mesh, api = _writable(call)
    name = _name(call, "GroupName")
    if call.get("IngressType") != "ASM":
        raise invalid_parameter("IngressType", f"{call.get('IngressType')!r} is not ASM")
    spec: dict[str, Any] = {"services": _services(call, mesh)}
    gateway = {"name": call.get("IngressGatewayName"), "namespace": call.get("IngressGatewayNamespace", "istio-system")}
    if api.find(f"{_GATEWAYS}/namespaces/{gateway['namespace']}/gateways/{gateway['name']}") is None:
        raise invalid_parameter(
            "IngressGatewayName", f"there is no Gateway {gateway['name']} in the namespace {gateway['namespace']}"
        )
    spec["ingress"] = {"gateway": {**gateway, "type": "ASM"}}
    if call.get("IsPermissive"):
        for header in ("RouteHeader", "TraceHeader"):
            if not call.get(header):
                raise missing_parameter(header)
        headers = {"routeHeader": call.get("RouteHeader"), "traceHeader": call.get("TraceHeader")}
        spec |= {"isPermissive": True, "permissiveModeConfiguration": headers}
    if api.find(f"{GROUPS}/{name}"):
        raise ApiError(400, "ErrorSwimLaneGroupExists", f"The swim lane group {name} exists already.")
    api.create(GROUPS, {"apiVersion": _API, "kind": "ASMSwimLaneGroup", "metadata": {"name": name}, "spec": spec})
    return {}


@action("UpdateSwimLaneGroup", "ServiceMeshId", "GroupName", write=True)
def update_swim_lane_group(call: Call) -> dict[str, Any]:
    """Partial change: what is not sent stays."""
    mesh, api = _writable(call)
    group = _group(call, api)
    spec = group["spec"]
    change: dict[str, Any] = {}
    if call.get("ServicesList"):
        change["services"] = _services(call, mesh)
    fallback: dict[str, Any] = {}
    if call.get("FallbackTarget"):
        fallback["fallbackTarget"] = _known_lane(call, api, "FallbackTarget", call.get("FallbackTarget"))
    if call.get("ServiceLevelFallbackTarget"):
        targets = lanerules.mapping("ServiceLevelFallbackTarget", call.get("ServiceLevelFallbackTarget"))
        for lane in targets.values():
            _known_lane(call, api, "ServiceLevelFallbackTarget", lane)
        before = (spec.get("permissiveModeConfiguration") or {}).get("serviceLevelFallbackTarget") or {}
        fallback["serviceLevelFallbackTarget"] = {**dict.fromkeys(before), **targets}
    if fallback and not spec.get("isPermissive"):
        raise invalid_parameter(
            "FallbackTarget" if "fallbackTarget" in fallback else "ServiceLevelFallbackTarget",
            "the swim lane group is not in permissive mode",
        )
    if fallback:
        change["permissiveModeConfiguration"] = fallback
    routing = _routing(call, (spec.get("ingress") or {}).get("ingressRouting") or {})
    if routing:
        change["ingress"] = {"ingressRouting": routing}
    if change:
        api.patch(f"{GROUPS}/{group['metadata']['name']}", {"spec": change})
    return {}


@action("DeleteSwimLaneGroup", "ServiceMeshId", "GroupName", write=True)
def delete_swim_lane_group(call: Call) -> dict[str, Any]:
    """Only without lanes."""
    _mesh, api = _writable(call)
    name = _group(call, api)["metadata"]["name"]
    left = [one["metadata"]["name"] for one in lanes_of(api, name)]
    if left:
        raise ApiError(400, "ErrorSwimLaneGroupNotEmpty", f"The swim lane group {name} has lanes: {', '.join(left)}.")
    api.delete(f"{GROUPS}/{name}")
    return {}


@action("GetSwimLaneGroupList", "ServiceMeshId")
def get_swim_lane_group_list(call: Call) -> dict[str, Any]:
    """All groups of a mesh."""
    mesh = call.mesh()
    return {"SwimLaneGroupList": [_group_row(call, mesh, one) for one in _api(call, mesh).list(GROUPS)]}


@action("CreateSwimLane", "ServiceMeshId", "GroupName", "SwimLaneName", write=True)
def create_swim_lane(call: Call) -> dict[str, Any]:
    """A lane, which takes effect at once between the services; rules of the gateway are written into its object."""
    mesh, api = _writable(call)
    group = _group(call, api)
    name = _name(call, "SwimLaneName")
    for one in ("LabelSelectorKey", "LabelSelectorValue"):
        if not call.get(one):
            raise missing_parameter(one)
    spec: dict[str, Any] = {"labelSelector": {call.get("LabelSelectorKey"): call.get("LabelSelectorValue")}}
    if call.get("ServicesList"):
        spec["services"] = _services_of_lane(call, mesh, group)
    if api.find(f"{LANES}/{name}"):
        raise ApiError(400, "ErrorSwimLaneExists", f"The swim lane {name} exists already.")
    metadata = {"name": name, "labels": {GROUP_LABEL: group["metadata"]["name"]}}
    api.create(LANES, {"apiVersion": _API, "kind": "ASMSwimLane", "metadata": metadata, "spec": spec})
    return {}


@action("UpdateSwimLane", "ServiceMeshId", "GroupName", "SwimLaneName", write=True)
def update_swim_lane(call: Call) -> dict[str, Any]:
    """Partial change of labels and services; the rules of the gateway stay."""
    mesh, api = _writable(call)
    group = _group(call, api)
    lane = _lane(call, api)
    change: dict[str, Any] = {}
    if call.get("LabelSelectorKey") and call.get("LabelSelectorValue"):
        before = dict.fromkeys(lane["spec"].get("labelSelector") or {})
        change["labelSelector"] = {**before, call.get("LabelSelectorKey"): call.get("LabelSelectorValue")}
    if call.get("ServicesList"):
        change["services"] = _services_of_lane(call, mesh, group)
    if change:
        api.patch(f"{LANES}/{lane['metadata']['name']}", {"spec": change})
    return {}


@action("DeleteSwimLane", "ServiceMeshId", "GroupName", "SwimLaneName", write=True)
def delete_swim_lane(call: Call) -> dict[str, Any]:
    """A lane that others fall back to goes as well; they go to the whole service then."""
    _mesh, api = _writable(call)
    _group(call, api)
    api.delete(f"{LANES}/{_lane(call, api)['metadata']['name']}")
    return {}


@action("GetSwimLaneList", "ServiceMeshId", "GroupName")
def get_swim_lane_list(call: Call) -> dict[str, Any]:
    """The lanes of a group."""
    mesh = call.mesh()
    api = _api(call, mesh)
    group = _group(call, api)
    return {"SwimLaneList": [_lane_row(call, mesh, group, one) for one in lanes_of(api, group["metadata"]["name"])]}


@action("GetSwimLaneDetail", "ServiceMeshId", "GroupName", "SwimLaneName")
def get_swim_lane_detail(call: Call) -> dict[str, Any]:
    """One lane; names of fields differ from those of the list."""
    mesh = call.mesh()
    api = _api(call, mesh)
    row = _lane_row(call, mesh, _group(call, api), _lane(call, api))
    renamed = {"ServiceList": "ServicesList", "WeightedIngressDestinatin": "WeightedIngressDestination"}
    return {renamed.get(key, key): value for key, value in row.items() if key not in ("Name", "GroupName")}


def _writable(call: Call) -> tuple[Mesh, KubeApi]:
    mesh = call.settled_mesh()
    if mesh.cluster_spec == "standard":
        raise ApiError(400, "InvalidOperation.Edition", "Swim lanes need the enterprise or ultimate edition.")
    return mesh, _api(call, mesh)


def _api(call: Call, mesh: Mesh) -> KubeApi:
    return call.cloud.fleet.mesh(mesh.mesh_id).api


def _name(call: Call, parameter: str) -> str:
    name: str = call.get(parameter)
    if len(name) > 63 or not name.replace("-", "a").isalnum() or name != name.lower() or name.strip("-") != name:
        raise invalid_parameter(parameter, f"{name!r} is no name of a Kubernetes object")
    return name


def _group(call: Call, api: KubeApi) -> Object:
    found = api.find(f"{GROUPS}/{call.get('GroupName')}")
    if found is None:
        raise ApiError(404, "SwimLaneGroup.NotFound", f"There is no swim lane group {call.get('GroupName')}.")
    return found


def _lane(call: Call, api: KubeApi) -> Object:
    name = call.get("SwimLaneName")
    for one in lanes_of(api, call.get("GroupName")):
        if one["metadata"]["name"] == name:
            return one
    raise ApiError(404, "SwimLane.NotFound", f"There is no swim lane {name} in the group {call.get('GroupName')}.")


def _known_lane(call: Call, api: KubeApi, parameter: str, name: str) -> str:
    if name not in [one["metadata"]["name"] for one in lanes_of(api, call.get("GroupName"))]:
        raise invalid_parameter(parameter, f"there is no swim lane {name} in the group")
    return name


def _services(call: Call, mesh: Mesh) -> list[dict[str, Any]]:
    found = []
    for text in lanerules.texts("ServicesList", call.get("ServicesList")):
        parts = text.split("/")
        if len(parts) != 4 or not all(parts):
            raise invalid_parameter("ServicesList", f"{text!r} is not cluster name/cluster id/namespace/service")
        name, cluster, namespace, service = parts
        if cluster not in mesh.clusters:
            raise invalid_parameter("ServicesList", f"the cluster {cluster} is not in the mesh")
        if call.cloud.fleet.cluster(cluster).api.find(f"/api/v1/namespaces/{namespace}/services/{service}") is None:
            raise invalid_parameter("ServicesList", f"there is no service {namespace}/{service} in the cluster {name}")
        region = call.world.clusters[cluster].region_id
        reference = {"region": region, "name": name, "id": cluster}
        found.append({"name": service, "namespace": namespace, "cluster": reference})
    if not found:
        raise invalid_parameter("ServicesList", "it is empty")
    return found


def _services_of_lane(call: Call, mesh: Mesh, group: Object) -> list[dict[str, Any]]:
    found = _services(call, mesh)
    given, all_of_group = services({"services": found}), services(group["spec"])
    for namespace, name in given:
        if (namespace, name) not in all_of_group:
            raise invalid_parameter("ServicesList", f"the service {namespace}/{name} is not in the group")
    if not group["spec"].get("isPermissive") and set(given) != set(all_of_group):
        raise invalid_parameter("ServicesList", "a lane of a strict group has all services of the group")
    return found


def _routing(call: Call, before: dict[str, Any]) -> dict[str, Any]:
    routing: dict[str, Any] = {}
    strategy = call.get("IngressRoutingStrategy")
    if strategy:
        if strategy not in _STRATEGIES:
            raise invalid_parameter("IngressRoutingStrategy", f"{strategy!r} is not one of {', '.join(_STRATEGIES)}")
        routing["ingressRoutingStrategy"] = _STRATEGIES[strategy]
    if call.get("WeightedIngressRule"):
        if routing.get("ingressRoutingStrategy", before.get("ingressRoutingStrategy")) != "weighted":
            raise invalid_parameter("WeightedIngressRule", "the group's strategy is not weighted")
        rule = lanerules.mapping("WeightedIngressRule", call.get("WeightedIngressRule"))
        routing["weightedRoutingRule"] = lanerules.weighted_object(rule)
    return routing


def _group_row(call: Call, mesh: Mesh, group: Object) -> dict[str, Any]:
    spec = group.get("spec") or {}
    mode, ingress = spec.get("permissiveModeConfiguration") or {}, spec.get("ingress") or {}
    routing = ingress.get("ingressRouting") or {}
    weighted = routing.get("ingressRoutingStrategy") == "weighted"
    per_service = mode.get("serviceLevelFallbackTarget")
    return {
        "GroupName": group["metadata"]["name"],
        "ServiceList": _listed(spec),
        "IngressType": "ASM",
        "IngressGatewayName": (ingress.get("gateway") or {}).get("name", ""),
        "IngressRoutingStrategy": "weighted" if weighted else "rule-based",
        "IsPermissive": bool(spec.get("isPermissive")),
        "FallbackTarget": mode.get("fallbackTarget", ""),
        "RouteHeader": mode.get("routeHeader", ""),
        "TraceHeader": mode.get("traceHeader", ""),
        "ServiceLevelFallbackTarget": json.dumps(per_service) if per_service else "",
        "SwimLaneLabels": json.dumps(_common_labels(call, mesh, spec)),
        **(
            {"WeightedIngressRule": json.dumps(lanerules.weighted_row(routing.get("weightedRoutingRule") or {}))}
            if weighted
            else {}
        ),
    }


def _lane_row(call: Call, mesh: Mesh, group: Object, lane: Object) -> dict[str, Any]:
    spec = lane.get("spec") or {}
    key, value = next(iter((spec.get("labelSelector") or {"": ""}).items()))
    name = lane["metadata"]["name"]
    weight = spec.get("ingressWeight")
    row = {
        "Name": name,
        "GroupName": group["metadata"]["name"],
        "LabelSelectorKey": key,
        "LabelSelectorValue": value,
        "IngressService": "",
        "IngressRule": json.dumps(lanerules.rule_rows(spec.get("ingressRules") or [], name)),
        "ServiceList": _listed(spec if spec.get("services") else group["spec"]),
        "ValidationMessage": _problem(call, mesh, group, spec),
        "WeightedIngressDestinatin": json.dumps(lanerules.weight_row(weight, name)) if weight else None,
    }
    return {key: value for key, value in row.items() if value is not None}


def _listed(spec: dict[str, Any]) -> str:
    """The services as the API writes them."""
    rows = []
    for one in spec.get("services") or []:
        cluster = one.get("cluster") or {}
        rows.append(f"{cluster.get('name', '')}/{cluster.get('id', '')}/{one.get('namespace')}/{one.get('name')}")
    return json.dumps(rows)


def _problem(call: Call, mesh: Mesh, group: Object, spec: dict[str, Any]) -> str | None:
    """Why a lane cannot take effect: what the operator met, or a service without an instance in the lane."""
    problem = (group.get("status") or {}).get("error")
    if problem:
        return str(problem)
    wanted = (spec.get("labelSelector") or {}).items()
    for namespace, name in services(spec) or services(group["spec"]):
        found = _pod_labels(call, mesh, namespace, name)
        if not any(wanted <= labels.items() for labels in found):
            selector = ",".join(f"{key}={value}" for key, value in wanted)
            return f"the service {namespace}/{name} has no pod with the label {selector}"
    return None


def _common_labels(call: Call, mesh: Mesh, spec: dict[str, Any]) -> dict[str, list[str]]:
    """Keys that pods of every service have, with all their values."""
    of_services = []
    for namespace, name in services(spec):
        labels: dict[str, set[str]] = {}
        for pod in _pod_labels(call, mesh, namespace, name):
            for key, value in pod.items():
                labels.setdefault(key, set()).add(value)
        of_services.append(labels)
    common = set.intersection(*(set(one) for one in of_services)) if of_services else set()
    return {key: sorted(set().union(*(one[key] for one in of_services))) for key in sorted(common)}


def _pod_labels(call: Call, mesh: Mesh, namespace: str, name: str) -> list[dict[str, str]]:
    """The labels of each pod of a service, in all clusters."""
    found: list[dict[str, str]] = []
    for cluster_id in mesh.clusters:
        api = call.cloud.fleet.cluster(cluster_id).api
        service = api.find(f"/api/v1/namespaces/{namespace}/services/{name}") or {}
        selector = (service.get("spec") or {}).get("selector") or {}
        pods = api.list(f"/api/v1/namespaces/{namespace}/pods") if selector else []
        of_pods = [one["metadata"].get("labels") or {} for one in pods if "deletionTimestamp" not in one["metadata"]]
        found += [labels for labels in of_pods if selector.items() <= labels.items()]
    return found
