# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How each tool brings a folder of manifests to a mesh, as its users do, and what it takes to have the tool."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshlab import gobuild
from meshlab.binaries import cache_folder

from tests.bench.apply_peers import ROOT, core_environment, kubectl
from tests.integration.changing_mesh import NAMESPACE, SET
from tests.integration.labs import Lab
from tests.integration.runner import Runner

_HELM = ROOT / "tests" / "bench" / "helm"
_CHART = "apiVersion: v2\nname: change\nversion: 1.0.0\n"
_PLURALS = ("virtualservices", "serviceentries", "gateways", "destinationrules")


@dataclass
class Place:
    """A running lab with Bookinfo in it, whose gateway has the address ``gateway``."""

    lab: Lab
    environment: dict[str, str]
    folder: Path
    gateway: str
    settle: int
    runner: Runner

    @property
    def kubeconfig(self) -> Path:
        """What the product gives its users."""
        file = self.folder / "kubeconfig"
        if not file.exists():
            self.runner("asm_kubeconfig", mesh="bookinfo", dest=str(file))
        return file

    @property
    def administrator(self) -> Path:
        """A kubeconfig of the lab's administrator."""
        file = self.folder / "administrator"
        file.write_text(self.lab.kubeconfig(self.lab.mesh_id("bookinfo")), encoding="utf-8")
        return file

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
        root = f"/apis/networking.istio.io/v1/namespaces/{NAMESPACE}"
        kube = self.lab.kube(self.lab.mesh_id("bookinfo"))
        for plural in _PLURALS:
            for one in kube.list(f"{root}/{plural}"):
                kube.delete(f"{root}/{plural}/{one['metadata']['name']}")


#: Brings a folder to the mesh; the files of the list hold what is left over from before.
Apply = Callable[[Place, Path, "list[Path]"], None]


def _strict(place: Place, folder: Path, _gone: list[Path]) -> None:
    place.ours(folder, order="strict")


def _fast(place: Place, folder: Path, _gone: list[Path]) -> None:
    place.ours(folder, order="fast")


def _kubectl(place: Place, folder: Path, gone: list[Path]) -> None:
    head = [shutil.which("kubectl") or kubectl(), "--kubeconfig", str(place.kubeconfig)]
    place.run(*head, "apply", "-f", str(folder))
    for file in gone:
        place.run(*head, "delete", "--wait=false", "-f", str(file))


def _core(place: Place, folder: Path, gone: list[Path]) -> None:
    task = {"kubeconfig": str(place.kubeconfig), "apply": True, "src": "{{ item }}"}
    tasks = [{"kubernetes.core.k8s": task, "loop": [str(file) for file in sorted(folder.iterdir())]}]
    absent = {"kubeconfig": str(place.kubeconfig), "state": "absent", "src": "{{ item }}"}
    tasks += [{"kubernetes.core.k8s": absent, "loop": [str(one) for one in gone]}] if gone else []
    place.play(str(core_environment() / "ansible-playbook"), *tasks)


def _helm(place: Place, folder: Path, _gone: list[Path]) -> None:
    """It knows itself what is left over. Its releases are Secrets, which users of the product may not write."""
    chart = place.folder / "chart"
    shutil.rmtree(chart, ignore_errors=True)
    shutil.copytree(folder, chart / "templates")
    (chart / "Chart.yaml").write_text(_CHART, encoding="utf-8")
    named = ["--kubeconfig", str(place.administrator), "--namespace", NAMESPACE]
    place.run(helm(), "upgrade", "--install", "change", str(chart), *named)


def helm() -> str:
    """Helm, built once from its Go module. BuildError or WheelError when it cannot be had."""
    programs = [gobuild.Program("helm", "helm.sh/helm/v4/cmd/helm")]
    made = gobuild.build_once(cache_folder(), _HELM, programs, print, flags=_flags(), variables={})
    return str(made / "helm")


def _flags() -> tuple[str, ...]:
    return tuple(flag for flag in gobuild.FAST_FLAGS if not flag.startswith("-tags"))


#: In the order of the table: by the name on the command line, the title and how it applies.
TOOLS: dict[str, tuple[str, Apply]] = {
    "strict": ("meshops.asm", _strict),
    "fast": ("meshops.asm, order: fast", _fast),
    "kubectl": ("kubectl apply", _kubectl),
    "core": ("kubernetes.core.k8s", _core),
    "helm": ("helm upgrade", _helm),
}
