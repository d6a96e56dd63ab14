# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubeconfig module: what is written, when, and what a diff shows."""

from __future__ import annotations

import base64
import json
import re
import stat
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Ambiguous, AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import reconcile
from ansible_collections.meshops.asm.plugins.module_utils.kube import probe
from ansible_collections.meshops.asm.plugins.modules.asm_kubeconfig import Kubeconfig
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

MESH = {"ServiceMeshInfo": {"ServiceMeshId": "cm", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
OTHERS = """
apiVersion: v1
kind: Config
clusters: [{name: other, cluster: {server: "https://other", unknown: 0o17}}]
contexts: [{name: other, context: {cluster: other, user: other, namespace: web}}]
users: [{name: other, user: {token: "0123"}}]
current-context: other
"""


def kubeconfig(key: str = "KEY-1", server: str = "https://192.0.2.1:6443", certificate: str = "CERT") -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kubernetes", "cluster": {"server": server, "certificate-authority-data": "CA"}}],
            "contexts": [{"name": "u@k", "context": {"cluster": "kubernetes", "user": "u"}}],
            "users": [{"name": "u", "user": {"client-certificate-data": certificate, "client-key-data": key}}],
            "current-context": "u@k",
        }
    )


@cache
def certificate(minutes: int, age: int = 0) -> str:
    """Of a client, made ``age`` minutes ago for ``minutes``; as kubeconfigs hold it."""
    key = ec.generate_private_key(ec.SECP256R1())
    start = datetime.now(timezone.utc) - timedelta(minutes=age)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "u")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + timedelta(minutes=minutes))
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return base64.b64encode(pem).decode()


def end_of(encoded: str) -> str:
    """When a certificate ends, as openssl and RFC 3339 say it."""
    end = x509.load_pem_x509_certificate(base64.b64decode(encoded)).not_valid_after_utc
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def make(fake_cloud: Callable[..., Any]) -> Callable[..., Any]:
    def build(**given: Any) -> Kubeconfig:
        fetched = given.pop("fetched", kubeconfig())
        answers = {
            "DescribeServiceMeshes": {"ServiceMeshes": given.pop("meshes", [MESH])},
            "DescribeServiceMeshKubeconfig": {"Kubeconfig": fetched, "ExpireTime": "2029-01-01 00:00:00"},
            "DescribeClustersV1": {"clusters": given.pop("clusters", [{"cluster_id": "c1", "name": "shop-1"}])},
            "DescribeClusterUserKubeconfig": {"config": fetched, "expiration": "2029-01-01T00:00:00Z"},
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


def key_in(file: Path, context: str = "shop_cm") -> str:
    users = {one["name"]: one["user"] for one in yaml.safe_load(file.read_text())["users"]}
    return str(users[context]["client-key-data"])


def test_file_is_written_for_its_owner_only(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    outcome, more = run(make(mesh="shop", dest=str(dest)))
    assert outcome.changed
    assert outcome.value == "https://192.0.2.1:6443"
    assert stat.S_IMODE(dest.stat().st_mode) == 0o600
    written = yaml.safe_load(dest.read_text())
    assert written["current-context"] == "shop_cm"
    assert [one["name"] for one in written["clusters"] + written["users"] + written["contexts"]] == ["shop_cm"] * 3
    assert key_in(dest) == "KEY-1"
    assert more == {"dest": str(dest), "context": "shop_cm", "expires": ""}


def test_content_is_returned_only_when_asked_for(make: Callable[..., Any], tmp_path: Path) -> None:
    outcome, more = run(make(mesh="shop"))
    assert not outcome.changed
    assert more == {"expires": "2029-01-01 00:00:00"}
    _unused, more = run(make(mesh="shop", return_content=True))
    assert more["kubeconfig"] == kubeconfig()
    _unused, more = run(make(mesh="shop", return_content=True, dest=str(tmp_path / "mesh.yaml")))
    assert json.loads(more["kubeconfig"])["users"][0]["user"]["client-key-data"] == "KEY-1"


def test_diff_has_no_secret(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    dest.write_text(OTHERS)
    dest.chmod(0o640)
    outcome, _unused = run(make(mesh="shop", dest=str(dest)))
    common = {"dest": str(dest), "current_context": "other"}
    assert outcome.plan.before == {**common, "server": None, "mode": "0640", "contexts": ["other"]}
    assert outcome.plan.after == {
        **common,
        "server": "https://192.0.2.1:6443",
        "mode": "0600",
        "content": "(new)",
        "contexts": ["other", "shop_cm"],
    }
    assert re.fullmatch("[0-9a-f]{12}", run(make(mesh="shop", dest=str(dest)))[0].plan.before["content"])


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("text", ["{", "just words", "kind: Secret", "- a", "clusters: 1", "a: SECRET"])
def test_what_is_no_kubeconfig_is_refused(make: Callable[..., Any], tmp_path: Path, text: str, state: str) -> None:
    dest = tmp_path / "mesh.yaml"
    dest.write_text(text)
    resource = make(mesh="shop", dest=str(dest), state=state)
    with pytest.raises(InvalidInput, match="is no kubeconfig") as caught:
        run(resource)
    assert "SECRET" not in str(caught.value)
    assert dest.read_text() == text
    assert resource.cloud.written() == []


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_folder_is_refused(make: Callable[..., Any], tmp_path: Path, state: str) -> None:
    with pytest.raises(InvalidInput, match="name a file"):
        run(make(mesh="shop", dest=str(tmp_path), state=state))


def test_entries_of_others_stay(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    dest.write_text(OTHERS)
    first = run(make(mesh="shop", dest=str(dest)))[1]
    assert first["context"] == "shop_cm"
    assert [one["name"] for one in yaml.safe_load(dest.read_text())["contexts"]] == ["other", "shop_cm"]
    assert yaml.safe_load(dest.read_text())["current-context"] == "other"
    text = dest.read_text()
    assert not run(make(mesh="shop", dest=str(dest)))[0].changed
    assert dest.read_text() == text
    run(make(mesh="shop", dest=str(dest), state="absent"))
    assert yaml.safe_load(dest.read_text()) == yaml.safe_load(OTHERS)
    assert not run(make(mesh="shop", dest=str(dest), state="absent"))[0].changed


def test_absent_leaves_a_file_that_never_held_ours(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    dest.write_text(OTHERS)
    resource = make(mesh="shop", dest=str(dest), state="absent")
    assert not run(resource)[0].changed
    assert dest.read_text() == OTHERS
    assert resource.cloud.calls == []


@pytest.mark.parametrize(("options", "current"), [({}, "other"), ({"set_current_context": True}, "shop_cm")])
def test_the_current_context(make: Callable[..., Any], tmp_path: Path, options: dict[str, Any], current: str) -> None:
    dest = tmp_path / "config"
    dest.write_text(OTHERS)
    run(make(mesh="shop", dest=str(dest), **options))
    assert yaml.safe_load(dest.read_text())["current-context"] == current
    assert not run(make(mesh="shop", dest=str(dest), **options))[0].changed


def test_a_name_of_ones_own(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    dest.write_text(OTHERS)
    with pytest.raises(InvalidInput, match="context_name"):
        run(make(mesh="shop", dest=str(dest), context_name="other"))
    assert dest.read_text() == OTHERS
    assert run(make(mesh="shop", dest=str(dest), context_name="prod"))[1]["context"] == "prod"
    assert not run(make(mesh="shop", dest=str(dest), context_name="prod"))[0].changed
    assert not run(make(mesh="shop", dest=str(dest), context_name="test", state="absent"))[0].changed
    assert run(make(mesh="shop", dest=str(dest), state="absent"))[0].changed
    assert yaml.safe_load(dest.read_text()) == yaml.safe_load(OTHERS)


def test_one_of_several_entries_has_to_be_named(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = str(tmp_path / "config")
    run(make(mesh="shop", dest=dest))
    twin = {"ServiceMeshInfo": {**MESH["ServiceMeshInfo"], "ServiceMeshId": "cm2"}}
    run(make(mesh="shop", dest=dest, meshes=[twin]))
    with pytest.raises(Ambiguous, match=r"shop_cm \(cm\), shop_cm2 \(cm2\)"):
        run(make(mesh="shop", dest=dest, state="absent"))
    assert run(make(mesh="cm", dest=dest, state="absent", revoke=False))[0].changed
    assert [one["name"] for one in yaml.safe_load(Path(dest).read_text())["contexts"]] == ["shop_cm2"]


def test_a_link_stays_a_link(make: Callable[..., Any], tmp_path: Path) -> None:
    target, dest = tmp_path / "dotfiles", tmp_path / "config"
    target.write_text(OTHERS)
    dest.symlink_to("dotfiles")
    run(make(mesh="shop", dest=str(dest)))
    assert dest.is_symlink()
    assert key_in(target) == "KEY-1"
    run(make(mesh="shop", dest=str(dest), state="absent"))
    assert dest.is_symlink()
    assert yaml.safe_load(target.read_text()) == yaml.safe_load(OTHERS)


def test_the_target_of_a_link_is_made_and_never_removed(make: Callable[..., Any], tmp_path: Path) -> None:
    target, dest = tmp_path / "dotfiles", tmp_path / "config"
    dest.symlink_to("dotfiles")
    run(make(mesh="shop", dest=str(dest)))
    assert key_in(target) == "KEY-1"
    run(make(mesh="shop", dest=str(dest), state="absent"))
    assert dest.is_symlink()
    assert not yaml.safe_load(target.read_text())["users"]


def test_a_copy_of_what_was_there(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    assert "backup_file" not in run(make(mesh="shop", dest=str(dest), backup=True))[1]
    dest.write_text(OTHERS)
    assert "backup_file" not in run(make(mesh="shop", dest=str(dest), backup=True), check=True)[1]
    copy = Path(run(make(mesh="shop", dest=str(dest), backup=True))[1]["backup_file"])
    assert copy.read_text() == OTHERS
    assert copy.name.startswith("config.")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "backup_file" not in run(make(mesh="shop", dest=str(dest), backup=True))[1]


def test_what_another_task_merges_meanwhile_stays(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    resource = make(mesh="shop", dest=str(dest))
    plan = resource.plan(resource.find())
    dest.write_text(OTHERS)
    resource.apply(plan)
    assert [one["name"] for one in yaml.safe_load(dest.read_text())["contexts"]] == ["other", "shop_cm"]


def test_check_mode_writes_no_file(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    outcome, _unused = run(make(mesh="shop", dest=str(dest)), check=True)
    assert outcome.changed
    assert not dest.exists()
    planned = outcome.plan.after
    assert run(make(mesh="shop", dest=str(dest)))[0].plan.after == planned
    text = dest.read_text()
    assert run(make(mesh="shop", dest=str(dest), state="absent"), check=True)[0].changed
    assert dest.read_text() == text


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
    monkeypatch.setattr(probe, "accepted", lambda text: works and "KEY-1" in text)
    outcome, _unused = run(make(mesh="shop", dest=str(dest), fetched=kubeconfig("KEY-9")))
    assert outcome.changed is not works
    assert key_in(dest) == ("KEY-1" if works else "KEY-9")


def test_the_end_is_that_of_the_certificate_in_the_file(
    make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "accepted", lambda text: True)
    dest = tmp_path / "cluster.yaml"
    years, hour = certificate(3 * 365 * 1440), certificate(60)
    old, new = kubeconfig("K1", certificate=years), kubeconfig("K2", certificate=hour)
    assert run(make(cluster="shop-1", dest=str(dest), fetched=old))[1]["expires"] == end_of(years)
    outcome, more = run(make(cluster="shop-1", dest=str(dest), fetched=new, duration_minutes=60))
    assert not outcome.changed
    assert more["expires"] == end_of(years)
    assert "longer than duration_minutes" in outcome.plan.warnings[0]
    outcome, more = run(make(cluster="shop-1", dest=str(dest), fetched=new, duration_minutes=60, force=True))
    assert outcome.changed
    assert more["expires"] == end_of(hour)
    assert key_in(dest, "shop-1_c1") == "K2"


@pytest.mark.parametrize(
    ("minutes", "age", "wanted", "renewed"),
    [
        (60, 0, 60, False),
        (60, 25, 60, False),
        (60, 35, 60, True),
        (60, 0, 90, True),
        (30, 0, 480, True),
        (480, 0, 60, False),
        (60, 35, None, False),
    ],
)
def test_a_file_that_ends_too_early_is_renewed(
    make: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    minutes: int,
    age: int,
    wanted: int | None,
    renewed: bool,
) -> None:
    monkeypatch.setattr(probe, "accepted", lambda text: True)
    dest = tmp_path / "cluster.yaml"
    old = kubeconfig("OLD", certificate=certificate(minutes, age))
    new = kubeconfig("NEW", certificate=certificate(wanted or 4320))
    more = {"duration_minutes": wanted} if wanted else {}
    run(make(cluster="shop-1", dest=str(dest), fetched=old))
    assert run(make(cluster="shop-1", dest=str(dest), fetched=new, **more))[0].changed is renewed
    assert key_in(dest, "shop-1_c1") == ("NEW" if renewed else "OLD")
    assert not run(make(cluster="shop-1", dest=str(dest), fetched=new, **more))[0].changed


def test_a_service_that_grants_less_is_not_asked_at_every_run(
    make: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "accepted", lambda text: True)
    dest = str(tmp_path / "cluster.yaml")
    granted = kubeconfig("K1", certificate=certificate(30))
    run(make(cluster="shop-1", dest=dest, fetched=granted, duration_minutes=480))
    again = kubeconfig("K2", certificate=certificate(30))
    assert not run(make(cluster="shop-1", dest=dest, fetched=again, duration_minutes=480))[0].changed


def test_another_address_is_replaced_unasked(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    moved = kubeconfig(server="https://192.0.2.9:6443")
    assert run(make(mesh="shop", dest=str(dest), fetched=moved))[0].value == "https://192.0.2.9:6443"
    assert "https://192.0.2.9:6443" in dest.read_text()


def test_a_mesh_that_was_renamed_keeps_one_entry(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    run(make(mesh="shop", dest=str(dest)))
    renamed = {"ServiceMeshInfo": {**MESH["ServiceMeshInfo"], "Name": "store"}}
    run(make(mesh="store", dest=str(dest), meshes=[renamed]))
    config = yaml.safe_load(dest.read_text())
    assert [one["name"] for one in config["contexts"]] == ["store_cm"] == [config["current-context"]]


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o600, 0o600), (0o400, 0o400), (0o660, 0o600)])
def test_rights_of_others_are_taken(make: Callable[..., Any], tmp_path: Path, before: int, after: int) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    dest.chmod(before)
    assert run(make(mesh="shop", dest=str(dest)))[0].changed is (before != after)
    assert stat.S_IMODE(dest.stat().st_mode) == after


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


def test_absent_without_revoke_asks_for_nothing(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "cluster.yaml"
    run(make(cluster="shop-1", dest=str(dest)))
    resource = make(cluster="shop-1", dest=str(dest), state="absent", revoke=False)
    assert run(resource)[0].changed
    assert resource.cloud.calls == []
    assert not dest.exists()


@pytest.mark.parametrize("kind", ["mesh", "cluster"])
@pytest.mark.parametrize("by", ["name", "id"])
def test_absent_when_the_mesh_or_the_cluster_is_gone(
    make: Callable[..., Any], tmp_path: Path, kind: str, by: str
) -> None:
    dest = tmp_path / "config"
    dest.write_text(OTHERS)
    name, key = {"mesh": ("shop", "cm"), "cluster": ("shop-1", "c1")}[kind]
    run(make(dest=str(dest), **{kind: name}))
    gone = {"meshes": [], "clusters": []}
    resource = make(dest=str(dest), state="absent", **gone, **{kind: name if by == "name" else key})
    assert run(resource)[0].changed
    assert resource.cloud.written() == []
    assert yaml.safe_load(dest.read_text()) == yaml.safe_load(OTHERS)


@pytest.mark.parametrize("by", ["shop", "store", "cm"])
def test_absent_when_the_mesh_was_renamed(make: Callable[..., Any], tmp_path: Path, by: str) -> None:
    dest = tmp_path / "config"
    run(make(mesh="shop", dest=str(dest)))
    renamed = {"ServiceMeshInfo": {**MESH["ServiceMeshInfo"], "Name": "store"}}
    resource = make(mesh=by, dest=str(dest), state="absent", meshes=[renamed])
    assert run(resource)[0].changed
    assert resource.cloud.written() == ["RevokeKubeconfig"]
    assert not dest.exists()


def test_absent_of_another_mesh_leaves_ours(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    run(make(mesh="shop", dest=str(dest)))
    other = {"ServiceMeshInfo": {**MESH["ServiceMeshInfo"], "Name": "store", "ServiceMeshId": "c9"}}
    resource = make(mesh="store", dest=str(dest), state="absent", meshes=[MESH, other])
    assert not run(resource)[0].changed
    assert resource.cloud.written() == []
    assert key_in(dest) == "KEY-1"


def test_nothing_goes_when_it_cannot_be_revoked(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "mesh.yaml"
    run(make(mesh="shop", dest=str(dest)))
    resource = make(mesh="shop", dest=str(dest), state="absent")
    resource.cloud.answers["RevokeKubeconfig"] = AsmError("no")
    with pytest.raises(AsmError, match="no"):
        run(resource)
    assert dest.exists()


def test_a_context_that_leads_to_what_goes_is_told(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = tmp_path / "config"
    run(make(mesh="shop", dest=str(dest)))
    config = yaml.safe_load(dest.read_text())
    config["contexts"].append({"name": "mine", "context": {"cluster": "shop_cm", "user": "shop_cm"}})
    dest.write_text(yaml.safe_dump(config))
    outcome, _unused = run(make(mesh="shop", dest=str(dest), state="absent"))
    assert "The context 'mine'" in outcome.plan.warnings[0]
    assert [one["name"] for one in yaml.safe_load(dest.read_text())["contexts"]] == ["mine"]


def test_absent_mesh(make: Callable[..., Any], tmp_path: Path) -> None:
    dest = str(tmp_path / "mesh.yaml")
    outcome, _unused = run(make(mesh="shop", meshes=[], dest=dest), check=True)
    assert outcome.changed
    assert "does not exist yet" in outcome.plan.warnings[0]
    with pytest.raises(NotFound, match="No mesh"):
        run(make(mesh="shop", meshes=[], dest=dest))
    assert not run(make(mesh="shop", meshes=[], dest=dest, state="absent"))[0].changed
