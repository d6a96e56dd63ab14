# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Network namespaces of one lab: a bridge for the VPC, one for each node, and pods behind their node's.

Nothing is added to the host's own network: no link, address, route or rule. All names begin with the lab's prefix.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
from pathlib import Path

FOLDER = Path("/run/netns")

#: Processes of this group are proxies: what they send is not intercepted again.
PROXY_GROUP = 1337


class NamespaceError(RuntimeError):
    """A namespace could not be made or changed; the message is that of the program that was refused."""


def script(*commands: str) -> None:
    """Run shell commands until the first that fails. NamespaceError with its message."""
    text = "\n".join(commands)
    done = subprocess.run(["sh", "-eu"], input=text, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        raise NamespaceError((done.stderr.strip().splitlines() or [f"code {done.returncode}"])[-1])


def within(path: str, resolv_conf: str) -> list[str]:
    """A command that executes what follows it in a network namespace, with a resolv.conf of its own."""
    mount = '[ ! -e /etc/resolv.conf ] || mount --bind "$0" /etc/resolv.conf && exec "$@"'
    return ["nsenter", f"--net={path}", "--", "unshare", "--mount", "sh", "-c", mount, resolv_conf]


class Namespaces:
    """Makes and removes the namespaces whose names begin with ``prefix``."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.vpc = f"{prefix}vpc"

    def path(self, name: str) -> Path:
        """Where a namespace can be entered."""
        return FOLDER / name

    def make_vpc(self, address: str) -> None:
        """The network that connects the nodes of all clusters; ``address`` is that of the load balancers in it."""
        inside = ["link add br0 type bridge", f"address add {address}/32 dev br0", *_routed("br0")]
        script(f"ip netns add {self.vpc}", _prepare(self.vpc), _batch(self.vpc, inside))

    def make_node(self, name: str, address: str) -> None:
        """A node: its pods' bridge, with an uplink to the VPC."""
        inside = ["link add br0 type bridge", f"address add {address}/32 dev br0", "link set up0 master br0 up"]
        script(
            f"ip netns add {name}",
            _prepare(name, forward=True),
            f"ip -n {self.vpc} link add {link_name(name)} type veth peer name up0 netns {name}",
            _batch(name, [*inside, *_routed("br0")]),
            f"ip -n {self.vpc} link set {link_name(name)} master br0 up",
        )

    def make_host(self, name: str, addresses: list[str]) -> None:
        """A machine in the VPC that belongs to no cluster."""
        inside = [f"address add {one}/32 dev eth0" for one in addresses]
        script(
            f"ip netns add {name}",
            _prepare(name),
            f"ip -n {self.vpc} link add {link_name(name)} type veth peer name eth0 netns {name}",
            _batch(name, [*inside, *_routed("eth0")]),
            f"ip -n {self.vpc} link set {link_name(name)} master br0 up",
        )

    def make_pod(self, name: str, node: str, address: str, *, node_address: str, services: str) -> None:
        """A pod on a node; what goes to the range ``services`` is sent to the node, all else is on the same link."""
        to_services = f"route add {services} via {node_address} dev eth0 onlink"
        script(
            f"ip netns add {name}",
            _prepare(name),
            f"ip -n {node} link add {link_name(name)} type veth peer name eth0 netns {name}",
            _batch(name, [f"address add {address}/32 dev eth0", *_routed("eth0"), to_services]),
            f"ip -n {node} link set {link_name(name)} master br0 up",
        )

    def remove_pod(self, name: str, node: str) -> None:
        """Remove a pod's namespace. Its link first: the kernel may keep a namespace for a while."""
        script(f"ip -n {node} link del {link_name(name)} 2>/dev/null || true", f"ip netns del {name}")

    def connect(self, node: str, *, up: bool) -> None:
        """Connect a node with the VPC, or cut it off: packets are then lost in silence."""
        script(f"ip -n {self.vpc} link set {link_name(node)} {'up' if up else 'down'}")

    def restore(self, name: str, rules: str) -> None:
        """Replace the iptables rules of a namespace: the text of iptables-restore."""
        script(f"nsenter --net={self.path(name)} iptables-restore <<'END'\n{rules}END")

    def present(self) -> list[str]:
        """Names of the lab's namespaces that exist."""
        return sorted(one.name for one in FOLDER.glob(f"{self.prefix}*"))

    def remove_all(self, names: list[str] | None = None) -> None:
        """Remove the named namespaces, or all of the lab's."""
        for name in self.present() if names is None else names:
            script(f"ip netns del {name}")


def link_name(name: str) -> str:
    """The name of the link to a namespace, on the other side: a link's name has 15 characters at most."""
    return f"p{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _routed(device: str) -> list[str]:
    """Bring a device up; every address is on its link, whatever ranges the clusters have."""
    return ["link set lo up", f"link set {device} up", f"route add default dev {device}"]


def _batch(name: str, lines: list[str]) -> str:
    """Several commands of ip in one namespace."""
    return f"printf '%s\\n' {shlex.join(lines)} | ip -n {name} -batch -"


def _prepare(name: str, *, forward: bool = False) -> str:
    """Settings of a new namespace: only IPv4; low ports are free for everybody, as containerd leaves them."""
    settings = {"ipv4/ip_unprivileged_port_start": 0, "ipv6/conf/all/disable_ipv6": 1}
    if forward:
        settings |= {"ipv4/ip_forward": 1, "ipv4/conf/all/send_redirects": 0, "ipv4/conf/default/send_redirects": 0}
    lines = "; ".join(
        f"[ ! -e /proc/sys/net/{key} ] || echo {value} > /proc/sys/net/{key}" for key, value in settings.items()
    )
    return f"nsenter --net={FOLDER / name} sh -c '{lines}'"
