# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lab's data plane has on this machine: processes, namespaces, sockets, files, and the host's own network."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from meshlab.traffic.namespaces import Namespaces
from meshlab.traffic.network import prefix, run_folder

_LISTENING = "0A"
_HOST = (
    ("ip", "-o", "link", "show"),
    ("ip", "-o", "-4", "address", "show"),
    ("ip", "-4", "route", "show", "table", "all"),
    ("ip", "-4", "rule", "show"),
    ("iptables-save",),
)


def of_lab(octet: int, workdir: Path) -> list[str]:
    """A line for each trace of the lab in ``workdir``, whose range is 127.octet; none once it has gone."""
    folder = run_folder(octet)
    found = [f"namespace {name}" for name in Namespaces(prefix(octet)).present()]
    found += [f"process {one}" for one in _processes((str(workdir), str(folder)))]
    found += [f"listener {one}" for one in _listeners(f"127.{octet}.")]
    found += [f"mount {line}" for line in Path("/proc/mounts").read_text().splitlines() if prefix(octet) in line]
    if folder.exists():
        found += [f"file {one}" for one in (folder, *folder.rglob("*"))]
    return found


def of_host() -> list[str]:
    """The links, addresses, routes and rules of the host's own network, without counters and times."""
    lines = []
    for command in _HOST:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        lines += [line.split("[")[0] for line in done.stdout.splitlines() if not line.startswith("#")]
    return lines


def _processes(folders: tuple[str, ...]) -> list[str]:
    """Processes, others than this one, that run in one of the folders or were started with a path in it."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        try:
            command = (one / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            place = str((one / "cwd").readlink())
        except OSError:
            continue  # it has ended
        words = [place, *command.split()]
        if one.name != _SELF and any(folder in word for folder in folders for word in words):
            found.append(f"{one.name} {command}")
    return found


def _listeners(begin: str) -> list[str]:
    """Addresses on the host, beginning so, on which somebody listens."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    addresses = [_address(row[1]) for row in rows if row[3] == _LISTENING]
    return sorted(one for one in addresses if one.startswith(begin))


def _address(text: str) -> str:
    """From the kernel's notation: the bytes of the address are in the machine's order."""
    host, _colon, port = text.partition(":")
    return f"{socket.inet_ntoa(bytes.fromhex(host)[::-1])}:{int(port, 16)}"


_SELF = Path("/proc/self").readlink().name
