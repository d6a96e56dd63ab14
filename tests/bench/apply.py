# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures istio_resource beside kubectl and kubernetes.core on the same API server, near and far.

Run by ``make bench-apply``; ``CASES``, ``OBJECTS``, ``RTT`` and ``PEERS`` choose a part. Prints a table and writes the
rows of this one run to ``tests/bench/results/apply.json``, and from there into ``docs/benchmarks.md``. With ``OUTPUT``
the rows go there, and the documentation stays as it is.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from tests.bench import documents
from tests.bench.apply_peers import ALONE, BARE, BESIDE, ENGINE, OURS, OWN, ROOT, Peer, Wanted, make_peers
from tests.bench.apply_process import watched_run
from tests.bench.apply_server import BenchServer
from tests.bench.apply_table import markdown, printed
from tests.bench.machine import describe_machine

RESULTS = ROOT / "tests" / "bench" / "results" / "apply.json"
CASES = ("first", "unchanged", "one", "all", "prune", "first_validated")
PEERS = (*OWN, "kubectl", "k8s-server-side", "k8s-merge")
# Peers that go round by round take many minutes for each case behind a real distance, or with thousands of objects:
# there they run only these cases, and beyond MANY objects only the peer that was the fastest in this run so far.
MANY, LONG_CASES = 1000, ("first", "unchanged")
# What takes seconds is measured this often, and the median counts; what takes minutes evens out by itself.
TIMES, REPEATED = 3, ("first", "unchanged", "first_validated")

Row = dict[str, Any]


def virtual_service(number: int, timeout: str) -> dict[str, Any]:
    """A route as they are in real meshes: a canary by header, and weights with retries."""
    host = f"service-{number:05}.shop.svc.cluster.local"
    canary = {"match": [{"headers": {"end-user": {"exact": "jason"}}}], "timeout": timeout}
    canary["route"] = [{"destination": {"host": host, "subset": "v2"}}]
    main: dict[str, Any] = {"timeout": timeout, "retries": {"attempts": 3, "perTryTimeout": "2s", "retryOn": "5xx"}}
    main["route"] = [
        {"destination": {"host": host, "subset": "v1"}, "weight": 90},
        {"destination": {"host": host, "subset": "v2"}, "weight": 10},
    ]
    metadata = {"name": f"service-{number:05}", "namespace": BenchServer.namespace, "labels": {"app": "shop"}}
    spec = {"hosts": [host], "http": [canary, main]}
    return {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": metadata, "spec": spec}


class Files:
    """The states of the cases, as files in ``folder``."""

    def __init__(self, folder: Path, objects: int) -> None:
        self.objects = objects
        before = [virtual_service(number, "5s") for number in range(objects)]
        after = [virtual_service(number, "6s") for number in range(objects)]
        half = objects // 2
        self._first = _write(folder / "first.yml", before)
        self._one = _write(folder / "one.yml", [after[0], *before[1:]])
        self._all = _write(folder / "all.yml", after)
        self._half = _write(folder / "half.yml", after[:half])
        self._rest = _write(folder / "rest.yml", after[half:])

    def wanted(self, case: str) -> Wanted:
        if case == "prune":
            return Wanted(self._half, gone=self._rest)
        file = {"one": self._one, "all": self._all}.get(case, self._first)
        return Wanted(file, validate=case != "first")

    def expected(self, case: str) -> dict[str, int]:
        """How many objects have which timeout afterwards."""
        if case == "prune":
            return {"6s": self.objects // 2}
        late = {"one": 1, "all": self.objects}.get(case, 0)
        return {key: count for key, count in {"5s": self.objects - late, "6s": late}.items() if count}


def measure(server: BenchServer, peer: Peer, case: str, files: Files, rtt: float, folder: Path) -> Row:
    """One row: the peer brings the server to the state of the case."""
    kubeconfig = server.kubeconfig(rtt)
    mark = server.mark()
    seconds, peak, output = 0.0, 0.0, ""
    for command in peer.commands(files.wanted(case), kubeconfig, folder):
        one = watched_run(command, env={**server.environment, **peer.env}, cwd=ROOT)
        if one.code:
            sys.exit(f"{peer.name}, {case}: {' '.join(command)} ended with {one.code}:\n{one.output[-3000:]}")
        seconds, peak, output = seconds + one.seconds, max(peak, one.peak_mb), one.output
    if peer.says_seconds:
        seconds = float(output)
    found = server.timeouts()
    if peer.name != ALONE and found != files.expected(case):
        sys.exit(f"{peer.name}, {case}: the server has {found} instead of {files.expected(case)}")
    requests, size = server.since(mark, rtt)
    row: Row = {"case": case, "rtt_ms": round(rtt), "objects": files.objects, "peer": peer.name}
    return {**row, "seconds": round(seconds, 2), "requests": requests, "bytes": size, "peak_mb": round(peak)}


def measure_often(
    server: BenchServer, peer: Peer, case: str, files: Files, rtt: float, folder: Path, times: int
) -> Row:
    """The row with the median of the seconds."""
    found: list[Row] = []
    for _unused in range(times):
        if case in ("first", "first_validated"):
            server.clear()
        found.append(measure(server, peer, case, files, rtt, folder))
        print(f"  {json.dumps(found[-1])}", flush=True)
    return sorted(found, key=lambda row: row["seconds"])[len(found) // 2]


def sequence(peer: Peer, cases: list[str]) -> list[str]:
    """The cases in the order in which they build on each other."""
    if peer.name == BARE:
        return [case for case in cases if case == "first"]
    if peer.name == ENGINE:
        return ["first", "unchanged"] if "unchanged" in cases else []
    if peer.name == ALONE:
        return [case for case in cases if case == "unchanged"]
    needed = [case for case in CASES if case in cases and (case != "first_validated" or peer.name == OURS)]
    return needed if not needed or needed[0] in ("first", "first_validated") else ["first", *needed]


def fastest(rows: list[Row], case: str, rtt: float) -> str:
    """The peer that was the fastest in a case so far; empty when none has run."""
    others = [row for row in rows if row["case"] == case and row["rtt_ms"] == round(rtt)]
    others = [row for row in others if row["peer"] not in OWN]
    return min(others, key=lambda row: row["seconds"] / row["objects"])["peer"] if others else ""


def run(given: argparse.Namespace, server: BenchServer, folder: Path) -> list[Row]:
    rows: list[Row] = []
    peers = make_peers(given.peers)
    for peer in peers:
        warm_up(server, peer, folder)
    for objects in sorted(given.objects):
        files = Files(folder, objects)
        for rtt in given.rtt:
            for peer in peers:
                cases = given.cases
                if (rtt or objects > MANY) and peer.name not in OWN:
                    cases = [case for case in cases if case in LONG_CASES]
                    best = fastest(rows, "first", rtt) or fastest(rows, "first", 0)
                    if objects > MANY and best and peer.name != best:
                        continue
                for case in sequence(peer, cases):
                    counts = case in cases and (peer.name != ENGINE or case == "unchanged")
                    short = peer.name in OWN and case in REPEATED and objects <= MANY
                    times = TIMES if counts and short else 1
                    row = measure_often(server, peer, case, files, rtt, folder, times)
                    if counts:
                        rows.append(row)
                        save(rows, given)
    return rows


def warm_up(server: BenchServer, peer: Peer, folder: Path) -> None:
    """The first objects of a kind cost a new server much more, and a program its first start: nobody pays for that."""
    server.clear()
    measure(server, peer, "first", Files(folder, 100), 0, folder)
    server.clear()


def save(rows: list[Row], given: argparse.Namespace) -> None:
    given.output.parent.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {"machine": describe_machine(), "measured": time.strftime("%Y-%m-%d")}
    # What is neither ours nor a peer has a list of its own, so that nobody takes it for one.
    document["rows"] = [row for row in rows if row["peer"] not in BESIDE]
    document["beside"] = [row for row in rows if row["peer"] in BESIDE]
    given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def document(given: argparse.Namespace) -> None:
    """Puts the rows of the run into the documentation."""
    found = json.loads(given.output.read_text(encoding="utf-8"))
    documents.put("apply", markdown(found["rows"] + found["beside"], found["machine"], found["measured"]))


def _write(file: Path, objects: list[dict[str, Any]]) -> Path:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    file.write_text(yaml.dump_all(objects, Dumper=dumper, sort_keys=False), encoding="utf-8")
    return file


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", default=" ".join(CASES), help="of: %(default)s")
    parser.add_argument("--objects", default="500 3000")
    parser.add_argument("--rtt", default="0 50", help="round trips in milliseconds")
    names = "separated by commas, of: %(default)s, k8s-apply, kubectl-path"
    parser.add_argument("--peers", default=",".join(PEERS), help=names)
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    given.cases = _words(given.cases)
    given.objects = [int(word) for word in _words(given.objects)]
    given.rtt = [float(word) for word in _words(given.rtt)]
    given.peers = [word.strip() for word in given.peers.split(",")]
    unknown = [case for case in given.cases if case not in CASES]
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)}; there are {', '.join(CASES)}")
    return given


def main() -> None:
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="meshops-bench-") as name, BenchServer(Path(name)) as server:
        rows = run(given, server, Path(name))
    print(describe_machine())
    print(printed(rows))
    if given.output == RESULTS:
        document(given)


if __name__ == "__main__":
    main()
