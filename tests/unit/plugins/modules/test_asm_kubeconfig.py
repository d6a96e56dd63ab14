# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig module: what is written, when, and what a diff shows."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.errors import NotFound
from ansible_collections.meshops.asm.plugins.module_utils.kube import probe
from ansible_collections.meshops.asm.plugins.module_utils.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.modules.asm_kubeconfig import Kubeconfig

MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}


def kubeconfig(key: str = "KEY-1", server: str = "https://192.0.2.1:6443") -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "shop", "cluster": {"server": server, "certificate-authority-data": "CA"}}],
            "users": [{"name": "u", "user": {"client-certificate-data": "CERT", "client-key-data": key}}],
        }
    )


@pytest.fixture
def make(fake_cloud: Callable[..., Any]) -> Callable[..., Any]:
    def build(**given: Any) -> Kubeconfig:
        answers = {
            "DescribeServiceMeshes": {"ServiceMeshes": given.pop("meshes", [MESH])},
            "DescribeServiceMeshKubeconfig": {
                "Kubeconfig": given.pop("fetched", kubeconfig()),
                "ExpireTime": "2029-01-01 00:00:00",
            },
            "DescribeClustersV1": {"clusters": [{"cluster_id": "c1", "name": "shop-1"}]},
            "DescribeClusterUserKubeconfig": {"config": kubeconfig(), "expiration": "2029-01-01T00:00:00Z"},
            "RevokeKubeconfig": {"Kubeconfig": kubeconfig("KEY-2")},
            "RevokeK8sClusterKubeConfig": {},
        }
        spec = {**Kubeconfig.options, "state": {"default": "present"}}
        checked = ArgumentSpecValidator(spec).validate(given)
        assert not checked.error_messages
        return Kubeconfig(checked.validated_parameters, fake_cloud(**answers))

    return build


def run(resource: Kubeconfig, check: bool = False) -> tuple[Any, dict[str, Any]]:
    outcome = reconcile(resource, check=check, wait=False)
    return outcome, resource.extra(outcome.plan)


def test_file_is_written_for_its_owner_only(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    outcome, more = run(make(mesh="shop", dest=str(dest)))
    assert outcome.changed
    assert outcome.value == "https://192.0.2.1:6443"
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    assert dest.read_text() == kubeconfig()
    assert more == {"dest": str(dest), "expires": "2029-01-01 00:00:00"}


def test_content_is_returned_only_when_asked_for(make: Callable[..., Any]) -> None:
    outcome, more = run(make(mesh="shop"))
    assert not outcome.changed
    assert "kubeconfig" not in more
    _unused, more = run(make(mesh="shop", return_content=True))
    assert more["kubeconfig"] == kubeconfig()


def test_diff_has_no_secret(make: Callable[..., Any], tmp_path: Path) -> None:
    outcome, _unused = run(make(mesh="shop", dest=str(tmp_path / "mesh.yaml")))
    assert outcome.plan.before == {"dest": str(tmp_path / "mesh.yaml"), "server": None}
    assert outcome.plan.after == {
        "dest": str(tmp_path / "mesh.yaml"),
        "server": "https://192.0.2.1:6443",
        "mode": "0600",
        "content": "(new)",
    }


@pytest.mark.parametrize("text", ["clusters: []\n", "{", "just words", "", "clusters: [{cluster: {}}]"])
def test_whatever_the_file_holds_is_replaced_and_removed(make: Callable[..., Any], tmp_path: Path, text: str) -> None:
    dest = tmp_path / "mesh.yaml"
    dest.write_text(text)
    outcome, _unused = run(make(mesh="shop", dest=str(dest)))
    assert outcome.changed
    assert outcome.plan.before["server"] is None
    assert dest.read_text() == kubeconfig()
    dest.write_text(text)
    assert run(make(mesh="shop", dest=str(dest), state="absent"))[0].changed
    assert not dest.exists()


def test_check_mode_writes_no_file(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    outcome, _unused = run(make(mesh="shop", dest=str(dest)), check=True)
    assert outcome.changed
    assert not dest.exists()


def test_same_kubeconfig_is_left_alone(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    assert not run(make(mesh="shop", dest=str(dest)))[0].changed
    assert run(make(mesh="shop", dest=str(dest), force=True))[0].changed


@pytest.mark.parametrize("works", [True, False])
def test_another_certificate_is_replaced_only_when_the_old_one_fails(
    make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    monkeypatch.setattr(probe, "accepted", lambda text: works and text == kubeconfig())
    outcome, _unused = run(make(mesh="shop", dest=str(dest), fetched=kubeconfig("KEY-9")))
    assert outcome.changed is not works
    assert dest.read_text() == kubeconfig("KEY-1" if works else "KEY-9")


def test_another_address_is_replaced_unasked(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    moved = kubeconfig(server="https://192.0.2.9:6443")
    assert run(make(mesh="shop", dest=str(dest), fetched=moved))[0].value == "https://192.0.2.9:6443"
    assert dest.read_text() == moved


def test_file_that_others_can_read_is_made_private(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    dest.write_text(kubeconfig())
    dest.chmod(0o644)
    assert run(make(mesh="shop", dest=str(dest)))[0].changed
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600


@pytest.mark.parametrize(("address", "private"), [("auto", True), ("private", True), ("public", False)])
def test_address_of_a_mesh_without_public_api_server(make: Callable[..., Any], address: str, private: bool) -> None:
    resource = make(mesh="shop", address=address)
    run(resource)
    (sent,) = resource.cloud.sent("DescribeServiceMeshKubeconfig")
    assert sent == {"ServiceMeshId": "cm", "PrivateIpAddress": private}


def test_cluster_kubeconfig_has_the_wanted_duration(make: Callable[..., Any]) -> None:
    resource = make(cluster="shop-1", duration_minutes=30)
    run(resource)
    (sent,) = resource.cloud.sent("DescribeClusterUserKubeconfig")
    assert sent["TemporaryDurationMinutes"] == 30


def test_absent_revokes_and_removes_once(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    resource = make(mesh="shop", dest=str(dest), state="absent")
    outcome, _unused = run(resource)
    assert outcome.changed
    assert not dest.exists()
    assert resource.cloud.written() == ["RevokeKubeconfig"]
    again = make(mesh="shop", dest=str(dest), state="absent")
    assert not run(again)[0].changed
    assert again.cloud.written() == []


def test_absent_without_revoke_only_removes(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "cluster.yaml"
    run(make(cluster="shop-1", dest=str(dest)))
    resource = make(cluster="shop-1", dest=str(dest), state="absent", revoke=False)
    assert run(resource)[0].changed
    assert resource.cloud.written() == []


def test_absent_mesh(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = str(tmp_path / "mesh.yaml")
    outcome, _unused = run(make(mesh="shop", meshes=[], dest=dest), check=True)
    assert outcome.changed
    assert "does not exist yet" in outcome.plan.warnings[0]
    with pytest.raises(NotFound, match="No mesh"):
        run(make(mesh="shop", meshes=[], dest=dest))
    assert not run(make(mesh="shop", meshes=[], dest=dest, state="absent"))[0].changed
