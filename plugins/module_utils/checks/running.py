# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the checks of a spec: each a probe, and an explanation when what is seen is not what is declared.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.meshops.asm.plugins.module_utils.checks import surroundings
from ansible_collections.meshops.asm.plugins.module_utils.checks.replies import hints
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow import shapes
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.shapes import WORD
from ansible_collections.meshops.asm.plugins.module_utils.gateway.addresses import gateway_addresses
from ansible_collections.meshops.asm.plugins.module_utils.istio import deciding
from ansible_collections.meshops.asm.plugins.module_utils.istio.conditions import Request
from ansible_collections.meshops.asm.plugins.module_utils.istio.routing import Proxy
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds
from ansible_collections.meshops.asm.plugins.module_utils.probe.options import PROBE_OPTIONS, PROBE_RULES
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Plan, make_plan
from ansible_collections.meshops.asm.plugins.module_utils.probe.plan import Request as Sent

#: A mesh follows a change within a second or so; a check that is not fulfilled after this time is a miss.
CONVERGENCE = 30.0

CHECK_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "service": {"type": "str"},
    **PROBE_OPTIONS,
    "wait_timeout": {"type": "float", "default": CONVERGENCE},
}

_SHAPE: shapes.Shape = {**shapes.of_options(CHECK_OPTIONS), "name": WORD}

Json = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One check with all its options, and where its requests go as the user sees it."""

    name: str
    options: Json

    @property
    def where(self) -> str:
        if self.options["address"]:
            return ", ".join(self.options["address"])
        place = f" in {self.options['cluster']}" if self.options["cluster"] else ""
        return f"{self.options['gateway']}{place}"


@dataclass
class Finding:
    """What became of a check. ``result`` is the summary of its probe, empty when none was made."""

    check: Check
    state: str
    problems: list[str] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    result: Json = field(default_factory=dict)

    def as_result(self) -> Json:
        shown = {key: value for key, value in self.result.items() if key not in ("problems", "failed")}
        return {
            "name": self.check.name,
            "where": self.check.where,
            "ok": not self.problems,
            "state": self.state,
            "problems": self.problems,
            "explanation": self.explanation,
            **shown,
            **({"failed_requests": self.result["failed"]} if self.result else {}),
        }


def read_checks(items: list[Json], gateways: list[str]) -> list[Check]:
    """The items of ``asm_checks``, complete. Raises ``InvalidInput`` naming every wrong one.

    A check that names neither gateway nor address means the only gateway of the spec.
    """
    items = shapes.require(items, [_SHAPE], "asm_checks")
    checks, problems = [], []
    validator = ArgumentSpecValidator(CHECK_OPTIONS, **PROBE_RULES)
    for number, item in enumerate(items, 1):
        title = f"asm_checks, '{item.get('name') or number}'"
        validated = validator.validate(item)
        if validated.error_messages:
            problems += [f"{title}: {message}" for message in validated.error_messages]
            continue
        options = dict(validated.validated_parameters)
        if not options["gateway"] and not options["address"]:
            if len(gateways) != 1:
                problems.append(f"{title}: say which gateway, of {', '.join(gateways) or 'none in asm_gateways'}.")
                continue
            options["gateway"] = gateways[0]
        try:
            # The address is known later; all else can be judged now, before the first request of any check.
            make_plan(options, options["address"] or ["gateway.invalid"])
        except AsmError as error:
            problems.append(f"{title}: {error.message}")
            continue
        checks.append(Check(str(options["name"]), options))
    names = [check.name for check in checks]
    problems += [
        f"asm_checks has more than one item with the name '{n}'." for n in sorted(set(names)) if names.count(n) > 1
    ]
    if problems:
        raise InvalidInput(" ".join(problems))
    return checks


def run_checks(
    cloud: Cloud, mesh: str, checks: list[Check], observe: Callable[..., Json] = rounds.observe
) -> list[Finding]:
    """Carries out the checks one after the other, so that they do not disturb each other.

    ``observe`` gets the plan of each, and as ``about`` what its waits are called.
    """
    addresses: dict[tuple[str, str | None], list[str]] = {}

    def addresses_of(check: Check) -> list[str]:
        if check.options["address"]:
            return list(check.options["address"])
        place = (str(check.options["gateway"]), check.options["cluster"])
        if place not in addresses:
            addresses[place] = gateway_addresses(cloud, mesh, *place)
        return addresses[place]

    return [_run(cloud, mesh, check, addresses_of, observe) for check in checks]


def untried(checks: list[Check], why: str) -> list[Finding]:
    """The checks without any request."""
    return [Finding(check, why) for check in checks]


def _run(
    cloud: Cloud,
    mesh: str,
    check: Check,
    addresses_of: Callable[[Check], list[str]],
    observe: Callable[..., Json],
) -> Finding:
    try:
        plan = make_plan(check.options, addresses_of(check))
        result = observe(plan, about=f"check '{check.name}'")
    except AsmError as error:
        return Finding(check, error.message, [error.message])
    finding = Finding(check, shown(result), list(result["problems"]), result=result)
    result["table"] = rounds.table(result)
    if finding.problems:
        finding.explanation = hints(result)
        finding.explanation += _explanation(cloud, mesh, check, plan)
    return finding


def _explanation(cloud: Cloud, mesh: str, check: Check, plan: Plan) -> list[str]:
    """What decides about the service of a check, if it names one."""
    if not check.options["service"]:
        return []
    try:
        around, gateway = surroundings.look(cloud, mesh, check.options["service"], check.options["gateway"])
    except AsmError as error:
        return [f"The control plane could not be asked what decides: {error.message}"]
    return deciding.explain(around, entrance(plan, gateway), [asked(one) for one in plan.requests])


def entrance(plan: Plan, gateway: Proxy) -> deciding.Entrance:
    """Where the requests of a probe come into the mesh. Pure."""
    host = plan.requests[0].host.rpartition(":")[0] or plan.requests[0].host
    return deciding.Entrance(gateway, plan.addresses[0][1], (plan.tls.server_name or host) if plan.tls else None)


def asked(sent: Sent) -> Request:
    """A request of a probe as the mesh sees it. Pure."""
    first, *lines = sent.wire.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    return Request(sent.host, first.split(" ")[1], sent.method, headers=headers)


def shown(result: Json) -> str:
    """Declared against observed in one line. Pure."""
    if not result["answered"]:
        return "no answer"
    rows = result["distribution"]
    if rows:
        parts = [f"{row['key']} {row['percent']:g} %{_against(row)}" for row in rows]
    else:
        parts = [f"HTTP {status} {count}x" for status, count in result["statuses"].items()]
    failed = f", {result['failed']} failed" if result["failed"] else ""
    return f"{', '.join(parts)}; {result['requests']} requests{failed}"


def _against(row: Json) -> str:
    """What a share is held to: the declared one and, where answers may differ from it by chance, the interval."""
    if row["declared"] is None:
        return ""
    interval = "" if row["declared"] in (0.0, 100.0) else f", interval {row['low']:g} to {row['high']:g}"
    return f" (declared {row['declared']:g}{interval})"
