# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples against real API servers: what is accepted is created, is unchanged then, and goes without leftovers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshlab.kubeapi import KubeApi

from tests.integration.conftest import Shop
from tests.integration.labs import Lab
from tests.integration.runner import Runner
from tests.samples.reading import SAMPLES, laid_out

ROUTE = "/apis/networking.istio.io/v1/namespaces/default/virtualservices/samples"
LAST = "kubectl.kubernetes.io/last-applied-configuration"
ACCEPTED = [one for one in SAMPLES["manifests"] if "refused" not in one and one.get("state") != "absent"]
REFUSED = [one for one in SAMPLES["manifests"] if "refused" in one]

Json = dict[str, Any]


def task(sample: Json, shop: Shop, folder: Path) -> tuple[str, Json]:
    """The module and the options that apply a sample."""
    path = laid_out(sample, folder)
    if sample["target"] == "mesh":
        return "istio_resource", {"mesh": shop.name, "src": [str(path)]}
    return "asm_workload", {"cluster": "shop-1", "src": [str(path)]}


@pytest.mark.parametrize("sample", ACCEPTED, ids=lambda one: one["input"])
def test_accepted(lab: Lab, run: Runner, shop: Shop, tmp_path: Path, sample: Json) -> None:
    module, options = task(sample, shop, tmp_path)
    with lab.unwritten():
        predicted = run(module, check=True, wait=False, **options)
    made = run(module, wait=False, **options)
    assert made["resources"] == predicted["resources"]
    assert {one["outcome"] for one in made["resources"]} == {"created"}
    run.settled(module, wait=False, **options)
    gone = run(module, state="absent", **options)
    assert {one["outcome"] for one in gone["resources"]} == {"deleted"}
    assert not run(module, state="absent", **options)["changed"]


@pytest.mark.parametrize("sample", REFUSED, ids=lambda one: one["input"])
def test_refused(run: Runner, shop: Shop, tmp_path: Path, sample: Json) -> None:
    module, options = task(sample, shop, tmp_path)
    result = run.refused(module, **options)
    assert sample["refused"].lower() in result["msg"].lower()


def test_what_is_not_served_is_absent(run: Runner, shop: Shop, tmp_path: Path) -> None:
    (sample,) = [one for one in SAMPLES["manifests"] if one.get("state") == "absent"]
    module, options = task(sample, shop, tmp_path)
    assert not run(module, state="absent", **options)["changed"]


@pytest.mark.parametrize("sample", SAMPLES["owners"], ids=lambda one: one["input"])
def test_owners(lab: Lab, run: Runner, shop: Shop, tmp_path: Path, sample: Json) -> None:
    kube = lab.kube(shop.id)
    place = laid_out({"input": f"owners/{sample['input']}"}, tmp_path)
    options = {"mesh": shop.name, "src": [str(place / "ours.yaml")]}
    try:
        if sample["by"] != "kubectl-client-side-apply":
            run("istio_resource", **options)
        earlier(kube, sample["by"], place / "there.yaml")
        if "refused" in sample:
            run.refused("istio_resource", sample["refused"], sample["by"], **options)
            options["force_conflicts"] = True
        run("istio_resource", **options)
        run.settled("istio_resource", **options)
        found = kube.get(ROUTE)
        assert found["spec"].get("exportTo") == sample["after"]
        if sample["input"] == "foreign-addition":
            assert found["metadata"]["labels"] == {"team": "a"}
    finally:
        kube.delete(ROUTE)


def earlier(kube: KubeApi, manager: str, file: Path) -> None:
    """What is in a file, written by somebody else as kubectl would: created, or patched into what is there."""
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    if kube.find(ROUTE):
        changes = {"metadata": {"labels": body["metadata"].get("labels")}, "spec": body["spec"]}
        kube.patch(ROUTE, changes, fieldManager=manager)
        return
    body["metadata"]["annotations"] = {LAST: json.dumps(body)}
    kube.create(ROUTE.rpartition("/")[0], body, fieldManager=manager)
