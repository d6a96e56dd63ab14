# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab that is gone leaves no process, namespace, address or file of its data plane, however it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import traces
import urllib3
import yaml
from conftest import wait_for
from kubernetes import client, config
from meshlab import daemon
from meshlab.addresses import Addresses
from meshlab.binaries import ensure_binaries
from meshlab.control import Control, LabError
from meshlab.processes import started
from meshlab.traffic.namespaces import Namespaces
from meshlab.traffic.network import prefix
from meshlab.traffic.tools import obstacle
from meshlab.world import DEFAULT_WORLD

_POD = {
    "metadata": {"name": "web"},
    "spec": {"containers": [{"name": "web", "image": "nginx"}]},
}


@pytest.fixture
def octet(tmp_path: Path) -> int:
    """The range of a lab in tmp_path."""
    addresses = Addresses(tmp_path)
    addresses.close()
    reason = obstacle(ensure_binaries(print), f"{prefix(addresses.octet)}trial")
    if reason:
        pytest.skip(f"no traffic: {reason}")
    return addresses.octet


def _start(workdir: Path) -> Control:
    """A lab with one pod that serves."""
    assert daemon.up(workdir, DEFAULT_WORLD, 0.0, print)
    control = Control(workdir)
    assert control.status()["traffic"] == {"available": True, "reason": ""}
    core = client.CoreV1Api(config.new_client_from_config_dict(yaml.safe_load(control.kubeconfig("shop-1"))))
    core.create_namespaced_pod("default", _POD)
    wait_for(lambda: core.read_namespaced_pod("web", "default").status.phase == "Running", 30)
    answer = control.request("shop-1", "web", "http://127.0.0.1/hello")
    assert (answer["status"], '"pod":"web"' in answer["body"]) == (200, True)
    return control


# What goes on there does not hold the output of what ends.
_ON_A_MACHINE = "touch /etc/of-a-machine && (sleep 900 >/dev/null 2>&1 &) && id -u istio-proxy && pilot-agent version"


def _make_machine(control: Control) -> None:
    """A machine with a file and a process of its own, neither of which is this machine's."""
    (mesh, *_others) = control.records("meshes")
    enter = control.machine("vm.example.net", mesh)["enter"]
    done = subprocess.run(
        [*enter, "sh", "-c", _ON_A_MACHINE],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.stdout.startswith("1337\n")
    assert "1.31" in done.stdout
    assert not Path("/etc/of-a-machine").exists()
    with pytest.raises(LabError, match="there is no 'nowhere'"):
        control.machine("vm.example.net", "nowhere")


def _look(workdir: Path, control: Control) -> None:
    """What a person and a Prometheus do with a running lab."""
    exposed = control.expose("shop-1", "web", 80)
    assert urllib3.request("GET", f"http://{exposed}/status/204").status == 204

    def meshlab(*words: str) -> str:
        command = [sys.executable, "-m", "meshlab", words[0], "--workdir", str(workdir), *words[1:]]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert "eth0    inet 10.101." in meshlab("exec", "shop-1", "web", "ip", "-o", "address")
    assert "search default.svc.cluster.local" in meshlab("exec", "shop-1", "default/web", "cat", "/etc/resolv.conf")
    assert control.request("shop-1", "web", "http://httpbin.org/get")["status"] == 200
    meshlab("cut", "shop-1")
    assert "servers=cut off" in meshlab("status")
    assert control.request("shop-1", "web", "http://203.0.113.1/get", timeout=1.0)["error"]
    meshlab("join", "shop-1")
    assert control.request("shop-1", "web", "http://203.0.113.1/get", timeout=5.0)["status"] == 200
    address = control.outside("api.example.net", ports=[8080])
    assert address.startswith("203.0.113.")
    wait_for(lambda: control.request("shop-1", "web", "http://api.example.net:8080/")["status"] == 200, 10)
    assert meshlab("kill", "dataplane") == "dataplane is killed\n"
    wait_for(lambda: control.status()["restarts"] == {"dataplane": 1}, 10)
    assert "dataplane ended and was started again, 1 time\n" in meshlab("status")
    assert control.request("shop-1", "web", "http://api.example.net:8080/", timeout=5.0)["status"] == 200
    assert control.status()["ended"] == []
    with pytest.raises(LabError, match=r"no process matches nothing\*; there are .*, dataplane, "):
        control.kill("nothing*")
    with pytest.raises(LabError, match="no pod default/other"):
        control.request("shop-1", "other", "http://httpbin.org/")


@pytest.mark.parametrize("killed", [False, True])
def test_nothing_is_left(tmp_path: Path, octet: int, killed: bool) -> None:
    before = traces.of_host()
    control = _start(tmp_path)
    namespaces = Namespaces(prefix(octet))
    assert len(namespaces.present()) >= 6
    _make_machine(control)
    assert traces.of_host() == before  # the host's own network stays as it is
    if not killed:
        _look(tmp_path, control)
    else:
        pid = control.status()["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not started(pid), 10)
        assert namespaces.present()
    assert daemon.down(tmp_path)
    assert traces.of_lab(octet, tmp_path) == []
    assert traces.of_host() == before
    assert not daemon.down(tmp_path)


def test_a_lab_without_traffic_says_so(tmp_path: Path, octet: int) -> None:
    assert daemon.up(tmp_path, DEFAULT_WORLD, 0.0, print, traffic=False)
    try:
        control = Control(tmp_path)
        assert control.status()["traffic"] == {"available": False, "reason": "switched off by --no-traffic"}
        assert Namespaces(prefix(octet)).present() == []
        with pytest.raises(LabError, match="no traffic"):
            control.cut("shop-1")
    finally:
        daemon.down(tmp_path)
