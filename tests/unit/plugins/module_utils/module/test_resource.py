# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import pytest
from ansible.module_utils import basic
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import (
    DONE,
    NONE,
    UPDATE,
    Plan,
    Progress,
    failed,
)
from ansible_collections.meshops.asm.plugins.module_utils.module import resource as base
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import (
    ResourceModule,
    as_diff,
    run_info,
    run_resource,
)
from ansible_collections.meshops.asm.tests.unit.conftest import FakeClock

Run = Callable[..., dict[str, Any]]


def patch_module_args(args: dict[str, Any]) -> AbstractContextManager[Any]:
    """What ansible.module_utils.testing has since ansible-core 2.19, for the releases before it as well."""
    given = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    return mock.patch.multiple(basic, create=True, _ANSIBLE_ARGS=given, _ANSIBLE_PROFILE="legacy")


class Lamp(ResourceModule):
    """A resource with one option; its remote state is kept in the class, as a service would keep it."""

    result = "lamp"
    wait_timeout = 77
    options = {"colour": {"type": "str"}, "code": {"type": "str", "no_log": True}}
    rules = {"required_if": [("state", "present", ["colour"])]}
    remote: str | None = None
    looks: list[str] = []
    answer: Progress = DONE

    def find(self) -> Any:
        return Lamp.remote

    def plan(self, found: Any) -> Plan:
        if self.params["colour"] == "black":
            raise InvalidInput("A lamp cannot be black.", details={"colours": ["red", "blue"]})
        wanted = self.params["colour"] if self.params["state"] == "present" else None
        same = found == wanted
        return Plan(NONE if same else UPDATE, found, wanted, wanted, warnings=() if found else ("It was dark.",))

    def apply(self, plan: Plan) -> None:
        Lamp.remote = plan.changes
        self.cloud.writes += 1

    def progress(self, plan: Plan) -> Progress:
        Lamp.looks.append("look")
        return Lamp.answer

    def view(self, found: Any) -> Any:
        return found

    def extra(self, plan: Plan) -> dict[str, Any]:
        return {"was": plan.before}


class Switch(Lamp):
    """A resource that is there at once."""

    result = "switch"
    waits = False


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], no_waiting: FakeClock) -> Run:
    """Runs a ``main`` with options as Ansible does and returns what the module printed."""
    monkeypatch.setattr(Lamp, "remote", None)
    monkeypatch.setattr(Lamp, "looks", [])
    monkeypatch.setattr(Lamp, "answer", DONE)

    def call(main: Callable[[], None], check: bool = False, diff: bool = False, **options: Any) -> dict[str, Any]:
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff}
        with patch_module_args({**options, **internal}), pytest.raises(SystemExit) as ended:
            main()
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert bool(ended.value.code) is bool(printed.get("failed"))
        return printed

    return call


def lamp() -> None:
    run_resource(Lamp)


# Modules that change something


def test_the_result_has_the_object_the_diff_and_whether_it_changed(run: Run) -> None:
    first = run(lamp, diff=True, colour="red")
    assert (first["changed"], first["lamp"], first["diff"]) == (True, "red", {"before": {}, "after": "red"})
    second = run(lamp, diff=True, colour="red")
    assert (second["changed"], second["lamp"], second["diff"]) == (False, "red", {"before": "red", "after": "red"})


def test_a_diff_that_nobody_asked_for_is_left_out(run: Run) -> None:
    assert "diff" not in run(lamp, colour="red")


def test_check_mode_predicts_and_writes_nothing(run: Run) -> None:
    result = run(lamp, check=True, colour="red")
    assert (result["changed"], result["lamp"], result["diff"]) == (True, "red", {"before": {}, "after": "red"})
    assert Lamp.remote is None
    assert Lamp.looks == []


def test_removal_returns_null(run: Run) -> None:
    Lamp.remote = "red"
    result = run(lamp, diff=True, state="absent")
    assert (result["changed"], result["lamp"], result["diff"]) == (True, None, {"before": "red", "after": {}})


def test_further_keys_and_warnings_reach_the_result(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda self, warning: warned.append(warning))
    assert run(lamp, colour="red")["was"] is None
    assert warned == ["It was dark."]
    assert run(lamp, colour="blue")["was"] == "red"
    assert warned == ["It was dark."]


def test_waiting_is_the_default_and_can_be_left_out(run: Run) -> None:
    run(lamp, colour="red")
    assert Lamp.looks == ["look"]
    run(lamp, colour="blue", wait=False)
    assert Lamp.looks == ["look"]


def test_what_is_there_at_once_has_no_options_about_waiting(run: Run) -> None:
    assert run(lambda: run_resource(Switch), colour="red")["switch"] == "red"
    assert Lamp.looks == []
    refused = run(lambda: run_resource(Switch), colour="red", wait=True)
    assert "has no option 'wait'" in refused["msg"]
    assert (refused["changed"], refused["error"]["code"]) == (False, "InvalidInput")


def test_a_failure_is_a_sentence_and_a_structure(run: Run) -> None:
    result = run(lamp, colour="black")
    assert result["failed"] is True
    assert result["changed"] is False
    assert result["msg"] == "A lamp cannot be black."
    assert result["error"] == {
        "code": "InvalidInput",
        "message": "A lamp cannot be black.",
        "request_id": "",
        "http_status": None,
    }
    assert result["colours"] == ["red", "blue"]


def test_a_failure_after_a_write_says_changed_and_shows_the_last_state(run: Run) -> None:
    Lamp.answer = failed("The lamp broke.", last="broken")
    result = run(lamp, colour="red")
    assert (result["failed"], result["changed"], result["last_state"]) == (True, True, "broken")
    assert "was" in result


def test_rules_of_the_resource_reach_the_options(run: Run) -> None:
    assert "colour" in run(lamp)["msg"]


def test_every_resource_takes_the_shared_options(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    class Stop(Exception):
        pass

    def capture(**arguments: Any) -> None:
        seen.update(arguments)
        raise Stop

    monkeypatch.setattr(base, "AsmModule", capture)
    with pytest.raises(Stop):
        lamp()
    spec = seen["argument_spec"]
    assert seen["supports_check_mode"] is True
    assert seen["required_if"] == [("state", "present", ["colour"])]
    assert {"access_key_id", "region", "state", "wait", "wait_timeout", "colour"} <= set(spec)
    assert spec["wait_timeout"]["default"] == 77
    assert spec["state"]["choices"] == ["present", "absent"]


def test_secrets_are_not_printed(run: Run) -> None:
    secrets = {"code": "s3cr3t-value", "access_key_id": "LTAI-of-somebody", "access_key_secret": "top-secret-1"}
    text = json.dumps(run(lamp, colour="s3cr3t-value", **secrets))
    assert not [value for value in secrets.values() if value in text]


# Modules that only read


def test_an_info_module_returns_what_was_read_and_never_changes(run: Run) -> None:
    result = run(lambda: run_info("lamps", {"name": {"type": "str"}}, lambda params, cloud: [params["name"]]), name="a")
    assert (result["changed"], result["lamps"]) == (False, ["a"])
    assert "diff" not in result


def test_an_info_module_takes_the_region_and_the_rules(run: Run) -> None:
    spec: dict[str, Any] = {"name": {"type": "str"}, "id": {"type": "str"}}

    def main() -> None:
        run_info("lamps", spec, lambda params, cloud: cloud.region, mutually_exclusive=[("name", "id")])

    assert run(main, region="cn-beijing")["lamps"] == "cn-beijing"
    assert "mutually exclusive" in run(main, name="a", id="b")["msg"]


def test_an_info_module_fails_like_the_others(run: Run) -> None:
    def read(params: dict[str, Any], cloud: Any) -> Any:
        raise NotFound("No such lamp.", code="ERR404", request_id="r-1", http_status=404)

    result = run(lambda: run_info("lamps", {}, read))
    assert result["failed"] is True
    assert result["error"] == {
        "code": "ERR404",
        "message": "No such lamp.",
        "request_id": "r-1",
        "http_status": 404,
    }


def test_a_region_comes_from_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "cn-shenzhen")
    assert run(lambda: run_info("lamps", {}, lambda params, cloud: cloud.region))["lamps"] == "cn-shenzhen"


# Whose account it was


def test_a_result_names_the_account_and_hides_its_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI0123456789abcd")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "hush-hush")

    def read(params: dict[str, Any], cloud: Any) -> Any:
        cloud._owner = "1234567890123456"
        return [cloud.region, f"signed with {cloud.identity.access_key_secret}"]

    result = run(lambda: run_info("lamps", {}, read))
    assert result["account"] == {
        "source": "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "access_key_id": "LTAI***abcd",
        "region": None,
        "account_id": "1234567890123456",
    }
    assert "hush-hush" not in json.dumps(result)


def test_a_task_that_asks_nobody_names_no_account(run: Run) -> None:
    assert "account" not in run(lambda: run_info("lamps", {}, lambda params, cloud: 1))


def test_a_failure_names_the_account(run: Run) -> None:
    def read(params: dict[str, Any], cloud: Any) -> Any:
        raise NotFound(f"{cloud.identity} finds no lamp.")

    options = {"access_key_id": "LTAI0123456789abcd", "access_key_secret": "hush-hush", "region": "cn-beijing"}
    account = run(lambda: run_info("lamps", {}, read), **options)["account"]
    assert account["source"] == "the options access_key_id and access_key_secret"
    assert account["region"] == "cn-beijing"


# The end of every run


@pytest.mark.parametrize("colour", ["red", "black"])
def test_the_connection_is_closed_however_the_run_ends(run: Run, monkeypatch: pytest.MonkeyPatch, colour: str) -> None:
    closed: list[bool] = []
    monkeypatch.setattr(base.Cloud, "close", lambda self: closed.append(True))
    run(lamp, colour=colour)
    assert closed == [True]


HIDDEN = "the-private-key"
KINDS = [
    ValueError(HIDDEN),
    SystemExit(HIDDEN),
    KeyboardInterrupt(HIDDEN),
    MemoryError(HIDDEN),
    RecursionError(HIDDEN),
    AsmError(f"Refused with {HIDDEN[:3]}."),
]
# The hook, whether a write was made before it is called, and how often it is called before it breaks.
POINTS = [
    ("__init__", False, 0),
    ("find", False, 0),
    ("plan", False, 0),
    ("apply", False, 0),
    ("progress", True, 0),
    ("find", True, 1),
    ("view", True, 0),
    ("extra", True, 0),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize(("hook", "written", "skip"), POINTS, ids=[f"{hook}-{skip}" for hook, _w, skip in POINTS])
def test_whatever_breaks_wherever_it_is_one_failure_that_says_whether_something_changed(
    run: Run, monkeypatch: pytest.MonkeyPatch, hook: str, written: bool, skip: int, kind: BaseException
) -> None:
    real, left = getattr(Lamp, hook), [skip]

    def breaks(self: Any, *arguments: Any) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            return real(self, *arguments)
        raise kind

    monkeypatch.setattr(Lamp, hook, breaks)
    result = run(lamp, colour="red", meshops_debug=True)
    assert (result["failed"], result["changed"]) == (True, written)
    assert result["error"]["message"] == result["msg"]
    assert HIDDEN not in json.dumps(result)
    assert "exception" not in result
    assert result["debug"]["exceptions"][0]["type"] == type(kind).__name__


def test_a_write_that_breaks_in_the_middle_counts(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: Any, plan: Plan) -> None:
        self.cloud.writes += 1
        raise KeyboardInterrupt

    monkeypatch.setattr(Lamp, "apply", breaks)
    result = run(lamp, colour="red")
    assert (result["changed"], result["error"]["code"]) == (True, "Interrupted")
    assert "carrying out the changes" in result["msg"]


def test_a_resource_that_cannot_say_whether_it_wrote_may_have(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(Lamp, "wrote", breaks)
    monkeypatch.setattr(Lamp, "find", breaks)
    assert run(lamp, colour="red")["changed"] is True


def test_a_result_that_cannot_be_told_is_a_failure_that_says_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Lamp, "view", lambda self, found: {1j: object()})
    result = run(lamp, colour="red")
    assert (result["failed"], result["changed"], result["error"]["code"]) == (True, True, "Unexpected")


def test_a_request_to_end_is_a_failure_that_says_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_to_end(self: Any, plan: Plan) -> Progress:
        signal.raise_signal(signal.SIGTERM)
        return DONE

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(Lamp, "progress", asked_to_end)
    result = run(lamp, colour="red")
    assert (result["changed"], result["error"]["code"]) == (True, "Interrupted")
    assert signal.getsignal(signal.SIGTERM) is before


def test_debug_is_there_only_when_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "debug" not in run(lamp, colour="black")
    monkeypatch.setenv("MESHOPS_DEBUG", "true")
    assert run(lamp, colour="black")["debug"]["exceptions"][0]["type"] == "InvalidInput"


def test_an_absent_side_of_a_diff_is_an_empty_mapping() -> None:
    assert as_diff(None, {"a": 1}) == {"before": {}, "after": {"a": 1}}
    assert as_diff({"a": 1}, None) == {"before": {"a": 1}, "after": {}}
    assert as_diff("", []) == {"before": "", "after": []}


def test_a_negative_time_is_refused_before_anything_happens(run: Run) -> None:
    for name in ("wait_timeout", "api_timeout"):
        result = run(lamp, colour="red", **{name: -5})
        assert (result["failed"], result["changed"]) == (True, False)
        assert result["msg"] == f"{name} must not be negative: give seconds from 0."
