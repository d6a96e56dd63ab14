# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of a mesh that only UpdateMeshFeature knows, and what the modules that only read tell besides."""

from __future__ import annotations

import json
from typing import Any

from .conftest import Shop
from .labs import NORTH_MESH, VPC, Lab
from .runner import Runner

FEATURE = "UpdateMeshFeature"
SELECTORS = [{"matchLabels": {"mesh": "north"}}, {"matchExpressions": [{"key": "team", "operator": "Exists"}]}]
LATER: dict[str, Any] = {
    "discovery_selectors": SELECTORS,
    "auto_diagnosis_enabled": True,
    "proxy": {
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "termination_drain_duration": "1m30s",
        "init": {"limits": {"cpu": "200m"}},
    },
    "pilot": {"quic_listeners_enabled": True, "offloaded_workload_labels": ["name=a", "region=b"]},
    "opa": {"scope_injected": True},
    "sidecar_injector": {"webhook": '{"replicaCount": 2}'},
    "node_feature_discovery": {"enabled": True, "labels_pruned": True},
}
AS_BEFORE: dict[str, Any] = {
    "discovery_selectors": [],
    "auto_diagnosis_enabled": False,
    "proxy": {"termination_drain_duration": "5s"},
    "pilot": {"quic_listeners_enabled": False, "offloaded_workload_labels": []},
}


def test_later_settings_converge_however_they_are_written(lab: Lab, run: Runner) -> None:
    since = lab.mark()
    run.converge("asm_mesh", name=NORTH_MESH, **LATER)
    (sent,) = lab.sent(since, FEATURE)
    assert json.loads(sent["DiscoverySelectors"]) == SELECTORS
    assert sent["LabelsForOffloadedWorkloads"] == "name=a,region=b"
    other = {
        "discovery_selectors": SELECTORS[::-1],
        "proxy": {"termination_drain_duration": "90s", "init": {"limits": {"cpu": "0.2"}}},
        "sidecar_injector": {"webhook": "replicaCount: 2\n"},
    }
    run.settled("asm_mesh", name=NORTH_MESH, **other)
    run.converge("asm_mesh", name=NORTH_MESH, **AS_BEFORE)


def test_what_is_never_shown_is_sent_when_it_is_named(lab: Lab, run: Runner) -> None:
    hidden: dict[str, Any] = {
        "proxy": {"log_level": "error", "concurrency": 1},
        "kiali": {"arms_auth_tokens": {"c1": "it-s3cret-token"}},
    }
    run.settled("asm_mesh", name=NORTH_MESH, **hidden)
    run.secrets.append("it-s3cret-token")
    try:
        since = lab.mark()
        with lab.unwritten():
            predicted = run("asm_mesh", name=NORTH_MESH, check=True, **hidden, resend=["proxy", "kiali"])
        done = run("asm_mesh", name=NORTH_MESH, **hidden, resend=["proxy", "kiali"])
        assert predicted["changed"] is done["changed"] is True
        assert predicted["diff"] == done["diff"]
        names = ["proxy.concurrency", "proxy.log_level", "kiali.arms_auth_tokens"]
        assert done["diff"]["after"]["resent"] == names
        (sent,) = lab.sent(since, FEATURE)
        assert {*sent} == {"ServiceMeshId", "Concurrency", "LogLevel", "KialiArmsAuthTokens"}
    finally:
        run.secrets.remove("it-s3cret-token")


def test_the_api_server_gets_a_public_address_and_gives_it_back(lab: Lab, run: Runner) -> None:
    since = lab.mark()
    bound = run.converge("asm_mesh", name=NORTH_MESH, api_server_eip_id="eip-lab-3")
    assert bound["mesh"]["api_server_eip_id"] == "eip-lab-3"
    freed = run.converge("asm_mesh", name=NORTH_MESH, api_server_eip_id="")
    assert freed["mesh"]["api_server_eip_id"] == ""
    operations = [entry["Operation"] for entry in lab.sent(since, "ModifyApiServerEipResource")]
    assert operations == ["BindEip", "UnBindEip"]


def test_an_audit_project_that_somebody_has_deleted_is_made_again(lab: Lab, run: Runner) -> None:
    wanted = {"name": NORTH_MESH, "audit": {"enabled": True, "project": "it-audit"}}
    run.converge("asm_mesh", **wanted)
    try:
        lab.control.remove("log_projects", "it-audit")
        since = lab.mark()
        done = run.converge("asm_mesh", **wanted)
        assert (done["diff"]["before"]["audit_project"], done["diff"]["after"]["audit_project"]) == ("missing", "there")
        assert [entry["action"] for entry in lab.writes(since)] == ["ReActivateAudit"]
        assert "it-audit" in lab.control.records("log_projects")
    finally:
        run("asm_mesh", name=NORTH_MESH, audit={"enabled": False})


def test_settings_that_cannot_be_change_nothing(run: Runner) -> None:
    for options, words in (
        ({"discovery_selectors": [{"team": "a"}]}, ("discovery_selectors: item 1",)),
        ({"proxy": {"lifecycle": {"preStop": "sleep"}}}, ("proxy.lifecycle", "preStop")),
        ({"resend": ["telemetry"]}, ("telemetry", "never shows")),
        ({"resend": ["proxy.log_level"]}, ("proxy.log_level is not set",)),
    ):
        run.refused("asm_mesh", *words, name=NORTH_MESH, **options)


def test_what_is_told_of_clusters(lab: Lab, run: Runner, shop: Shop) -> None:
    subsets = ["access_logs", "cen_missing", "cloud_controller", "grafana", "load_balancers"]
    subsets += ["namespaces", "network", "prometheus"]
    balancers = lab.control.records("load_balancers")
    mine = [key for key, one in balancers.items() if one["vpc_id"] == VPC and not one["made_for"]]
    run("asm_mesh", name=shop.name, telemetry=True)
    with lab.unwritten():
        found = run("asm_cluster_info", mesh=shop.name, gather_subset=subsets)["clusters"]
    run("asm_mesh", name=shop.name, telemetry=False)
    one = next(cluster for cluster in found if cluster["id"] == shop.one)
    assert one["cloud_controller"] == {"version": "v2.9.1", "graceful_drain_supported": True, "error_message": ""}
    assert one["network"]["name"] == ""
    assert one["cen_missing"] is False
    assert sorted(balancer["id"] for balancer in one["load_balancers"]) == sorted(mine)
    assert "kube-system" in one["namespaces"]
    assert one["grafana"]
    assert all(dashboard["title"] and dashboard["url"] for dashboard in one["grafana"])
    run.refused("asm_cluster_info", "gather_subset", "grafana", mesh=shop.name, gather_subset=["grafanna"])


def test_a_cluster_has_a_network_and_a_switch(lab: Lab, run: Runner, shop: Shop) -> None:
    since = lab.mark()
    network = {"name": "it-north", "gateway_enabled": True, "gateway": "cross-network"}
    run.converge("asm_cluster", mesh=shop.name, clusters=[{"name": "shop-2", "network": network, "smc_enabled": True}])
    assert len(lab.writes(since)) == 2
    found = run("asm_cluster_info", mesh=shop.name, gather_subset=["network"])["clusters"]
    shown = {one["name"]: one["network"] for one in found}
    assert shown["shop-2"] == {**network, "gateway_address": ""}
    assert shown["shop-1"]["name"] == ""
    wrong = [{"name": "shop-2", "network": {"nmae": "a"}}]
    run.refused("asm_cluster", "nmae", "name", mesh=shop.name, clusters=wrong)
    before = {"name": "", "gateway_enabled": False, "gateway": ""}
    run.converge("asm_cluster", mesh=shop.name, clusters=[{"name": "shop-2", "network": before, "smc_enabled": False}])


def test_what_is_told_of_a_mesh(lab: Lab, run: Runner, shop: Shop) -> None:
    subsets = ["ca_cert", "logs", "node_types"]
    with lab.unwritten():
        (found,) = run("asm_mesh_info", name=shop.id, gather_subset=subsets, templates=["Gateway"])["meshes"]
    assert found["ca_cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert found["node_types"][0]["type"].startswith("ecs.")
    assert "kind: Gateway" in found["templates"]["Gateway"][0]["yaml"]
    assert found["logs"]
    run.refused("asm_mesh_info", "templates", "'Pod'", name=shop.id, templates=["Pod"])


def test_services_accounts_and_deployments(lab: Lab, run: Runner, shop: Shop) -> None:
    space, kube = "it-registry", lab.kube(shop.one)
    kube.apply(f"/api/v1/namespaces/{space}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    labels = {"app": "web"}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": pod}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels}}
    service = {"selector": labels, "ports": [{"port": 80}]}
    try:
        kube.apply(f"/apis/apps/v1/namespaces/{space}/deployments/web", {**deployment, "spec": spec})
        body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": service}
        kube.apply(f"/api/v1/namespaces/{space}/services/web", body)

        def read() -> Any:
            options = {"namespace": space, "service": "web", "service_accounts": True, "labels": labels, "pods": True}
            found = run("asm_registry_info", mesh=shop.name, clusters=["shop-1"], **options)["registry"]
            return found if found["service"]["endpoints"] else None

        found = lab.wait_for(read, "the endpoint", 60)
        (endpoint,) = found["service"]["endpoints"]
        assert endpoint["pod"].startswith("web-") and endpoint["cluster_id"] == shop.one
        assert endpoint["sidecar_injected"] is False
        assert space in found["namespaces"]
        assert {"name": "default", "namespace": space} in found["service_accounts"]["shop-1"]
        assert found["deployments"] == {"shop-1": ["web"]}
        assert found["pods"] == {"shop-1": [endpoint["pod"]]}
    finally:
        kube.delete(f"/api/v1/namespaces/{space}")
    for options, words in (
        ({"service": "web"}, ("namespace",)),
        ({"pods": True}, ("namespace",)),
        ({"clusters": ["shop-9"]}, ("shop-9", "shop-1")),
        ({"labels": {}}, ("labels is empty",)),
        ({"mesh": "it-none"}, ("it-none",)),
    ):
        run.refused("asm_registry_info", *words, **{"mesh": shop.name, **options})
