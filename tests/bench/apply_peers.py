# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the apply benchmark compares: how each peer brings a file of objects to an API server.

The peers are installed below ``.cache/bench``, apart from the project's own environment.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from meshlab import gobuild
from meshlab.binaries import cache_folder

ROOT = Path(__file__).resolve().parents[2]
KUBECTL = ROOT / "tests" / "bench" / "kubectl"
PEERS_FOLDER = ROOT / ".cache" / "bench"
PEER_PACKAGES = ("ansible==12.3.0", "kubernetes==37.0.2")
OURS, ENGINE, BARE, ALONE = "meshops.asm", "meshops.asm engine", "bare writes", "ansible alone"
#: What is measured to understand the others.
BESIDE = (ENGINE, BARE, ALONE)
#: What is no peer: everybody else is.
OWN = (OURS, *BESIDE)


@dataclass
class Wanted:
    """One state that a case asks for: the file that holds it, and what it leaves out (for peers that cannot prune)."""

    file: Path
    gone: Path | None = None
    validate: bool = True


@dataclass
class Peer:
    """Turns a wanted state into the command lines of a user. ``env`` is added to the environment.

    With ``says_seconds`` the time that the command prints counts, without the start of its process.
    """

    name: str
    env: dict[str, str] = field(default_factory=dict)
    says_seconds: bool = False

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        raise NotImplementedError


class Kubectl(Peer):
    """``kubectl apply --server-side``; what is to go is deleted by its own file."""

    def __init__(self, name: str, program: str) -> None:
        super().__init__(name)
        self._program = program

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        head = [self._program, "--kubeconfig", str(kubeconfig)]
        apply = [*head, "apply", "--server-side", "-f", str(wanted.file)]
        gone = [[*head, "delete", "--wait=false", "-f", str(wanted.gone)]] if wanted.gone else []
        return [apply, *gone]


class Core(Peer):
    """``kubernetes.core.k8s``; what is to go is a second task with ``state: absent``."""

    def __init__(self, name: str, python_bin: Path, options: dict[str, object]) -> None:
        super().__init__(name, {"PATH": f"{python_bin}{os.pathsep}{os.environ['PATH']}"})
        self._options = options
        self._program = str(python_bin / "ansible-playbook")

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        shared = {"kubeconfig": str(kubeconfig)}
        tasks = [{"kubernetes.core.k8s": {**shared, **self._options, "src": str(wanted.file)}}]
        if wanted.gone:
            tasks.append({"kubernetes.core.k8s": {**shared, "src": str(wanted.gone), "state": "absent"}})
        return [[self._program, str(_playbook(folder, tasks))]]


class Ours(Peer):
    """``meshops.asm.istio_resource``; what is to go is pruned."""

    def __init__(self) -> None:
        super().__init__(OURS)

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        options: dict[str, object] = {"kubeconfig": str(kubeconfig), "src": str(wanted.file), "set": "bench"}
        # No proxies follow here, so that waiting for them would be all that is measured.
        options["order"] = "fast"
        options |= {"validate": wanted.validate, "prune": wanted.gone is not None}
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return [[program, str(_playbook(folder, [{"meshops.asm.istio_resource": options}]))]]


class Engine(Peer):
    """The engine without Ansible: the time that it takes itself is what counts."""

    def __init__(self) -> None:
        super().__init__(ENGINE, says_seconds=True)

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        return [[sys.executable, "-m", "tests.bench.apply_engine", str(kubeconfig), str(wanted.file)]]


class Bare(Peer):
    """No tool, but what the server alone takes for the same writes."""

    def __init__(self) -> None:
        super().__init__(BARE, says_seconds=True)

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        return [[sys.executable, "-m", "tests.bench.apply_bare", str(kubeconfig), str(wanted.file)]]


class Alone(Peer):
    """No tool either, but the time that every playbook takes which does nothing."""

    def __init__(self) -> None:
        super().__init__(ALONE)

    def commands(self, wanted: Wanted, kubeconfig: Path, folder: Path) -> list[list[str]]:
        program = str(Path(sys.executable).parent / "ansible-playbook")
        return [[program, str(_playbook(folder, [{"ansible.builtin.debug": {"msg": "nothing to do"}}]))]]


def make_peers(names: list[str]) -> list[Peer]:
    """The peers with these names, installed where that is necessary. Ours comes first."""
    peers: list[Peer] = [Ours(), Engine(), Bare(), Alone()]
    if "kubectl" in names:
        peers.append(Kubectl("kubectl", kubectl()))
    if "kubectl-path" in names:
        peers.append(Kubectl("kubectl-path", shutil.which("kubectl") or "kubectl"))
    if any(name.startswith("k8s-") for name in names):
        folder = core_environment()
        peers.append(Core("k8s-server-side", folder, {"apply": True, "server_side_apply": {"field_manager": "bench"}}))
        peers.append(Core("k8s-apply", folder, {"apply": True}))
        peers.append(Core("k8s-merge", folder, {}))
    return [peer for peer in peers if peer.name in names]


def kubectl() -> str:
    """kubectl of the API server's own version, built once: an older one may take several times as long."""
    programs = [gobuild.Program("kubectl", "k8s.io/kubernetes/cmd/kubectl")]
    return str(gobuild.build_once(cache_folder(), KUBECTL, programs, print, flags=gobuild.FAST_FLAGS) / "kubectl")


def core_environment() -> Path:
    """The folder of programs of a virtual environment with kubernetes.core."""
    folder = PEERS_FOLDER / "peers"
    if not (folder / ".ready").exists():
        print(f"installing {' '.join(PEER_PACKAGES)} below {folder.relative_to(ROOT)}", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *PEER_PACKAGES], check=True)
        (folder / ".ready").touch()
    return folder / "bin"


def _playbook(folder: Path, tasks: list[dict[str, dict[str, object]]]) -> Path:
    file = folder / "play.json"
    # As the playbooks of the collection do it, and as kubernetes.core advises: the Python that has the libraries.
    variables = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    file.write_text(json.dumps([play]), encoding="utf-8")
    return file
