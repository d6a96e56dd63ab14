# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State that outlives the process, transitions in time, and the worker behind the controllers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from conftest import attach, cluster_id, config, create_mesh, mesh_detail, plane_of, wait_for, wait_state
from doubles import NO_BINARIES
from meshlab.addresses import Addresses
from meshlab.lab import Lab
from meshlab.states import Transitions
from meshlab.worker import Worker
from meshlab.world import DEFAULT_WORLD, World, new_world


@pytest.fixture
def restart(tmp_path: Path, memory: None) -> Iterator[Callable[..., Lab]]:
    """Starts a lab in the same work directory again and again; the planes keep what they stored."""
    labs: list[Lab] = []

    def start(transitions: float = 0.0) -> Lab:
        if labs:
            labs[-1].stop()
        lab = Lab(tmp_path, DEFAULT_WORLD, NO_BINARIES, transitions)
        labs.append(lab)
        lab.start(lambda line: None)
        return lab

    yield start
    labs[-1].stop()


def _asm(lab: Lab) -> AsmClient:
    return AsmClient(config(lab, "servicemesh", lab.world.main_user()))


def test_everything_is_there_after_a_restart(restart: Callable[..., Lab]) -> None:
    lab = restart()
    asm = _asm(lab)
    mesh_id = create_mesh(asm, api_server_public_eip=True, trace_sampling=7.0)
    wait_state(asm, mesh_id)
    attach(asm, mesh_id, cluster_id(lab, "shop-1"))
    before, resources = wait_state(asm, mesh_id), lab.world.dump()
    again = restart()
    assert mesh_detail(_asm(again), mesh_id) == before
    assert again.world.dump() == resources
    assert again.urls == lab.urls
    wait_for(lambda: again.fleet.running_mesh(mesh_id))
    plane = plane_of(again, mesh_id)
    wait_for(lambda: plane.attached)
    assert len(plane.published) == 1


def test_interrupted_transitions_go_on(restart: Callable[..., Lab]) -> None:
    lab = restart(1.0)
    young = create_mesh(_asm(lab))
    assert mesh_detail(_asm(lab), young)["ServiceMeshInfo"]["State"] == "initial"
    lab = restart()
    wait_state(_asm(lab), young)
    lab.transitions.scale = 1
    attach(_asm(lab), young, cluster_id(lab, "shop-1"))
    lab = restart()
    detail = wait_state(_asm(lab), young)
    assert detail["Clusters"] == [cluster_id(lab, "shop-1")]


def test_a_world_survives_its_dump(tmp_path: Path) -> None:
    addresses = Addresses(tmp_path)
    content = {
        "regions": ["r"],
        "versions": {"Default": ["v1.2.3"], "Pro": ["v1.2.3"]},
        "durations": {"create_mesh": 1},
        "clusters": [
            {
                "cluster_id": "c1",
                "name": "one",
                "region_id": "r",
                "zone_id": "r-a",
                "vpc_id": "v",
                "vswitch_ids": [],
                "service_cidr": "172.16.0.0/20",
                "pod_cidr": "10.1.0.0/16",
            }
        ],
        "meshes": [
            {
                "mesh_id": "m1",
                "name": "m",
                "region_id": "r",
                "vpc_id": "v",
                "vswitches": [],
                "version": "v1.2.3",
                "cluster_spec": "standard",
                "features": {"TraceSampling": 9.0},
                "clusters": {"c1": {}},
            }
        ],
    }
    world = new_world(content, addresses)
    addresses.close()
    assert world.meshes["m1"].spec["Pilot"]["TraceSampling"] == 9.0
    copy = World.from_dump(world.dump())
    assert copy.dump() == world.dump()
    assert copy.meshes["m1"].clusters["c1"].state == "running"
    with pytest.raises(ValueError, match="cows"):
        new_world({**content, "cows": []}, addresses)


def test_a_transition_takes_its_time_and_may_be_hurried() -> None:
    transitions = Transitions({"slow": 100.0}, 1.0)
    done = threading.Event()
    transitions.start("slow", "x", lambda: None, done.set, lambda problem: None)
    assert not done.wait(0.05)
    assert not transitions.idle(0.01)
    transitions.scale = 0.0
    assert done.wait(2.0)
    assert transitions.idle(2.0)
    with pytest.raises(ValueError, match="0 or more"):
        transitions.scale = -1


def test_stopping_gives_up_what_waits() -> None:
    transitions = Transitions({"slow": 100.0}, 1.0)
    done = threading.Event()
    transitions.start("slow", "x", lambda: None, done.set, lambda problem: None)
    begin = time.monotonic()
    transitions.stop()
    assert (done.is_set(), time.monotonic() - begin < 5.0) == (False, True)


def test_a_worker_does_each_name_once_and_tries_again() -> None:
    seen: list[str] = []
    go = threading.Event()

    def reconcile(name: str) -> None:
        go.wait(5.0)
        seen.append(name)
        if seen.count("bad") == 1 and name == "bad":
            raise RuntimeError("not yet")

    worker = Worker("test", reconcile)
    worker.start()
    for name in ("a", "b", "b", "b", "bad"):
        worker.add(name)
    go.set()
    wait_for(lambda: seen.count("bad") == 2)
    assert worker.idle(5.0)
    worker.stop()
    assert (seen.count("a"), seen.count("b")) == (1, 1)
