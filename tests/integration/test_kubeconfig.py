# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_kubeconfig: kubeconfigs of the shared mesh and its clusters, as files, as results, and revoked."""

from __future__ import annotations

import json
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.config import list_kube_config_contexts

from .conftest import Shop
from .labs import Lab
from .runner import Runner

kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on PATH")


def ask(kubeconfig: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """An unmodified kubectl with a kubeconfig that the collection handed out."""
    command = ["kubectl", f"--kubeconfig={kubeconfig}", "--request-timeout=20s", *words]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(kubeconfig.parent)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def key_of(text: str) -> str:
    """The client's private key as the kubeconfig holds it."""
    return str(yaml.safe_load(text)["users"][0]["user"]["client-key-data"])


def test_a_mesh_kubeconfig_becomes_a_private_file(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    options = {"mesh": shop.name, "dest": str(file)}
    done = run.converge("asm_kubeconfig", **options)
    assert mode(file) == 0o600
    assert done["context"] == f"{shop.name}_{shop.id}"
    text = file.read_text(encoding="utf-8")
    assert done["server"] == yaml.safe_load(text)["clusters"][0]["cluster"]["server"]
    assert done["dest"] == str(file)
    assert done["expires"]
    assert "kubeconfig" not in done
    assert key_of(text) not in str(done)
    assert [other.name for other in tmp_path.iterdir()] == ["mesh.yaml"]


def test_a_file_that_others_can_read_is_replaced(run: Runner, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    run("asm_kubeconfig", mesh=shop.name, dest=str(file))
    file.chmod(0o644)
    run.converge("asm_kubeconfig", mesh=shop.name, dest=str(file))
    assert mode(file) == 0o600
    file.write_text("clusters: []\n", encoding="utf-8")
    run.converge("asm_kubeconfig", mesh=shop.name, dest=str(file))
    assert mode(file) == 0o600


def test_a_kubeconfig_that_still_works_is_kept(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    """A short-lived one is a new certificate at each request, which is no reason to write the file again."""
    file = tmp_path / "cluster.yaml"
    options = {"cluster": "shop-1", "dest": str(file), "duration_minutes": 30}
    run.converge("asm_kubeconfig", **options)
    before = file.read_text(encoding="utf-8")
    run.settled("asm_kubeconfig", **options)
    assert file.read_text(encoding="utf-8") == before
    forced = run("asm_kubeconfig", force=True, **options)
    assert forced["changed"] is True
    assert key_of(file.read_text(encoding="utf-8")) != key_of(before)


def test_the_content_is_returned_only_on_request(run: Runner, shop: Shop) -> None:
    quiet = run("asm_kubeconfig", cluster="shop-1")
    assert quiet["changed"] is False
    assert "client-key-data" not in str(quiet)
    told = run("asm_kubeconfig", cluster="shop-1", return_content=True)
    assert key_of(told["kubeconfig"])


def test_addresses_can_be_chosen(run: Runner, shop: Shop) -> None:
    servers = {kind: run("asm_kubeconfig", cluster="shop-1", address=kind)["server"] for kind in ("public", "private")}
    assert servers["public"] != servers["private"]
    assert run("asm_kubeconfig", cluster="shop-1")["server"] == servers["public"]
    assert run("asm_kubeconfig", cluster="branch-1")["server"].startswith("https://")


@kubectl
def test_kubectl_works_with_what_a_mesh_hands_out(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    public = bool(lab.control.records("meshes")[shop.id]["eips"].get("api"))
    for address in ["private", *(["public"] if public else [])]:
        file = tmp_path / f"{address}.yaml"
        run("asm_kubeconfig", mesh=shop.name, dest=str(file), address=address)
        listed = ask(file, "get", "virtualservices.networking.istio.io", "-A", "-o", "name")
        assert listed.returncode == 0, listed.stderr
        refused = ask(file, "create", "deployment", "web", "--image=nginx")
        assert refused.returncode != 0
        assert "forbidden" in refused.stderr.lower(), refused.stderr


@kubectl
def test_kubectl_works_with_what_a_cluster_hands_out(run: Runner, shop: Shop, tmp_path: Path) -> None:
    for name, more in (("long", {}), ("short", {"duration_minutes": 15}), ("private", {"address": "private"})):
        file = tmp_path / f"{name}.yaml"
        run("asm_kubeconfig", cluster="shop-2", dest=str(file), **more)
        nodes = ask(file, "get", "nodes", "-o", "name")
        assert nodes.returncode == 0, nodes.stderr
        assert nodes.stdout.startswith("node/")


@kubectl
def test_absent_revokes_what_was_handed_out(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    file, copy = tmp_path / "mesh.yaml", tmp_path / "copy.yaml"
    run("asm_kubeconfig", mesh=shop.name, dest=str(file))
    copy.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    listing = ("get", "gateways.networking.istio.io", "-A")
    assert ask(copy, *listing).returncode == 0
    since = lab.mark()
    done = run.converge("asm_kubeconfig", mesh=shop.name, dest=str(file), state="absent")
    assert [entry["action"] for entry in lab.writes(since)] == ["RevokeKubeconfig"]
    assert done["server"] is None
    assert not file.exists()
    revoked = ask(copy, *listing)
    assert revoked.returncode != 0
    run("asm_kubeconfig", mesh=shop.name, dest=str(file))
    assert ask(file, *listing).returncode == 0


def test_absent_can_leave_the_certificate_alone(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    options: dict[str, Any] = {"cluster": "shop-1", "dest": str(file)}
    run("asm_kubeconfig", **options)
    with lab.unwritten():
        run.converge("asm_kubeconfig", state="absent", revoke=False, **options)
    assert not file.exists()


OTHERS = """\
apiVersion: v1
kind: Config
clusters: [{name: other, cluster: {server: "https://192.0.2.1", tls-server-name: "1e3"}}]
contexts: [{name: other, context: {cluster: other, user: other, namespace: web}}]
users: [{name: other, user: {token: "0123"}}]
current-context: other
preferences: {colors: true}
"""


def test_a_kubeconfig_of_others_gets_ours_and_loses_it_again(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> None:
    target, file = tmp_path / "dotfiles.yaml", tmp_path / "config"
    target.write_text(OTHERS, encoding="utf-8")
    file.symlink_to(target.name)
    mesh = run.converge("asm_kubeconfig", mesh=shop.name, dest=str(file), backup=True)
    assert Path(mesh["backup_file"]).read_text(encoding="utf-8") == OTHERS
    run.converge("asm_kubeconfig", cluster="shop-1", dest=str(file), context_name="data", duration_minutes=60)
    run.settled("asm_kubeconfig", mesh=shop.name, dest=str(file))
    known, current = list_kube_config_contexts(str(file))
    assert [one["name"] for one in known] == ["other", mesh["context"], "data"]
    assert current["name"] == "other"
    run.converge("asm_kubeconfig", cluster="shop-1", dest=str(file), state="absent", revoke=False)
    run.converge("asm_kubeconfig", mesh=shop.name, dest=str(file), state="absent", revoke=False)
    assert file.is_symlink()
    assert mode(target) == 0o600
    assert yaml.safe_load(target.read_text(encoding="utf-8")) == yaml.safe_load(OTHERS)


@kubectl
def test_kubectl_uses_and_rewrites_what_was_merged(run: Runner, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(OTHERS, encoding="utf-8")
    options: dict[str, Any] = {"cluster": "shop-1", "dest": str(file), "context_name": "shop-1"}
    run("asm_kubeconfig", **options)
    assert ask(file, "--context=shop-1", "get", "nodes", "-o", "name").stdout.startswith("node/")
    assert ask(file, "config", "set-context", "shop-1", "--namespace=bookinfo").returncode == 0
    run.settled("asm_kubeconfig", **options)
    run("asm_kubeconfig", set_current_context=True, **options)
    assert ask(file, "config", "current-context").stdout.strip() == "shop-1"
    view = json.loads(ask(file, "config", "view", "--raw", "-o", "json").stdout)
    assert {one["name"]: one["context"].get("namespace") for one in view["contexts"]} == {
        "other": "web",
        "shop-1": "bookinfo",
    }
    run("asm_kubeconfig", state="absent", revoke=False, **options)
    assert ask(file, "config", "get-contexts", "-o", "name").stdout.split() == ["other"]


def test_an_entry_goes_without_an_account(run: Runner, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "config"
    run("asm_kubeconfig", mesh=shop.name, dest=str(file))
    nobody = {name: None for name in run.environment if name.startswith(("ALIBABA_CLOUD_ACCESS", "MESHOPS_"))}
    done = run("asm_kubeconfig", mesh=shop.id, dest=str(file), state="absent", revoke=False, env=nobody)
    assert done["changed"] is True
    assert not file.exists()


def test_a_file_tells_when_it_ends_and_is_renewed_in_time(run: Runner, shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "config"
    short = run("asm_kubeconfig", cluster="shop-1", dest=str(file), duration_minutes=30)
    longer = run.converge("asm_kubeconfig", cluster="shop-1", dest=str(file), duration_minutes=240)
    assert longer["expires"] > short["expires"]
    years = run("asm_kubeconfig", cluster="shop-1", dest=str(file), force=True)
    kept = run("asm_kubeconfig", cluster="shop-1", dest=str(file), duration_minutes=60)
    assert kept["changed"] is False
    assert kept["expires"] == years["expires"] > longer["expires"]
    assert "longer than duration_minutes" in str(kept["warnings"])


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_file_that_is_no_kubeconfig_is_refused(run: Runner, shop: Shop, tmp_path: Path, state: str) -> None:
    file = tmp_path / "config"
    file.write_text("just words\n", encoding="utf-8")
    run.refused("asm_kubeconfig", str(file), "no kubeconfig", mesh=shop.name, dest=str(file), state=state)
    assert file.read_text(encoding="utf-8") == "just words\n"
