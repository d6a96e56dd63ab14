# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_kubeconfig: kubeconfigs of the shared mesh and its clusters, as files, as results, and revoked."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

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
