# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Machines outside of all clusters on which programs can be installed: their own network, files and processes.

A machine sees the files of this one; what it writes below /etc, /usr/local, /var and /run is its own, and goes with it.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from meshlab.binaries import SIDECAR_FILES, Binaries
from meshlab.files import private_dir, write_private
from meshlab.processes import Process, Processes
from meshlab.traffic.namespaces import PROXY_GROUP

#: Seconds that a machine gets to come up, and to go.
_START, _STOP = 20.0, 0.2

#: Folders of which a machine has a copy that it may change.
_OWN = ("etc", "usr/local", "var")

#: What Istio's package for hosts installs beside its programs, and a service that needs no systemd: there is none here.
_USER = "istio-proxy"
_SERVICE = """#!/bin/sh
### BEGIN INIT INFO
# Provides:          istio
# Required-Start:    $network
# Required-Stop:     $network
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: The Istio sidecar, as the unit of Istio's package runs it
### END INIT INFO
pid=/run/istio.pid
running() { [ -e $pid ] && kill -0 "$(cat $pid)" 2>/dev/null; }
start() {
  running && return
  cd /
  /usr/local/bin/istio-start.sh init >> /var/log/istio/iptables.log 2>&1 || return 1
  # The agent's own user opens the files: Envoy opens /dev/stdout again to write the log of requests.
  setsid setpriv --reuid=GROUP --regid=GROUP --clear-groups \\
    env USER=istio-proxy ISTIO_AGENT_FLAGS=--concurrency=1 sh -c \\
    'exec /usr/local/bin/istio-start.sh run >> /var/log/istio/istio.log 2>> /var/log/istio/istio.err.log' \\
    < /dev/null > /dev/null 2>&1 &
  echo $! > $pid
}
stop() {
  running || { rm -f $pid; return 0; }
  leader=$(cat $pid)
  kill -TERM -"$leader"
  for _try in 1 2 3 4 5 6 7 8 9 10; do kill -0 -"$leader" 2>/dev/null || break; sleep 0.3; done
  kill -KILL -"$leader" 2>/dev/null
  rm -f $pid
  /usr/local/bin/istio-start.sh clean >> /var/log/istio/iptables.log 2>&1
}
case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  status) if running; then echo "istio is running"; else echo "istio is stopped"; exit 3; fi ;;
  *) echo "usage: $0 {start|stop|restart|status}" >&2; exit 2 ;;
esac
"""

#: Makes the machine's files out of those of this one, then keeps its processes: the first one of them is init.
_INIT = """
folder=$1 envoy=$2 agent=$3
for one in {own}; do
  mkdir -p "$folder/own/$one" "$folder/work/$one"
  mount -t overlay overlay -o "lowerdir=/$one,upperdir=$folder/own/$one,workdir=$folder/work/$one" "/$one"
done
rm -f /etc/resolv.conf /etc/hosts
cp "$folder/resolv.conf" /etc/resolv.conf
cp "$folder/hosts" /etc/hosts
chmod 644 /etc/resolv.conf /etc/hosts
grep -q '^{user}:' /etc/group || echo '{user}:x:{group}:' >> /etc/group
grep -q '^{user}:' /etc/passwd || echo '{user}:x:{group}:{group}::/var/lib/istio:/bin/sh' >> /etc/passwd
mkdir -p /usr/local/bin /var/lib/istio/envoy /var/log/istio /etc/istio/proxy /etc/init.d
install -m 755 "$folder/istio-start.sh" /usr/local/bin/istio-start.sh
install -m 644 "$folder/envoy_bootstrap.json" /var/lib/istio/envoy/envoy_bootstrap_tmpl.json
install -m 755 "$folder/service" /etc/init.d/istio
for one in envoy pilot-agent; do touch /usr/local/bin/$one; done
mount --bind "$envoy" /usr/local/bin/envoy
mount --bind "$agent" /usr/local/bin/pilot-agent
chown -R {user}:{user} /var/lib/istio /var/log/istio /etc/istio/proxy
# It is for /var/run as well; what the machine has been given lies below.
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
touch /run/ready
while :; do sleep 3600 & wait $!; done
"""


class MachineError(RuntimeError):
    """A machine cannot be made; the message says why."""


@dataclass
class Machine:
    """One machine: where it is found, and the process in whose namespaces it lives."""

    name: str
    address: str
    process: Process
    folder: Path

    def enter(self) -> list[str]:
        """A command that executes what follows it on the machine."""
        return ["nsenter", f"--target={self._init()}", "--net", "--mount", "--pid", "--root", "--"]

    def up(self) -> bool:
        """Whether everything is in place."""
        return bool(self._children()) and Path(f"/proc/{self._init()}/root/run/ready").exists()

    def _init(self) -> int:
        """The machine's first process: a child of the one that made its namespaces."""
        children = self._children()
        if not children:
            raise MachineError(f"the machine {self.name} does not run; {self.process.tail()}")
        return int(children[0])

    def _children(self) -> list[str]:
        try:
            return Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        except OSError:
            return []


class Machines:
    """Makes and removes machines, whose files lie below ``folder``."""

    def __init__(self, folder: Path, binaries: Binaries, processes: Processes) -> None:
        self._folder = folder
        self._binaries = binaries
        self._processes = processes
        self._machines: dict[str, Machine] = {}

    def start(self, name: str, netns: str, *, address: str, resolver: str) -> Machine:
        """A machine in the network namespace at ``netns``, with Istio's sidecar installed and not configured."""
        envoy, agent, sidecar = self._binaries.envoy, self._binaries.pilot_agent, self._binaries.sidecar
        if envoy is None or agent is None or sidecar is None:
            missing = [self._binaries.missing.get(one, "") for one in ("envoy", "pilot-agent", "sidecar")]
            raise MachineError(f"no machine can be made: {' '.join(filter(None, missing))}")
        folder = private_dir(self._folder / name)
        for file in SIDECAR_FILES:
            write_private(folder / file, (sidecar / file).read_text())
        write_private(folder / "service", _SERVICE.replace("GROUP", str(PROXY_GROUP)))
        write_private(folder / "resolv.conf", f"nameserver {resolver}\n")
        write_private(folder / "hosts", f"127.0.0.1 localhost\n{address} {name}\n")
        init = write_private(folder / "init", _INIT.format(own=" ".join(_OWN), user=_USER, group=PROXY_GROUP))
        unshare = shutil.which("unshare") or "unshare"
        command = [unshare, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        process = self._processes.start(
            f"machine.{name}",
            [*command, "sh", "-eu", str(init), str(folder), str(envoy), str(agent)],
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
            within=["nsenter", f"--net={netns}", "--"],
        )
        machine = self._machines[name] = Machine(name, address, process, folder)
        process.wait_ready(machine.up, seconds=_START)
        return machine

    def find(self, name: str) -> Machine | None:
        """A machine that runs."""
        return self._machines.get(name)

    def stop(self) -> None:
        """End all of them, with every process on them."""
        for one in self._machines.values():
            self._processes.stop(one.process, grace=_STOP)
        self._machines.clear()
