# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import ssl
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from socket import EAI_AGAIN, EAI_NONAME, gaierror
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.codes import (
    LATER,
    REFUSED,
    RULES,
    UNKNOWN,
    meaning_of,
    rule_of,
)
from ansible_collections.meshops.asm.plugins.module_utils.cloud.failures import (
    Call,
    CallFailed,
    checked,
    clock_advice,
    explain,
    unanswered,
)
from ansible_collections.meshops.asm.plugins.module_utils.cloud.transport import NoReply, Reply
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import OutOfBounds
from ansible_collections.meshops.asm.plugins.module_utils.wire.trouble import chain, trouble_of
from urllib3 import exceptions as urllib3_errors

READ, WRITE = Call("DescribeServiceMeshDetail"), Call("CreateServiceMesh")
POOL: Any = None

# Every code that is known of the service (and of its signature check), with what it means.
CODES = {
    "Throttling": LATER,
    "Throttling.User": LATER,
    "Throttling.Api": LATER,
    "Rejected.Throttling": LATER,
    "ServiceUnavailable": LATER,
    "ServiceUnavailableTemporary": LATER,
    "InternalError": UNKNOWN,
    "ERR500": UNKNOWN,
    "UnknownError": UNKNOWN,
    "SignatureNonceUsed": UNKNOWN,
    "500": UNKNOWN,
    "503": UNKNOWN,
    "403": REFUSED,
    "ERR404": REFUSED,
    "ErrorPermitted.ClustersNotEmpty": REFUSED,
    "RelatedResourceReused": REFUSED,
    "StillInitializing": REFUSED,
    "ServiceMesh.NotFound": REFUSED,
    "StatusForbidden": REFUSED,
    "NameAlreadyExist": REFUSED,
    "InvalidActiveState.ACK": REFUSED,
    "InvalidOperation.Grant.NotRunning": REFUSED,
    "ErrorClusterNotFound": REFUSED,
    "ErrorClusterNameAlreadyExist": REFUSED,
    "InvalidAccessKeyId.NotFound": REFUSED,
    "InvalidAccessKeyId.Inactive": REFUSED,
    "SignatureDoesNotMatch": REFUSED,
    "IncompleteSignature": REFUSED,
    "InvalidSecurityToken.Expired": REFUSED,
    "MissingSecurityToken": REFUSED,
    "Forbidden.RAM": REFUSED,
    "NoPermission": REFUSED,
    "InvalidTimeStamp.Expired": REFUSED,
    "IllegalTimestamp": REFUSED,
    "InvalidParameter": REFUSED,
}


def reply(status: int, body: Any, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, data)


def failure(status: int, code: str = "", call: Call = READ, text: str = "It is so.", **headers: str) -> CallFailed:
    body = {"Message": text, "RequestId": "r-1", **({"Code": code} if code else {})}
    with pytest.raises(CallFailed) as caught:
        checked(reply(status, body, **headers), call)
    return caught.value


# Codes


@pytest.mark.parametrize("status", [200, 400, 403, 404])
@pytest.mark.parametrize(("code", "meaning"), CODES.items())
def test_a_code_means_the_same_whatever_the_http_status_is(code: str, meaning: str, status: int) -> None:
    read, write = failure(status, code), failure(status, code, WRITE)
    assert read.retryable is (meaning != REFUSED)
    assert read.may_have_happened is False
    assert write.retryable is (meaning == LATER)
    assert write.may_have_happened is (meaning == UNKNOWN)
    assert (read.code, read.http_status, read.request_id) == (code, status, "r-1")


@pytest.mark.parametrize("code", ["500", "InternalError", "Throttling", "403", "ERR404", "Forbidden.RAM", "502", "429"])
def test_http_200_with_a_code_is_judged_as_the_same_code_with_its_status(code: str) -> None:
    own = int(code) if code.isdigit() else 500 if code == "InternalError" else 400
    for call in (READ, WRITE):
        inside, plain = failure(200, code, call), failure(own, code, call)
        assert (inside.retryable, inside.may_have_happened) == (plain.retryable, plain.may_have_happened)
        assert inside.message == plain.message


@pytest.mark.parametrize("code", ["500", 500])
def test_the_code_may_be_a_number(code: Any) -> None:
    with pytest.raises(CallFailed) as caught:
        checked(reply(200, {"Code": code}), WRITE)
    assert (caught.value.code, caught.value.may_have_happened) == ("500", True)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("code", ["", "ERR404", "ERR500", "Whatever"])
def test_a_server_error_is_repeated_for_reads_and_unknown_for_writes(status: int, code: str) -> None:
    assert (failure(status, code).retryable, failure(status, code).may_have_happened) == (True, False)
    lost = failure(status, code, WRITE)
    assert (lost.retryable, lost.may_have_happened, lost.answered) == (False, True, True)


@pytest.mark.parametrize("status", [429, 408])
def test_some_statuses_mean_later(status: int) -> None:
    assert meaning_of("", status) == LATER


@pytest.mark.parametrize("call", [READ, WRITE])
@pytest.mark.parametrize("status", [200, 204, 301, 400, 404, 418, 429, 500, 503])
@pytest.mark.parametrize("code", ["", "ERR404", "Throttling", "ERR500", "ServiceUnavailable", "SignatureNonceUsed"])
@pytest.mark.parametrize("headers", [{}, {"x_acs_retry_after": "1"}])
def test_no_failure_may_both_have_happened_and_be_repeated(
    status: int, code: str, headers: dict[str, str], call: Call
) -> None:
    if status < 300 and not code:
        code = "Whatever"
    found = failure(status, code, call, **headers)
    assert not (found.may_have_happened and found.retryable)
    assert not (found.may_have_happened and not call.write)
    assert isinstance(found.final(), LostReply) is found.may_have_happened


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1500", 1.5), ("500", 0.5), ("0", 0), ("-5", 0), ("²", 0), ("soon", 0), ("9" * 500, 1e9), ("", 0)],
)
def test_the_time_to_wait_is_in_seconds(header: str, seconds: float) -> None:
    found = failure(400, "Busy", x_acs_retry_after=header)
    assert (found.retry_after, found.retryable) == (seconds, seconds > 0)


def test_code_request_id_and_status_are_kept_to_the_end() -> None:
    found = failure(404, "ERR404")
    for error in (found, found.final(), found.final(gave_up_after=60)):
        assert (error.code, error.request_id, error.http_status) == ("ERR404", "r-1", 404)


def test_a_failure_without_a_code_is_named_after_its_status() -> None:
    found = failure(418, text="I am a teapot")
    assert found.code == "HTTP418"
    assert found.message == "DescribeServiceMeshDetail was refused with HTTP 418: I am a teapot."


@pytest.mark.parametrize(
    ("action", "write"),
    [
        ("DescribeServiceMeshes", False),
        ("ListTagResources", False),
        ("GetCaCert", False),
        ("Getaway", True),
        ("UpdateMeshFeature", True),
        ("ReListX", True),
    ],
)
def test_what_only_reads_is_known_by_its_name(action: str, write: bool) -> None:
    assert Call(action).write is write


@pytest.mark.parametrize(("status", "good"), [(199, False), (200, True), (299, True), (300, False)])
def test_statuses_of_success(status: int, good: bool) -> None:
    if good:
        assert checked(reply(status, {"RequestId": "r"}), READ) == {"RequestId": "r"}
    else:
        with pytest.raises(CallFailed, match=f"HTTP {status} by something else"):
            checked(reply(status, {"RequestId": "r"}), READ)


def test_a_code_in_lower_case_of_a_good_reply_counts_beside_a_message_only() -> None:
    with pytest.raises(CallFailed, match="refused with ErrorX: no") as caught:
        checked(reply(200, {"code": "ErrorX", "message": "no"}), READ)
    assert caught.value.code == "ErrorX"
    assert checked(reply(200, {"code": "ErrorX"}), Call("X")) == {"code": "ErrorX"}
    assert failure(404, text="no").code == "HTTP404"
    with pytest.raises(CallFailed) as caught:
        checked(reply(404, {"code": "ErrorX"}), READ)
    assert caught.value.code == "ErrorX"


@pytest.mark.parametrize("key", ["RequestId", "requestId", "request_id"])
@pytest.mark.parametrize("status", [200, 404])
def test_the_id_of_a_request_is_kept_in_every_spelling(key: str, status: int) -> None:
    with pytest.raises(CallFailed) as caught:
        checked(reply(status, {"Code": "ErrorX", key: "r-9"}), READ)
    assert caught.value.request_id == "r-9"
    with pytest.raises(CallFailed) as caught:
        checked(reply(status, {"Code": "ErrorX"}), READ)
    assert caught.value.request_id == ""


def test_a_failure_is_neither_repeated_nor_unknown_unless_it_says_so() -> None:
    plain = CallFailed("No.")
    assert (plain.retryable, plain.may_have_happened, plain.answered, plain.retry_after) == (False, False, True, 0.0)


@pytest.mark.parametrize("keys", [("Code", "Message", "RequestId"), ("code", "message", "requestId")])
@pytest.mark.parametrize("status", [200, 404])
def test_both_spellings_of_errors_are_read(keys: tuple[str, str, str], status: int) -> None:
    body = dict(zip(keys, ("ErrorClusterNotFound", "no such cluster", "r-7"), strict=True))
    with pytest.raises(CallFailed, match="no such cluster") as caught:
        checked(reply(status, body), Call("DescribeClusterDetail", "cs"))
    assert (caught.value.code, caught.value.request_id) == ("ErrorClusterNotFound", "r-7")


@pytest.mark.parametrize(
    "body",
    [
        {"Code": ["x"], "Message": {"a": 1}, "RequestId": [1]},
        {"Code": {"a": 1}},
        {"Code": True, "Message": 5},
        {"Code": 1e300},
        {"Code": "x" * 100_000, "Message": "y" * 100_000, "RequestId": "z" * 100_000},
        {"Code": "\x1b[31m", "Message": "\x1b[31mred\r\n\x00"},
        {"Code": "Forbidden", "AccessDeniedDetail": ["x"]},
        {"Code": "Forbidden{permission}", "AccessDeniedDetail": {"AuthAction": 5}},
    ],
)
@pytest.mark.parametrize("status", [200, 403, 500])
def test_odd_errors_are_errors_of_bounded_length(body: Any, status: int) -> None:
    with pytest.raises(CallFailed) as caught:
        checked(reply(status, body), WRITE)
    assert len(caught.value.message) < 2500
    assert len(caught.value.code) <= 101
    assert len(caught.value.request_id) <= 101
    assert caught.value.message.isprintable()


# What is not of the service


@pytest.mark.parametrize("body", [b"<html>Forbidden by the proxy</html>", b"", b"null", b"[]", b'{"a": 1}'])
@pytest.mark.parametrize("call", [READ, WRITE])
@pytest.mark.parametrize("status", [401, 403, 404, 407])
def test_a_refusal_of_something_on_the_way_is_final_and_names_what_to_check(
    status: int, call: Call, body: bytes
) -> None:
    with pytest.raises(CallFailed, match=rf"HTTP {status} by something else.*https_proxy.*asm_endpoint") as caught:
        checked(reply(status, body), call)
    assert (caught.value.retryable, caught.value.may_have_happened) == (False, False)
    assert caught.value.code == f"HTTP{status}"


def test_an_answer_of_something_on_the_way_says_what_to_check() -> None:
    check = "Check the proxy (https_proxy, no_proxy) and the option cs_endpoint."
    call = Call("DescribeClustersV1", "cs")

    def said(status: int, **headers: str) -> str:
        with pytest.raises(CallFailed) as caught:
            checked(reply(status, b"", **headers), call)
        return caught.value.message

    other = "DescribeClustersV1 was answered with HTTP {} by something else than the service: no error code. " + check
    assert said(403) == other.format(403)
    assert said(307) == other.format(307)
    assert said(400, Location="https://proxy.example/login") == other.format(400)
    assert said(300, Location="https://proxy.example/login?x=1") == (
        "DescribeClustersV1 was answered with HTTP 300 and a redirect to proxy.example, which is not followed: the "
        f"request is signed for the service alone. {check}"
    )
    assert "redirect to /login, which" in said(399, Location="/login")
    assert "redirect to http://[, which" in said(399, Location="http://[")
    assert len(said(302, Location=f"https://{'x' * 5000}/")) < 500


@pytest.mark.parametrize("target", ["http://other.example/x?token=1", "http://[", "//x", "\x1b[31m"])
def test_a_redirect_is_a_refusal(target: str) -> None:
    with pytest.raises(CallFailed, match=r"redirect to .* which is not followed") as caught:
        checked(reply(307, b"", Location=target), WRITE)
    assert (caught.value.retryable, caught.value.may_have_happened) == (False, False)
    assert "token" not in caught.value.message
    assert caught.value.message.isprintable()


# Replies of another shape


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "it is not JSON"),
        (b"", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"null", "it is null instead of an object"),
        (b"[]", "it is a list instead of an object"),
        (b'"text"', "it is a text instead of an object"),
        (b'{"ServiceMesh": []}', "ServiceMesh is a list instead of an object"),
        (b'{"ServiceMesh": {"ServiceMeshInfo": {"State": {}}}}', "ServiceMesh.ServiceMeshInfo.State is an object"),
    ],
)
def test_a_reply_of_another_shape_is_named(body: bytes, said: str) -> None:
    with pytest.raises(CallFailed, match=f"reply to {READ.action} is not what it documents: {said}") as caught:
        checked(Reply(200, {}, body), READ)
    assert caught.value.retryable is ("not JSON" in said)
    with pytest.raises(CallFailed) as caught:
        checked(Reply(200, {}, b"[]"), WRITE)
    assert (caught.value.retryable, caught.value.may_have_happened, caught.value.answered) == (False, True, True)


def test_a_reply_of_another_shape_says_what_to_check_and_which_request_it_was() -> None:
    with pytest.raises(CallFailed) as caught:
        checked(reply(200, {"ServiceMesh": [], "RequestId": "r-5"}), Call(READ.action, ids=("c-1",)))
    found = caught.value
    assert found.message == (
        "The service's reply to DescribeServiceMeshDetail (c-1) is not what it documents: ServiceMesh is a list "
        "instead of an object. Check the endpoint and the proxy."
    )
    assert (found.code, found.http_status, found.request_id) == ("UnexpectedReply", 200, "r-5")
    assert found.__suppress_context__


@pytest.mark.parametrize("call", [READ, WRITE])
def test_what_is_not_json_is_asked_for_again_by_reads_only(call: Call) -> None:
    with pytest.raises(CallFailed) as caught:
        checked(Reply(200, {}, b"<html>"), call)
    assert (caught.value.retryable, caught.value.may_have_happened) == (not call.write, call.write)


@pytest.mark.parametrize(
    "body",
    [
        {"RequestId": "r"},
        {"Code": "200"},
        {"Code": 200},
        {"Code": "OK"},
        {"Code": "success"},
        {"Code": "Success"},
        {"Code": ""},
        {"Code": None},
        {"code": "cluster-code", "other": 1},
    ],
)
def test_a_good_reply_is_passed_on_as_it_is(body: Any) -> None:
    assert checked(reply(200, body), Call("AddClusterIntoServiceMesh")) == body


def test_a_bad_code_without_a_message_is_still_a_sentence() -> None:
    with pytest.raises(CallFailed, match=r"was refused with 500: no message\."):
        checked(reply(200, {"Code": 500}), WRITE)


# Failures without an answer


def lost(error: Exception) -> NoReply:
    return NoReply(trouble_of(error))


def while_connecting(error: Exception) -> Exception:
    vars(error)["never_sent"] = True
    return error


@pytest.mark.parametrize(
    "error",
    [
        while_connecting(ConnectionRefusedError(111, "Connection refused")),
        while_connecting(urllib3_errors.ConnectTimeoutError("connect timed out")),
        while_connecting(gaierror(EAI_AGAIN, "Temporary failure in name resolution")),
        while_connecting(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
        while_connecting(OSError("Tunnel connection failed: 503 Service Unavailable")),
    ],
)
def test_what_never_left_this_machine_is_tried_again(error: Exception) -> None:
    wrapped = urllib3_errors.MaxRetryError(POOL, "/", error)
    for call in (READ, WRITE):
        found = unanswered(lost(wrapped), call)
        assert (found.retryable, found.may_have_happened, found.code) == (True, False, "ConnectionFailed")
        assert "could not be sent" in found.message


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code, error.verify_message = 10, "certificate has expired"
    return error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("Tunnel connection failed: 403 Forbidden"), "the proxy refuses the connection with HTTP 403"),
        (OSError("Tunnel connection failed: 407 Proxy Authentication Required"), "HTTP 407"),
        (certificate_error(), "certificate has expired .the clock of this machine says"),
        (gaierror(EAI_NONAME, "Name or service not known"), "there is no host of that name"),
    ],
)
def test_what_would_fail_again_is_final(error: Exception, said: str) -> None:
    wrapped = urllib3_errors.MaxRetryError(POOL, "/", urllib3_errors.ProxyError("x", while_connecting(error)))
    found = unanswered(lost(wrapped), WRITE)
    assert (found.retryable, found.may_have_happened) == (False, False)
    assert said.split(" .")[0] in found.message


@pytest.mark.parametrize(
    "error",
    [
        urllib3_errors.ReadTimeoutError(POOL, "/", "read timed out"),
        urllib3_errors.ProtocolError("aborted", ConnectionResetError("reset")),
        urllib3_errors.SSLError(ssl.SSLEOFError(8, "EOF occurred in violation of protocol")),
        OutOfBounds("the reply was not complete after 60 s", slow=True),
    ],
)
def test_silence_after_sending_leaves_a_write_unknown(error: Exception) -> None:
    read = unanswered(lost(error), READ)
    assert (read.retryable, read.may_have_happened) == (True, False)
    write = unanswered(lost(error), WRITE)
    assert (write.retryable, write.may_have_happened, write.answered) == (False, True, False)
    assert write.code == "ReplyLost"


def test_a_reply_that_is_too_large_is_not_asked_for_again() -> None:
    found = unanswered(lost(OutOfBounds("the reply is larger than 128 MiB")), READ)
    assert found.retryable is False
    assert "larger than 128 MiB" in found.message


def test_a_call_without_an_answer_says_why_and_what_to_check() -> None:
    refused = urllib3_errors.MaxRetryError(POOL, "/", while_connecting(ConnectionRefusedError(111, "refused")))
    found = unanswered(lost(refused), WRITE)
    assert found.message.startswith("CreateServiceMesh could not be sent: ")
    assert found.message.endswith(". Check the endpoint, the proxy and the network.")
    assert found.answered is False
    silent = unanswered(lost(urllib3_errors.ReadTimeoutError(POOL, "/", "read timed out")), WRITE)
    assert silent.message.startswith("CreateServiceMesh got no usable answer: ")
    assert silent.code == "ReplyLost"


def test_the_reason_of_a_missing_answer_is_found_behind_what_the_sdk_raises() -> None:
    wrapped = ValueError("the SDK's words")
    wrapped.__cause__ = lost(while_connecting(ConnectionRefusedError(111, "refused")))
    assert unanswered(wrapped, WRITE).code == "ConnectionFailed"


def test_an_exception_without_a_text_is_named() -> None:
    found = unanswered(KeyError(), READ)
    assert found.message == "DescribeServiceMeshDetail failed before it was sent: KeyError"
    assert (found.answered, found.code) == (False, "CallFailed")


def test_what_signs_a_request_is_not_repeated() -> None:
    header = "ACS3-HMAC-SHA256 Credential=AK\n,SignedHeaders=accept;host,Signature=33594f0827"
    found = unanswered(ValueError(f"Invalid return character(s) in header value: {header!r}"), READ)
    assert found.message.endswith("Invalid return character(s) in header value: '...")
    assert "Credential" not in found.message
    assert "33594f0827" not in found.message


def test_a_mistake_before_sending_is_neither_repeated_nor_unknown() -> None:
    found = unanswered(ValueError("RegionId is empty"), Call("AttachCluster"))
    assert (found.retryable, found.may_have_happened, found.code) == (False, False, "CallFailed")
    assert found.message == "AttachCluster failed before it was sent: RegionId is empty"


def test_the_chain_of_causes_is_followed_everywhere_and_ends_in_a_circle() -> None:
    class Wrapper(Exception):
        inner_exception = KeyError("inner")

    innermost, middle, outer = OSError("innermost"), ValueError("middle"), Wrapper()
    middle.__cause__ = innermost
    outer.__context__ = middle
    innermost.__context__ = outer
    assert {type(error) for error in chain(outer)} == {Wrapper, KeyError, ValueError, OSError}


# What to do


@pytest.mark.parametrize("part", [rule.part for rule in RULES if rule.meaning == REFUSED and rule.advice])
def test_known_codes_come_with_advice(part: str) -> None:
    message = explain(Call("DeleteServiceMesh"), part, "It is so.", 400)
    assert message.startswith(f"DeleteServiceMesh was refused with {part}: It is so. ")
    assert len(message.split(": It is so. ")[1]) > 20
    assert "{" not in message


@pytest.mark.parametrize("rule", RULES)
def test_no_row_hides_another(rule: Any) -> None:
    assert rule_of(rule.part) is rule


def test_advice_is_found_in_longer_codes() -> None:
    assert "Detach every cluster first" in failure(400, "ErrorPermitted.ClustersNotEmpty", WRITE).message
    assert "access_key_secret" in failure(400, "SignatureDoesNotMatch").message


@pytest.mark.parametrize(
    ("product", "detail", "permission"),
    [
        ("asm", None, "servicemesh:DescribeClustersV1"),
        ("cs", None, "cs:DescribeClustersV1"),
        ("cs", {"AuthAction": "cs:GetClusters"}, "cs:GetClusters"),
    ],
)
def test_the_missing_permission_is_that_of_the_product(product: str, detail: Any, permission: str) -> None:
    body = {"code": "Forbidden.RAM", "message": "no", **({"AccessDeniedDetail": detail} if detail else {})}
    with pytest.raises(CallFailed, match=f"RAM policy that allows {permission}[.]"):
        checked(reply(403, body), Call("DescribeClustersV1", product))


def test_ids_of_the_call_are_named() -> None:
    call = Call("RemoveClusterFromServiceMesh", ids=("c-mesh", "c-cluster"))
    said = failure(400, "InvalidParameter", call).message
    assert said.startswith("RemoveClusterFromServiceMesh (c-mesh, c-cluster) was refused with InvalidParameter: ")


def test_of_many_ids_the_first_three_are_named() -> None:
    assert str(Call("X", ids=("a", "b", "c", "d"))) == "X (a, b, c)"
    assert str(Call("X")) == "X"


def test_the_permission_that_the_service_names_counts_in_both_spellings() -> None:
    for key in ("AccessDeniedDetail", "accessDeniedDetail"):
        body = {"Code": "Forbidden.RAM", "Message": "no.", key: {"AuthAction": "ram:PassRole"}}
        with pytest.raises(CallFailed) as caught:
            checked(reply(403, body), WRITE)
        assert caught.value.message == (
            "CreateServiceMesh was refused with Forbidden.RAM: no. Ask the account's administrator for the RAM policy "
            "that allows ram:PassRole."
        )


def test_a_permission_is_not_told_without_end() -> None:
    with pytest.raises(CallFailed) as caught:
        checked(reply(403, {"Code": "Forbidden.RAM", "AccessDeniedDetail": {"AuthAction": "x" * 5000}}), WRITE)
    assert len(caught.value.message) < 300


def test_without_a_word_of_the_service_the_permission_is_that_of_the_action() -> None:
    assert explain(Call("X"), "Forbidden.RAM", "No", 403) == (
        "X was refused with Forbidden.RAM: No. Ask the account's administrator for the RAM policy that allows "
        "servicemesh:X."
    )


def test_the_end_of_what_the_service_said_is_one_full_stop() -> None:
    assert explain(Call("X"), "Odd", "No. ", 404) == "X was refused with Odd: No."
    assert explain(Call("X"), "", "No...", 404) == "X was refused with HTTP 404: No."
    assert explain(Call("X"), "Odd", "There is no X.", 404) == "X was refused with Odd: There is no X."


def test_an_unknown_code_needs_no_advice() -> None:
    assert explain(Call("X"), "Odd", " Not found. ", 404) == "X was refused with Odd: Not found."


# The clock

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (-20, "is 20 min ahead of the service's"),
        (20, "is 20 min behind the service's"),
        (600, "is 600 min behind the service's"),
    ],
)
def test_a_wrong_clock_is_named_with_its_difference(minutes: int, said: str) -> None:
    there = format_datetime(NOW + timedelta(minutes=minutes), usegmt=True)
    assert said in clock_advice(there, NOW)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_difference_of_less_than_a_minute_is_none(sign: int) -> None:
    def said(seconds: int) -> str:
        return clock_advice(format_datetime(NOW + sign * timedelta(seconds=seconds), usegmt=True), NOW)

    assert said(59) == (
        "Check the clock of the machine that runs the module, it says 2026-11-26 12:00 UTC: set it by NTP (timedatectl "
        "set-ntp true)."
    )
    assert said(60) == (
        f"The clock of the machine that runs the module is 1 min {'behind' if sign > 0 else 'ahead of'} the service's: "
        "set it by NTP (timedatectl set-ntp true)."
    )


@pytest.mark.parametrize("date", [None, "", "nonsense", "Wed, 99 Nov 2026 99:99:99 GMT", "x" * 9999])
def test_a_wrong_clock_is_named_without_a_date_too(date: str | None) -> None:
    assert clock_advice(date, NOW).startswith("Check the clock of the machine that runs the module, it says 2026-11-26")


def test_a_refused_time_stamp_names_the_clock() -> None:
    there = format_datetime(datetime.now(timezone.utc) - timedelta(minutes=20), usegmt=True)
    assert "20 min ahead" in failure(400, "InvalidTimeStamp.Expired", Date=there).message
    assert "clock" in failure(400, "IllegalTimestamp").message


# The end of the attempts


def test_giving_up_says_how_long_it_was_tried() -> None:
    failure = CallFailed("It is busy.", retryable=True, code="Throttling")
    assert failure.final().message == "It is busy."
    message = failure.final(gave_up_after=60).message
    assert message == "It is busy. Tried again for 60 s in vain (raise api_timeout to try longer)."


def test_the_final_error_is_one_of_the_family_and_no_longer_an_attempt() -> None:
    final = CallFailed("No.", code="ERR404").final()
    assert final.__class__ is AsmError
    for answered in (True, False):
        lost = CallFailed("No.", may_have_happened=True, answered=answered).final()
        assert isinstance(lost, LostReply)
        assert (lost.message, lost.answered) == ("No.", answered)


@pytest.mark.parametrize("may_have_happened", [True, False])
def test_what_the_service_said_stays_with_the_final_error(may_have_happened: bool) -> None:
    told = {"code": "ERR500", "request_id": "R-1", "http_status": 500}
    final = CallFailed("No.", may_have_happened=may_have_happened, **told).final()
    assert {name: getattr(final, name) for name in told} == told
