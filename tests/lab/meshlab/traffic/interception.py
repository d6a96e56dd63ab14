# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""iptables rules that lead a pod's traffic through its proxy, from the arguments of Istio's init container."""

from __future__ import annotations

import argparse

from meshlab.traffic.namespaces import PROXY_GROUP

#: Ports of the proxy itself.
_OWN_PORTS = ("15090", "15021", "15020")


def rules(arguments: list[str]) -> str:
    """Text for iptables-restore. ``arguments`` as for istio-iptables; those that are not known here are ignored."""
    options = _parser().parse_known_args(arguments)[0]
    inbound = [
        f"-A INBOUND -p tcp --dport {port} -j RETURN" for port in dict.fromkeys([*_OWN_PORTS, *_list(options.d)])
    ]
    wanted = _list(options.b)
    to_proxy = f"-j REDIRECT --to-ports {options.z}"
    if wanted == ["*"]:
        inbound.append(f"-A INBOUND -p tcp {to_proxy}")
    else:
        inbound += [f"-A INBOUND -p tcp --dport {port} {to_proxy}" for port in wanted]
    lines = [
        "*nat",
        ":INBOUND - [0:0]",
        ":OUTBOUND - [0:0]",
        "-A PREROUTING -p tcp -j INBOUND",
        "-A OUTPUT -p tcp -j OUTBOUND",
        *inbound,
        # The proxy's own connections to the application have this source; they must arrive as they are.
        "-A OUTBOUND -s 127.0.0.6/32 -o lo -j RETURN",
        # The application calls itself by its service: the proxy's way out is its way in as well.
        f"-A OUTBOUND ! -d 127.0.0.1/32 -o lo -p tcp -m owner --gid-owner {PROXY_GROUP} {to_proxy}",
        f"-A OUTBOUND -o lo -m owner ! --gid-owner {PROXY_GROUP} -j RETURN",
        f"-A OUTBOUND -m owner --gid-owner {PROXY_GROUP} -j RETURN",
        "-A OUTBOUND -d 127.0.0.1/32 -j RETURN",
        *_outbound(options),
        "COMMIT",
    ]
    return "\n".join(lines) + "\n"


def _outbound(options: argparse.Namespace) -> list[str]:
    to_proxy = f"-j REDIRECT --to-ports {options.p}"
    lines = [f"-A OUTBOUND -p tcp --dport {port} -j RETURN" for port in _list(options.o)]
    lines += [f"-A OUTBOUND -p tcp --dport {port} {to_proxy}" for port in _list(options.q)]
    lines += [f"-A OUTBOUND -d {block} -j RETURN" for block in _list(options.x)]
    blocks = _list(options.i)
    if blocks == ["*"]:
        return [*lines, f"-A OUTBOUND -p tcp {to_proxy}"]
    return [*lines, *(f"-A OUTBOUND -d {block} -p tcp {to_proxy}" for block in blocks)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("-p", default="15001")
    parser.add_argument("-z", default="15006")
    for one in "bi":
        parser.add_argument(f"-{one}", default="*")
    for one in "dxoq":
        parser.add_argument(f"-{one}", default="")
    return parser


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
