# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the results of a check-mode run to one report. Pure.

PRIVATE: this code is for the filter plugin of this collection only and may change without notice.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import one_line, printable
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import EARLIER, MANAGER
from ansible_collections.meshops.asm.plugins.module_utils.spec.sections import SECTIONS

Json = dict[str, Any]

MATCH, DRIFT, INCOMPLETE = "match", "drift", "incomplete"
MISSING, DIFFERENT, UNWANTED, ADDED = "missing", "different", "unwanted", "added"
HELD = "site refuses to overwrite, unless the item has force_conflicts: true, what is held by"
# What is shown of a value in the table; all of it is in the report.
_MOST_SHOWN = 60
_KINDS = {one.module: one.kind for one in SECTIONS if one.kind}
# A key of a diff of Kubernetes objects that is no object.
_SUMMARY = "(summary)"


def drift_report(records: str, mesh: str, failure: str = "") -> Json:
    """``{mesh, status, checked, objects, held, releases, failures, table}``; the keys are documented with the filter.

    ``records`` are the lines of ``drift_record.record``. All texts are safe for a terminal and a page.
    """
    entries = [json.loads(line) for line in records.splitlines() if line.strip()]
    failures = [printable(text) for entry in entries for text in _failures(entry["result"])]
    failure = printable(failure)
    if failure and failure not in failures:
        failures.append(failure)
    objects = [one for entry in entries for one in _with_fields(entry, mesh)]
    status = INCOMPLETE if failures else DRIFT if objects else MATCH
    mesh = one_line(mesh)
    releases = [one_line(text) for entry in entries for text in _releases(entry["result"])]
    report = {"mesh": mesh, "status": status, "checked": len(entries), "objects": objects, "held": _held(objects)}
    report |= {"releases": releases, "failures": failures}
    return {**report, "table": list(_table(report))}


def _held(objects: list[Json]) -> list[str]:
    """The field managers whose values an apply takes over only with ``force_conflicts``.

    From kubectl's client-side apply it takes them over anyway.
    """
    fields = [field for one in objects for field in one["fields"] if field["kind"] == "changed"]
    return sorted({field["manager"] for field in fields} - {"", MANAGER} - EARLIER)


def _releases(result: Json) -> Iterator[str]:
    for compared in (result.get("comparison") or {}).values():
        yield from compared.get("releases", [])


def _failures(result: Json) -> Iterator[str]:
    if result.get("failed"):
        yield str(result.get("msg"))
    for compared in (result.get("comparison") or {}).values():
        yield from compared["failures"]


def _with_fields(entry: Json, mesh: str) -> Iterator[Json]:
    """The objects of one task that are not as described, each with its fields; also those that only have more."""
    compared = entry["result"].get("comparison") or {}
    only = (_first(entry["where"]) or mesh) if len(compared) == 1 else ""
    fields = {
        (one_line(only or server), one_line(key)): found
        for server, told in compared.items()
        for key, found in told["fields"].items()
    }
    complaint = entry["result"].get("complaint")
    if complaint:
        # The service has what was asked for, and has not done it.
        said = {"field": "status.ErrorMessage", "kind": "changed", "described": "", "found": complaint}
        field = _field({**said, "manager": "", "time": ""})
        shown = {"kind": "IstioGateway", "name": one_line(str(entry["name"])), "where": one_line(mesh)}
        yield {**shown, "change": DIFFERENT, "diff": [], "fields": [field]}
    for one in _objects(entry, mesh) if entry["result"].get("changed") else ():
        found = fields.pop((one["where"], f"{one['kind']} {one['name']}"), [])
        yield {**one, "fields": [_field(field) for field in found]}
    for (where, key), found in sorted(fields.items()):
        kind, _space, name = key.partition(" ")
        shown = {"kind": kind, "name": name, "where": where}
        yield {**shown, "change": ADDED, "diff": [], "fields": [_field(field) for field in found]}


def _field(field: Json) -> Json:
    return {key: _shown(value) for key, value in field.items()}


def _shown(value: Any) -> Any:
    """A value in which every text is safe for a terminal and a page."""
    if isinstance(value, dict):
        return {printable(str(key)): _shown(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return printable(value) if isinstance(value, str) else value


def _objects(entry: Json, mesh: str) -> Iterator[Json]:
    """The objects in the diff of one task."""
    diff = entry["result"].get("diff") or {}
    before, after = diff.get("before") or {}, diff.get("after") or {}
    module, where = entry["module"], entry["where"]
    if module == "asm_cluster":
        had, wanted = set(before.get("clusters") or []), set(after.get("clusters") or [])
        for name in sorted(had ^ wanted):
            one = {"cluster": name}
            yield _object(_KINDS[module], name, mesh, one if name in had else {}, one if name in wanted else {})
    elif module in _KINDS:
        yield _object(_KINDS[module], entry["name"] or mesh, "" if module == "asm_mesh" else mesh, before, after)
    elif _by_server(before) or _by_server(after):
        for server in sorted({*before, *after}):
            yield from _kubernetes(before.get(server) or {}, after.get(server) or {}, server)
    else:
        yield from _kubernetes(before, after, _first(where) or mesh)


def _by_server(side: Json) -> bool:
    """Whether a side of a diff has a level of servers above its objects, whose keys are a kind and a name."""
    return any(" " not in key and key != _SUMMARY for key in side)


def _first(where: Any) -> str:
    return str(where[0]) if isinstance(where, list) and where else str(where or "")


def _kubernetes(before: Json, after: Json, where: str) -> Iterator[Json]:
    for key in sorted({*before, *after} - {_SUMMARY}):
        kind, _space, name = key.partition(" ")
        yield _object(kind, name, where, before.get(key) or {}, after.get(key) or {})


def _object(kind: str, name: str, where: str, before: Json, after: Json) -> Json:
    change = MISSING if not before else UNWANTED if not after else DIFFERENT
    lines = difflib.unified_diff(_lines(before), _lines(after), "there", "spec", lineterm="", n=3)
    shown = {"kind": kind, "name": str(name), "where": where}
    said = {key: one_line(text) for key, text in shown.items()}
    return {**said, "change": change, "diff": [one_line(line) for line in lines]}


def _lines(value: Json) -> list[str]:
    return yaml.safe_dump(value, sort_keys=True, allow_unicode=True).splitlines() if value else []


def _table(report: Json) -> Iterator[str]:
    """The report as lines for a terminal."""
    said = {
        MATCH: "everything is as in the spec",
        DRIFT: f"{len(report['objects'])} of its objects differ from the spec",
        INCOMPLETE: "not everything could be looked at",
    }
    yield f"Mesh {report['mesh']}: {said[report['status']]}"
    rows = [[one["change"], one["kind"], one["name"], one["where"]] for one in report["objects"]]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row, one in zip(rows, report["objects"], strict=True):
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        yield from (f"    {said_of(field)}" for field in one["fields"])
    if report["held"]:
        yield f"  {HELD}: {', '.join(map(one_line, report['held']))}"
    for released in report["releases"]:
        yield f"  released: {released}"
    for failure in report["failures"]:
        yield f"  failed: {one_line(failure)}"


def said_of(field: Json) -> str:
    """One field in a line: ``spec.replicas: 5 is there, described is 3 (kubectl, 2026-01-01T00:00:00Z)``."""
    found, described = _short(field["found"]), _short(field["described"])
    said = {
        "missing": f"{described} is described, and not there",
        "added": f"{found} is there, and not described",
    }.get(field["kind"], f"{found} is there, {described} is described")
    by = ", ".join(part for part in (field["manager"], field["time"]) if part)
    return one_line(f"{field['field']}: {said}{f' ({by})' if by else ''}")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."
