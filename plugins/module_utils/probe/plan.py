# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a probe sends, where to, how much of it and what is expected: the options of asm_probe, checked.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.probe import statistics, versus
from ansible_collections.meshops.asm.plugins.module_utils.probe.keys import Key, make_key

#: Bounds of a probe: it looks at a mesh, and is no tool to overload one.
MOST = {
    "count": 200_000,
    "rate": 20_000,
    "concurrency": 512,
    "duration": 3600,
    "timeout": 300,
    "retries": 10,
    "wait_timeout": 1800,
}
DEFAULT_COUNT = 100
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SUM_SLACK = 0.1001

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request as bytes; ``name`` is what results call it."""

    name: str
    method: str
    host: str
    wire: bytes

    @property
    def bodiless(self) -> bool:
        return self.method == "HEAD"

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does no harm (RFC 9110, section 9.2.2)."""
        return self.method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE")


@dataclass(frozen=True)
class Tls:
    """How servers prove who they are; ``server_name`` is sent as SNI, unset means the host of the request."""

    server_name: str = ""
    ca: str = ""
    verify: bool = True
    client_cert: str = ""
    client_key: str = ""


@dataclass(frozen=True)
class Balancing:
    """How answers shall be spread over instances; ``slow`` is the key of an instance that is slower than the others."""

    policy: str
    slow: str = ""
    window: int = 60


@dataclass(frozen=True)
class Expectation:
    """Shares are fractions of one by key, latencies are seconds by name, ``failed`` is a fraction."""

    split: Mapping[str, float] = field(default_factory=dict)
    tolerance: float = 0.05
    confidence: float = 0.999
    statuses: frozenset[int] = frozenset()
    latency: Mapping[str, float] = field(default_factory=dict)
    failed: float = 0.0
    balancing: Balancing | None = None


@dataclass(frozen=True)
class Plan:
    """A whole probe. ``count`` is 0 when only ``duration`` ends it; ``rate`` 0 means as fast as answers come.

    No request is begun once the file ``stop_file`` exists; None means that no file ends the probe.
    """

    addresses: tuple[tuple[str, int], ...]
    requests: tuple[Request, ...]
    count: int
    rate: float
    concurrency: int
    duration: float
    timeout: float
    retries: int
    retry_statuses: frozenset[int]
    key: Key | None
    tls: Tls | None
    expect: Expectation | None
    wait_timeout: float
    stop_file: str | None = None
    compare: versus.Compare | None = None


def make_plan(params: Json, addresses: list[str]) -> Plan:
    """The probe of a module's options. Raises ``InvalidInput`` with what is wrong and what would be right."""
    for name, most in MOST.items():
        value = params.get(name)
        if value is not None and not 0 <= value <= most:
            raise InvalidInput(f"{name} must be between 0 and {most}, not {value}.")
    if not params.get("concurrency"):
        raise InvalidInput("concurrency must be at least 1.")
    if not params.get("timeout"):
        raise InvalidInput("timeout must be more than 0.")
    tls = Tls(**{name: value for name, value in params["tls"].items() if value is not None}) if params["tls"] else None
    port = params["port"] or (443 if tls else 80)
    targets = tuple(_target(address, port) for address in addresses)
    if not targets:
        raise InvalidInput("There is no address to send requests to.")
    key = make_key(params["by"])
    expect = _expectation(params["expect"], key)
    compare = versus.read(params.get("compare"))
    return Plan(
        addresses=targets,
        requests=_requests(params, targets[0], tls),
        count=_count_to_compare(params, key, compare) if compare else _count(params, expect),
        rate=float(params["rate"] or 0),
        concurrency=params["concurrency"],
        duration=float(params["duration"] or 0),
        timeout=float(params["timeout"]),
        retries=params["retries"],
        retry_statuses=frozenset(params["retry_statuses"] or ()),
        key=key,
        tls=tls,
        expect=expect,
        wait_timeout=float(params["wait_timeout"] or 0),
        stop_file=params.get("stop_file"),
        compare=compare,
    )


def _target(address: str, port: int) -> tuple[str, int]:
    """``host``, ``host:port`` or ``[IPv6]:port`` as host and port."""
    found = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(\d+))?|([^:/\s\[\]]+)(?::(\d+))?", address)
    if not found:
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(address)), port
        raise InvalidInput(
            f"address '{address}' is not a host or host:port. Scheme and path have options of their own."
        )
    number = int(found[2] or found[4] or port)
    if not 0 < number < 65536:
        raise InvalidInput(f"address '{address}': there is no port {number}.")
    return found[1] or found[3], number


def _requests(params: Json, target: tuple[str, int], tls: Tls | None) -> tuple[Request, ...]:
    usual = 443 if tls else 80
    shown = f"[{target[0]}]" if ":" in target[0] else target[0]
    authority = shown if target[1] == usual else f"{shown}:{target[1]}"
    if len(params["requests"] or []) > 100:
        raise InvalidInput("requests has more than 100 items.")
    return tuple(_request(params, one, authority) for one in params["requests"] or [{}])


def _request(params: Json, own: Json, authority: str) -> Request:
    def chosen(name: str) -> Any:
        return own[name] if own.get(name) is not None else params[name]

    method, path, body = str(chosen("method")).upper(), str(chosen("path")), chosen("body")
    host = str(chosen("host") or authority)
    headers = {**(params["headers"] or {}), **(own.get("headers") or {})}
    if not _TOKEN.fullmatch(method):
        raise InvalidInput(f"'{method}' is not an HTTP method.")
    if not re.fullmatch(r"(/[\x21-\x7e]*|\*)", path):
        raise InvalidInput(f"path '{path}' must start with a slash, and spaces or other letters in it be %-encoded.")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lower = {str(name).lower() for name in headers}
    if "host" in lower:
        raise InvalidInput("headers names Host: use the option host.")
    if "user-agent" not in lower:
        lines.append("User-Agent: meshops.asm")
    if "accept" not in lower:
        lines.append("Accept: */*")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    payload = str(body).encode() if body is not None else b""
    if payload or method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(payload)}")
    for line in lines:
        if not re.fullmatch(r"[\x20-\x7e\x80-\xff]*", line):
            raise InvalidInput(f"A header has a character that HTTP does not allow: {line!r}.")
    bad = [name for name in headers if not _TOKEN.fullmatch(str(name))]
    if bad:
        raise InvalidInput(f"'{bad[0]}' is not a name of a header.")
    name = str(own.get("name") or f"{method} {host}{path}")
    return Request(name, method, host, "\r\n".join([*lines, "", ""]).encode("latin-1") + payload)


def _expectation(options: Json | None, key: Key | None) -> Expectation | None:
    if options is None:
        return None
    tolerance, confidence = float(options["tolerance"]), float(options["confidence"])
    if not 0 < tolerance < 50:
        raise InvalidInput(
            f"expect.tolerance is in percentage points, more than 0 and less than 50, not {tolerance:g}."
        )
    if not 50 <= confidence < 100:
        raise InvalidInput(f"expect.confidence is in percent, from 50 to less than 100, not {confidence:g}.")
    split = _split(options.get("split"), options.get("even"))
    balancing = options.get("balancing")
    if (split or balancing) and key is None:
        raise InvalidInput(
            "expect.split, even and balancing need the option by, which says how answers are told apart."
        )
    if balancing and balancing["policy"] == "LEAST_REQUEST" and not balancing.get("slow"):
        raise InvalidInput(
            "expect.balancing: LEAST_REQUEST differs from RANDOM only where instances are unevenly loaded: name the "
            "key of the slow one in balancing.slow."
        )
    if balancing and not 10 <= balancing["window"] <= 1000:
        raise InvalidInput("expect.balancing.window must be between 10 and 1000.")
    return Expectation(
        split=split,
        tolerance=tolerance / 100,
        confidence=confidence / 100,
        statuses=frozenset(options.get("status") or ()),
        latency={name: value for name, value in (options.get("latency") or {}).items() if value is not None},
        failed=float(options.get("failed") or 0) / 100,
        balancing=Balancing(balancing["policy"], str(balancing.get("slow") or ""), balancing["window"])
        if balancing
        else None,
    )


def _split(declared: Json | None, even: list[Any] | None) -> dict[str, float]:
    """Declared percentages, or an even split over some keys, as fractions that sum to one."""
    if even:
        if len(set(map(str, even))) != len(even):
            raise InvalidInput("expect.even names a key twice.")
        return {str(name): 1 / len(even) for name in even}
    if not declared:
        return {}
    try:
        percents = {str(name): float(value) for name, value in declared.items()}
    except (TypeError, ValueError):
        raise InvalidInput(f"expect.split maps keys to percentages, not {declared}.") from None
    total = sum(percents.values())
    shown = " + ".join(f"{value:g}" for value in percents.values())
    if any(value < 0 for value in percents.values()):
        raise InvalidInput(f"expect.split must sum to 100 percent, with no share below 0: {shown}.")
    # A share that is no number is in no range.
    if not all(value <= 100 for value in percents.values()) or abs(total - 100) > _SUM_SLACK:
        raise InvalidInput(f"expect.split must sum to 100 percent: {shown} is {total:g}.")
    return {name: value / total for name, value in percents.items()}


def _count(params: Json, expect: Expectation | None) -> int:
    """The number of requests: as given, or what the verdict needs."""
    given = params["count"] or 0
    needed = needed_count(expect) if expect else 0
    if expect and needed > MOST["count"]:
        raise InvalidInput(
            f"A tolerance of {expect.tolerance * 100:g} percentage points needs {needed} requests, "
            f"more than the {MOST['count']} that are allowed. Allow a wider tolerance."
        )
    if given and expect and expect.split and given < needed:
        finest = statistics.smallest_tolerance(list(expect.split.values()), expect.confidence, given) * 100
        raise InvalidInput(
            f"count {given} is too small for a verdict: a tolerance of {expect.tolerance * 100:g} percentage points at "
            f"{expect.confidence * 100:g} % confidence needs {needed} requests. Leave count unset, or allow a "
            f"tolerance of {finest:g}."
        )
    if given:
        return int(given)
    if needed:
        return needed
    return 0 if params["duration"] else DEFAULT_COUNT


def _count_to_compare(params: Json, key: Key | None, compare: versus.Compare) -> int:
    """After how many requests a comparison ends without a verdict; usually it is there earlier."""
    if key is None:
        raise InvalidInput("compare needs the option by, which says how the answers of both versions are told apart.")
    expect = params["expect"] or {}
    if params["wait_timeout"] or any(expect.get(name) for name in ("split", "even", "balancing")):
        raise InvalidInput("compare goes neither with wait_timeout nor with expect.split, even or balancing.")
    needed = compare.needed()
    sent = [params["count"] or MOST["count"]]
    if params["rate"] and params["duration"]:
        sent.append(int(params["rate"] * params["duration"]))
    if min(sent) < needed:
        raise InvalidInput(
            f"compare usually takes {needed} requests at a share of {compare.share * 100:g} %, and at most {min(sent)} "
            "would be sent. Allow more of them (count, rate, duration), a larger margin or a larger share."
        )
    return min(params["count"] or MOST["count"], versus.most(needed))


def needed_count(expect: Expectation) -> int:
    """The smallest number of requests that decides what is expected; 0 when any will do. Pure.

    Raises ``InvalidInput`` when no number of requests that anybody sends would decide it.
    """
    needed = 0
    if expect.split:
        try:
            needed = statistics.sample_size(expect.split.values(), expect.tolerance, expect.confidence)
        except (ValueError, ArithmeticError):
            raise InvalidInput(
                f"expect.tolerance is in percentage points, and {expect.tolerance * 100:g} of them would take more "
                "than ten million requests: allow a wider one, as 5 for five percent more or less."
            ) from None
    if expect.balancing:
        needed = max(needed, expect.balancing.window * WINDOWS)
    return needed


#: How many windows a verdict on the balancing is made from.
WINDOWS = 40
