# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pods with a network need of the machine, and how to come by it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

from meshlab.binaries import Binaries
from meshlab.traffic.namespaces import NamespaceError, script

#: Program -> the Debian package that has it.
_PROGRAMS = {"ip": "iproute2", "iptables-restore": "iptables", "nsenter": "util-linux", "setpriv": "util-linux"}

#: Everything that is used later, tried once in a namespace of its own.
_TRIAL = """
ip netns add {name}
trap 'ip netns del {name}' EXIT
ip -n {name} link add br0 type bridge
ip -n {name} link add one type veth peer name two
nsenter --net=/run/netns/{name} iptables-restore <<'END'
*nat
-A OUTPUT -p tcp -m owner --gid-owner 1337 -m multiport --dports 1,2 -j RETURN
-A OUTPUT -p tcp -m statistic --mode random --probability 0.5 -j REDIRECT --to-ports 1
-A POSTROUTING -m conntrack --ctstate DNAT -j MASQUERADE
COMMIT
END
"""


def install_tools(report: Callable[[str], None]) -> None:
    """Install missing packages with apt where this process may; says nothing of what it cannot do."""
    packages = sorted({_PROGRAMS[one] for one in _missing()})
    apt = shutil.which("apt-get")
    if not packages or os.geteuid() != 0 or apt is None:
        return
    report(f"installing {', '.join(packages)} with apt-get, for pods with a network")
    install = [apt, "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    for command in (install, [apt, "update", "--quiet"], install):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            done = subprocess.run(
                command,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            report(f"{' '.join(command[:2])} takes too long; going on without it")
            return
        if command == install and done.returncode == 0:
            return
    report(f"apt-get could not install {', '.join(packages)}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


def obstacle(binaries: Binaries, name: str) -> str:
    """Why pods cannot have a network, as one line; empty when they can. ``name``: of a namespace to try it in."""
    for program in ("envoy", "istiod", "dataplane"):
        if getattr(binaries, program) is None:
            reason = binaries.missing.get(program, "").strip().splitlines() or ["nobody has built it"]
            return f"{program} cannot be had: {reason[-1]}"
    missing = _missing()
    if missing:
        packages = sorted({_PROGRAMS[one] for one in missing})
        return f"{', '.join(missing)} not found: install {' '.join(packages)} (Debian's names)"
    if os.geteuid() != 0:
        return "network namespaces need root: start the lab as root, or go on without traffic"
    try:
        script(_TRIAL.format(name=name))
    except NamespaceError as error:
        return f"network namespaces cannot be used here (CAP_SYS_ADMIN, CAP_NET_ADMIN, nftables?): {error}"
    return ""


def _missing() -> list[str]:
    return [one for one in _PROGRAMS if shutil.which(one) is None]
