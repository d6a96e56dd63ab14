# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains and routes of gateways: what is compared, what is sent, whatever the service does with what is there."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import (
    AsmError,
    InvalidInput,
    LostReply,
    NotFound,
    WaitFailed,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.module_utils.gateway import domains, gateways, routes
from ansible_collections.meshops.asm.plugins.modules.asm_gateway_domain import GatewayDomain
from ansible_collections.meshops.asm.plugins.modules.asm_gateway_imported_services import ImportedServices
from ansible_collections.meshops.asm.plugins.modules.asm_gateway_route import GatewayRoute

MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
DOMAIN = {"name": "web", "hosts": ["a.org", "b.org"], "port": 80, "protocol": "HTTP"}
ROUTE: dict[str, Any] = {
    "name": "page",
    "hosts": ["a.org"],
    "path": {"value": "/page"},
    "headers": [{"name": "x", "value": "1"}],
    "destinations": [
        {"host": "page", "subset": "v1", "port": 9080, "weight": 80},
        {"host": "page", "subset": "v2", "port": 9080, "weight": 20},
    ],
    "timeout": "5s",
    "retries": {"attempts": 2, "retry_on": "5xx"},
    "rewrite": {"uri": "/"},
    "mirror": {"host": "shadow", "percentage": 5.5},
    "fault": {"delay": "1s", "delay_percentage": 10},
}
WIRE = {
    "RouteName": "page",
    "RouteType": "HTTP",
    "Namespace": "istio-system",
    "Domains": ["a.org"],
    "MatchRequest": {
        "URI": {"MatchingMode": "prefix", "MatchingContent": "/page"},
        "Headers": [{"Name": "x", "MatchingMode": "exact", "MatchingContent": "1"}],
    },
    "RouteDestinations": [
        {"Destination": {"Host": "page", "Subset": "v1", "Port": {"Number": 9080}}, "Weight": 80},
        {"Destination": {"Host": "page", "Subset": "v2", "Port": {"Number": 9080}}, "Weight": 20},
    ],
    "HTTPAdvancedOptions": {
        "Timeout": "5s",
        "Retries": {"Attempts": 2, "RetryOn": "5xx"},
        "Rewrite": {"Uri": "/"},
        "Mirror": {"Host": "shadow"},
        "MirrorPercentage": {"Value": 5.5},
        "Fault": {"Delay": {"FixedDelay": "1s", "Percentage": {"Value": 10.0}}},
    },
}


class Site:
    """The service, its control plane, and one gateway ``ingressgateway``."""

    def __init__(self, answer: str = "refuse") -> None:
        self.answer = answer
        self.servers: list[Any] = []
        self.routes: dict[str, Any] = {}
        self.imported: list[str] = []
        self.there = True
        # Ports that the service takes from nobody, and how often it takes a domain at all.
        self.refused: set[int] = set()
        self.lasting = 99

    def get(self, path: str) -> Any:
        if path.startswith(gateways.COLLECTION):
            return {} if self.there else None
        self.looked()
        assert path == "/apis/networking.istio.io/v1/namespaces/istio-system/gateways/g"
        return {"spec": {"servers": self.servers}}

    def looked(self) -> None:
        """Time passes."""

    def CreateIstioGatewayDomains(self, Hosts: str, Number: int, PortName: str, Protocol: str, **more: Any) -> Any:
        self.lasting -= 1
        if self.lasting < 0:
            raise AsmError("No more domains.", code="QuotaExceeded", http_status=400)
        if Number in self.refused and not any(one["port"]["name"] == PortName for one in self.servers):
            raise AsmError("The port is not open.", code="InvalidPort", http_status=400)
        hosts = Hosts.split(",")
        tls = {"httpsRedirect": True} if more.get("ForceHttps") else {}
        made = {"hosts": hosts, "port": {"name": PortName, "number": Number, "protocol": Protocol}, "tls": tls}
        there = next((one for one in self.servers if one["port"]["name"] == PortName), None)
        if there is None:
            self.servers.append(made)
        elif self.answer == "refuse":
            raise AsmError("Port name existed.", code="DomainExisted", http_status=400)
        elif self.answer == "add":
            there["hosts"] += [one for one in hosts if one not in there["hosts"]]
        else:
            self.servers[self.servers.index(there)] = made
        return {}

    def DeleteIstioGatewayDomains(self, Hosts: str, PortName: str, **_named: Any) -> Any:
        for server in self.servers:
            if server["port"]["name"] == PortName:
                server["hosts"] = [one for one in server["hosts"] if one not in Hosts.split(",")]
        self.servers = [one for one in self.servers if one["hosts"]]
        return {}

    def DescribeIstioGatewayDomains(self, **_named: Any) -> Any:
        rows = [{"PortName": one["port"]["name"], "GatewayCRName": "g", "Namespace": ""} for one in self.servers]
        return {"GatewaySecretDetails": rows}

    def CreateIstioGatewayRoutes(self, GatewayRoute: Any, **more: Any) -> Any:
        assert GatewayRoute["RouteName"] not in self.routes
        self.routes[GatewayRoute["RouteName"]] = {**more, "Route": GatewayRoute}
        return {}

    def UpdateIstioGatewayRoutes(self, GatewayRoute: Any, **more: Any) -> Any:
        self.routes[GatewayRoute["RouteName"]] |= {**more, "Route": GatewayRoute}
        return {}

    def UpdateIstioRouteAdditionalStatus(self, RouteName: str, **more: Any) -> Any:
        self.routes[RouteName] |= more
        return {}

    def DeleteGatewayRoute(self, RouteName: str, **_named: Any) -> Any:
        del self.routes[RouteName]
        return {}

    def DescribeIstioGatewayRoutes(self, **_named: Any) -> Any:
        rows = [{**self._beside(one), "RouteName": name} for name, one in self.routes.items()]
        return {"ManagementRoutes": rows or None}

    def DescribeIstioGatewayRouteDetail(self, RouteName: str, **_named: Any) -> Any:
        found = self.routes[RouteName]
        return {
            **self._beside(found),
            "Namespace": "istio-system",
            "RouteDetail": copy.deepcopy(found["Route"]),
        }

    def UpdateASMGatewayImportedServices(self, ServiceNames: str, **_named: Any) -> Any:
        self.imported = [one for one in ServiceNames.split(",") if one]
        return {}

    def DescribeASMGatewayImportedServices(self, ServiceNamespace: str, **_named: Any) -> Any:
        rows = [{"ServiceName": one, "ServiceNamespace": ServiceNamespace} for one in self.imported]
        return {"ImportedServices": [*rows, {"ServiceName": "theirs", "ServiceNamespace": "other"}]}

    @staticmethod
    def _beside(found: Any) -> Any:
        return {key: found.get(key) for key in ("Priority", "Status", "Description")}


class Late(Site):
    """The first removal of domains gets no answer; it is done after so many looks, 0 for never."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks
        self.removals: list[str] = []

    def DeleteIstioGatewayDomains(self, Hosts: str, PortName: str, **named: Any) -> Any:
        self.removals.append(Hosts)
        if len(self.removals) == 1:
            raise LostReply("No answer.", answered=False)
        return super().DeleteIstioGatewayDomains(Hosts, PortName, **named)

    def looked(self) -> None:
        self.looks -= bool(self.removals)
        if not self.looks and self.removals:
            super().DeleteIstioGatewayDomains(self.removals[0], "web")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, fake_cloud: Callable[..., Any], clock: Any) -> Callable[..., Any]:
    def build(site: Site, kind: Any, *, check: bool = False, meshes: Any = (MESH,), **given: Any) -> Any:
        monkeypatch.setattr(gateways, "control_plane", lambda *_arguments: site)
        known = {
            "DescribeServiceMeshes": {"ServiceMeshes": list(meshes)},
            "DescribeServiceMeshDetail": {"ServiceMesh": MESH},
        }
        actions = {name: getattr(site, name) for name in dir(site) if name[0].isupper()}
        cloud = fake_cloud(**known, **actions)
        spec = {**kind.options, "state": {"default": "present"}, "wait_timeout": {"type": "int", "default": 5}}
        checked = ArgumentSpecValidator(spec).validate({"mesh": "shop", **given})
        assert not checked.error_messages
        params = checked.validated_parameters
        return reconcile(kind(params, cloud), check=check, clock=clock, timeout=params["wait_timeout"]), cloud

    return build


@pytest.mark.parametrize("answer", ["refuse", "add", "replace"])
def test_a_domain_becomes_what_the_options_say(run: Callable[..., Any], answer: str) -> None:
    site = Site(answer)
    predicted, cloud = run(site, GatewayDomain, check=True, **DOMAIN)
    assert cloud.written() == []
    done, cloud = run(site, GatewayDomain, **DOMAIN)
    assert cloud.written() == ["CreateIstioGatewayDomains"]
    assert (done.value, done.plan.after) == (predicted.value, predicted.plan.after)
    assert run(site, GatewayDomain, **DOMAIN)[1].written() == []
    for change in ({"hosts": ["a.org", "c.org"]}, {"port": 81}, {"force_https": True}, {"hosts": ["c.org"]}):
        wanted = {**DOMAIN, **change}
        done, _cloud = run(site, GatewayDomain, **wanted)
        assert done.value["hosts"] == sorted(wanted["hosts"])
        assert len(site.servers) == 1
        assert run(site, GatewayDomain, **wanted)[1].written() == []


def test_a_change_that_the_service_refuses_puts_back_what_had_to_go(run: Callable[..., Any]) -> None:
    """It tells that there is a domain before it looks at the port: only without the old one it says what is wrong."""
    site = Site()
    run(site, GatewayDomain, **DOMAIN)
    before, site.refused = copy.deepcopy(site.servers), {81}
    with pytest.raises(AsmError, match=r"The port is not open\. It was put back as it was\.") as caught:
        run(site, GatewayDomain, **{**DOMAIN, "port": 81})
    assert (site.servers, caught.value.changed) == (before, True)
    site.lasting = 1
    with pytest.raises(
        AsmError, match=r"No more domains\. It had to be removed to be changed, and could not be put back"
    ):
        run(site, GatewayDomain, **{**DOMAIN, "port": 82})


def test_a_host_that_goes_is_taken_away_alone(run: Callable[..., Any]) -> None:
    site = Site()
    run(site, GatewayDomain, **DOMAIN)
    _done, cloud = run(site, GatewayDomain, **{**DOMAIN, "hosts": ["a.org"]})
    ((action, sent),) = [call for call in cloud.calls if call[0] in cloud.written()]
    assert (action, sent["Hosts"], sent["PortName"]) == ("DeleteIstioGatewayDomains", "b.org", "web")


def test_other_domains_stay(run: Callable[..., Any]) -> None:
    site = Site()
    run(site, GatewayDomain, **{**DOMAIN, "name": "other"})
    run(site, GatewayDomain, **DOMAIN)
    done, _cloud = run(site, GatewayDomain, name="web", state="absent")
    assert (done.changed, [one["port"]["name"] for one in site.servers]) == (True, ["other"])
    assert not run(site, GatewayDomain, name="web", state="absent")[0].changed


@pytest.mark.parametrize(("kind", "given"), [(GatewayDomain, DOMAIN), (GatewayRoute, ROUTE)])
def test_without_mesh_or_gateway_it_is_predicted_and_not_made(run: Callable[..., Any], kind: Any, given: Any) -> None:
    site = Site()
    site.there = False
    predicted, _cloud = run(site, kind, check=True, **given)
    assert predicted.plan.warnings == ("Gateway 'ingressgateway' does not exist yet.",)
    with pytest.raises(NotFound, match="has no gateway"):
        run(site, kind, **given)
    assert not run(site, kind, name="web", state="absent")[0].changed
    predicted, _cloud = run(site, kind, check=True, meshes=(), **given)
    assert predicted.plan.warnings == ("Mesh 'shop' does not exist yet.",)


def test_a_server_in_other_spellings() -> None:
    row = {"PortName": "web", "Domains": '["a.org"]', "Protocol": "HTTP", "CredentialName": None}
    server = {"port": {"name": "web", "number": "80"}, "hosts": ["*/a.org"], "tls": {"httpsRedirect": "true"}}
    found = domains._domain("in", "n", row, [None, {"port": 5}, server])
    assert (found["hosts"], found["port"], found["force_https"]) == (["a.org"], 80, True)
    assert domains._domain("in", "n", row, [])["port"] is None


def test_services_are_imported_beside_those_of_others(run: Callable[..., Any]) -> None:
    site = Site()
    site.imported = ["z"]
    about = {"namespace": "n", "services": ["b", "a"]}
    predicted, cloud = run(site, ImportedServices, check=True, **about)
    assert (predicted.value["services"], cloud.written()) == (["a", "b", "z"], [])
    done, _cloud = run(site, ImportedServices, **about)
    assert (done.value, site.imported) == (predicted.value, ["a", "b", "z"])
    assert run(site, ImportedServices, **about)[1].written() == []
    run(site, ImportedServices, **about, purge=True)
    assert site.imported == ["a", "b"]
    run(site, ImportedServices, namespace="n", services=["b", "x"], state="absent")
    assert site.imported == ["a"]
    _done, cloud = run(site, ImportedServices, namespace="n", services=["a"], state="absent")
    assert cloud.sent("UpdateASMGatewayImportedServices")[0]["ServiceNames"] == ""
    assert run(site, ImportedServices, namespace="n", services=["a"], state="absent")[1].written() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [({"services": ["a,b"]}, "services 'a,b' is no name"), ({"purge": True, "state": "absent"}, "purge belongs")],
)
def test_imports_that_are_none(run: Callable[..., Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        run(Site(), ImportedServices, **{"namespace": "n", "services": ["a"], **given})


@pytest.mark.parametrize("hosts", [["a b"], ["a,b"], ["-a.org"], ["a.*.org"], ["x" * 254], ["a.org/"], [""]])
def test_hosts_that_are_none(run: Callable[..., Any], hosts: list[str]) -> None:
    with pytest.raises(InvalidInput, match="is no host name"):
        run(Site(), GatewayDomain, **{**DOMAIN, "hosts": hosts})


def test_a_route_is_sent_whole_and_read_back(run: Callable[..., Any]) -> None:
    site = Site()
    predicted, cloud = run(site, GatewayRoute, check=True, **ROUTE)
    assert cloud.written() == []
    done, cloud = run(site, GatewayRoute, **ROUTE)
    (sent,) = cloud.sent("CreateIstioGatewayRoutes")
    assert sent == {
        "ServiceMeshId": "cm",
        "IstioGatewayName": "ingressgateway",
        "Priority": 0,
        "Status": 0,
        "GatewayRoute": WIRE,
    }
    assert done.value == predicted.value
    assert run(site, GatewayRoute, **ROUTE)[1].written() == []


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ({"priority": 5}, "UpdateIstioRouteAdditionalStatus"),
        ({"enabled": False}, "UpdateIstioRouteAdditionalStatus"),
        ({"description": "x"}, "UpdateIstioRouteAdditionalStatus"),
        ({"timeout": "6s"}, "UpdateIstioGatewayRoutes"),
        ({"timeout": "6s", "priority": 5}, "UpdateIstioGatewayRoutes"),
        ({"headers": None}, "UpdateIstioGatewayRoutes"),
    ],
)
def test_a_change_is_one_request(run: Callable[..., Any], change: dict[str, Any], action: str) -> None:
    site = Site()
    run(site, GatewayRoute, **ROUTE)
    done, cloud = run(site, GatewayRoute, **{**ROUTE, **change})
    assert cloud.written() == [action]
    assert done.plan.before != done.plan.after == done.value
    assert run(site, GatewayRoute, **{**ROUTE, **change})[1].written() == []


def test_what_is_not_given_beside_a_route_stays(run: Callable[..., Any]) -> None:
    site = Site()
    run(site, GatewayRoute, **ROUTE, priority=7, enabled=False, description="x")
    done, cloud = run(site, GatewayRoute, **ROUTE)
    assert (done.changed, cloud.written()) == (False, [])
    assert (done.value["priority"], done.value["status"], done.value["description"]) == (7, "offline", "x")


def test_a_route_that_the_service_cannot_carry_out(run: Callable[..., Any]) -> None:
    site = Site()
    run(site, GatewayRoute, **ROUTE)
    site.UpdateIstioRouteAdditionalStatus = lambda **_sent: {}  # type: ignore[method-assign]
    site.routes["page"]["Status"] = 2
    with pytest.raises(WaitFailed, match="could not carry out route 'page'"):
        run(site, GatewayRoute, **ROUTE)


def test_a_route_in_other_spellings() -> None:
    assert [routes.state_of(value) for value in (0, "1", 2.0, None, 7, "x")] == [
        *("online", "offline", "error", "online", "unknown (7)", "unknown"),
    ]
    single = {"Domains": "a.org", "RouteDestinations": [{"Destination": '{"Host": "page"}', "Weight": "100"}]}
    assert routes.found(single) == {"hosts": ["a.org"], "destinations": [{"host": "page"}]}
    assert routes.found({"RouteDestinations": [None, 5, {"Weight": 1}], "HTTPAdvancedOptions": "x"})
    shown = {**WIRE, "HTTPAdvancedOptions": {**WIRE["HTTPAdvancedOptions"], "Delegate": {"Name": ""}}}  # type: ignore[dict-item]
    assert routes.found(shown) == routes.found(WIRE)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"destinations": None}, "either destinations, or redirect"),
        ({"redirect": {"uri": "/"}}, "either destinations, or redirect"),
        ({"priority": -1}, "priority must be from 0"),
        ({"destinations": [{"host": "a"}, {"host": "b"}]}, "add up to 100"),
        (
            {"destinations": [{"host": "a", "weight": 120}, {"host": "b", "weight": -20}]},
            "weight must be from 0 to 100",
        ),
        ({"destinations": [{"host": "a", "port": 0}]}, "port must be from 1 to 65535"),
    ],
)
def test_routes_that_are_none(run: Callable[..., Any], given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        run(Site(), GatewayRoute, **{**ROUTE, **given})


@pytest.mark.parametrize(("looks", "removals"), [(1, 1), (15, 1), (0, 2)])
def test_a_removal_that_comes_late_does_not_meet_the_new_domain(
    run: Callable[..., Any], looks: int, removals: int
) -> None:
    site = Late(looks)
    site.servers = [{"hosts": ["a.org", "b.org"], "port": {"name": "web", "number": 81, "protocol": "HTTP"}}]
    assert run(site, GatewayDomain, **DOMAIN, wait_timeout=600)[0].changed
    for _more in range(100):
        site.looked()
    assert [(one["hosts"], one["port"]["number"]) for one in site.servers] == [(["a.org", "b.org"], 80)]
    assert len(site.removals) == removals
