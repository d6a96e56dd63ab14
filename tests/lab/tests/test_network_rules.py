# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What nodes and pods are set up with, from Services, endpoints and the arguments of injected containers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from doubles import NO_BINARIES
from meshlab.meshconfig import configuration
from meshlab.node.images import Catalogue
from meshlab.traffic import envoy, interception, services, tools
from meshlab.traffic.network import Network
from meshlab.traffic.standins import standin

_NODE = "10.1.0.1"


def _service(name: str = "web", **spec: Any) -> dict[str, Any]:
    ports = [{"name": "http", "port": 80, "nodePort": 30080}]
    return {
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": "172.21.0.9", "ports": ports, **spec},
        "status": {},
    }


def _slice(*addresses: str, ready: bool = True, service: str = "web") -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": service}
    return {
        "metadata": {"name": f"{service}-{addresses}-{ready}", "namespace": "shop", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080}],
        "endpoints": [{"addresses": [one], "conditions": {"ready": ready}, "hostname": "h"} for one in addresses],
    }


def _rules(*slices: dict[str, Any], service: dict[str, Any] | None = None) -> list[str]:
    text = services.rules([service or _service()], services.gather(slices), node_address=_NODE)
    return text.splitlines()


def test_connections_are_spread_over_ready_pods() -> None:
    lines = [one for one in _rules(_slice("10.1.0.2", "10.1.0.3"), _slice("10.1.0.4", ready=False)) if "DNAT --" in one]
    first = "-m statistic --mode random --probability 0.500000000 -j DNAT --to-destination 10.1.0.2:8080"
    assert lines == [
        f"-A SERVICES -d 172.21.0.9/32 -p tcp --dport 80 {first}",
        "-A SERVICES -d 172.21.0.9/32 -p tcp --dport 80 -j DNAT --to-destination 10.1.0.3:8080",
        f"-A SERVICES -d {_NODE}/32 -p tcp --dport 30080 {first}",
        f"-A SERVICES -d {_NODE}/32 -p tcp --dport 30080 -j DNAT --to-destination 10.1.0.3:8080",
    ]


def test_a_service_without_pods_refuses_connections() -> None:
    lines = _rules(_slice("10.1.0.4", ready=False))
    assert "-A FORWARD -d 172.21.0.9/32 -p tcp --dport 80 -j REJECT --reject-with tcp-reset" in lines
    assert not any("DNAT --" in one for one in lines)


@pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"clusterIP": ""}, {"clusterIP": None}])
def test_a_service_without_address_has_no_rule_for_one(spec: dict[str, Any]) -> None:
    assert not any("--dport 80 " in one for one in _rules(_slice("10.1.0.2"), service=_service(**spec)))


def test_names() -> None:
    items = [
        _service(),
        _service("headless", clusterIP="None"),
        _service("alias", type="ExternalName", externalName="outside.example."),
        _service("broken", type="ExternalName", externalName="nowhere.example"),
    ]
    endpoints = services.gather([_slice("10.1.0.2", service="headless")])
    assert services.records(items, endpoints, {"Outside.example": ["203.0.113.1"]}) == {
        "web.shop.svc.cluster.local": ["172.21.0.9"],
        "headless.shop.svc.cluster.local": ["10.1.0.2"],
        "h.headless.shop.svc.cluster.local": ["10.1.0.2"],
        "alias.shop.svc.cluster.local": ["203.0.113.1"],
        "outside.example": ["203.0.113.1"],
    }


def test_a_load_balancer_listens_on_loopback_alone() -> None:
    item = _service()
    item["status"] = {"loadBalancer": {"ingress": [{"ip": "127.9.200.1"}, {"ip": "10.9.8.7"}, {"hostname": "x"}]}}
    expected = {"listen": "127.9.200.1:80", "netns": "/vpc", "target": f"{_NODE}:30080"}
    assert services.forwards([item], netns="/vpc", node_address=_NODE) == [expected]


def test_interception_leaves_out_what_it_is_told() -> None:
    given = ["-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT", "-i", "*", "-b", "*"]
    text = interception.rules([*given, "-d", "15090,9999", "-x", "10.9.0.0/16", "-o", "25,26", "-q", ""])
    lines = text.splitlines()
    assert lines.index("-A INBOUND -p tcp --dport 9999 -j RETURN") < lines.index(
        "-A INBOUND -p tcp -j REDIRECT --to-ports 15006"
    )
    last = lines.index("-A OUTBOUND -p tcp -j REDIRECT --to-ports 15001")
    assert lines.index("-A OUTBOUND -m owner --gid-owner 1337 -j RETURN") < last
    for line in ("-A OUTBOUND -d 10.9.0.0/16 -j RETURN", "-A OUTBOUND -p tcp --dport 26 -j RETURN"):
        assert lines.index(line) < last
    chosen = interception.rules(["-i", "10.1.0.0/16", "-b", "80,81", "-q", "443"])
    assert "-A OUTBOUND -p tcp -j REDIRECT" not in chosen
    assert "-A OUTBOUND -d 10.1.0.0/16 -p tcp -j REDIRECT --to-ports 15001" in chosen
    assert "-A OUTBOUND -p tcp --dport 443 -j REDIRECT --to-ports 15001" in chosen
    assert "-A INBOUND -p tcp --dport 81 -j REDIRECT --to-ports 15006" in chosen


def test_a_proxy_says_who_it_is() -> None:
    pod = {
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"serviceAccountName": "seller", "nodeName": "n"},
    }
    container = {"env": [{"name": "ISTIO_META_WORKLOAD_NAME", "value": "web"}, {"name": "POD_NAME", "valueFrom": {}}]}
    made = envoy.bootstrap(
        pod, container, kind="sidecar", address="10.1.0.2", cluster="c1", socket="/run/x", zone="cn-hangzhou-h"
    )
    node = made["node"]
    assert node["id"] == "sidecar~10.1.0.2~web-1.shop~shop.svc.cluster.local"
    assert node["locality"] == {"region": "cn-hangzhou", "zone": "cn-hangzhou-h"}
    assert node["metadata"]["CLUSTER_ID"] == "c1"
    assert node["metadata"]["SERVICE_ACCOUNT"] == "seller"
    assert node["metadata"]["WORKLOAD_NAME"] == "web"
    assert node["metadata"]["INTERCEPTION_MODE"] == "REDIRECT"
    router = envoy.metadata(pod, container, kind="router", address="10.1.0.2", cluster="c1")
    assert "INTERCEPTION_MODE" not in router


@pytest.mark.parametrize(
    ("image", "kind", "version", "ports"),
    [
        ("docker.io/istio/examples-bookinfo-reviews-v3:1.20.2", "reviews", "v3", [9080]),
        ("istio/examples-bookinfo-productpage-v1@sha256:00", "productpage", "v1", [9080]),
        ("istio/examples-helloworld-v2", "helloworld", "v2", [5000]),
        ("kennethreitz/httpbin", "echo", "", [80]),
        ("nginx:1.27", "echo", "", [80]),
        ("redis:7", "echo", "", []),
    ],
)
def test_an_image_has_its_stand_in(image: str, kind: str, version: str, ports: list[int]) -> None:
    found = Catalogue().find(image)
    assert found is not None
    pod = {"metadata": {"name": "p", "namespace": "n"}}
    app = standin(pod, {"image": image}, found)
    assert (app["kind"], app["version"], app["ports"]) == (kind, version, ports)
    environment = [{"name": "LAB_ERROR_RATE", "value": "0.2"}, {"name": "LAB_DELAY", "value": "1.5"}]
    other = standin(pod, {"image": image, "env": environment, "ports": [{"containerPort": 7}]}, found)
    assert (other["error_rate"], other["delay"], other["ports"]) == (0.2, 1.5, [7])


def test_features_of_a_mesh_are_istios() -> None:
    plain = configuration({}, {})
    assert plain["mesh"]["outboundTrafficPolicy"] == {"mode": "ALLOW_ANY"}
    assert plain["mesh"]["localityLbSetting"] == {"enabled": False}
    assert "accessLogFile" not in plain["mesh"]
    assert plain["proxy"]["includeIPRanges"] == "*"
    spec = {
        "OutboundTrafficPolicy": "REGISTRY_ONLY",
        "AccessLog": {"Enabled": True},
        "Proxy": {"AccessLogFormat": "%PROTOCOL%"},
        "LocalityLB": {"Enabled": True, "Distribute": {"a/b/*": {"a/b/*": 80, "a/c/*": 20}}, "Failover": {"a": "b"}},
        "ExcludeOutboundPorts": "25",
    }
    chosen = configuration(spec, {"IncludeInboundPorts": "80"})
    assert chosen["mesh"] == {
        "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
        "accessLogFile": "/dev/stdout",
        "accessLogFormat": "%PROTOCOL%",
        "localityLbSetting": {"enabled": True, "distribute": [{"from": "a/b/*", "to": {"a/b/*": 80, "a/c/*": 20}}]},
    }
    assert (chosen["proxy"]["excludeOutboundPorts"], chosen["proxy"]["includeInboundPorts"]) == ("25", "80")


def test_what_is_missing_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tools.obstacle(NO_BINARIES, "x") == "envoy cannot be had: nobody has built it"
    whole = type("Whole", (), {"envoy": "e", "istiod": "i", "dataplane": "d", "missing": {}})()
    monkeypatch.setattr(tools.shutil, "which", lambda name: None if name in ("ip", "iptables-restore") else name)
    reason = tools.obstacle(whole, "x")
    assert reason == "ip, iptables-restore not found: install iproute2 iptables (Debian's names)"
    monkeypatch.setattr(tools.shutil, "which", lambda name: name)
    monkeypatch.setattr(tools.os, "geteuid", lambda: 1000)
    assert "need root" in tools.obstacle(whole, "x")

    def refused(*commands: str) -> None:
        raise tools.NamespaceError("RTNETLINK answers: Operation not permitted")

    monkeypatch.setattr(tools.os, "geteuid", lambda: 0)
    monkeypatch.setattr(tools, "script", refused)
    assert tools.obstacle(whole, "x").endswith("Operation not permitted")


def test_a_network_that_was_not_started_says_so() -> None:
    network = Network(1, envoy=Path("envoy"), dataplane=Path("dataplane"), binaries=NO_BINARIES)
    with pytest.raises(RuntimeError, match="has not been started"):
        assert network.dataplane
    with pytest.raises(ValueError, match="is not running"):
        network.connect("c1", up=False)
