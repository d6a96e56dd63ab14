# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's command line: python -m meshlab up|down|status|env|log|fault|resources|kubeconfig|reset."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from meshlab import daemon
from meshlab.control import LOG, Control, LabError, default_workdir
from meshlab.faults import KINDS
from meshlab.requestlog import read_log
from meshlab.traffic.namespaces import within
from meshlab.world import ACCOUNT, DEFAULT_WORLD


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    options.workdir = Path(options.workdir).expanduser().absolute()
    try:
        return int(options.run(options) or 0)
    except LabError as error:
        print(f"meshlab: {error}", file=sys.stderr)
        return 1


def _up(options: argparse.Namespace) -> int:
    world = Path(options.world).expanduser().absolute()
    if not world.is_file():
        raise LabError(f"there is no world file {world}")
    if options.foreground:
        from meshlab.foreground import run  # heavy: only the lab's own process needs it

        return run(options.workdir, world, options.transitions, traffic=options.traffic)

    def report(line: str) -> None:
        print(line, flush=True)

    if daemon.up(options.workdir, world, options.transitions, report, traffic=options.traffic):
        print(f"the lab is up; its environment: eval $({_command(options, 'env')})")
    else:
        print(f"the lab is running already in {options.workdir}")
    return 0


def _down(options: argparse.Namespace) -> int:
    if daemon.down(options.workdir):
        print("the lab is down; what the account holds is kept for the next start")
    else:
        print("no lab was running")
    return 0


def _reset(options: argparse.Namespace) -> int:
    if options.workdir.exists() and any(options.workdir.iterdir()) and not (options.workdir / ACCOUNT).exists():
        raise LabError(f"{options.workdir} is not a lab's work directory: it has no {ACCOUNT}")
    was_up = daemon.down(options.workdir)
    shutil.rmtree(options.workdir, ignore_errors=True)
    print("the lab has forgotten everything")
    return _up(options) if was_up else 0


def _status(options: argparse.Namespace) -> int:
    control = Control(options.workdir)
    status = control.status()
    if options.json:
        print(json.dumps(status, indent=1))
        return 0
    print(f"lab in {status['workdir']}, process {status['pid']}, transitions {status['transitions']}")
    for product, url in status["endpoints"].items():
        print(f"  {product}: {url}")
    for row in status["meshes"]:
        print(f"  mesh {row['name']} {row['id']} {row['region_id']} {row['state']} clusters={len(row['clusters'])}")
    for row in status["clusters"]:
        servers = ("cut off" if row["cut"] else "running") if row["servers"] else "not started"
        print(f"  cluster {row['name']} {row['id']} {row['region_id']} {row['state']} servers={servers}")
    for row in control.resources():
        if row["type"] == "load_balancer" and row["used_by"]:
            print(f"  load balancer {row['id']} of {', '.join(row['used_by'])} {row['address']}")
    for name, count in status["restarts"].items():
        print(f"  {name} ended and was started again, {count} {'time' if count == 1 else 'times'}")
    for sentence in status["ended"]:
        print(f"  {sentence}")
    for program, reason in status["missing"].items():
        print(f"  without {program}: {reason}")
    if not status["traffic"]["available"]:
        print(f"  without traffic: {status['traffic']['reason']}")
    return 0


def _kill(options: argparse.Namespace) -> int:
    for name in Control(options.workdir).kill(options.processes):
        print(f"{name} is killed")
    return 0


def _cut(options: argparse.Namespace) -> int:
    Control(options.workdir).cut(options.cluster)
    print(f"{options.cluster} is cut off: no packet gets in or out")
    return 0


def _join(options: argparse.Namespace) -> int:
    Control(options.workdir).join(options.cluster)
    print(f"{options.cluster} is connected")
    return 0


def _exec(options: argparse.Namespace) -> int:
    namespace, _slash, pod = options.pod.rpartition("/")
    place = Control(options.workdir).call("place", cluster=options.cluster, namespace=namespace or "default", pod=pod)
    with tempfile.NamedTemporaryFile("w", suffix=".resolv.conf") as file:
        file.write(place["resolv_conf"])
        file.flush()
        return subprocess.run([*within(place["netns"], file.name), *options.words], check=False).returncode


def _env(options: argparse.Namespace) -> int:
    for name, value in Control(options.workdir).environment().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _log(options: argparse.Namespace) -> int:
    for entry in read_log(options.workdir / LOG, writes=options.writes, since=options.since):
        if options.json:
            print(json.dumps(entry))
        else:
            print(f"{entry['time']:.3f} {entry['status']} {entry['action']} {entry['code']} {entry['parameters']}")
    return 0


def _fault_add(options: argparse.Namespace) -> int:
    try:
        fault: dict[str, Any] = json.loads(options.fault)
    except ValueError as error:
        raise LabError(f"the fault is not JSON: {error}") from None
    print(json.dumps(Control(options.workdir).call("fault_add", fault=fault)))
    return 0


def _fault_list(options: argparse.Namespace) -> int:
    for row in Control(options.workdir).faults():
        print(json.dumps(row))
    return 0


def _fault_clear(options: argparse.Namespace) -> int:
    print(f"{Control(options.workdir).clear_faults()} faults removed")
    return 0


def _resources(options: argparse.Namespace) -> int:
    rows = Control(options.workdir).resources()
    if options.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print(f"{row['type']} {row['id']} {row['name']} used_by={','.join(row['used_by']) or '-'}")
    return 0


def _kubeconfig(options: argparse.Namespace) -> int:
    print(Control(options.workdir).kubeconfig(options.cluster), end="")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="meshlab", description="Alibaba Cloud Service Mesh on one machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Any, description: str, among: Any = commands) -> argparse.ArgumentParser:
        sub: argparse.ArgumentParser = among.add_parser(name, help=description, description=description)
        sub.add_argument("--workdir", default=str(default_workdir()), help="where the lab keeps its state")
        sub.set_defaults(run=run)
        return sub

    for name, run, description in (
        ("up", _up, "Start the lab."),
        ("reset", _reset, "Forget everything; start afresh if the lab was up."),
    ):
        sub = command(name, run, description)
        sub.add_argument("--world", default=str(DEFAULT_WORLD), help="what the account holds at the first start")
        sub.add_argument("--transitions", type=float, default=0.0, help="0: fast, 1: as slow as the product")
        sub.add_argument("--no-traffic", dest="traffic", action="store_false", help="pods only have a status")
        sub.add_argument("--foreground", action="store_true", help="stay in this process")
    command("down", _down, "Stop the lab; its state is kept.")
    command("env", _env, "Print the environment that the collection needs, for eval.")
    command("status", _status, "Show what the lab holds.").add_argument("--json", action="store_true")
    command("resources", _resources, "List all that is billed.").add_argument("--json", action="store_true")
    log = command("log", _log, "Show the API requests.")
    log.add_argument("--json", action="store_true")
    log.add_argument("--writes", action="store_true", help="only those that may change something")
    log.add_argument("--since", type=float, default=0.0, metavar="SECONDS", help="Unix time")
    faults = commands.add_parser("fault", help="Have requests fail.").add_subparsers(required=True, metavar="WHAT")
    kinds = "; ".join(f"{kind}: {what}" for kind, what in KINDS.items())
    add = command("add", _fault_add, f"Add a fault. Kinds: {kinds}.", faults)
    add.add_argument("fault", help='such as {"action": "CreateServiceMesh", "kind": "throttle", "times": 2}')
    command("list", _fault_list, "Show the faults and how often they hit.", faults)
    command("clear", _fault_clear, "Remove all faults.", faults)
    for name, run, description in (
        ("cut", _cut, "Cut a cluster's pods off from everything outside of the cluster."),
        ("join", _join, "Connect a cluster again."),
    ):
        command(name, run, description).add_argument("cluster", help="id or unique name")
    kill = command("kill", _kill, "Kill processes of the lab as a crash would; status tells what became of them.")
    kill.add_argument("processes", help="shell pattern of names, such as dataplane or '*-istiod'")
    within = command("exec", _exec, "Run a program of this machine in a pod's network, such as curl.")
    within.add_argument("cluster", help="id or unique name")
    within.add_argument("pod", help="[NAMESPACE/]NAME")
    within.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")
    kubeconfig = command("kubeconfig", _kubeconfig, "Print the administrator's kubeconfig of a cluster.")
    kubeconfig.add_argument("cluster", help="id or unique name")
    return parser


def _command(options: argparse.Namespace, name: str) -> str:
    words = [sys.executable, "-m", "meshlab", name]
    if options.workdir != default_workdir():
        words += ["--workdir", str(options.workdir)]
    return shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
