# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the requests that are lost while a mesh changes under load, for each tool that brings the same folder to it.

Run by ``make bench-change``; the lab is one of its own, in a temporary folder. Subsets, hosts, gateways and ports of
``tests/integration/changing_mesh.py`` are renamed in a random order, the same for every tool, one apply each, and what
is left over is deleted as the tool can. Then random meshes are changed to other ones, pairs of those that
``test_steps.py`` holds to its model. Nothing is retried, neither by the client nor by proxies.

What was measured is kept in ``tests/bench/results/change.json`` after every minute: a run that was interrupted goes on,
and a tool that is done is not measured again. Exits with 1 when the strict order lost a request, or the fast one none.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import make_plan

from tests.bench import documents
from tests.bench.change_tools import TOOLS, Place, helm
from tests.bench.flow import EXAMPLE, ROOT, lab_environment, lab_with_traffic
from tests.bench.machine import describe_machine
from tests.integration import changing_pairs
from tests.integration.changing_mesh import HOST, PATH, State
from tests.integration.labs import Lab
from tests.integration.runner import Runner

RESULTS = ROOT / "tests" / "bench" / "results" / "change.json"
RANDOM = "random"
TITLES = {**{key: title for key, (title, _apply) in TOOLS.items()}, RANDOM: "meshops.asm, random meshes"}
# Seconds in which changes are begun under one load: the probe keeps a limited number of samples.
_LOAD_SECONDS = 60
_LONGEST_LOAD = 240

Row = dict[str, Any]


class Rows:
    """What was measured, by the names of the tools, as it is kept; ``asked`` are the settings of this run."""

    def __init__(self, asked: Row, file: Path = RESULTS) -> None:
        self._asked = {**asked, "machine": describe_machine()}
        self._file = file
        self.all: dict[str, Row] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}

    def begun(self, name: str, *, fresh: bool = False) -> Row:
        """The row as far as it was measured here with these settings, or a new one."""
        row = self.all.get(name, {})
        if fresh or any(row.get(key) != value for key, value in self._asked.items()):
            empty = {"changes": 0, "requests": 0, "lost": 0, "seconds": 0.0, "apply_s": 0.0}
            row = self.all[name] = {**self._asked, **empty}
        return row

    def keep(self, name: str, row: Row) -> None:
        self.all[name] = {**row, "date": time.strftime("%Y-%m-%d")}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self.all, indent=2) + "\n", encoding="utf-8")
        print(f"{name}: {row['changes']} changes, {row['lost']} of {row['requests']} lost", flush=True)


@contextmanager
def load(place: Place, hosts: list[str], path: str, row: Row) -> Iterator[None]:
    """Requests for the time of the block, by a process of their own; adds what became of them to the row."""
    stop = place.folder / "stop"
    stop.unlink(missing_ok=True)
    options = {
        "address": [place.gateway],
        "requests": [{"host": host, "path": path} for host in hosts],
        "duration": _LONGEST_LOAD,
        "rate": row["rate"],
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
    row["requests"] += seen["requests"]
    row["lost"] += seen["requests"] - seen["statuses"].get("200", 0)
    row["seconds"] += seen["duration"]


def send(options: dict[str, Any]) -> None:
    """The process of a load: prints what became of the requests."""
    stop = options.pop("stop_file")
    checked = ArgumentSpecValidator(PROBE_OPTIONS).validate(options)
    result = rounds.observe(make_plan({**checked.validated_parameters, "stop_file": stop}, options["address"]))
    print(json.dumps({key: result[key] for key in ("requests", "statuses", "duration")}))


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


def lacks(name: str, row: Row, options: argparse.Namespace) -> bool:
    """Whether a row needs more changes, because there were too few of them or too few requests meanwhile."""
    if name == RANDOM:
        return bool(row["changes"] < options.pairs)
    return bool(row["changes"] < options.changes or row["requests"] < options.least)


def rename(place: Place, tool: str, rows: Rows, options: argparse.Namespace) -> None:
    """Renames with one tool, from where its row stands."""
    row = rows.begun(tool)
    dice = random.Random(20261126)  # noqa: S311
    state = State()
    for _done in range(row["changes"]):
        state = state.random_change(dice)
    _title, apply = TOOLS[tool]
    folder, left = place.folder / "mesh", place.folder / "gone"
    left.mkdir(exist_ok=True)
    place.empty()
    state.write(folder)
    apply(place, folder, [])
    answers(place, [HOST], PATH)
    while lacks(tool, row, options):
        with load(place, [HOST], PATH, row):
            end = time.monotonic() + _LOAD_SECONDS
            while time.monotonic() < end and lacks(tool, row, options):
                start = time.monotonic()
                before, state = state.objects(), state.random_change(dice)
                state.write(folder)
                gone = [left_over(left, name, before[name], after) for name, after in state.objects().items()]
                apply(place, folder, [file for file in gone if file])
                row["apply_s"] += time.monotonic() - start
                row["changes"] += 1
                time.sleep(max(0.5, start + options.every - time.monotonic()))
        rows.keep(tool, row)


def left_over(folder: Path, name: str, before: dict[str, Any], after: dict[str, Any]) -> Path | None:
    """A file with the object that a rename leaves over, if it does."""
    if before["metadata"]["name"] == after["metadata"]["name"]:
        return None
    file = folder / name
    file.write_text(json.dumps(before), encoding="utf-8")
    return file


def random_pairs(place: Place, rows: Rows, options: argparse.Namespace) -> None:
    """Random meshes changed to other ones, with requests to every host that has a route in both."""
    row = rows.begun(RANDOM)
    for name in changing_pairs.OUTSIDE:
        place.lab.control.outside(name, changing_pairs.OUTSIDE_PORTS)
    place.empty()
    place.runner("asm_namespace", mesh="bookinfo", name=changing_pairs.NAMESPACE)
    place.runner("asm_workload", clusters=["shop-1"], definition=changing_pairs.applications())
    for pair in changing_pairs.pairs(options.pairs)[row["changes"] :]:
        changing_pairs.put(place.folder / "random", pair.old)
        place.ours(place.folder / "random", order="fast", set=changing_pairs.SET, prune_all=True)
        hosts = list(pair.hosts)
        answers(place, hosts, changing_pairs.PATH)
        changing_pairs.put(place.folder / "random", pair.new)
        with load(place, hosts, changing_pairs.PATH, row):
            start = time.monotonic()
            place.ours(place.folder / "random", set=changing_pairs.SET)
            row["apply_s"] += time.monotonic() - start
        row["changes"] += 1
        rows.keep(RANDOM, row)


def markdown(rows: dict[str, Row]) -> str:
    """The table of what there is, in the order of the tools."""
    shown = [name for name in TITLES if name in rows]
    lines = []
    for place in dict.fromkeys((rows[name]["machine"], rows[name]["settle"]) for name in shown):
        own = [name for name in shown if (rows[name]["machine"], rows[name]["settle"]) == place]
        which = "" if own == shown else f" ({', '.join(TITLES[name] for name in own)})"
        days = " and ".join(sorted({rows[name]["date"] for name in own}))
        lines.append(f"Measured {days} on {place[0]}, `proxies_settle: {place[1]:g}`{which}.")
    lines += [
        "",
        "| Tool | Changes | Requests | Lost | Requests a second | Asked for | Seconds for an apply |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in shown:
        row = rows[name]
        counted = f"{row['changes']} | {row['requests']:,} | {row['lost']:,}"
        sent = f"{row['requests'] / (row['seconds'] or 1):,.0f} | {row['rate']:,.0f}"
        lines.append(f"| {TITLES[name]} | {counted} | {sent} | {row['apply_s'] / (row['changes'] or 1):.1f} |")
    return "\n".join(lines)


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


def problems(rows: dict[str, Row]) -> list[str]:
    """What the figures must not say."""
    lost = [TITLES[name] for name in ("strict", RANDOM) if rows.get(name, {}).get("lost")]
    blind = ["fast"] if rows.get("fast", {}).get("lost") == 0 else []
    return [f"{title} lost requests" for title in lost] + [f"{TITLES[name]} lost none: is it seen?" for name in blind]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--load", help="for the process of a load")
    parser.add_argument("--changes", type=int, default=50)
    parser.add_argument("--least", type=int, default=100_000, help="requests, for which there are more changes")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--rate", type=float, default=1000)
    parser.add_argument("--every", type=float, default=4, help="least seconds from a change to the next one")
    parser.add_argument("--settle", type=int, default=2, help="the lab's istiods have no other changes to collect")
    parser.add_argument("--tools", default=" ".join(TITLES), help=f"some of: {' '.join(TITLES)}")
    parser.add_argument("--fresh", action="store_true", help="begins anew, whatever was measured")
    parser.add_argument("--table", action="store_true", help="measures nothing, and writes the table of what there is")
    parser.add_argument("--lab", help="work directory of a lab that runs, instead of one of its own")
    options = parser.parse_args()
    options.tools = [] if options.table else options.tools.split()
    if unknown := [name for name in options.tools if name not in TITLES]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(TITLES)}")
    return options


def measure(rows: Rows, options: argparse.Namespace) -> None:
    """The tools that lack something; no lab is started for nothing."""
    left = [name for name in options.tools if lacks(name, rows.begun(name, fresh=options.fresh), options)]
    if not left:
        return
    if "helm" in left:
        helm()
    with lab_with_traffic(options.lab) as (workdir, folder):
        place = prepared(workdir, folder, options.settle)
        for name in left:
            if name == RANDOM:
                random_pairs(place, rows, options)
            else:
                rename(place, name, rows, options)


def main() -> None:
    options = arguments()
    if options.load:
        send(json.loads(options.load))
        return
    rows = Rows({"rate": options.rate, "settle": options.settle})
    measure(rows, options)
    measured = {name: row for name, row in rows.all.items() if row["changes"]}
    documents.put("change", markdown(measured))
    print(markdown(measured))
    if said := problems(measured):
        sys.exit("; ".join(said))


if __name__ == "__main__":
    main()
