# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text from outside: what a terminal would obey is written out, at every place where the collection shows text."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import progress
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import cut, one_line, printable, without_password
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds
from ansible_collections.meshops.asm.plugins.module_utils.spec import inspection
from ansible_collections.meshops.asm.plugins.plugin_utils.drift_report import drift_report
from ansible_collections.meshops.asm.plugins.plugin_utils.inventory_hosts import hosts_of
from ansible_collections.meshops.asm.plugins.plugin_utils.summary_table import Summary

HOSTILE = "a\x1b]0;title\x07\x9b31m\u202eb\r\x00\x7f\u2066\u2028\n\ud800"


def harmless(text: str) -> bool:
    """Whether a terminal obeys nothing in it; line breaks apart."""
    return all(unicodedata.category(one) not in ("Cc", "Cs", "Zl", "Zp") for one in text.replace("\n", "")) and not any(
        unicodedata.bidirectional(one) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
        for one in text
    )


def test_no_message_and_no_line_of_progress_is_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name or a state of the account may have megabytes."""
    error = AsmError(HOSTILE * 10**6, code="c" * 10**6)
    assert len(error.message) < 10 * 30_000 and "more characters" in error.message
    assert len(error.code) < 300
    error.message = "a" * 30_000
    assert error.message == "a" * 30_000
    (tmp_path / "told").touch()
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "told"))
    progress.tell("x" * 10**7, 1.0, None)
    assert len((tmp_path / "told").read_text()) < 700


def test_what_is_not_seen_is_written_out() -> None:
    assert printable("a\x1b[31m\u202eb\tc\r\nd\re") == "a\\x1b[31m\\u202eb\tc\nd\\re"
    assert one_line("a\nb\tc") == "a\\nb\\tc"


@pytest.mark.parametrize("text", ["", "Zürich 杭州 🚀", "naïve {x} \\ 'y'", "שלום", "नमस्ते"])
def test_other_text_stays(text: str) -> None:
    assert printable(text) == one_line(text) == text


def test_every_character() -> None:
    assert harmless(printable("".join(map(chr, range(sys.maxunicode + 1))).replace("\t", "")))


def in_error() -> str:
    error = AsmError(HOSTILE, code=HOSTILE)
    error.message = f"It says: {HOSTILE}"
    return f"{error}{error.message}{error.as_result()}{error.code}"


def in_progress(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    file = folder / "progress"
    file.touch()
    monkeypatch.setenv(progress.VARIABLE, str(file))
    progress.tell(HOSTILE, 1.0, None)
    (line,) = file.read_text(encoding="utf-8").splitlines()
    return str(json.loads(line)["what"])


def in_summary() -> str:
    summary = Summary()
    mesh = {"name": HOSTILE, "id": HOSTILE, "state": HOSTILE, "version": HOSTILE, "region": HOSTILE}
    gateway = {"name": HOSTILE, "status": "x", "addresses": {HOSTILE: [HOSTILE]}}
    summary.heard("meshops.asm.asm_mesh", HOSTILE, {"mesh": mesh, "changed": True})
    summary.heard("meshops.asm.asm_gateway", "x", {"gateway": gateway})
    summary.heard("meshops.asm.asm_cluster", "x", {"clusters": [{"name": HOSTILE, "state": HOSTILE}]})
    summary.took(HOSTILE, 1.0)
    lines = summary.lines(1)
    assert len(lines) == 7
    return "".join(lines)


def in_report() -> str:
    sides = {"before": {f"A {HOSTILE}": {"x": HOSTILE}}, "after": {f"A {HOSTILE}": {"x": [HOSTILE], HOSTILE: 1}}}
    result = {"changed": True, "diff": sides}
    entries = [
        {"module": "istio_resource", "name": None, "where": HOSTILE, "result": result},
        {"module": "asm_mesh", "name": HOSTILE, "where": None, "result": result},
        {"module": "asm_mesh", "name": None, "where": None, "result": {"failed": True, "msg": HOSTILE}},
    ]
    report = drift_report("\n".join(map(json.dumps, entries)), HOSTILE, f"why: {HOSTILE}")
    assert len(report["table"]) == 5

    def texts(value: Any) -> list[str]:
        if isinstance(value, dict):
            return [one for item in value.values() for one in texts(item)]
        return [one for item in value for one in texts(item)] if isinstance(value, list) else [str(value)]

    assert not any("\n" in one for one in texts({**report, "failures": []}))
    return "".join(texts(report))


def in_verify() -> str:
    rows = [inspection.Row("mesh", HOSTILE, HOSTILE, HOSTILE, False)]
    return "".join([*inspection.table(rows), *inspection.problems(rows)])


def in_probe() -> str:
    row = {"key": HOSTILE, "declared": 1.0, "percent": 1.0, "low": 1.0, "high": 1.0, "ok": True}
    return "".join(rounds.table({"distribution": [row], "statuses": {}}))


def in_inventory() -> str:
    mesh = {"name": HOSTILE, "id": "c1", "region": HOSTILE, "state": HOSTILE, "tags": {HOSTILE: HOSTILE}}
    record = {"mesh": mesh, "clusters": [{"name": HOSTILE}], "gateways": [{"name": HOSTILE, "status": HOSTILE}]}
    found = list(hosts_of([record], ["mesh", "cluster", "gateway"], ["region", "state", "version", "tag"]))
    assert all("\n" not in host.name for host in found)
    return "".join("".join([host.name, *host.groups]) for host in found)


@pytest.mark.parametrize("place", [in_error, in_summary, in_report, in_verify, in_inventory, in_probe])
def test_nothing_of_a_servers_text_reaches_the_terminal(place: Callable[[], str]) -> None:
    assert harmless(place())


def test_progress_is_one_harmless_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = in_progress(tmp_path, monkeypatch)
    assert harmless(said) and "\n" not in said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://reader:hush@example.com:9090/api", "https://reader:***@example.com:9090/api"),
        ("https://hush@example.com", "https://***@example.com"),
        ("http://reader:hu@sh:@example.com", "http://reader:***@example.com"),
        ("no answer from grpc+tls://a:hush@b, nor from http://c:hush@d.", None),
        ("https://example.com:9090/a@b?c=d@e#f@g", "https://example.com:9090/a@b?c=d@e#f@g"),
        ("mail to a@b: http://c", "mail to a@b: http://c"),
    ],
)
def test_a_password_in_a_url_is_not_shown(text: str, shown: str | None) -> None:
    found = without_password(text)
    assert found == (shown or "no answer from grpc+tls://a:***@b, nor from http://c:***@d.")


def test_what_is_cut_says_how_much_was_cut() -> None:
    assert cut("abcdefgh", 3) == "abc… (5 more characters)"
    assert cut("abc", 3) == "abc"
