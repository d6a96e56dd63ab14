# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin through ansible-inventory, against the lab's account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Shop
from .labs import NORTH_MESH, Lab
from .runner import Played, Runner


def listing(run: Runner, folder: Path, options: str, *words: str, **more: Any) -> tuple[dict[str, Any], Played]:
    """``{group: {hosts}, _meta: {hostvars}}`` of an inventory file with these options."""
    file = folder / "asm.yml"
    file.write_text(f"plugin: meshops.asm.asm\n{options}", encoding="utf-8")
    played = run.ansible("ansible-inventory", "-i", str(file), "--list", *words, cwd=folder, **more).ok()
    for secret in run.secrets:
        assert secret not in played.output + played.errors
    return json.loads(played.output[played.output.index("{\n") :], object_hook=_plain), played


def _plain(value: dict[str, Any]) -> Any:
    """Since ansible-core 2.19 a text that no playbook wrote is marked, and never taken for a template."""
    return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


@pytest.fixture
def gateway(run: Runner, shop: Shop) -> str:
    """A gateway of the shared mesh in its first cluster."""
    run("asm_gateway", mesh="bookinfo", name="inventory", clusters=["shop-1"], ports=[{"name": "http", "port": 80}])
    return "bookinfo.gateway.inventory"


def test_the_account_as_hosts(lab: Lab, run: Runner, gateway: str, tmp_path: Path) -> None:
    with lab.unwritten():
        found, _played = listing(run, tmp_path, "regions: [cn-hangzhou, cn-beijing]\nstrict: true\n", "-vvvv")
    assert {"bookinfo", "north"} <= set(found["meshes"]["hosts"])
    assert set(found["clusters"]["hosts"]) >= {"bookinfo.cluster.shop-1", "bookinfo.cluster.shop-2"}
    assert "north" in found["region_cn_beijing"]["hosts"]
    facts = found["_meta"]["hostvars"]
    assert facts["north"]["mesh"]["id"] == NORTH_MESH
    record = lab.meshes("bookinfo")[0]
    assert facts["bookinfo"]["mesh"]["state"] == record["state"]
    assert facts["bookinfo.cluster.shop-1"]["cluster"]["id"] == lab.cluster_id("shop-1")
    # The address is that of the service in the cluster, asked of its own API server.
    service = lab.kube(lab.cluster_id("shop-1")).get("/api/v1/namespaces/istio-system/services/istio-inventory")
    (entry,) = service["status"]["loadBalancer"]["ingress"]
    assert facts[gateway]["gateway"]["addresses"]["shop-1"] == [entry["ip"]]


def test_groups_and_variables_of_ones_own(run: Runner, gateway: str, tmp_path: Path) -> None:
    options = """
    kinds: [gateway]
    strict: true
    compose: {entrance: "gateway.addresses['shop-1'] | first"}
    keyed_groups: [{key: gateway.clusters, prefix: in}]
    """.replace("\n    ", "\n")
    found, _played = listing(run, tmp_path, options)
    assert gateway in found["in_shop_1"]["hosts"]
    assert found["_meta"]["hostvars"][gateway]["entrance"].startswith("127.")
    assert "meshes" not in found


def test_the_cache_spares_the_account(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    options = f"kinds: [mesh]\ncache: true\ncache_plugin: ansible.builtin.jsonfile\ncache_connection: {tmp_path}/kept\n"
    first, _played = listing(run, tmp_path, options)
    since = lab.mark()
    again, _played = listing(run, tmp_path, options)
    assert again == first
    assert lab.requests(since) == []
    kept = "".join(file.read_text(encoding="utf-8") for file in (tmp_path / "kept").iterdir())
    assert not [secret for secret in run.secrets if secret in kept]


def test_a_control_plane_that_is_away_is_a_warning(lab: Lab, run: Runner, gateway: str, tmp_path: Path) -> None:
    lab.control.pause(lab.mesh_id("bookinfo"))
    try:
        found, played = listing(run, tmp_path, "", env={"MESHOPS_API_TIMEOUT": "3"})
    finally:
        lab.control.resume(lab.mesh_id("bookinfo"))
    assert "bookinfo" in found["meshes"]["hosts"]
    assert gateway not in found["_meta"]["hostvars"]
    assert "The gateways of mesh 'bookinfo' cannot be read" in " ".join(played.errors.split())


def test_a_user_without_rights_is_told_the_code(lab: Lab, run: Runner, tmp_path: Path) -> None:
    file = tmp_path / "asm.yml"
    file.write_text("plugin: meshops.asm.asm\n", encoding="utf-8")
    denied = lab.control.user("denied")
    played = run.ansible(
        "ansible-inventory", "-i", str(file), "--list",
        env={
            "ALIBABA_CLOUD_ACCESS_KEY_ID": denied["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": denied["access_key_secret"],
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
        },
    )  # fmt: skip
    assert played.code != 0
    assert "Forbidden" in played.errors
    assert denied["access_key_secret"] not in played.output + played.errors
