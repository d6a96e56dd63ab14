# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host outside of Kubernetes with Istio's own agent joins the mesh by ``examples/hosts``, and leaves it again."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Shop
from .labs import Lab
from .runner import ROOT, Played, Runner

EXAMPLE = ROOT / "examples" / "hosts"
NAME = "stock.example.internal"
ENTRIES = "/apis/networking.istio.io/v1/namespaces/stock/workloadentries"
TOKEN = "/var/run/secrets/tokens/istio-token"  # noqa: S105
ENV = "/var/lib/istio/envoy/cluster.env"
LOG, PID = "/var/log/istio/istio.log", "/run/istio.pid"
FILES = (
    TOKEN,
    "/etc/istio/config/started",
    ENV,
    "/etc/istio/config/mesh",
    "/etc/istio/config/root-cert.pem",
    *(f"/etc/certs/{name}.pem" for name in ("root-cert", "cert-chain", "key")),
)
# What the package of the test installs; the programs are on the machine already.
MARK = "/var/opt/istio-sidecar"
# The service on the host: it knows nothing of a mesh, and answers with what it has been asked.
SERVER = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps({key.lower(): value for key, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"


class Machine:
    """A machine of the lab as a host of the inventory."""

    def __init__(self, lab: Lab, mesh: str, folder: Path) -> None:
        found = lab.control.machine(NAME, mesh)
        self.address: str = found["address"]
        self.pilot: str = found["pilot"]
        self.enter: list[str] = found["enter"]
        shell = folder / "shell"
        shell.write_text(f'#!/bin/sh\nexec {" ".join(self.enter)} /bin/sh "$@"\n')
        shell.chmod(0o755)
        host = {
            "ansible_connection": "local",
            "ansible_host": self.address,
            "ansible_shell_executable": str(shell),
            "ansible_python_interpreter": sys.executable,
            "ansible_become": False,
        }
        self.package = package(folder)
        self.inventory = folder / "inventory.yml"
        self.inventory.write_text(yaml.safe_dump({"asm_hosts": {"hosts": {"stock-1": host}}}))

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command on the machine."""
        return subprocess.run(
            [*self.enter, *command], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )

    def has(self, path: str) -> bool:
        return self.run("test", "-e", path).returncode == 0

    def rules(self) -> str:
        """What leads its traffic through the sidecar, whichever of the two kinds of iptables that uses."""
        return "".join(self.run(one).stdout for one in ("iptables-legacy-save", "iptables-nft-save"))

    def processes(self) -> list[str]:
        """Names of the programs that run on it."""
        return self.run("ps", "-e", "-o", "comm=").stdout.split()


@pytest.fixture(scope="module")
def mesh(lab: Lab, run: Runner, shop: Shop) -> Iterator[Shop]:
    """The mesh with what the hosts of the example need, and pods that call them: one with a sidecar, one without."""
    traffic = lab.control.status()["traffic"]
    if not traffic["available"]:
        pytest.skip(f"no traffic: {traffic['reason']}")
    run("asm_namespace", mesh=shop.name, name="stock", injection="enabled")
    pods = {"definition": [deployment("caller", {}), deployment("stranger", {"sidecar.istio.io/inject": "false"})]}
    where = {"clusters": ["shop-1"], "namespace": "stock"}
    lab.control.namespace("shop-1", "stock", **{"istio-injection": "enabled"})
    run("asm_workload", src=[str(EXAMPLE / "apps")], **where)
    run("asm_workload", **pods, **where)
    run("istio_resource", mesh=shop.name, namespace="stock", src=[str(EXAMPLE / "networking")])
    log = {"apiVersion": "telemetry.istio.io/v1", "kind": "Telemetry", "metadata": {"name": "log"}}
    log["spec"] = {"accessLogging": [{"providers": [{"name": "envoy"}]}]}
    run("istio_resource", mesh=shop.name, namespace="stock", definition=log)
    yield shop
    run("istio_resource", mesh=shop.name, namespace="stock", definition=log, state="absent")
    run("istio_resource", mesh=shop.name, namespace="stock", src=[str(EXAMPLE / "networking")], state="absent")
    run("asm_workload", **pods, state="absent", **where)
    run("asm_workload", src=[str(EXAMPLE / "apps")], state="absent", **where)


@pytest.fixture(scope="module")
def machine(lab: Lab, mesh: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with Istio's sidecar installed, a service of its own that runs, and packages that it can download."""
    folder = tmp_path_factory.mktemp("machine")
    found = Machine(lab, mesh.id, folder)
    mirror = ("-m", "http.server", "8081", "--bind", "127.0.0.1", "--directory", str(folder))
    started = [
        subprocess.Popen(
            [*found.enter, sys.executable, *words],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for words in (("-c", SERVER), mirror)
    ]
    yield found
    for one in started:
        # Who enters the machine only waits for the one that serves.
        os.killpg(one.pid, signal.SIGTERM)
        one.wait()


def package(folder: Path) -> dict[str, str]:
    """A package of the sidecar's name as the playbook is given one; without apt none, as on most machines."""
    can = subprocess.run(["/usr/bin/python3", "-c", "import apt"], capture_output=True, check=False)
    if can.returncode or not shutil.which("dpkg-deb"):
        return {}
    tree = folder / "istio-sidecar"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "var" / "opt").mkdir(parents=True)
    (tree / MARK.lstrip("/")).write_text("")
    control = {"Package": "istio-sidecar", "Version": "1.31.0", "Architecture": "all", "Maintainer": "Nobody <no@one>"}
    lines = [f"{name}: {value}\n" for name, value in {**control, "Description": "A sidecar"}.items()]
    (tree / "DEBIAN" / "control").write_text("".join(lines))
    file = folder / "istio-sidecar.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(file)], capture_output=True, check=True)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return {"package": f"http://127.0.0.1:8081/{file.name}", "package_checksum": f"sha256:{digest}"}


def deployment(name: str, labels: dict[str, str]) -> dict[str, Any]:
    chosen = {"app": name}
    container = {"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}
    template = {"metadata": {"labels": {**chosen, **labels}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": chosen}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def play(run: Runner, machine: Machine, *words: str, **host: Any) -> Played:
    """The playbook on the machine, which reaches the control plane by a way of its own, and has no systemd."""
    spec = yaml.safe_load((EXAMPLE / "hosts.yml").read_text())["asm_host"]
    asm_host = {**spec, "pilot_address": machine.pilot, "service_manager": "sysvinit", "state": "present"}
    # As surveys and -e give numbers.
    asm_host |= {"token_minutes": "60", "wait_timeout": "60", **machine.package, **host}
    given = {
        "asm_mesh": {"name": "bookinfo"},
        "asm_host": {key: value for key, value in asm_host.items() if value is not None},
    }
    inventory = str(machine.inventory)
    return run.play("meshops.asm.hosts", "-i", inventory, "-e", json.dumps(given), *words, cwd=EXAMPLE)


def changes(played: Played) -> int:
    """How many tasks changed something on the host, or would."""
    (line,) = (one for one in played.output.splitlines() if one.startswith("stock-1 "))
    return int(line.partition("changed=")[2].split()[0])


def asked(lab: Lab, app: str, url: str) -> dict[str, Any]:
    """The answer to a request of the pod of an application."""
    pods = lab.kube(lab.cluster_id("shop-1")).list("/api/v1/namespaces/stock/pods", labelSelector=f"app={app}")
    (pod,) = (one["metadata"]["name"] for one in pods if "deletionTimestamp" not in one["metadata"])
    return lab.control.request("shop-1", pod, url, namespace="stock", timeout=5.0)


def token_of(machine: Machine) -> str:
    return machine.run("cat", TOKEN).stdout.strip()


def test_what_is_wrong_is_told_and_changes_nothing(lab: Lab, run: Runner, machine: Machine) -> None:
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        ({"group": "stok"}, ["Mesh 'bookinfo' has no WorkloadGroup stock/stok (in this namespace: stock)"]),
        ({"cluster": "shop-9"}, ["Cluster 'shop-9' is not in mesh 'bookinfo' (attached: "]),
        ({"address": "stock"}, ["address 'stock' is no IP address."]),
        ({"pilot_address": "192.0.2.1"}, ["pilot_address '192.0.2.1' is no IP address with a port"]),
        ({"token_minutes": 5}, ["token_minutes must be at least 10."]),
    ]
    if machine.package:
        wrong.append(({"package_checksum": f"sha256:{'0' * 64}"}, ["The checksum for ", "did not match"]))
    for given, words in wrong:
        with lab.unwritten():
            played = play(run, machine, **given)
        assert played.code == 2, played.output
        told = " ".join(played.output.split())
        assert [word for word in words if word not in told] == [], played.output
        assert changes(played) == 0
    assert [file for file in (*FILES, MARK) if machine.has(file)] == []
    assert "istiod" not in machine.run("cat", "/etc/hosts").stdout


def test_a_group_whose_account_is_not_there(lab: Lab, run: Runner, machine: Machine) -> None:
    body = {"apiVersion": "networking.istio.io/v1", "kind": "WorkloadGroup", "metadata": {"name": "lost"}}
    body["spec"] = {"template": {"serviceAccount": "nobody"}}
    run("istio_resource", mesh="bookinfo", namespace="stock", definition=body)
    try:
        with lab.unwritten():
            played = play(run, machine, group="lost")
        assert "Cluster shop-1 has no ServiceAccount stock/nobody" in " ".join(played.output.split())
        assert played.code == 2
    finally:
        run("istio_resource", mesh="bookinfo", namespace="stock", definition=body, state="absent")


def test_check_mode_tells_and_changes_nothing(lab: Lab, run: Runner, machine: Machine) -> None:
    with lab.unwritten():
        played = play(run, machine, "--check", "--diff").ok()
    assert changes(played) > 0
    assert "ISTIO_META_CLUSTER_ID" in played.output
    assert [file for file in FILES if machine.has(file)] == []
    assert "pilot-agent" not in machine.processes()


def test_a_sidecar_that_gets_no_configuration_says_why(run: Runner, machine: Machine) -> None:
    played = play(run, machine, pilot_address=f"{machine.address}:9", wait_timeout="4")
    told = " ".join(played.output.split())
    assert played.code == 2, played.output
    assert "The sidecar of stock-1 was not configured by the mesh within 4 seconds" in told
    assert "connection refused" in told  # the agent's own words
    assert token_of(machine) not in played.output


def test_the_host_joins(lab: Lab, run: Runner, machine: Machine, mesh: Shop) -> None:
    played = play(run, machine, "--diff", "-v").ok()
    token = token_of(machine)
    assert token.count(".") == 2
    assert token not in played.output
    assert token.split(".")[1] not in played.output
    assert machine.run("stat", "-c", "%a %U", TOKEN).stdout.split() == ["600", "istio-proxy"]
    assert {"pilot-agent", "envoy"} <= set(machine.processes())
    assert machine.has(MARK) is bool(machine.package)
    assert "ISTIO_INBOUND" in machine.rules()
    (entry,) = lab.kube(mesh.id).list(ENTRIES)
    assert entry["metadata"]["name"] == "stock-1"
    assert entry["spec"] == {
        "address": machine.address,
        "labels": {"app": "stock", "version": "v1"},
        "ports": {"http": 8080},
        "serviceAccount": "stock",
    }


def test_a_pod_calls_the_host_by_mutual_tls_only(lab: Lab, machine: Machine) -> None:
    certificate = _served(lab)["x-forwarded-client-cert"]
    assert "By=spiffe://cluster.local/ns/stock/sa/stock" in certificate
    assert "URI=spiffe://cluster.local/ns/stock/sa/default" in certificate
    refused = asked(lab, "stranger", f"http://{NAME}:8080/")
    assert (refused["status"], bool(refused["error"])) == (0, True)
    lab.wait_for(lambda: "GET / HTTP/1.1" in machine.run("cat", LOG).stdout, "the request in the host's own log", 30)


def test_the_host_calls_a_service_of_the_mesh(lab: Lab, run: Runner, machine: Machine, mesh: Shop) -> None:
    """By the name that its agent resolves, through its own sidecar, at a service that takes mutual TLS only."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "caller"}}
    service["spec"] = {"selector": {"app": "caller"}, "ports": [{"name": "http", "port": 80}]}
    strict = {"apiVersion": "security.istio.io/v1", "kind": "PeerAuthentication", "metadata": {"name": "caller"}}
    strict["spec"] = {"selector": {"matchLabels": {"app": "caller"}}, "mtls": {"mode": "STRICT"}}
    where = {"clusters": ["shop-1"], "namespace": "stock"}
    run("asm_workload", definition=service, **where)
    run("istio_resource", mesh=mesh.name, namespace="stock", definition=strict, wait_proxies=True)
    try:
        answer = lab.wait_for(
            lambda: machine.run(sys.executable, "-c", GET, "http://caller.stock.svc.cluster.local/").stdout,
            "an answer of the mesh",
            30,
        )
        assert "URI=spiffe://cluster.local/ns/stock/sa/stock" in answer
    finally:
        run("istio_resource", mesh=mesh.name, namespace="stock", definition=strict, state="absent")
        run("asm_workload", definition=service, state="absent", **where)


def test_a_second_run_changes_nothing(lab: Lab, run: Runner, machine: Machine) -> None:
    before = token_of(machine)
    with lab.unwritten():
        played = play(run, machine).ok()
        checked = play(run, machine, "--check").ok()
    assert (changes(played), changes(checked)) == (0, 0), played.output
    assert token_of(machine) == before


def test_a_token_is_renewed_while_the_host_serves(lab: Lab, run: Runner, machine: Machine) -> None:
    before, agent = token_of(machine), machine.run("cat", PID).stdout
    # Less than half of what is wanted now is left.
    play(run, machine, token_minutes=200).ok()
    after = token_of(machine)
    assert after != before
    assert _claims(after)["exp"] - time.time() > 190 * 60
    assert machine.run("cat", PID).stdout == agent
    assert _if_answered(asked(lab, "caller", f"http://{NAME}:8080/"))


def test_a_changed_host_is_told_anew(lab: Lab, run: Runner, machine: Machine, mesh: Shop) -> None:
    play(run, machine, token_minutes=200, name="stock-1b").ok()
    assert {one["metadata"]["name"] for one in lab.kube(mesh.id).list(ENTRIES)} == {"stock-1", "stock-1b"}
    play(run, machine, state="absent", name="stock-1b").ok()
    play(run, machine, token_minutes=200).ok()
    assert {one["metadata"]["name"] for one in lab.kube(mesh.id).list(ENTRIES)} == {"stock-1"}


def test_the_host_leaves_and_nothing_stays(lab: Lab, run: Runner, machine: Machine, mesh: Shop) -> None:
    with lab.unwritten():
        checked = play(run, machine, "--check", state="absent").ok()
    assert changes(checked) > 0
    assert machine.has(TOKEN)
    play(run, machine, state="absent").ok()
    assert lab.kube(mesh.id).list(ENTRIES) == []
    assert [file for file in FILES if machine.has(file)] == []
    assert not {"pilot-agent", "envoy"} & set(machine.processes())
    assert "istiod" not in machine.run("cat", "/etc/hosts").stdout
    assert "ISTIO" not in machine.rules()
    with lab.unwritten():
        again = play(run, machine, state="absent").ok()
    assert changes(again) == 0


def test_a_host_that_comes_back_serves_http(lab: Lab, run: Runner, machine: Machine) -> None:
    """istiod does not tell a sidecar by itself that its host serves again; and no package is named this time."""
    play(run, machine, package=None, package_checksum=None).ok()
    assert "x-forwarded-client-cert" in _served(lab)
    play(run, machine, state="absent").ok()


def test_a_probe_decides_when_a_host_serves(lab: Lab, run: Runner, machine: Machine) -> None:
    (body,) = yaml.safe_load_all((EXAMPLE / "networking" / "workload-group.yaml").read_text())
    body["metadata"]["name"] = "probed"
    body["spec"]["probe"] = {"periodSeconds": 1, "httpGet": {"path": "/", "port": 8080}}
    run("istio_resource", mesh="bookinfo", namespace="stock", definition=body)
    try:
        play(run, machine, group="probed").ok()
        assert "x-forwarded-client-cert" in _served(lab)
        # As if that run had ended while it waited for the probe, and somebody had changed a file since.
        for edit in (["rm", "/etc/istio/config/started"], ["sed", "-i", "s/stock/stork/", ENV]):
            before = machine.run("cat", PID).stdout
            assert machine.run(*edit).returncode == 0
            play(run, machine, group="probed").ok()
            assert machine.run("cat", PID).stdout != before
        assert "stork" not in machine.run("cat", ENV).stdout
        agent = machine.run("cat", PID).stdout
        with lab.unwritten():
            play(run, machine, group="probed").ok()
        assert machine.run("cat", PID).stdout == agent
        play(run, machine, state="absent").ok()
    finally:
        run("istio_resource", mesh="bookinfo", namespace="stock", definition=body, state="absent")


def _served(lab: Lab) -> dict[str, Any]:
    """What the service on the host was sent with the first request that it answered."""
    url = f"http://{NAME}:8080/"
    answer = lab.wait_for(lambda: _if_answered(asked(lab, "caller", url)), "an answer of the host", 30)
    return dict(json.loads(answer["body"]))


def _if_answered(answer: dict[str, Any]) -> dict[str, Any] | None:
    return answer if answer["status"] == 200 else None


def _claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
