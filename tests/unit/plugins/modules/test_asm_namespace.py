# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespace module: plan, writes, waiting."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome, reconcile
from ansible_collections.meshops.asm.plugins.modules import asm_namespace
from ansible_collections.meshops.asm.plugins.modules.asm_namespace import AsmNamespace

from ..module_utils.kube.conftest import MemoryApi, api, kubeconfig
from .test_istio_resource import params_of

__all__ = ["api"]

PATH = "/api/v1/namespaces/shop"


def run(api: MemoryApi, *, check: bool = False, **given: Any) -> Outcome:
    api.requests.clear()
    params = params_of(AsmNamespace, name="shop", kubeconfig=kubeconfig(api.url), **given)

    class Cloudless:
        writes = 0

    return reconcile(AsmNamespace(params, Cloudless()), check=check, timeout=2)  # type: ignore[arg-type]


def written(api: MemoryApi) -> list[str]:
    return [method for method, *_unused in api.requests if method != "GET"]


def test_creation_with_injection(api: MemoryApi) -> None:
    predicted = run(api, injection="enabled", labels={"team": "a"}, check=True)
    assert (predicted.changed, written(api), PATH in api.objects) == (True, [], False)
    outcome = run(api, injection="enabled", labels={"team": "a"})
    assert written(api) == ["POST"]
    assert outcome.value == predicted.value
    assert outcome.value["injection"] == "enabled"
    assert outcome.value["labels"] == {"istio-injection": "enabled", "team": "a"}
    assert not run(api, injection="enabled", labels={"team": "a"}).changed
    assert written(api) == []


def test_only_what_differs_is_sent_and_the_rest_stays(api: MemoryApi) -> None:
    run(api, injection="enabled", labels={"team": "a"})
    outcome = run(api, injection="unset", revision="r1")
    body = next(body for method, _unused, _unused, body in api.requests if method == "PATCH")
    assert body == {"metadata": {"labels": {"istio-injection": None, "istio.io/rev": "r1"}}}
    assert outcome.value["labels"] == {"istio.io/rev": "r1", "team": "a"}
    assert (outcome.plan.before["injection"], outcome.plan.after["injection"]) == ("enabled", None)
    assert not run(api).changed


def test_a_contradiction_is_warned_of(api: MemoryApi) -> None:
    assert "ignores the revision" in run(api, injection="enabled", revision="r1", check=True).plan.warnings[0]


def test_removal(api: MemoryApi) -> None:
    run(api)
    assert run(api, state="absent", check=True).changed
    assert PATH in api.objects
    outcome = run(api, state="absent")
    assert (outcome.changed, outcome.value, written(api)) == (True, None, ["DELETE"])
    assert not run(api, state="absent").changed


def test_the_meshs_own_namespaces_stay(api: MemoryApi) -> None:
    params = params_of(AsmNamespace, name="istio-system", kubeconfig=kubeconfig(api.url), state="absent")
    with pytest.raises(Refused, match="belongs to the mesh itself"):
        AsmNamespace(params, None)  # type: ignore[arg-type]


def test_one_that_is_going_is_created_anew(api: MemoryApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.put(PATH, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}, deletionTimestamp="now")
    waited: list[str] = []

    def gone(client: Any, path: str, live: Any, title: str, **bounds: float) -> None:
        waited.append(title)
        del api.objects[path]

    monkeypatch.setattr(asm_namespace, "wait_until_gone", gone)
    assert run(api, injection="enabled").value["injection"] == "enabled"
    assert waited == ["Namespace shop"]


def test_a_create_that_was_answered_late_is_completed(api: MemoryApi) -> None:
    real = api._post

    def slow(path: str, query: dict[str, str], body: Any) -> Any:
        api.put(PATH, {**body, "metadata": {"name": "shop"}})
        return real(path, query, body)

    api._post = slow  # type: ignore[method-assign]
    assert run(api, injection="enabled").value["injection"] == "enabled"
    assert written(api) == ["POST", "PATCH"]


def test_a_mesh_to_come(monkeypatch: pytest.MonkeyPatch, api: MemoryApi) -> None:
    def nowhere(params: Any, cloud: Any) -> Any:
        raise NotFound("There is no mesh 'demo'.")

    monkeypatch.setattr(asm_namespace, "connect", nowhere)
    outcome = run(api, injection="enabled", check=True)
    assert (outcome.changed, outcome.value["injection"]) == (True, "enabled")
    assert outcome.plan.warnings == ("There is no mesh 'demo'.",)
    assert not run(api, state="absent").changed
    with pytest.raises(NotFound):
        run(api)
