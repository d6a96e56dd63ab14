# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the requests that are lost while a mesh changes under load, for each tool that brings the same folder to it.

Run by ``make bench-change``; the lab is one of its own, in a temporary folder. Subsets, hosts, gateways and ports of
``tests/integration/changing_mesh.py`` are renamed in a random order, the same for every tool, one apply each, and what
is left over is deleted as the tool can. Then random meshes are changed to other ones (those of the unit tests), as
strictly. Nothing is retried, neither by the client nor by proxies. Writes ``tests/bench/results/change.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import Refused
from ansible_collections.meshops.asm.plugins.module_utils.istio import steps
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import make_plan

from tests.bench import documents
from tests.bench.apply_peers import core_environment, kubectl
from tests.bench.flow import EXAMPLE, ROOT, lab_environment, lab_with_traffic
from tests.bench.machine import describe_machine
from tests.integration.changing_mesh import HOST, NAMESPACE, PATH, SET, State
from tests.integration.labs import Lab
from tests.integration.runner import Runner
from tests.unit.plugins.module_utils.istio import meshes as random_meshes

RESULTS = ROOT / "tests" / "bench" / "results" / "change.json"
STRICT, FAST, KUBECTL, CORE = "meshops.asm", "meshops.asm, order: fast", "kubectl apply", "kubernetes.core.k8s"
RANDOM = "meshops.asm, random meshes"
TOOLS = (STRICT, FAST, KUBECTL, CORE)
# Seconds in which changes are begun under one load: the probe keeps a limited number of samples.
_LOAD_SECONDS = 60
_PLURALS = {
    "DestinationRule": "destinationrules",
    "Gateway": "gateways",
    "ServiceEntry": "serviceentries",
    "VirtualService": "virtualservices",
}
_ROOT = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}"
# Every stand-in answers this one.
_HEALTH = "/health"


@dataclass
class Place:
    """A running lab with Bookinfo in it."""

    lab: Lab
    environment: dict[str, str]
    folder: Path
    gateway: str
    settle: int
    runner: Runner

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def kube(self) -> Any:
        return self.lab.kube(self.lab.mesh_id("bookinfo"))

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-4000:]}")

    def play(self, program: str, *tasks: dict[str, Any]) -> None:
        variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": list(tasks)}
        file = self.folder / "play.json"
        file.write_text(json.dumps([play]), encoding="utf-8")
        self.run(program, str(file))

    def ours(self, folder: Path, **options: Any) -> None:
        how = {"mesh": "bookinfo", "src": [str(folder)], "set": SET, "prune": True, "proxies_settle": self.settle}
        self.runner("istio_resource", **{**how, **options})

    def empty(self) -> None:
        """Takes away all that routes requests in the namespace."""
        for plural in reversed(_PLURALS.values()):
            for one in self.kube.list(f"{_ROOT}/{plural}"):
                self.kube.delete(f"{_ROOT}/{plural}/{one['metadata']['name']}")


def apply(place: Place, tool: str, folder: Path, gone: list[Path]) -> None:
    """Brings the folder to the mesh as a user of the tool does; ``gone`` are files of what is left over."""
    if tool in (STRICT, FAST):
        place.ours(folder, order="fast" if tool == FAST else "strict")
    elif tool == KUBECTL:
        head = [shutil.which("kubectl") or kubectl(), "--kubeconfig", str(place.kubeconfig)]
        place.run(*head, "apply", "-f", str(folder))
        for file in gone:
            place.run(*head, "delete", "--wait=false", "-f", str(file))
    else:
        task = {"kubeconfig": str(place.kubeconfig), "apply": True, "src": "{{ item }}"}
        files = [str(file) for file in sorted(folder.iterdir())]
        tasks = [{"kubernetes.core.k8s": task, "loop": files}]
        absent = {"kubeconfig": str(place.kubeconfig), "state": "absent", "src": "{{ item }}"}
        tasks += [{"kubernetes.core.k8s": absent, "loop": [str(one) for one in gone]}] if gone else []
        place.play(str(core_environment() / "ansible-playbook"), *tasks)


@contextmanager
def load(place: Place, hosts: list[str], path: str, rate: float, found: dict[str, Any]) -> Iterator[None]:
    """Requests for the time of the block, by a process of their own; adds what became of them to ``found``."""
    stop = place.folder / "stop"
    stop.unlink(missing_ok=True)
    options = {
        "address": [place.gateway],
        "requests": [{"host": host, "path": path} for host in hosts],
        "duration": 190,
        "rate": rate,
        "concurrency": 64,
        "timeout": 10,
        "stop_file": str(stop),
    }
    command = [sys.executable, "-m", "tests.bench.change", "--load", json.dumps(options)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    time.sleep(2)
    try:
        yield
        time.sleep(1)
        if process.poll() is not None:
            sys.exit("a load ended before the changes did: take fewer of them per load")
    finally:
        stop.touch()
        output, _unused = process.communicate()
    seen = json.loads(output)
    good = seen["statuses"].get("200", 0)
    found["requests"] = found.get("requests", 0) + seen["requests"]
    found["lost"] = found.get("lost", 0) + seen["requests"] - good
    found["seconds"] = found.get("seconds", 0.0) + seen["duration"]


def send(options: dict[str, Any]) -> None:
    """The process of a load: prints what became of the requests."""
    stop = options.pop("stop_file")
    checked = ArgumentSpecValidator(PROBE_OPTIONS).validate(options)
    result = rounds.observe(make_plan({**checked.validated_parameters, "stop_file": stop}, options["address"]))
    print(json.dumps({key: result[key] for key in ("requests", "statuses", "duration")}))


def rename(place: Place, tool: str, changes: int, rate: float) -> dict[str, Any]:
    """The requests of ``changes`` renames with one tool."""
    dice = random.Random(20261126)  # noqa: S311
    state, folder, left = State(), place.folder / "mesh", place.folder / "gone"
    left.mkdir(exist_ok=True)
    place.empty()
    state.write(folder)
    apply(place, tool, folder, [])
    answers(place, [HOST], PATH)
    found: dict[str, Any] = {"changes": changes}
    applying, left_to_do = 0.0, changes
    while left_to_do:
        with load(place, [HOST], PATH, rate, found):
            end = time.monotonic() + _LOAD_SECONDS
            while left_to_do and time.monotonic() < end:
                left_to_do -= 1
                before, state = state.objects(), state.random_change(dice)
                state.write(folder)
                gone = [left_over(left, name, before[name], after) for name, after in state.objects().items()]
                start = time.monotonic()
                apply(place, tool, folder, [file for file in gone if file])
                applying += time.monotonic() - start
                time.sleep(0.5)
    return {**found, "rate": rate, "apply_s": applying / changes}


def left_over(folder: Path, name: str, before: dict[str, Any], after: dict[str, Any]) -> Path | None:
    """A file with the object that a rename leaves over, if it does."""
    if before["metadata"]["name"] == after["metadata"]["name"]:
        return None
    file = folder / name
    file.write_text(json.dumps(before), encoding="utf-8")
    return file


def answers(place: Place, hosts: list[str], path: str) -> None:
    """Waits until all hosts are answered, and have been for a while."""
    quiet = 0
    deadline = time.monotonic() + 60
    while quiet < 5:
        options = {"address": [place.gateway], "requests": [{"host": host, "path": path} for host in hosts]}
        checked = ArgumentSpecValidator(PROBE_OPTIONS).validate({**options, "count": 20 * len(hosts)})
        result = rounds.observe(make_plan(dict(checked.validated_parameters), [place.gateway]))
        quiet = quiet + 1 if set(result["statuses"]) == {"200"} and not result["failed"] else 0
        if time.monotonic() > deadline:
            sys.exit(f"{hosts} are not answered: {result['statuses']} {result['problems']}")
        time.sleep(0.3)


def random_pairs(place: Place, count: int, rate: float) -> dict[str, Any]:
    """Random meshes changed to other ones, with requests to every host that has a route in both."""
    dice = random.Random(99)  # noqa: S311
    for name in random_meshes.OUTSIDE:
        place.lab.control.outside(name, random_meshes.PORTS)
    found: dict[str, Any] = {"changes": 0, "hosts": 0}
    applying = 0.0
    while found["changes"] < count:
        old, new = (random_meshes.random_mesh(dice) for _unused in range(2))
        hosts = [
            host
            for port, host in random_meshes.requests()
            # A name without a dot is a Service's, and no request from outside has it.
            if port == 80 and "." in host and all(random_meshes.arrives(one, port, host) for one in (old, new))
        ]
        if not hosts or not has_order(old, new):
            continue
        place.empty()
        put(place.folder / "random", old)
        place.ours(place.folder / "random", order="fast", set="random")
        answers(place, hosts, _HEALTH)
        with load(place, hosts, _HEALTH, rate, found):
            put(place.folder / "random", new)
            start = time.monotonic()
            place.ours(place.folder / "random", set="random")
            applying += time.monotonic() - start
        found["changes"] += 1
        found["hosts"] += len(hosts)
    return {**found, "rate": rate, "apply_s": applying / count}


def has_order(old: random_meshes.Mesh, new: random_meshes.Mesh) -> bool:
    """Whether there are steps at all: a mesh that nobody could change in order is told, and not changed."""
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    try:
        return len(steps.plan([steps.Change(str(key), old.get(key), new.get(key), new.get(key)) for key in keys])) > 1
    except Refused:
        return False


def put(folder: Path, mesh: random_meshes.Mesh) -> None:
    """The mesh as a folder of manifests, in the namespace of Bookinfo, where every subset has pods."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    for (kind, name), one in mesh.items():
        body = json.loads(json.dumps(one))
        body["metadata"]["namespace"] = NAMESPACE
        for subset in body["spec"].get("subsets", []):
            subset["labels"] = {"version": "v1"}
        for rule in body["spec"].get("http", []):
            if "route" in rule:
                rule["retries"] = {"attempts": 0}
                for number, target in enumerate(rule["route"]):
                    target["weight"] = 100 // len(rule["route"]) + (100 % len(rule["route"]) if not number else 0)
        (folder / f"{kind}-{name}.json").write_text(json.dumps(body), encoding="utf-8")


def markdown(rows: dict[str, dict[str, Any]], settle: int) -> str:
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')} on {describe_machine()}, `proxies_settle: {settle:g}`.",
        "",
        "| Tool | Changes | Requests | Lost | Requests a second | Asked for | Seconds for an apply |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in (*TOOLS, RANDOM):
        if row := rows.get(name):
            counted = f"{row['changes']} | {row['requests']:,} | {row['lost']:,}"
            sent = f"{row['requests'] / row['seconds']:,.0f} | {row['rate']:,.0f}"
            lines.append(f"| {name} | {counted} | {sent} | {row['apply_s']:.1f} |")
    return "\n".join(lines)


def measured_before(settle: int) -> dict[str, dict[str, Any]]:
    """The rows of the last run, if it was on this machine and with this patience."""
    last = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    same = (last.get("machine"), last.get("settle")) == (describe_machine(), settle)
    return dict(last["rows"]) if same else {}


def measure(place: Place, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    place.runner("asm_kubeconfig", mesh="bookinfo", dest=str(place.kubeconfig))
    rows: dict[str, dict[str, Any]] = {}
    for tool in filter(None, options.tools.split(";")):
        rows[tool] = rename(place, tool, options.changes, options.rate)
        print(tool, rows[tool], flush=True)
    if options.pairs:
        rows[RANDOM] = random_pairs(place, options.pairs, options.rate / 4)
        print(RANDOM, rows[RANDOM], flush=True)
    return rows


def prepared(workdir: Path, folder: Path, settle: int) -> Place:
    """Bookinfo in the lab, without what routes its requests."""
    environment = {**os.environ, **lab_environment(workdir)}
    subprocess.run(
        ["ansible-playbook", "meshops.asm.site", "-e", "@mesh.yml", "-e", '{"asm_checks": []}'],
        cwd=EXAMPLE,
        env=environment,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    found = Lab(workdir)
    cluster = found.cluster_id("shop-1")
    rows = [row for row in found.control.resources() if row["type"] == "load_balancer"]
    gateway = next(str(row["address"]) for row in rows if str(row["made_for"]).startswith(f"service/{cluster}/"))
    return Place(found, environment, folder, gateway, settle, Runner(found, folder))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", help="for the process of a load")
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--settle", type=int, default=2, help="the lab's istiods have no other changes to collect")
    parser.add_argument("--tools", default=";".join(TOOLS), help="separated by semicolons")
    parser.add_argument("--keep", action="store_true", help="rows of other tools that the last run has measured stay")
    parser.add_argument("--lab", help="work directory of a lab that runs, instead of one of its own")
    options = parser.parse_args()
    if options.load:
        send(json.loads(options.load))
        return
    with lab_with_traffic(options.lab) as (workdir, folder):
        rows = measure(prepared(workdir, folder, options.settle), options)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    rows = {**(measured_before(options.settle) if options.keep else {}), **rows}
    result = {"machine": describe_machine(), "settle": options.settle, "rows": rows}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    documents.put("change", markdown(rows, options.settle))
    print(markdown(rows, options.settle))


if __name__ == "__main__":
    main()
