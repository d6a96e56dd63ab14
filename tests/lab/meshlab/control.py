# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Client of a running lab's control socket, for tests and the command line. Standard library only."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from meshlab.requestlog import read_log

SOCKET = "control.sock"
LOG = "requests.jsonl"


class LabError(RuntimeError):
    """The lab is not running, or refused an operation; the message says which."""


def default_workdir() -> Path:
    """${XDG_STATE_HOME:-~/.local/state}/meshops.asm/lab."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(state) / "meshops.asm" / "lab"


class Control:
    """One running lab, found by its work directory. Every method raises LabError when it cannot do its job."""

    def __init__(self, workdir: Path | str | None = None) -> None:
        self.workdir = Path(workdir) if workdir else default_workdir()

    def call(self, operation: str, timeout: float = 120.0, **arguments: Any) -> Any:
        """Any operation of meshlab.controlserver.Operations by its name."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout)
            try:
                connection.connect(str(self.workdir / SOCKET))
                connection.sendall(json.dumps({"operation": operation, "arguments": arguments}).encode() + b"\n")
                line = connection.makefile("rb").readline()
            except TimeoutError:
                raise LabError(f"the lab did not answer {operation} within {timeout:.0f} s") from None
            except OSError as error:
                raise LabError(f"no lab runs in {self.workdir} ({error}); start one with: meshlab up") from None
        if not line:
            raise LabError(f"the lab in {self.workdir} ended while it was asked for {operation}")
        reply = json.loads(line)
        if "error" in reply:
            raise LabError(reply["error"])
        return reply["result"]

    def running(self) -> bool:
        """Whether a lab answers."""
        try:
            self.call("status", timeout=10.0)
        except LabError:
            return False
        return True

    def status(self) -> dict[str, Any]:
        """Endpoints, clusters, meshes, pid, and what has happened to processes (restarts, ended)."""
        result: dict[str, Any] = self.call("status")
        return result

    def environment(self) -> dict[str, str]:
        """The environment variables that the collection needs to reach the lab, secrets included."""
        result: dict[str, str] = self.call("environment")
        return result

    def user(self, name: str) -> dict[str, str]:
        """A user of the account by name (main, operator, reader, denied): uid, access_key_id, access_key_secret."""
        users: dict[str, dict[str, str]] = self.call("users")
        return users[name]

    def log(self, *, writes: bool = False, since: float = 0.0) -> list[dict[str, Any]]:
        """API requests, the oldest first; see meshlab.requestlog."""
        return list(self.iter_log(writes=writes, since=since))

    def iter_log(self, *, writes: bool = False, since: float = 0.0) -> Iterator[dict[str, Any]]:
        """As log(), one at a time."""
        return read_log(self.workdir / LOG, writes=writes, since=since)

    def resources(self) -> list[dict[str, Any]]:
        """All that the account pays for; see meshlab.inventory.billed_resources."""
        result: list[dict[str, Any]] = self.call("resources")
        return result

    def fault(self, action: str, kind: str, **more: Any) -> dict[str, Any]:
        """Add a fault; see meshlab.faults."""
        result: dict[str, Any] = self.call("fault_add", fault={"action": action, "kind": kind, **more})
        return result

    def clear_faults(self) -> int:
        """Remove all faults; how many there were."""
        result: int = self.call("fault_clear")
        return result

    def faults(self) -> list[dict[str, Any]]:
        """All faults with their hits."""
        result: list[dict[str, Any]] = self.call("fault_list")
        return result

    def transitions(self, scale: float) -> None:
        """Factor on how long transitions take; 0 for no longer than the servers need."""
        self.call("transitions", scale=scale)

    def setting(self, name: str, value: Any) -> None:
        """Choose another assumption; see meshlab.world.SETTINGS."""
        self.call("setting", name=name, value=value)

    def records(self, collection: str) -> dict[str, dict[str, Any]]:
        """Records of the account, such as vpcs, clusters, eips, load_balancers, meshes."""
        result: dict[str, dict[str, Any]] = self.call("world_get", collection=collection)
        return result

    def add(self, collection: str, **record: Any) -> str:
        """Add a record to the account; returns its key."""
        key: str = self.call("world_add", collection=collection, record=record)
        return key

    def change(self, collection: str, key: str, **changes: Any) -> None:
        """Change fields of a record."""
        self.call("world_change", collection=collection, key=key, changes=changes)

    def remove(self, collection: str, key: str) -> None:
        """Take a record away."""
        self.call("world_remove", collection=collection, key=key)

    def namespace(self, cluster: str, name: str, **labels: str) -> None:
        """Make a namespace in a cluster (id or unique name)."""
        self.call("namespace", cluster=cluster, name=name, labels=labels)

    def kubeconfig(self, cluster: str) -> str:
        """The administrator's kubeconfig of a cluster (id or unique name)."""
        text: str = self.call("kubeconfig", cluster=cluster)
        return text

    def kill(self, processes: str) -> list[str]:
        """Kill processes of the lab as a crash would (SIGKILL): those whose names match a shell pattern; their names.

        All come back: servers as status()["restarts"] counts them, ``<cluster>.<namespace>.<pod>.istio-proxy``
        as their pods do. What cannot be started again is named by status()["ended"].
        """
        names: list[str] = self.call("kill", processes=processes)
        return names

    def freeze(self, processes: str) -> list[str]:
        """Stop processes where they are (SIGSTOP): their connections stay open, nobody answers. Names as for kill()."""
        names: list[str] = self.call("freeze", processes=processes)
        return names

    def thaw(self, processes: str) -> list[str]:
        """Let them go on (SIGCONT)."""
        names: list[str] = self.call("thaw", processes=processes)
        return names

    def cut(self, cluster: str) -> None:
        """Cut the pods of a cluster (id or unique name) off from everything outside of it."""
        self.call("cut", cluster=cluster)

    def join(self, cluster: str) -> None:
        """Connect a cluster again."""
        self.call("join", cluster=cluster)

    def outside(self, name: str, ports: Sequence[int] = (80,)) -> str:
        """A machine outside of the clusters which all of them know by ``name`` and which echoes; its address."""
        address: str = self.call("outside", name=name, ports=list(ports))
        return address

    def machine(self, name: str, mesh: str) -> dict[str, Any]:
        """A machine outside of the clusters, with Istio's sidecar installed, which all of them know by ``name``.

        ``{address, pilot, enter}``: its own address, that of the istiod of ``mesh`` (an id) as the machine reaches it,
        and the command that executes what follows it there.
        """
        found: dict[str, Any] = self.call("machine", name=name, mesh=mesh)
        return found

    def request(
        self,
        cluster: str,
        pod: str,
        url: str,
        *,
        namespace: str = "default",
        method: str = "GET",
        timeout: float = 10.0,
        **more: Any,
    ) -> dict[str, Any]:
        """A request sent from within a pod: {status, headers, body, error}. ``more``: headers, body."""
        fields = {"cluster": cluster, "namespace": namespace, "pod": pod, "url": url, "method": method, **more}
        answer: dict[str, Any] = self.call("request", timeout=timeout + 20, seconds=timeout, **fields)
        return answer

    def expose(self, cluster: str, pod: str, port: int, *, namespace: str = "default") -> str:
        """Make a port of a pod reachable from the host; "address:port"."""
        address: str = self.call("expose", cluster=cluster, namespace=namespace, pod=pod, port=port)
        return address

    def pause(self, plane: str) -> None:
        """Take the API server of a running cluster or mesh (by id) away."""
        self.call("pause", plane=plane)

    def resume(self, plane: str) -> None:
        """Bring it back."""
        self.call("resume", plane=plane)

    def audit(self, plane: str, since: float | None = None) -> list[dict[str, Any]]:
        """Kubernetes audit events of a running cluster or mesh (by id)."""
        events: list[dict[str, Any]] = self.call("audit", plane=plane, since=since)
        return events

    def idle(self, seconds: float = 60.0) -> bool:
        """Wait until nothing is going on; False when something still is after ``seconds``."""
        result: bool = self.call("idle", timeout=seconds * 2 + 10, seconds=seconds)
        return result

    def shutdown(self) -> None:
        """Ask the lab to stop; it has not stopped yet on return."""
        self.call("shutdown")
