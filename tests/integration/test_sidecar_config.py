# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_sidecar_config: what a namespace sets is what its pods are injected with, and goes again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Shop
from .labs import Lab
from .runner import Runner

SPACE = "it-sidecars"
ACTION = "UpdateNamespaceScopeSidecarConfig"
SETTINGS: dict[str, Any] = {
    "concurrency": 2,
    "log_level": "info",
    "hold_application_until_proxy_starts": True,
    "termination_drain_duration": "7s",
    "readiness": {"period_seconds": 3},
    "exclude_outbound_ports": ["3306", "6379"],
    "include_ip_ranges": ["10.0.0.0/8"],
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "1"}},
    "init_resources": {"limits": {"cpu": "100m"}},
    "proxy_metadata": {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": True},
    "stats_matcher": {"inclusion_prefixes": ["server", "cluster.outbound"]},
    "tracing": {"sampling": 12.5, "custom_tags": {"team": {"literal": {"value": "it"}}}},
    "scaled_resources": {"container": "app", "percentage": 20},
}  # fmt: skip
Json = dict[str, Any]


@pytest.fixture(scope="module")
def space(lab: Lab, run: Runner, shop: Shop) -> Iterator[str]:
    """A namespace of the mesh and of a cluster, whose pods are injected."""
    run("asm_namespace", mesh=shop.name, name=SPACE, injection="enabled")
    labels = {"istio-injection": "enabled"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE, "labels": labels}}
    lab.kube(shop.one).apply(f"/api/v1/namespaces/{SPACE}", body)
    account = f"/api/v1/namespaces/{SPACE}/serviceaccounts/default"
    lab.wait_for(lambda: lab.kube(shop.one).find(account), "the namespace's ServiceAccount")
    yield SPACE
    lab.kube(shop.one).delete(f"/api/v1/namespaces/{SPACE}")
    run("asm_namespace", mesh=shop.name, name=SPACE, state="absent")


def pod(name: str = "probe") -> Json:
    containers = [{"name": "app", "image": "nginx"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers}}


def injected(lab: Lab, cluster: str) -> Json:
    """The pod as it would be made now."""
    return lab.kube(cluster).create(f"/api/v1/namespaces/{SPACE}/pods", pod(), dryRun="All")


def containers(found: Json, group: str = "containers") -> dict[str, Json]:
    return {one["name"]: one for one in found["spec"][group]}


def test_settings_are_what_pods_get(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    since = lab.mark()
    done = run.converge("asm_sidecar_config", mesh=shop.name, name=space, **SETTINGS)
    assert len(lab.sent(since, ACTION)) == 1
    assert done["sidecar_config"]["settings"]["exclude_outbound_ports"] == ["3306", "6379"]
    assert done["sidecar_config"]["settings"]["proxy_metadata"] == {"EXIT_ON_ZERO_ACTIVE_CONNECTIONS": "true"}

    def follows() -> Json | None:
        found = injected(lab, shop.one)
        return found if "--concurrency=2" in containers(found)["istio-proxy"]["args"] else None

    found = lab.wait_for(follows, "istiod to follow", 30)
    proxy, first = containers(found)["istio-proxy"], containers(found, "initContainers")["istio-init"]
    assert "--proxyLogLevel=info" in proxy["args"]
    assert proxy["resources"] == SETTINGS["resources"]
    assert first["resources"]["limits"] == {"cpu": "100m"}
    assert proxy["readinessProbe"]["periodSeconds"] == 3
    assert proxy["lifecycle"]["postStart"]["exec"]["command"] == ["pilot-agent", "wait"]
    env = {one["name"]: one.get("value") for one in proxy["env"]}
    assert (env["TERMINATION_DRAIN_DURATION"], env["EXIT_ON_ZERO_ACTIVE_CONNECTIONS"]) == ("7s", "true")
    arguments = dict(zip(first["args"][1::2], first["args"][2::2], strict=True))
    assert (arguments["-o"], arguments["-i"]) == ("3306,6379", "10.0.0.0/8")


def test_applications_start_after_their_proxy(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run("asm_sidecar_config", mesh=shop.name, name=space, **SETTINGS)
    pods, kube = f"/api/v1/namespaces/{space}/pods", lab.kube(shop.one)
    lab.wait_for(lambda: "lifecycle" in containers(injected(lab, shop.one))["istio-proxy"], "istiod to follow", 30)
    kube.create(pods, pod("ordered"))

    def started() -> dict[str, Any] | None:
        statuses = {one["name"]: one for one in kube.get(f"{pods}/ordered")["status"].get("containerStatuses", [])}
        # At no moment does the application run beside a proxy that was never ready.
        if statuses.get("app", {}).get("started") and not statuses["istio-proxy"]["ready"]:
            raise AssertionError(f"the application came first: {statuses}")
        return statuses if statuses.get("app", {}).get("started") else None

    lab.wait_for(started, "the pod to start", 60)
    kube.delete(f"{pods}/ordered")


def test_one_change_keeps_the_rest_and_purge_does_not(space: str, run: Runner, shop: Shop) -> None:
    run("asm_sidecar_config", mesh=shop.name, name=space, **SETTINGS)
    run.settled("asm_sidecar_config", mesh=shop.name, name=space, **SETTINGS, purge=True)
    done = run.converge("asm_sidecar_config", mesh=shop.name, name=space, log_level="error", include_ip_ranges=[])
    assert set(done["diff"]["before"]["settings"]) - set(done["diff"]["after"]["settings"]) == {"include_ip_ranges"}
    done = run.converge("asm_sidecar_config", mesh=shop.name, name=space, concurrency=1, purge=True)
    assert done["sidecar_config"] == {"name": space, "settings": {"concurrency": 1}}
    read = run("asm_sidecar_config_info", mesh=shop.name, names=[space, "it-none"])
    assert read["sidecar_configs"] == [done["sidecar_config"], {"name": "it-none", "settings": {}}]


@pytest.mark.parametrize("unset", ["null", "zero"])
def test_absent_is_absent_however_that_is_shown(space: str, lab: Lab, run: Runner, shop: Shop, unset: str) -> None:
    lab.control.setting("sidecar_config_unset", unset)
    try:
        run.converge(
            "asm_sidecar_config", mesh=shop.name, name=space, log_level="error", resources=SETTINGS["resources"]
        )
        run.converge("asm_sidecar_config", mesh=shop.name, name=space, state="absent")
    finally:
        lab.control.setting("sidecar_config_unset", "absent")


def test_a_service_that_merges_is_told_what_goes(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run("asm_sidecar_config", mesh=shop.name, name=space, log_level="error", concurrency=2)
    lab.control.setting("sidecar_config_update", "merge")
    try:
        run.failing(
            "asm_sidecar_config", "concurrency", "values that the mesh has", mesh=shop.name, name=space, state="absent"
        )
        read = run("asm_sidecar_config_info", mesh=shop.name, names=[space])
        assert read["sidecar_configs"][0]["settings"] == {"concurrency": 2}
    finally:
        lab.control.setting("sidecar_config_update", "replace")
    run.converge("asm_sidecar_config", mesh=shop.name, name=space, state="absent")


def test_pods_follow_the_mesh_again(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run("asm_sidecar_config", mesh=shop.name, name=space, exclude_outbound_ports=[9999])

    def args() -> Any:
        return containers(injected(lab, shop.one), "initContainers")["istio-init"]["args"]

    lab.wait_for(lambda: "9999" in args(), "istiod to follow", 30)
    done = run.converge("asm_sidecar_config", mesh=shop.name, name=space, state="absent")
    assert (done["sidecar_config"], done["diff"]["after"]) == (None, {})
    lab.wait_for(lambda: "9999" not in args(), "istiod to follow", 30)


def test_bad_input_changes_nothing(space: str, run: Runner, shop: Shop) -> None:
    wrong: list[tuple[Json, tuple[str, ...]]] = [
        ({"concurrency": -1, "exclude_inbound_ports": ["http"]}, ("concurrency: -1", "exclude_inbound_ports: 'http'")),
        ({"lifecycle": {"preStop": {"exec": "sleep 5"}}}, ("lifecycle", "preStop.exec")),
        ({"interception_mode": "NONE"}, ("interception_mode", "REDIRECT", "TPROXY")),
        ({"log_level": "loud"}, ("LogLevel", "loud")),
        ({"resources": {"limits": {"cpu": "two"}}}, ("resources.limits.cpu", "two")),
        ({"name": "it-nowhere", "log_level": "info"}, ("it-nowhere", "does not exist")),
        ({"mesh": "it-no-mesh", "log_level": "info"}, ("it-no-mesh", "No mesh")),
        ({"concurency": 2}, ("concurency", "concurrency")),
    ]
    for options, words in wrong:
        given = {"mesh": shop.name, "name": space, **options}
        if "loud" in words or "it-nowhere" in words:
            # Refused by the service: a request that may have changed something was sent.
            run.failing("asm_sidecar_config", *words, **given)
        else:
            run.refused("asm_sidecar_config", *words, **given)
    read = run("asm_sidecar_config_info", mesh=shop.name, names=[space])
    assert json.dumps(read["sidecar_configs"][0]["settings"]) == "{}"
