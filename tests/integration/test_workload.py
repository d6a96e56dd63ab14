# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_workload: applications in a data-plane cluster of the shared mesh."""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from .conftest import Shop
from .labs import Lab
from .runner import Runner

SPACE = "it-apps"
BARE = "it-bare"
Json = dict[str, Any]


def namespace(name: str, **labels: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def deployment(name: str, image: str = "nginx:1.27", replicas: int = 1, command: list[str] | None = None) -> Json:
    """A Deployment of one container."""
    labels = {"app": name}
    container: Json = {"name": "app", "image": image}
    if command:
        container["command"] = command
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def service(name: str) -> Json:
    spec = {"selector": {"app": name}, "ports": [{"name": "http", "port": 80}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def space(run: Runner, lab: Lab, shop: Shop) -> Iterator[str]:
    """A namespace with injection in shop-1, and one without."""
    spaces = [namespace(SPACE, **{"istio-injection": "enabled"}), namespace(BARE)]
    run("asm_workload", cluster="shop-1", definition=spaces)
    yield SPACE
    run("asm_workload", cluster="shop-1", definition=spaces, state="absent")


def test_an_application_is_rolled_out_with_sidecars(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = [service("web"), deployment("web", replicas=2)]
    since = lab.mark()
    done = run.converge("asm_workload", cluster="shop-1", namespace=space, definition=objects, require_sidecar=True)
    assert len(lab.kube_writes(since, shop.one)) == 2
    assert lab.writes(since) == []
    assert done["summary"]["created"] == 2
    pods = lab.kube(shop.one).list(f"/api/v1/namespaces/{space}/pods", labelSelector="app=web")
    assert len(pods) == 2
    for pod in pods:
        containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", [])]
        assert {"app", "istio-proxy"} <= {container["name"] for container in containers}
        assert all(status["ready"] for status in pod["status"]["containerStatuses"])


def test_a_change_waits_for_the_new_pods(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    run("asm_workload", cluster="shop-1", namespace=space, definition=deployment("roll"))
    since = lab.mark()
    done = run.converge("asm_workload", cluster="shop-1", namespace=space, definition=deployment("roll", "nginx:1.29"))
    assert len(lab.kube_writes(since)) == 1
    assert done["summary"] == {
        "created": 0, "updated": 1, "unchanged": 0, "deleted": 0, "failed": 0, "skipped": 0,
    }  # fmt: skip
    pods = lab.kube(shop.one).list(f"/api/v1/namespaces/{space}/pods", labelSelector="app=roll")
    alive = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    containers = [container for pod in alive for container in pod["spec"]["containers"]]
    images = {container["image"] for container in containers if container["name"] == "app"}
    assert images == {"nginx:1.29"}


def test_fields_of_others_stay(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    """Replicas that are left to an autoscaler are not ours to reset."""
    wanted = deployment("scaled")
    del wanted["spec"]["replicas"]
    run("asm_workload", cluster="shop-1", namespace=space, definition=wanted)
    place = f"/apis/apps/v1/namespaces/{space}/deployments/scaled"
    scaled = copy.deepcopy({**wanted, "spec": {"replicas": 2}})
    lab.kube(shop.one).apply(place, scaled, manager="autoscaler")
    run.settled("asm_workload", cluster="shop-1", namespace=space, definition=wanted)
    assert lab.kube(shop.one).get(place)["spec"]["replicas"] == 2


def test_a_pod_without_its_sidecar_fails_the_task_that_requires_it(space: str, run: Runner, shop: Shop) -> None:
    objects = {"cluster": "shop-1", "namespace": BARE, "definition": deployment("alone")}
    run("asm_workload", **objects)
    run.refused("asm_workload", "Deployment it-bare/alone", "no sidecar", "injection", require_sidecar=True, **objects)


def test_a_secret_is_applied_and_never_shown(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    words = "correct-horse-battery"
    encoded = base64.b64encode(words.encode()).decode()
    place = f"/api/v1/namespaces/{space}/secrets/login"
    run.secrets += [words, encoded]
    try:
        # In a file: the options of a call are shown in its result.
        made = run("asm_workload", cluster="shop-1", namespace=space, src=_login(run, words))
        assert set(made["diff"]["after"]["Secret it-apps/login"]["data"]) == {"password"}
        assert lab.kube(shop.one).get(place)["data"] == {"password": encoded}
        run.settled("asm_workload", cluster="shop-1", namespace=space, src=_login(run, words))
        changed = run("asm_workload", cluster="shop-1", namespace=space, src=_login(run, f"{words}-2"))
    finally:
        run.secrets[-2:] = []
    before, after = changed["diff"]["before"], changed["diff"]["after"]
    assert before["Secret it-apps/login"]["data"] != after["Secret it-apps/login"]["data"]


def test_objects_go_and_the_module_waits_for_it(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    objects = [service("bye"), deployment("bye")]
    run("asm_workload", cluster="shop-1", namespace=space, definition=objects)
    done = run.converge("asm_workload", cluster="shop-1", namespace=space, definition=objects, state="absent")
    assert done["summary"]["deleted"] == 2
    assert lab.kube(shop.one).find(f"/apis/apps/v1/namespaces/{space}/deployments/bye") is None


def test_several_clusters_in_one_task(space: str, lab: Lab, run: Runner, shop: Shop) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it-both"}, "data": {"a": "b"}}
    since = lab.mark()
    run.converge("asm_workload", clusters=["shop-1", "shop-2"], definition=config)
    assert [len(lab.kube_writes(since, one)) for one in (shop.one, shop.two)] == [1, 1]
    run.converge("asm_workload", clusters=["shop-1", "shop-2"], definition=config, state="absent")


def _login(run: Runner, password: str) -> list[str]:
    """A file with a Secret."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "stringData": {"password": password}}
    file = run.folder / "login.yml"
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    return [str(file)]
