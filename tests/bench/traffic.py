# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures real traffic on this machine: how fast a change takes effect, what a gateway costs, how fast a probe is.

Run by ``make bench-traffic``; the lab is one of its own, in a temporary folder. Writes
``tests/bench/results/traffic.json``. All ratios are of one run: both sides are measured one right after the other.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import make_plan
from ansible_collections.meshops.asm.plugins.module_utils.probe.statistics import percentile
from meshlab.control import Control

from tests.bench import documents
from tests.bench.flow import EXAMPLE, ROOT, Memory, lab, lab_environment
from tests.bench.machine import describe_machine
from tests.integration.labs import Lab

RESULTS = ROOT / "tests" / "bench" / "results" / "traffic.json"
GOALS = {
    "apply_to_effect_p99_s": "<= 0.5",
    "gateway_over_direct": ">= 0.5",
    "probe_rps": ">= 2000",
    "probe_over_sequential": ">= 3",
    "lab_up_s": "<= 25",
    "lab_mb": "<= 2048",
}
MEANINGS = {
    "lab_up_s": "Lab with two clusters and traffic up, binaries built (s)",
    "direct_rps": "Requests per second of `asm_probe`, 16 at a time, at a pod, best of 5 turns",
    "gateway_rps": "The same at the gateway",
    "gateway_over_direct": "Gateway against pod, median of 5 turns",
    "sequential_rps": "Requests per second of `urlopen` in a loop at the gateway (a connection for each request)",
    "kept_alive_rps": "Requests per second of `http.client` there, one after the other over one connection",
    "probe_rps": "The better of the probe's two figures",
    "probe_over_sequential": "Probe against `urlopen` in a loop, both at the gateway",
    "apply_to_effect_p50_s": "VirtualService applied to effect seen, median of 50 (s)",
    "apply_to_effect_p99_s": "The same, 99th percentile (s)",
    "lab_mb": "Peak memory of the lab (MiB)",
}
_CHANGES = 50
_REQUESTS = 4000
_TURNS = 5
_VERSION = '"podname":\\s*"reviews-(v\\d)'


def probe(*addresses: str, **options: Any) -> dict[str, Any]:
    """The summary of one probe; everything has to be answered."""
    checked = ArgumentSpecValidator(PROBE_OPTIONS).validate({"address": list(addresses), **options})
    if checked.error_messages:
        sys.exit(str(checked.error_messages))
    result = rounds.observe(make_plan(dict(checked.validated_parameters), list(addresses)))
    if result["problems"] or result["failed"]:
        sys.exit(f"a probe failed: {result['problems'] or result['statuses']}")
    return result


def sequential(address: str, path: str, count: int) -> float:
    """Requests per second of the plainest client there is: ``urlopen`` in a loop, a connection for each request."""
    start = time.perf_counter()
    for _number in range(count):
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            answer.read()
    return count / (time.perf_counter() - start)


def kept_alive(address: str, path: str, count: int) -> float:
    """Requests per second one after the other over one connection (``http.client``)."""
    host, _unused, port = address.partition(":")
    connection = http.client.HTTPConnection(host, int(port or 80))
    start = time.perf_counter()
    for _number in range(count):
        connection.request("GET", path)
        connection.getresponse().read()
    seconds = time.perf_counter() - start
    connection.close()
    return count / seconds


def apply_to_effect(kube: Any, address: str) -> list[float]:
    """Seconds from the request that applies a VirtualService to the first answer of the version it leads to."""
    connection = http.client.HTTPConnection(address)
    times = []
    for number in range(_CHANGES):
        version = f"v{number % 3 + 1}"
        body = {
            "apiVersion": "networking.istio.io/v1",
            "kind": "VirtualService",
            "metadata": {"name": "reviews", "namespace": "bookinfo"},
            "spec": {
                "hosts": ["reviews"],
                "http": [{"route": [{"destination": {"host": "reviews", "subset": version}}]}],
            },
        }
        path = "/apis/networking.istio.io/v1/namespaces/bookinfo/virtualservices/reviews"
        start = time.perf_counter()
        kube.apply(path, body, manager="meshops.asm")
        while True:
            connection.request("GET", "/api/v1/products/0/reviews")
            if f"reviews-{version}".encode() in connection.getresponse().read():
                break
            if time.perf_counter() - start > 30:
                sys.exit(f"change {number} to {version} did not take effect within 30 s")
        times.append(time.perf_counter() - start)
        # Both product pages have to have followed before the next change is measured.
        time.sleep(0.3)
    connection.close()
    return sorted(times)


def kube_of(workdir: Path, mesh_id: str) -> Any:
    """The administrator's client of the mesh's API server."""
    return Lab(workdir).kube(mesh_id)


def measure(workdir: Path) -> dict[str, float]:
    control = Control(workdir)
    traffic = control.status()["traffic"]
    if not traffic["available"]:
        sys.exit(f"no traffic to measure: {traffic['reason']}")
    subprocess.run(
        ["ansible-playbook", "meshops.asm.site", "-e", "@mesh.yml", "-e", '{"asm_checks": []}'],
        cwd=EXAMPLE,
        env=lab_environment(workdir),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    (mesh_id,) = [key for key, one in control.records("meshes").items() if one["name"] == "bookinfo"]
    (cluster,) = [key for key, one in control.records("clusters").items() if one["name"] == "shop-1"]
    rows = [row for row in control.resources() if row["type"] == "load_balancer"]
    gateway = next(str(row["address"]) for row in rows if str(row["made_for"]).startswith(f"service/{cluster}/"))
    figures: dict[str, float] = {}
    probe(gateway, path="/productpage", count=200)
    # One hop: the page's list of products needs no other service.
    kube = kube_of(workdir, cluster)
    pods = kube.list("/api/v1/namespaces/bookinfo/pods", labelSelector="app=productpage")
    direct = control.expose(cluster, pods[0]["metadata"]["name"], 9080, namespace="bookinfo")
    # In turn, several times: what the machine does otherwise falls on both alike.
    at_pod, at_gateway, ratios = 0.0, 0.0, []
    for _turn in range(_TURNS):
        one = probe(direct, path="/api/v1/products", count=_REQUESTS, concurrency=16)["throughput"]
        other = probe(gateway, path="/api/v1/products", count=_REQUESTS, concurrency=16)["throughput"]
        at_pod, at_gateway = max(at_pod, one), max(at_gateway, other)
        ratios.append(other / one)
    one_by_one = sequential(gateway, "/api/v1/products", 500)
    one_connection = kept_alive(gateway, "/api/v1/products", 500)
    figures["direct_rps"] = at_pod
    figures["gateway_rps"] = at_gateway
    figures["gateway_over_direct"] = percentile(sorted(ratios), 50)
    figures["sequential_rps"] = one_by_one
    figures["kept_alive_rps"] = one_connection
    figures["probe_rps"] = max(at_pod, at_gateway)
    figures["probe_over_sequential"] = at_gateway / one_by_one
    times = apply_to_effect(kube_of(workdir, mesh_id), gateway)
    figures["apply_to_effect_p50_s"] = percentile(times, 50)
    figures["apply_to_effect_p99_s"] = percentile(times, 99)
    return figures


def markdown(rows: dict[str, float]) -> str:
    """The figures as a Markdown table, with what they were measured on."""
    lines = [f"Measured {time.strftime('%Y-%m-%d')} on {describe_machine()}.", ""]
    lines += ["| Figure | Measured | Goal |", "|---|---:|---:|"]
    for name, meaning in MEANINGS.items():
        value = f"{rows[name]:,.0f}" if rows[name] >= 100 else f"{rows[name]:.2f}"
        lines.append(f"| {meaning} | {value} | {GOALS.get(name, '')} |")
    return "\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="meshops-bench-") as folder:
        workdir = Path(folder) / "lab"
        memory = Memory(workdir)
        memory.start()
        try:
            start = time.monotonic()
            lab(workdir, "up", "--transitions", "0")
            up = time.monotonic() - start
            figures = {"lab_up_s": up, **measure(workdir)}
        finally:
            lab(workdir, "down")
            memory.stop()
        figures["lab_mb"] = memory.peak
    rows = {name: round(value, 3) for name, value in figures.items()}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({**rows, "machine": describe_machine()}, indent=2) + "\n", encoding="utf-8")
    documents.put("traffic", markdown(rows))
    print(f"{describe_machine()}\n{'figure':<24}{'measured':>12}{'goal':>12}")
    for name, value in rows.items():
        print(f"{name:<24}{value:>12.3f}{GOALS.get(name, ''):>12}")


if __name__ == "__main__":
    main()
