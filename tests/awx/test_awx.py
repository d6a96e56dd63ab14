# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook meshops.asm.awx against a served AWX: what it makes, twice, with a secret, and what AWX would refuse."""

from __future__ import annotations

import copy
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import schema
from .conftest import ROOT, git, play_awx
from .server import Awx
from .serving import Server

TOKEN, SLACK = "token-of-the-controller-4711", "xoxb-token-of-slack-0815"
FLOW = ["create", "attach", "gateway", "deploy", "define", "verify"]
SETTINGS: dict[str, Any] = {
    "awx_slices": 3,
    "awx_drift_specs": ["meshes/shop/mesh.yml", "meshes/store/mesh.yml"],
    "awx_notification": {"type": "slack", "configuration": {"token": SLACK, "channels": ["#mesh"], "hex_color": ""}},
}


@dataclass
class Made:
    """An AWX after a run that failed, its repository not being there, and three more.

    The first that succeeds, the same again, and one with another address of the project.
    """

    awx: Awx
    url: str
    failed: str
    outputs: list[str]
    writes: list[list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture(scope="module")
def play(collections: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """``play(server, settings)``: runs the playbook with -vvv and returns its output."""
    home = tmp_path_factory.mktemp("home")

    def run(server: Server, settings: dict[str, Any], token: str = TOKEN, code: int = 0) -> str:
        return play_awx(collections, home, server.url, token, settings, code)

    return run


@pytest.fixture(scope="module")
def made(play: Callable[..., str], repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("repositories")
    url, moved = folder / "meshes.git", folder / "moved.git"
    awx, outputs, writes = Awx(tmp_path_factory.mktemp("awx")), [], []
    with Server(awx, TOKEN) as server:
        failed = play(server, {**SETTINGS, "awx_scm_url": str(url)}, code=2)
        assert awx.named("job_templates") == {}
        for place in (url, moved):
            shutil.copytree(repository, place)
        for place in (url, url, moved):
            outputs.append(play(server, {**SETTINGS, "awx_scm_url": str(place)}))
            writes.append(awx.writes)
            awx.writes = []
        yield Made(awx, str(url), failed, outputs, writes)


def recap(output: str) -> dict[str, int]:
    (line,) = re.findall(r"^localhost\s+: (.*)$", output, re.MULTILINE)
    return {key: int(value) for key, value in (word.split("=") for word in line.split())}


def test_awx_refuses_nothing(made: Made) -> None:
    assert made.awx.refusals == []
    assert recap(made.outputs[0])["failed"] == 0
    assert recap(made.outputs[0])["changed"] > 10


def test_the_second_run_changes_nothing(made: Made) -> None:
    assert made.writes[1] == []
    assert recap(made.outputs[1])["changed"] == 0


def test_no_secret_is_in_the_output(made: Made) -> None:
    (notification,) = made.awx.named("notification_templates").values()
    assert notification["notification_configuration"]["token"] == SLACK
    for output in made.outputs:
        assert SLACK not in output
        assert TOKEN not in output


def test_job_templates_run_the_playbooks_of_the_project(made: Made) -> None:
    wanted = yaml.safe_load((ROOT / "awx" / "job_templates.yml").read_text(encoding="utf-8"))["awx_job_templates"]
    checks = [one for one in wanted if one.get("check")]
    templates = made.awx.named("job_templates")
    sliced = [one for one in wanted if one.get("meshes")]
    twins = [(checks, " (check)"), (sliced, " (meshes)")]
    assert set(templates) == {f"meshops {one['name']}" for one in wanted} | {
        f"meshops {one['name']}{suffix}" for some, suffix in twins for one in some
    }
    assert {one["name"] for one in checks} == {"site", "upgrade", "remove"}
    # A removal, and the steps of a workflow, are for one mesh.
    assert {one["name"] for one in sliced} == {"site", "verify", "drift", "upgrade"}
    for name, template in templates.items():
        many = name.endswith(" (meshes)")
        assert template["job_slice_count"] == (3 if many else 1), name
        assert schema.mapping(template["extra_vars"]) == ({"asm_sliced": True} if many else {}), name
    for one in wanted:
        template = templates[f"meshops {one['name']}"]
        assert (template["playbook"], template["job_type"]) == (one["playbook"], "run")
        assert template["job_tags"] == one.get("tags")
        assert template["diff_mode"] is one.get("diff", False)
        assert made.awx.names([template["project"], template["inventory"]]) == ["meshops", "meshops"]
        assert made.awx.names(template["_related"]["credentials"]) == ["meshops"]
        assert template["survey_enabled"] is True
        assert template["_survey"]["spec"][0]["variable"] == "spec_file"
    for one in checks:
        template = templates[f"meshops {one['name']} (check)"]
        assert (template["job_type"], template["diff_mode"]) == ("check", True)


def test_the_credential_type_puts_the_accesskey_into_the_environment(made: Made) -> None:
    (kind,) = made.awx.named("credential_types").values()
    assert set(kind["injectors"]) == {"env"}
    assert ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "{{ access_key_secret }}") in kind["injectors"]["env"].items()
    secret = {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}
    assert secret == {"access_key_id", "access_key_secret", "security_token"}
    (credential,) = made.awx.named("credentials").values()
    assert made.awx.objects[credential["credential_type"]] == kind
    assert credential["inputs"] is None


def test_the_inventory_is_filled_from_the_project(made: Made) -> None:
    (source,) = made.awx.named("inventory_sources").values()
    assert (source["source"], source["source_path"]) == ("scm", "asm.yml")
    assert source["update_on_launch"] is True
    assert made.awx.names([source["source_project"], source["execution_environment"]]) == ["meshops", "meshops"]
    (project,) = made.awx.named("projects").values()
    assert project["scm_type"] == "git"


def followers(awx: Awx, workflow: str) -> dict[str, tuple[str, list[str]]]:
    """``{step: (what it runs, [steps after its success])}``."""
    nodes = awx.named("workflow_job_template_nodes")
    return {
        name.split("/")[1]: (
            awx.objects[node["unified_job_template"]]["name"],
            [step.split("/")[1] for step in awx.names(node["_related"].get("success_nodes", []))],
        )
        for name, node in nodes.items()
        if name.startswith(f"{workflow}/")
    }


def test_the_workflow_of_the_flow_runs_step_by_step(made: Made) -> None:
    expected = {
        step: (f"meshops {step}", [after] if after else []) for step, after in zip(FLOW, [*FLOW[1:], None], strict=True)
    }
    assert followers(made.awx, "meshops flow") == expected


def test_the_removal_waits_for_approval(made: Made) -> None:
    assert followers(made.awx, "meshops removal") == {
        "preview": ("meshops remove (check)", ["approval"]),
        "approval": ("Remove the mesh", ["remove"]),
        "remove": ("meshops remove", []),
    }
    (approval,) = made.awx.named("workflow_approval_templates").values()
    assert approval["timeout"] == 86400


def test_drift_is_looked_for_by_schedule_and_told(made: Made) -> None:
    schedules = made.awx.named("schedules")
    assert {one["extra_data"]["spec_file"] for one in schedules.values()} == set(SETTINGS["awx_drift_specs"])
    drift = made.awx.named("job_templates")["meshops drift"]
    assert {one["unified_job_template"] for one in schedules.values()} == {drift["id"]}
    assert made.awx.names(drift["_related"]["notification_templates_error"]) == ["meshops drift"]


def test_requests_use_paths_and_fields_that_awx_publishes(
    made: Made, published_paths: list[str], published_names: set[str]
) -> None:
    paths = {path.removeprefix("/api/v2/") for _method, path in made.awx.requests}
    unknown = [path for path in paths if not any(re.fullmatch(pattern, path) for pattern in published_paths)]
    assert unknown == []
    sent = {name for _method, path, body in made.writes[0] if not path.endswith("survey_spec/") for name in body}
    assert len(sent) > 30
    # The client makes inventory sources from files only, and leaves these two out.
    assert sent - published_names <= {"source_project", "update_cache_timeout"}


def test_a_change_of_the_settings_is_the_only_thing_that_is_sent(made: Made) -> None:
    ((method, path, body),) = made.writes[2]
    (project,) = made.awx.named("projects").values()
    assert (method, path) == ("PATCH", f"/api/v2/projects/{project['id']}/")
    assert body["scm_url"] == project["scm_url"]
    assert "moved" in project["scm_url"]
    assert recap(made.outputs[2])["changed"] == 1


def test_no_field_is_one_that_awx_ignores(made: Made) -> None:
    for _method, path, body in made.writes[0]:
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        if parts[0] in schema.RESOURCES and len(parts) < 3:
            assert schema.unknown(parts[0], body) == [], path


def test_a_repository_that_cannot_be_read_is_told_and_mended_by_the_next_run(made: Made) -> None:
    assert f"AWX cannot read the repository {made.url} (branch main)" in made.failed
    assert "does not exist" in made.failed
    assert recap(made.outputs[0])["failed"] == 0


def test_everything_goes_again(made: Made, play: Callable[..., str]) -> None:
    gone = {**SETTINGS, "awx_scm_url": made.url, "asm_awx_state": "absent"}
    with Server(copy.deepcopy(made.awx, {id(made.awx._lock): made.awx._lock}), TOKEN) as server:
        one_mesh = {name: value for name, value in SETTINGS.items() if name != "awx_slices"}
        assert recap(play(server, {**one_mesh, "awx_scm_url": made.url}))["failed"] == 0
        assert [name for name in server.awx.named("job_templates") if name.endswith("(meshes)")] == []
        assert recap(play(server, gone))["failed"] == 0
        assert [one["name"] for one in server.awx.objects.values()] == ["Default"]
        assert recap(play(server, gone))["changed"] == 0
        assert server.awx.refusals == []
        assert "it can be present or absent" in play(server, {"asm_awx_state": "gone"}, code=2)


def test_a_playbook_that_the_project_lacks_and_a_wrong_token_are_refused(
    play: Callable[..., str], repository: Path, tmp_path: Path
) -> None:
    git(repository, "rm", "--quiet", "drift.yml")
    git(repository, "commit", "--quiet", "--message", "Without drift")
    settings = {**SETTINGS, "awx_scm_url": str(repository)}
    try:
        with Server(Awx(tmp_path / "awx"), TOKEN) as server:
            assert "Playbook not found for project: drift.yml" in play(server, settings, code=2)
            assert "Invalid authentication credentials" in play(server, settings, token=TOKEN[::-1], code=2)
    finally:
        git(repository, "reset", "--quiet", "--hard", "HEAD~1")
