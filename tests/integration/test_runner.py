# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: what meshops.asm.awx makes, launched through ansible-runner with the built artifact.

On the oldest and the newest pair of ansible-core and ansible-runner; on all pairs with MESHOPS_AWX_PAIRS=all.
"""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from awx.conftest import collections, git, play_awx
from awx.environments import ENDS, EVERY, Pair, environment
from awx.launching import Launcher, Refused
from awx.running import Node, Ran
from awx.server import Awx
from awx.serving import Server

from .labs import VPC, VSWITCH, Lab
from .playing import EXAMPLE
from .runner import ROOT, Runner

__all__ = ["collections"]

PAIRS = EVERY if os.environ.get("MESHOPS_AWX_PAIRS") == "all" else ENDS
OLDER, NEWER = "v1.24.6.64-g0b8a1cd2-aliyun", "v1.25.6.41-g9d2f5e71-aliyun"
SLICED = ["sliced-1", "sliced-2", "sliced-3"]
STEPS = ["create", "attach", "gateway", "deploy", "define", "verify"]
ACCESS = "token-of-the-controller-4711"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A collections path with the built artifact of this collection."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        tool: Any = importlib.import_module("release")
    finally:
        sys.path.remove(str(ROOT / "tools"))
    place = tmp_path_factory.mktemp("artifact")
    tool.release(place, write=False)
    return place / "installed"


@pytest.fixture(scope="module")
def meshes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository as docs/awx.rst says, with the example and a small mesh for each pair and test."""
    folder = tmp_path_factory.mktemp("repository") / "meshes"
    shutil.copytree(ROOT / "awx" / "project", folder)
    shutil.copytree(EXAMPLE, folder / "meshes" / "bookinfo")
    for name in [*(small(pair) for pair in EVERY), "cancelled", "killed", *SLICED]:
        file = folder / "meshes" / name / "mesh.yml"
        file.parent.mkdir()
        file.write_text(yaml.safe_dump(spec(name)), encoding="utf-8")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Meshes")
    return folder


def small(pair: Pair) -> str:
    """Name of the mesh that belongs to a pair."""
    return f"awx-{pair}".replace(".", "-").replace("core-", "").replace("runner-", "")


def spec(name: str) -> dict[str, Any]:
    split = {"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews"}}]}]}
    resource = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "reviews", "namespace": "shop"},
        "spec": split,
    }
    return {
        "asm_mesh": {"name": name, "vpc_id": VPC, "vswitch_ids": [VSWITCH], "tags": {"team": "awx"}},
        "asm_namespaces": [{"name": "shop", "injection": "enabled"}],
        "asm_istio_resources": [{"name": "reviews", "definition": [resource]}],
    }


def spec_file(name: str) -> str:
    return f"meshes/{name}/mesh.yml"


@pytest.fixture(scope="module")
def launcher(
    lab: Lab, collections: Path, installed: Path, meshes: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Launcher]:
    """What meshops.asm.awx has made, with the credential filled in."""
    awx, home = Awx(tmp_path_factory.mktemp("awx")), tmp_path_factory.mktemp("home")
    with Server(awx, ACCESS) as server:
        play_awx(collections, home, server.url, ACCESS, {"awx_scm_url": str(meshes)})
    assert awx.refusals == []
    given = lab.control.environment()
    settings = {key: value for key, value in given.items() if key.startswith("MESHOPS_")}
    settings["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    node = Node(environment(ENDS[-1]), installed, tmp_path_factory.mktemp("jobs"), settings)
    launcher = Launcher(awx, node)
    launcher.fill(
        "meshops",
        access_key_id=given["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        region=given["ALIBABA_CLOUD_REGION_ID"],
    )
    yield launcher


@pytest.fixture
def at(launcher: Launcher) -> Callable[[Pair], Launcher]:
    """``at(pair)``: the launcher, with jobs in the image of a pair."""

    def choose(pair: Pair) -> Launcher:
        launcher.node.programs = environment(pair)
        launcher.node.meanwhile = None
        return launcher

    return choose


@pytest.fixture
def slow(lab: Lab) -> Iterator[None]:
    """Changes of meshes take some seconds, so that a job has something to tell meanwhile."""
    lab.control.transitions(0.04)
    yield
    lab.control.transitions(0)


def ended_well(job: Ran, secrets: list[str]) -> None:
    """Asserts that a job succeeded, with nothing that it should not have shown."""
    assert job.status == "successful", job.stdout[-4000:]
    assert "errantly sent data" not in job.stdout
    files = [file for file in (job.folder / "artifacts").rglob("*") if file.is_file() and file.name != "command"]
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8", errors="replace")
        assert not [secret for secret in secrets if secret in text], file
    # The collection was the installed artifact's, not that of the checkout.
    own = [part for part in ("plugins", "roles", "playbooks", ".cache/collections") if f"{ROOT}/{part}" in job.stdout]
    assert own == []
    # ansible-runner itself keeps the environment that it was given in the file "command", for its owner only.
    (command,) = (job.folder / "artifacts").rglob("command")
    assert command.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_both_workflows_from_no_mesh_to_none(
    lab: Lab, run: Runner, at: Callable[[Pair], Launcher], slow: None, pair: Pair
) -> None:
    launcher, name = at(pair), small(pair)
    read = len(launcher.reads)
    flow = launcher.launch_workflow("meshops flow", spec_file=spec_file(name), answer_asm_wait_timeout=300)
    for job in flow.values():
        ended_well(job, run.secrets)
    assert list(flow) == STEPS
    assert f"[localhost] waiting for mesh '{name}'" in flow["create"].stdout
    assert "meshops.asm.create : Create or change the mesh" in flow["create"].tasks
    assert "meshops.asm.deploy : Make the namespaces in the control plane" not in flow["create"].tasks
    # At most one of each for all steps, where there were three for each step.
    assert len(launcher.reads) - read <= 2
    drift = launcher.launch("meshops drift", spec_file=spec_file(name))
    ended_well(drift, run.secrets)
    assert drift.artifacts["asm_drift"]["status"] == "match"
    lab.control.change("meshes", lab.mesh_id(name), tags={})
    drift = launcher.launch("meshops drift", spec_file=spec_file(name))
    assert drift.status == "failed"
    (difference,) = drift.artifacts["asm_drift"]["objects"]
    assert (difference["kind"], difference["name"]) == ("Mesh", name)
    assert any("team" in line for line in difference["diff"])
    assert f"Mesh {name}: 1 of its objects differ from the spec; different  Mesh  {name}" in drift.stdout
    answers = {"spec_file": spec_file(name), "asm_remove": name, "answer_asm_remove_workloads": "false"}
    with lab.unwritten():
        shown = launcher.launch_workflow("meshops removal", approve=False, **answers)
    assert list(shown) == ["preview"]
    removal = launcher.launch_workflow("meshops removal", **answers)
    for job in removal.values():
        ended_well(job, run.secrets)
    assert list(removal) == ["preview", "remove"]
    assert lab.meshes(name) == []
    assert "asm_remove_workloads" not in str(shown["preview"].artifacts)


@pytest.fixture
def older(lab: Lab, run: Runner, meshes: Path) -> Iterator[None]:
    """The mesh of the example as if it had been made some time ago, and a spec that asks for the newest version."""
    run.play("meshops.asm.site", "-e", f"@{EXAMPLE}/mesh.yml", cwd=EXAMPLE).ok()
    lab.control.change("meshes", lab.mesh_id("bookinfo"), version=OLDER)
    file = meshes / spec_file("bookinfo")
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("asm_mesh:\n", f"asm_mesh:\n  version: {NEWER}\n"), encoding="utf-8")
    git(meshes, "commit", "--all", "--quiet", "--message", "Newer")
    yield
    git(meshes, "revert", "--no-edit", "HEAD")


def test_every_other_template(lab: Lab, run: Runner, at: Callable[[Pair], Launcher], older: None) -> None:
    launcher = at(ENDS[0])
    given: dict[str, Any] = {"spec_file": spec_file("bookinfo"), "answer_asm_wait_timeout": 300}
    launcher.forget()
    for name in ("upgrade (check)", "upgrade", "site (check)", "site", "verify"):
        ended_well(launcher.launch(f"meshops {name}", **given), run.secrets)
    (mesh,) = run.lab.meshes("bookinfo")
    assert mesh["version"] == NEWER
    preview = launcher.launch("meshops remove (check)", asm_remove="bookinfo", **given)
    ended_well(preview, run.secrets)
    assert "meshops.asm.remove : Remove the workloads" in preview.tasks
    assert lab.meshes("bookinfo")


def test_every_playbook_of_the_project_is_launched(launcher: Launcher) -> None:
    launched = {template["playbook"] for template in launcher.awx.named("job_templates").values()}
    assert launched == {file.name for file in (ROOT / "awx" / "project").glob("*.yml")} - {"asm.yml"}


@pytest.mark.parametrize("how", ["cancelled", "killed"])
def test_what_a_job_that_was_ended_leaves_is_mended_by_the_next(
    lab: Lab, run: Runner, at: Callable[[Pair], Launcher], slow: None, how: str
) -> None:
    launcher = at(ENDS[0])

    def end(process: subprocess.Popen[bytes], _folder: Path) -> None:
        lab.wait_for(lambda: lab.meshes(how), "the job to make the mesh", 120)
        if how == "cancelled":
            process.send_signal(signal.SIGTERM)
        else:
            process.kill()

    launcher.node.meanwhile = end
    job = launcher.launch("meshops create", spec_file=spec_file(how))
    assert job.status != "successful"
    launcher.node.meanwhile = None
    ended_well(launcher.launch("meshops site", spec_file=spec_file(how)), run.secrets)
    assert len(lab.meshes(how)) == 1
    ended_well(launcher.launch("meshops drift", spec_file=spec_file(how)), run.secrets)
    ended_well(launcher.launch("meshops remove", spec_file=spec_file(how), asm_remove=how), run.secrets)
    assert lab.meshes(how) == []


def test_answers_that_awx_or_the_job_refuses(lab: Lab, launcher: Launcher) -> None:
    given = {"spec_file": spec_file("bookinfo")}
    with lab.unwritten():
        for name, answers, words in (
            ("meshops site", {"spec_file": ""}, "too small"),
            ("meshops site", {}, "'spec_file' value missing"),
            ("meshops site", {**given, "answer_asm_wait_timeout": -5}, "too small"),
            ("meshops site", {**given, "answer_asm_wait_timeout": "5"}, "expected to be an integer"),
            ("meshops site", {**given, "answer_asm_clusters_purge": "maybe"}, "expected to be one of"),
            ("meshops remove", given, "'asm_remove' value missing"),
        ):
            with pytest.raises(Refused, match=words):
                launcher.launch(name, **answers)
        with pytest.raises(Refused, match="'asm_remove' value missing"):
            launcher.launch_workflow("meshops removal", **given)
        for answers, words in (
            ({"spec_file": "meshes/none.yml"}, "The project has no file 'meshes/none.yml'"),
            ({**given, "asm_wait_timeout": "-5"}, "a number of seconds, 1 at least"),
            ({**given, "asm_sliced": True}, "so spec_file has to contain {mesh}"),
        ):
            job = launcher.launch("meshops site", **answers)
            assert job.status == "failed", answers
            assert words in " ".join(job.stdout.split())


def test_the_environment_that_awx_shows_has_no_accesskey(lab: Lab, launcher: Launcher) -> None:
    given = lab.control.environment()
    launcher.launch("meshops drift", spec_file=spec_file("bookinfo"))
    assert given["ALIBABA_CLOUD_REGION_ID"] in launcher.job_env.values()
    for name in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"):
        assert given[name] not in launcher.job_env.values()


@pytest.fixture
def sliced(run: Runner, meshes: Path, launcher: Launcher) -> Iterator[None]:
    """Three meshes, an inventory of these alone, and as many slices."""
    for name in SLICED:
        run("asm_mesh", name=name, vpc_id=VPC, vswitch_ids=[VSWITCH], tags={"team": "slices"})
    file = meshes / "asm.yml"
    file.write_text(f"{file.read_text(encoding='utf-8')}mesh_tags: {{team: slices}}\n", encoding="utf-8")
    git(meshes, "commit", "--all", "--quiet", "--message", "Three meshes")
    launcher.forget()
    template = launcher.awx.named("job_templates")["meshops drift"]
    template["job_slice_count"] = len(SLICED)
    yield
    template["job_slice_count"] = 1
    git(meshes, "revert", "--no-edit", "HEAD")
    launcher.forget()
    for name in SLICED:
        run("asm_mesh", name=name, state="absent")


def test_a_job_for_each_of_three_meshes(at: Callable[[Pair], Launcher], sliced: None) -> None:
    launcher = at(ENDS[-1])
    jobs = launcher.launch_sliced("meshops drift", spec_file="meshes/{mesh}/mesh.yml")
    assert sorted(job.artifacts["asm_drift"]["mesh"] for job in jobs) == SLICED
