# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from socket import gaierror
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.failures import (
    _ADVICE,
    CallFailed,
    _chain,
    _plain,
    checked,
    explain,
    judge,
)
from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError, LostReply
from requests import exceptions as requests_errors
from urllib3 import exceptions as urllib3_errors


class Answered(Exception):
    """What the SDK raises for an answered failure."""

    def __init__(self, status: int, code: str = "", message: str = "", **more: Any) -> None:
        super().__init__(message)
        self.status_code = status
        self.code = code
        self.message = message
        self.request_id = more.get("request_id")
        self.data = more.get("data")
        self.retry_after = more.get("retry_after")


class Unretryable(Exception):
    """What the SDK wraps around everything that is not an answer."""

    def __init__(self, inner: Exception) -> None:
        super().__init__(str(inner))
        self.inner_exception = inner


POOL: Any = None
REFUSED_CONNECTION = urllib3_errors.NewConnectionError(POOL, "connection refused")


# Answered failures


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        Answered(400, "Throttling"),
        Answered(400, "Throttling.User"),
        Answered(400, "Throttling.Api"),
        Answered(403, "Rejected.Throttling"),
        Answered(503, "ServiceUnavailable"),
        Answered(429),
        Answered(500, "ERR500", retry_after=2000),
    ],
)
def test_not_now_means_again_and_certainly_not_carried_out(error: Answered, write: bool) -> None:
    failure = judge(error, "CreateServiceMesh", write=write)
    assert (failure.retryable, failure.may_have_happened) == (True, False)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_repeated_for_reads_and_unknown_for_writes(status: int) -> None:
    read = judge(Answered(status, "ERR500"), "DescribeServiceMeshes", write=False)
    assert (read.retryable, read.may_have_happened) == (True, False)
    write = judge(Answered(status, "ERR500"), "CreateServiceMesh", write=True)
    assert (write.retryable, write.may_have_happened, write.answered) == (False, True, True)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_a_refusal_is_final(status: int, write: bool) -> None:
    failure = judge(Answered(status, "NameAlreadyExist"), "CreateServiceMesh", write=write)
    assert (failure.retryable, failure.may_have_happened) == (False, False)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("retry_after", [None, 1])
@pytest.mark.parametrize("code", ["", "ERR404", "Throttling", "ERR500", "ServiceUnavailable"])
@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_no_failure_may_both_have_happened_and_be_repeated(
    status: int, code: str, retry_after: int | None, write: bool
) -> None:
    failure = judge(Answered(status, code, retry_after=retry_after), "CreateServiceMesh", write=write)
    assert not (failure.may_have_happened and failure.retryable)
    assert not (failure.may_have_happened and not write)
    assert isinstance(failure.final(), LostReply) is failure.may_have_happened


def test_the_time_to_wait_is_in_seconds() -> None:
    assert judge(Answered(400, "Busy", retry_after=1500), "X", write=False).retry_after == 1.5
    assert judge(Answered(400, "Throttling"), "X", write=False).retry_after == 0


def test_code_request_id_and_status_are_kept_to_the_end() -> None:
    failure = judge(Answered(404, "ERR404", "Not found", request_id="r-1"), "DescribeServiceMeshDetail", write=False)
    for error in (failure, failure.final(), failure.final(gave_up_after=60)):
        assert (error.code, error.request_id, error.http_status) == ("ERR404", "r-1", 404)


def test_a_failure_without_a_code_is_named_after_its_status() -> None:
    failure = judge(Answered(418), "BrewCoffee", write=False)
    assert failure.code == "HTTP418"
    assert "HTTP 418" in failure.message


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            Answered(404, "ERR404", "code: 404, Not found request id: r-1", data={"Message": "No such mesh"}),
            "No such mesh",
        ),
        (Answered(404, "ERR404", "x", data={"message": "no such cluster"}), "no such cluster"),
        (Answered(404, "ERR404", "code: 404, Not found request id: r-1"), "Not found"),
        (Answered(404, "ERR404", "Not found"), "Not found"),
    ],
)
def test_the_sentence_of_the_service_is_shown_without_the_sdk_around_it(error: Answered, said: str) -> None:
    message = judge(error, "DescribeServiceMeshDetail", write=False).message
    assert message == f"DescribeServiceMeshDetail was refused with ERR404: {said}."


def test_the_message_of_the_sdk_is_peeled() -> None:
    assert _plain("code: 400, a, b request id: r-1") == "a, b"
    assert _plain("plain") == "plain"
    assert _plain("") == ""


# Failures without an answer


@pytest.mark.parametrize(
    "inner",
    [
        requests_errors.ConnectionError(REFUSED_CONNECTION),
        requests_errors.ConnectTimeout("connect timed out"),
        urllib3_errors.ConnectTimeoutError("connect timed out"),
        requests_errors.ConnectionError(urllib3_errors.NameResolutionError("host", POOL, gaierror("unknown"))),
    ],
)
@pytest.mark.parametrize("write", [True, False])
def test_what_never_left_this_machine_is_tried_again(inner: Exception, write: bool) -> None:
    failure = judge(Unretryable(inner), "CreateServiceMesh", write=write)
    assert (failure.retryable, failure.may_have_happened, failure.code) == (True, False, "ConnectionFailed")


@pytest.mark.parametrize(
    "inner",
    [
        requests_errors.ReadTimeout("read timed out"),
        requests_errors.ConnectionError(urllib3_errors.ProtocolError("aborted", ConnectionResetError("reset"))),
        requests_errors.ChunkedEncodingError(urllib3_errors.ProtocolError("broken")),
    ],
)
def test_silence_after_sending_leaves_a_write_unknown(inner: Exception) -> None:
    read = judge(Unretryable(inner), "DescribeServiceMeshes", write=False)
    assert (read.retryable, read.may_have_happened) == (True, False)
    write = judge(Unretryable(inner), "CreateServiceMesh", write=True)
    assert (write.retryable, write.may_have_happened, write.answered) == (False, True, False)
    assert write.code == "ReplyLost"


def test_an_answer_that_is_not_json_is_an_answer() -> None:
    failure = judge(Unretryable(requests_errors.JSONDecodeError("bad", "<html>", 0)), "CreateServiceMesh", write=True)
    assert (failure.may_have_happened, failure.answered) == (True, True)
    assert "the answer is not JSON" in failure.message


def test_a_mistake_before_sending_is_neither_repeated_nor_unknown() -> None:
    failure = judge(ValueError("RegionId is empty"), "DescribeClustersV1", write=True)
    assert (failure.retryable, failure.may_have_happened, failure.code) == (False, False, "CallFailed")
    assert failure.message == "DescribeClustersV1 failed before it was sent: RegionId is empty"


def test_the_chain_of_causes_is_followed_everywhere_and_ends_in_a_circle() -> None:
    innermost, middle, outer = OSError("innermost"), ValueError("middle"), Unretryable(KeyError("inner"))
    middle.__cause__ = innermost
    outer.__context__ = middle
    innermost.__context__ = outer
    assert {type(error) for error in _chain(outer)} == {Unretryable, KeyError, ValueError, OSError}


# HTTP 200


@pytest.mark.parametrize(
    "body",
    [
        {"RequestId": "r"},
        {"Code": "200"},
        {"Code": 200},
        {"Code": "OK"},
        {"Code": "success"},
        {"Code": ""},
        {"Code": None},
        [],
        [{"Code": "500"}],
        None,
        "text",
    ],
)
def test_a_good_reply_is_passed_on_as_it_is(body: Any) -> None:
    assert checked(body, "AddClusterIntoServiceMesh") is body


@pytest.mark.parametrize("code", ["400", 500, "ClusterBusy", "Throttling"])
def test_a_bad_code_in_the_body_is_a_failure(code: Any) -> None:
    with pytest.raises(CallFailed) as caught:
        checked({"Code": code, "Message": "busy", "RequestId": "r-1"}, "AddClusterIntoServiceMesh")
    failure = caught.value
    assert (failure.code, failure.request_id, failure.http_status) == (str(code), "r-1", 200)
    assert failure.retryable is (code == "Throttling")
    assert failure.may_have_happened is False


def test_a_bad_code_without_a_message_is_still_a_sentence() -> None:
    with pytest.raises(CallFailed, match=r"was refused with 500: no message\."):
        checked({"Code": 500}, "AddClusterIntoServiceMesh")


# What to do


@pytest.mark.parametrize("code", _ADVICE)
def test_known_codes_come_with_advice(code: str) -> None:
    message = explain("DeleteServiceMesh", code, "It is so.", 400)
    assert message.startswith(f"DeleteServiceMesh was refused with {code}: It is so. ")
    assert len(message.split(": It is so. ")[1]) > 20
    assert "{" not in message


def test_advice_is_found_in_longer_codes_and_names_the_action() -> None:
    assert "Detach every cluster first" in explain("DeleteServiceMesh", "ErrorPermitted.ClustersNotEmpty", "x", 400)
    assert "servicemesh:DeleteServiceMesh" in explain("DeleteServiceMesh", "Forbidden.RAM", "x", 403)
    assert "access_key_secret" in explain("X", "SignatureDoesNotMatch", "x", 400)


def test_an_unknown_code_needs_no_advice() -> None:
    assert explain("X", "ERR404", " Not found. ", 404) == "X was refused with ERR404: Not found."


# The end of the attempts


def test_giving_up_says_how_long_it_was_tried() -> None:
    failure = CallFailed("It is busy.", retryable=True, code="Throttling")
    assert failure.final().message == "It is busy."
    message = failure.final(gave_up_after=60).message
    assert message == "It is busy. Tried again for 60 s in vain (raise api_timeout to try longer)."


def test_the_final_error_is_one_of_the_family_and_no_longer_an_attempt() -> None:
    final = CallFailed("No.", code="ERR404").final()
    assert final.__class__ is AsmError
    lost = CallFailed("No.", may_have_happened=True, answered=False).final()
    assert isinstance(lost, LostReply)
    assert lost.answered is False
