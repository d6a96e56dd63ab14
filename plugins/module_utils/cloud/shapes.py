# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of replies that the collection reads, and their shapes. Pure.

A mapping, a list of one shape, or a kind of scalar: TEXT, SAID (a text for people, which is cut to the length that a
message may have), JSON (a text that is JSON), NUMBER, BOOL, ID (a text that must be there). ``flow.decoding`` knows
their spellings. Anything may be absent or null, and what is not listed may be anything. The models of the SDK are of no
use for this: they check nothing, and the samples of the documentation contradict them.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow import decoding
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import kind_of, quoted

TEXT, SAID, JSON, ID = "a text", "a sentence", "JSON text", "an id"
NUMBER, BOOL = "a number", "a boolean"
_DECODERS = {NUMBER: decoding.whole, BOOL: decoding.boolean, JSON: decoding.json_text}


class WrongShape(ValueError):
    """Where a reply is not as documented, as a part of a sentence."""


_MESH: dict[str, Any] = {
    "ServiceMeshInfo": {
        **dict.fromkeys(("Name", "RegionId", "State", "Version"), TEXT),
        "ErrorMessage": SAID,
        **dict.fromkeys(("ServiceMeshId", "CreationTime", "UpdateTime"), TEXT),
    },
    "Endpoints": dict.fromkeys(
        ("IntranetApiServerEndpoint", "PublicApiServerEndpoint", "IntranetPilotEndpoint", "PublicPilotEndpoint"), TEXT
    ),
    "Clusters": [TEXT],
    "ClusterSpec": TEXT,
    "Tag": [{"Key": TEXT, "Value": TEXT}],
    "Spec": {
        "LoadBalancer": {
            "ApiServerPublicEip": BOOL,
            **dict.fromkeys(("ApiServerPublicEipId", "PilotPublicEipId"), TEXT),
            **dict.fromkeys(("ApiServerLoadbalancerId", "PilotPublicLoadbalancerId"), TEXT),
        },
        "Network": {"SecurityGroupId": TEXT},
        "MeshConfig": {},
    },
}
_LISTED_MESH = {**_MESH, "ServiceMeshInfo": {**_MESH["ServiceMeshInfo"], "ServiceMeshId": ID}}
_CLUSTER = {
    "ClusterId": ID,
    **dict.fromkeys(("Name", "State", "RegionId", "VpcId", "ClusterType", "Version"), TEXT),
    "ErrorMessage": SAID,
    "ServiceMeshId": TEXT,
    "ForbiddenFlag": NUMBER,
    "GuestClusterConfig": {"SMC": {"Enabled": BOOL}},
}
_ACK_CLUSTER = {
    "cluster_id": ID,
    **dict.fromkeys(("name", "region_id", "vpc_id", "state", "cluster_type", "current_version"), TEXT),
    "master_url": JSON,
}
_BALANCER_STATE = {"SLBExistStatus": TEXT, "Reused": BOOL}
_MESH_STATUS = {
    **dict.fromkeys(("ApiServerLoadBalancerStatus", "PilotLoadBalancerStatus"), _BALANCER_STATE),
    **dict.fromkeys(("AccessLogProjectStatus", "AuditProjectStatus", "ControlPlaneProjectStatus", "SgStatus"), TEXT),
}
_PROXY = dict.fromkeys(("ProxyId", "ClusterSynced", "ListenerSynced", "RouteSynced", "EndpointSynced"), TEXT)
_SWIM_LANE_GROUP = {
    "GroupName": ID,
    **dict.fromkeys(("IngressGatewayName", "IngressRoutingStrategy", "RouteHeader", "TraceHeader"), TEXT),
    "FallbackTarget": TEXT,
    "IsPermissive": BOOL,
    "ServiceList": [TEXT],
}
_SWIM_LANE = {
    "Name": ID,
    **dict.fromkeys(("GroupName", "LabelSelectorKey", "LabelSelectorValue"), TEXT),
    "ServiceList": [TEXT],
    "ValidationMessage": JSON,
}
_SECRET_RECORD = {"State": TEXT, "ClusterId": TEXT, "Message": SAID}
_GATEWAY_SECRET = {
    **dict.fromkeys(("SecretName", "GatewayName", "State", "IssueTime", "ExpiredTime"), TEXT),
    "Message": SAID,
}
_DOMAIN = dict.fromkeys(("PortName", "Protocol", "Namespace", "GatewayCRName", "CredentialName"), TEXT)
_ROUTE = {**dict.fromkeys(("RouteName", "Namespace", "Description"), TEXT), "Priority": NUMBER, "Status": NUMBER}
_SERVICE = {
    "ServiceName": ID,
    **dict.fromkeys(("Namespace", "ServiceType"), TEXT),
    "ClusterIds": [TEXT],
    "Labels": {"*": TEXT},
    "Ports": [{"Name": TEXT, "Port": NUMBER, "Protocol": TEXT}],
}
_WAYPOINT = {
    "Name": ID,
    **dict.fromkeys(("Namespace", "ServiceAccount", "LimitCPU", "LimitMemory", "RequestCPU", "RequestMemory"), TEXT),
}
_DASHBOARD = {"Title": TEXT, "Url": TEXT}
_CLOUD_CONTROLLER = {
    **dict.fromkeys(("QueryState", "Version"), TEXT),
    **dict.fromkeys(("SLBGracefulDrainSupported", "SLBGracefulDrainSupport"), BOOL),
    "Message": SAID,
}
_NETWORK = {**dict.fromkeys(("Network", "CustomGatewayAddress", "GatewayName"), TEXT), "EnableGateway": BOOL}
_INSTANCE_TYPE = {**dict.fromkeys(("Key", "NodeType", "Value"), TEXT), "MultiBufferEnabled": BOOL}
_ENDPOINT = {
    **dict.fromkeys(("Address", "Hostname", "PodName", "Region"), TEXT),
    "Ports": [NUMBER],
    "SidecarInjected": BOOL,
}
_SIDECAR: dict[str, Any] = {
    "LifecycleStr": JSON,
    "ProxyMetadata": {},
    "ProxyStatsMatcher": {},
    "RuntimeValues": {},
    "SMCConfiguration": {},
    "ScaledSidecarResource": {},
    "SidecarProxyAckSloResource": {},
    "SidecarProxyInitAckSloResource": {},
    "SidecarProxyInitResourceLimit": {},
    "SidecarProxyInitResourceRequest": {},
    "SidecarProxyResourceLimit": {},
    "SidecarProxyResourceRequest": {},
    "Tracing": {},
}
_LANE_DETAIL = {
    **dict.fromkeys(("LabelSelectorKey", "LabelSelectorValue"), TEXT),
    "ServicesList": [TEXT],
    "ValidationMessage": JSON,
}
_GATEWAY_STATE = {"Status": TEXT, "Version": TEXT, "Message": SAID}


_PERMISSION = {
    "IsRamRole": BOOL,
    **dict.fromkeys(("ResourceId", "ResourceType", "ParentId", "RoleName", "RoleType"), TEXT),
}


class Shapes:
    """By the name of the action: attributes, as tools/ram_policies.py takes a string of that name for a call."""

    CreateServiceMesh = {"ServiceMeshId": ID}
    DescribeServiceMeshes = {"ServiceMeshes": [_LISTED_MESH]}
    DescribeServiceMeshDetail = {"ServiceMesh": _MESH}
    DescribeServiceMeshProxyStatus = {"ProxyStatus": [_PROXY]}
    DescribeCens = {"Clusters": [TEXT]}
    DescribeGuestClusterPods = {"PodList": [TEXT]}
    DescribeMetadata = {"MetaData": {"Regions": [TEXT]}}
    DescribeReusableSlb = {"ReusableSlbList": [{"LoadBalancerId": ID, "LoadBalancerName": TEXT}]}
    DescribeServiceMeshKubeconfig = {"Kubeconfig": TEXT, "ExpireTime": TEXT}
    DescribeCCMVersion = {"CCMVersions": {"*": _CLOUD_CONTROLLER}}
    DescribeClusterGrafana = {"Dashboards": [_DASHBOARD]}
    DescribeClusterPrometheus = {"Prometheus": TEXT}
    DescribeCrTemplates = {"Templates": [dict.fromkeys(("ChineseName", "EnglishName", "Yaml"), TEXT)]}
    DescribeGuestClusterAccessLogDashboards = {"Dashboards": [_DASHBOARD]}
    DescribeGuestClusterNamespaces = {"NsList": [TEXT], "NsLabels": {"*": {"*": TEXT}}}
    DescribeMeshMultiClusterNetwork = {"MultiClusterNetworks": {"*": _NETWORK}}
    DescribeNodesInstanceType = {"InstanceTypes": [_INSTANCE_TYPE]}
    DescribeServiceMeshLogs = {"Logs": [{"CreationTime": TEXT, "Log": SAID}]}
    GetCaCert = {"CaCert": TEXT}
    GetDeploymentBySelector = {"DeploymentNameList": [TEXT], "Mark": TEXT}
    GetGrafanaDashboardUrl = {"Dashboards": [_DASHBOARD]}
    GetRegisteredServiceEndpoints = {
        "EndPointSlice": {"EndpointsDetails": [_ENDPOINT], "Location": TEXT},
        "ServiceEndpoints": [{"Address": TEXT, "ClusterId": TEXT}],
    }
    GetRegisteredServiceNamespaces = {"Namespaces": [TEXT]}
    ListServiceAccounts = {"ServiceAccounts": [{"Name": TEXT, "Namespace": TEXT}]}
    DescribeNamespaceScopeSidecarConfig = {"ConfigPatches": _SIDECAR}
    DescribeClustersInServiceMesh = {"Clusters": [_CLUSTER]}
    DescribeServiceMeshClusters = {"Clusters": [_CLUSTER], "NumberOfClusters": NUMBER}
    DescribeServiceMeshAdditionalStatus = {"ClusterStatus": _MESH_STATUS}
    ListWaypoints = {"Waypoints": [_WAYPOINT], "Continue": TEXT}
    CreateGatewaySecret = {"SecretCreateRecord": {"*": _SECRET_RECORD}}
    DeleteGatewaySecret = {"SecretDeleteRecord": {"*": _SECRET_RECORD}}
    DescribeGatewaySecretDetails = {"GatewaySecretDetails": [_GATEWAY_SECRET]}
    DescribeIstioGatewayDomains = {"GatewaySecretDetails": [_DOMAIN]}
    DescribeIstioGatewayRoutes = {"ManagementRoutes": [_ROUTE]}
    DescribeASMGatewayImportedServices = {"ImportedServices": [{"ServiceName": ID, "ServiceNamespace": TEXT}]}
    DescribeImportedServicesDetail = {"Details": [_SERVICE]}
    DescribeIstioGatewayRouteDetail = {
        **dict.fromkeys(("Namespace", "Description"), TEXT),
        **dict.fromkeys(("Priority", "Status"), NUMBER),
        "RouteDetail": {"RouteType": TEXT},
    }
    DescribeEipResources = {"EipList": [{"AllocationId": ID, "Status": TEXT}], "PageResult": {"TotalCount": NUMBER}}
    DescribeVersions = {"VersionInfo": [{"Edition": TEXT, "Versions": [TEXT]}]}
    DescribeVpcs = {"Vpcs": [{"VpcId": TEXT}], "NextToken": TEXT}
    DescribeVSwitches = {"VSwitches": [{"VSwitchId": TEXT}], "NextToken": TEXT}
    DescribeUpgradeVersion = {"Version": {"IstioVersion": TEXT}}
    DescribeServiceMeshUpgradeStatus = {"UpgradeDetail": {"GatewayStatusRecord": {"*": _GATEWAY_STATE}}}
    GetSwimLaneGroupList = {"SwimLaneGroupList": [_SWIM_LANE_GROUP]}
    GetSwimLaneDetail = _LANE_DETAIL
    GetSwimLaneList = {"SwimLaneList": [_SWIM_LANE]}
    ListTagResources = {
        "NextToken": TEXT,
        "TagResources": [{"ResourceId": TEXT, "TagKey": ID, "TagValue": TEXT}],
    }
    DescribeUserPermissions = {"Permissions": [_PERMISSION]}
    DescribeUsersWithPermissions = {"UIDs": [ID]}
    DescribeExtensionProvider = {"ExtensionProviderArray": [{"Name": TEXT, "Type": TEXT, "Config": JSON}]}
    DescribeClustersV1 = {"clusters": [_ACK_CLUSTER], "page_info": {"total_count": NUMBER}}
    DescribeClusterUserKubeconfig = {"config": TEXT, "expiration": TEXT}


def shape_of(action: str) -> dict[str, Any]:
    """What the collection reads of the action's reply; nothing for an action whose reply is not looked at."""
    return getattr(Shapes, action, {})


def conform(value: dict[str, Any], shape: dict[str, Any]) -> dict[str, Any]:
    """The reply with its scalars in the kinds that are documented. Raises ``WrongShape``."""
    return _mapping(value, shape, "")


def _conform(value: Any, shape: Any, path: str) -> Any:
    if value is None and _required(shape):
        raise WrongShape(f"{path} is missing")
    if value is None:
        return None
    if isinstance(shape, dict):
        return _mapping(value, shape, path)
    if isinstance(shape, list):
        items = decoding.listed(value)
        if items is None:
            raise WrongShape(f"{path} is {kind_of(value)} instead of a list")
        return [_item(item, shape[0], f"{path}[{number}]") for number, item in enumerate(items)]
    found = _DECODERS.get(shape, decoding.text)(value)
    if found is None or (shape == ID and not found):
        raise WrongShape(f"{path} is {kind_of(value)} instead of {shape}")
    return quoted(found) if shape == SAID else found


def _item(value: Any, shape: Any, path: str) -> Any:
    if value is None:
        raise WrongShape(f"{path} is null")
    return _conform(value, shape, path)


def _mapping(value: Any, shape: dict[str, Any], path: str) -> dict[str, Any]:
    """``*`` in a shape stands for every key."""
    found = decoding.mapping(value)
    if found is None:
        raise WrongShape(f"{path} is {kind_of(value)} instead of an object")
    if "*" in shape:
        return {key: _conform(item, shape["*"], f"{path}.{key[:40]}") for key, item in found.items()}
    known = {
        key: _conform(found.get(key), part, f"{path}.{key}".lstrip("."))
        for key, part in shape.items()
        if key in found or _required(part)
    }
    return {**found, **known}


def _required(shape: Any) -> bool:
    """Whether a part must be there: an id, and what holds one."""
    return shape == ID or (isinstance(shape, dict) and any(_required(part) for part in shape.values()))
