# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three meshes in two regions from one file: examples/fleet, as it is. The tests are the steps of its life."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.tests.unit.pem import Pair, pair

from .labs import Lab
from .playing import EXAMPLE
from .runner import Played, Runner
from .traffic import PATIENCE

FOLDER = EXAMPLE.parent / "fleet"
MESHES = ("archive", "orders", "web")

_RECAP = re.compile(r"^(?P<host>\S+) +: (?P<counts>ok=.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Fleet:
    """The example with certificates of its own."""

    run: Runner
    secrets: Path
    certificates: dict[str, Pair]

    def play(self, playbook: str, *words: str, spec: Path = FOLDER / "fleet.yml") -> Played:
        given = ("-e", f"@{spec}", "-e", f"@{self.secrets}", *words)
        played = self.run.ansible("ansible-playbook", f"meshops.asm.{playbook}", *given, cwd=FOLDER)
        for made in self.certificates.values():
            assert not [trace for trace in made.traces() if trace in played.output + played.errors]
        return played


def counted(played: Played, what: str) -> dict[str, int]:
    """How often something (changed, failed, ...) happened on each host that is a mesh, from the recap."""
    found = {host: int(re.findall(rf"{what}=(\d+)", counts)[0]) for host, counts in _RECAP.findall(played.output)}
    return {host: count for host, count in found.items() if host != "localhost"}


@pytest.fixture(scope="module")
def fleet(lab: Lab, run: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    made = {name: pair(host=f"{name}.example.com") for name in ("web", "orders")}
    secrets = tmp_path_factory.mktemp("fleet") / "secrets.json"
    secrets.touch(mode=0o600)
    secrets.write_text(json.dumps({f"{name}_tls": one.options() for name, one in made.items()}), encoding="utf-8")
    yield Fleet(run, secrets, made)
    for name in MESHES:
        run("asm_mesh", name=name, region="cn-beijing" if name == "archive" else "cn-hangzhou", state="absent",
            detach_clusters=True)  # fmt: skip


@pytest.fixture(scope="module")
def made(lab: Lab, fleet: Fleet) -> Played:
    """All three, made at the same time."""
    since = lab.mark()
    played = fleet.play("site", "--diff").ok()
    assert Counter(entry["action"] for entry in lab.writes(since)) == {
        "CreateServiceMesh": 3,
        # Creation does not know outbound_traffic_policy.
        "UpdateMeshFeature": 1,
        "AddClusterIntoServiceMesh": 3,
        "GrantUserPermissions": 4,
        "CreateGatewaySecret": 2,
        "CreateSwimLaneGroup": 2,
        "CreateSwimLane": 3,
    }
    return played


def test_three_meshes_in_two_regions(lab: Lab, made: Played) -> None:
    assert counted(made, "failed") == dict.fromkeys(MESHES, 0)
    found = {name: lab.meshes(name)[0] for name in MESHES}
    assert {name: (one["region_id"], one["cluster_spec"], one["state"]) for name, one in found.items()} == {
        "web": ("cn-hangzhou", "enterprise", "running"),
        "orders": ("cn-hangzhou", "ultimate", "running"),
        "archive": ("cn-beijing", "standard", "running"),
    }
    # One of the clusters is in the other region: a CEN connects the VPCs. The checks of the example went through it.
    assert lab.attached("web") == {"shop-3", "depot-1"}
    assert "sees stars from the other region" in made.output


def test_a_second_run_writes_nothing(lab: Lab, fleet: Fleet, made: Played) -> None:
    with lab.unwritten():
        again = fleet.play("site").ok()
    assert counted(again, "changed") == dict.fromkeys(MESHES, 0)


def test_one_value_is_one_write(lab: Lab, fleet: Fleet, made: Played, tmp_path: Path) -> None:
    text = (FOLDER / "fleet.yml").read_text(encoding="utf-8")
    assert text.count("trace_sampling: 5.0") == 1
    changed = tmp_path / "fleet.yml"
    changed.write_text(text.replace("trace_sampling: 5.0", "trace_sampling: 10.0"), encoding="utf-8")
    since = lab.mark()
    played = fleet.play("site", "--skip-tags", "verify", spec=changed).ok()
    (write,) = lab.writes(since)
    assert write["action"] == "UpdateMeshFeature"
    assert write["parameters"]["ServiceMeshId"] == lab.mesh_id("web")
    assert lab.kube_writes(since) == []
    assert counted(played, "changed") == {**dict.fromkeys(MESHES, 0), "web": 1}
    # The report of each mesh is in a folder of its own.
    report = tmp_path / "report"
    with lab.unwritten():
        drifted = fleet.play("drift", "-e", f"drift_dir={report}", "-e", "asm_only=web")
    assert (drifted.code, counted(drifted, "failed")) == (2, {"web": 1})
    assert json.loads((report / "web" / "drift.json").read_text(encoding="utf-8"))["status"] == "drift"


def test_nobody_lost_a_role_to_another_mesh(lab: Lab, run: Runner, made: Played) -> None:
    """The service keeps one list for each user, and three hosts wrote it: a user is refused where he has no role."""
    operator, pipeline = lab.control.user("operator"), lab.control.user("pipeline")
    (found,) = run("asm_user_permission_info", user=operator["uid"])["permissions"]
    assert found["roles"] == {"web": "istio-ops", "orders": "istio-admin", "archive": "istio-ops"}
    keys = {key: pipeline[key] for key in ("access_key_id", "access_key_secret")}
    run("asm_namespace", mesh="orders", name="it-fleet", **keys)
    run.failing("asm_namespace", "forbidden", mesh="web", name="it-fleet", **keys)
    run("asm_namespace", mesh="orders", name="it-fleet", state="absent", **keys)


def test_each_client_sees_the_certificate_of_its_mesh(run: Runner, fleet: Fleet, made: Played) -> None:
    for name, one in fleet.certificates.items():
        tls = {"ca": one.certificate, "server_name": f"{name}.example.com"}
        about = {"mesh": name, "gateway": "ingressgateway", "host": f"{name}.example.com", "path": "/nothing"}
        run("asm_probe", **about, tls=tls, count=4, expect={"status": [404]}, wait_timeout=PATIENCE)


def test_only_the_named_meshes_are_removed(lab: Lab, fleet: Fleet, made: Played) -> None:
    with lab.unwritten():
        refused = fleet.play("remove", "-e", "asm_remove=archives")
    assert refused.code == 2
    assert "No mesh of asm_meshes is called 'archives'. They are web, orders, archive." in refused.output
    web = lab.mesh_id("web")
    since = lab.mark()
    removed = fleet.play("remove", "-e", "asm_remove=archive,orders").ok()
    assert list(counted(removed, "changed")) == ["archive", "orders"]
    assert [len(lab.meshes(name)) for name in MESHES] == [0, 0, 1]
    assert [entry for entry in lab.requests(since) if entry["parameters"].get("ServiceMeshId") == web] == []
    assert [row for row in lab.control.resources() if row.get("orphaned")] == []
