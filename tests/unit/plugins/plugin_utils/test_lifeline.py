# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module ends with its playbook: real playbooks that are killed while their module is between two requests."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors, lifeline

pytestmark = pytest.mark.playbooks

ROOT = Path(errors.__file__).parents[3]
PLAY: list[dict[str, Any]] = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {
                "meshops.asm.asm_mesh": {"name": "shop", "region": "cn-hangzhou", "telemetry": True},
                "vars": {"ansible_python_interpreter": sys.executable},
            }
        ],
    }
]
MESH = {"ServiceMeshInfo": {"ServiceMeshId": "c1", "Name": "shop", "RegionId": "cn-hangzhou", "State": "running"}}
SECONDS = 30.0


class Service(ThreadingHTTPServer):
    """ASM with one mesh; before it answers the first request, ``meanwhile`` happens."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[str] = []
        self.asked = threading.Event()
        self.go_on = threading.Event()


class Handler(BaseHTTPRequestHandler):
    server: Service

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        action = self.headers["x-acs-action"]
        self.server.requests.append(action)
        if len(self.server.requests) == 1:
            self.server.asked.set()
            assert self.server.go_on.wait(SECONDS)
        answer = {
            "DescribeServiceMeshes": {"ServiceMeshes": [MESH]},
            "DescribeServiceMeshDetail": {"ServiceMesh": MESH},
        }
        body = json.dumps({"RequestId": "r", **answer.get(action, {})}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.go_on.set()
    made.shutdown()
    made.server_close()


def playbook(service: Service, tmp_path: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    play = json.loads(json.dumps(PLAY))
    play[0]["tasks"][0]["environment"] = environment
    file = tmp_path / "play.json"
    file.write_text(json.dumps(play))
    endpoint = f"http://127.0.0.1:{service.server_address[1]}"
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "ANSIBLE_HOME": str(tmp_path / ".ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT.parents[2]),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": "AK",
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "x",
        "MESHOPS_ASM_ENDPOINT": endpoint,
    }
    command = [sys.executable, "-m", "ansible", "playbook", str(file)]
    output = (tmp_path / "output").open("wb")
    return subprocess.Popen(command, env=variables, stdout=output, stderr=output, start_new_session=True)


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def below(pid: int) -> list[int]:
    return [one for child in children(pid) for one in (child, *below(child))]


def await_ends(descriptors: list[int]) -> None:
    ends = select.poll()
    for descriptor in descriptors:
        ends.register(descriptor, select.POLLIN)
    left = set(descriptors)
    while left:
        ready = ends.poll(SECONDS * 1000)
        assert ready, "a process of the playbook goes on"
        for descriptor, _unused in ready:
            ends.unregister(descriptor)
            left.discard(descriptor)


@pytest.mark.parametrize(
    ("environment", "victim", "number"),
    [
        ({}, "playbook", signal.SIGKILL),
        ({}, "worker", signal.SIGKILL),
        ({}, "worker", signal.SIGTERM),
        # An environment of its own sends the task Ansible's ordinary way.
        ({"ANY": "thing"}, "playbook", signal.SIGKILL),
    ],
    ids=["playbook", "worker", "worker-term", "ordinary"],
)
def test_a_module_sends_nothing_once_its_playbook_or_worker_has_ended(
    service: Service, tmp_path: Path, environment: dict[str, str], victim: str, number: int
) -> None:
    play = playbook(service, tmp_path, environment)
    try:
        assert service.asked.wait(SECONDS), (tmp_path / "output").read_text()
        (worker,) = children(play.pid)
        module = below(worker)[-1]
        target = play.pid if victim == "playbook" else worker
        dead, ends = os.pidfd_open(target), os.pidfd_open(module)
        os.kill(target, number)
        await_ends([dead])
        service.go_on.set()
        await_ends([ends])
        assert service.requests == ["DescribeServiceMeshes"]
    finally:
        play.kill()
        play.wait()


@pytest.mark.parametrize("environment", [{}, {"ANY": "thing"}], ids=["child", "ordinary"])
def test_a_module_whose_playbook_lives_goes_on(service: Service, tmp_path: Path, environment: dict[str, str]) -> None:
    service.go_on.set()
    play = playbook(service, tmp_path, environment)
    try:
        play.wait(SECONDS * 2)
    finally:
        play.kill()
        play.wait()
    assert "DescribeServiceMeshDetail" in service.requests, (tmp_path / "output").read_text()


def ended_process() -> subprocess.Popen[bytes]:
    made = subprocess.Popen([sys.executable, "-c", "pass"])
    made.wait()
    return made


def test_a_caller_that_has_ended_before_the_module_looks_ends_it_too(tmp_path: Path) -> None:
    """Also where its id belongs to another process by now, which its start tells."""
    gone = ended_process()
    for callers in (f"{gone.pid}:123", f"{os.getpid()}:1"):
        code = (
            "from ansible_collections.meshops.asm.plugins.module_utils.flow import lifeline\n"
            "lifeline.follow(); print('on')"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, lifeline.VARIABLE: callers, "PYTHONPATH": str(ROOT.parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, ""), done.stderr


@pytest.mark.parametrize("value", [None, "", "nonsense", "a:b"])
def test_without_callers_nothing_is_followed(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv(lifeline.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(lifeline.VARIABLE, value)
    before = threading.active_count()
    lifeline.follow()
    assert threading.active_count() == before


def test_a_kernel_that_cannot_wake_the_thread_is_looked_at(tmp_path: Path) -> None:
    """The caller is a process that ends when its standard input does."""
    caller = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    code = (
        "import os; del os.pidfd_open; import threading\n"
        "from ansible_collections.meshops.asm.plugins.module_utils.flow import lifeline\n"
        "lifeline.follow(); print('on', flush=True); threading.Event().wait(60)"
    )
    start = lifeline._start(caller.pid)
    module = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, lifeline.VARIABLE: f"{caller.pid}:{start}", "PYTHONPATH": str(ROOT.parents[2])},
        stdout=subprocess.PIPE,
    )
    assert module.stdout is not None
    assert module.stdout.readline() == b"on\n"
    caller.communicate(timeout=SECONDS)
    assert module.wait(SECONDS) == 1
    module.stdout.close()


def test_what_is_announced_is_this_process_and_only_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(lifeline.VARIABLE, "before")
    with lifeline.announced():
        assert os.environ[lifeline.VARIABLE].startswith(f"{os.getpid()}:")
    assert os.environ[lifeline.VARIABLE] == "before"
