# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, LostReply, NotFound

FAMILY = [
    errors.InvalidInput,
    errors.NotFound,
    errors.Ambiguous,
    errors.Immutable,
    errors.Refused,
    errors.LostReply,
    errors.WaitFailed,
    errors.WaitTimeout,
]


def test_result_says_all_four_things_about_a_failure() -> None:
    error = AsmError("No.", code="Forbidden", request_id="r-1", http_status=403)
    assert error.as_result() == {"code": "Forbidden", "message": "No.", "request_id": "r-1", "http_status": 403}


def test_result_keys_are_there_without_any_answer_of_the_service() -> None:
    assert AsmError("No.").as_result() == {"code": "AsmError", "message": "No.", "request_id": "", "http_status": None}


@pytest.mark.parametrize("kind", FAMILY)
def test_kind_of_error_is_its_code_unless_the_service_has_one(kind: type[AsmError]) -> None:
    assert kind("No.").code == kind.__name__
    assert kind("No.", code="ERR404").code == "ERR404"


@pytest.mark.parametrize("kind", FAMILY)
def test_every_kind_is_caught_as_one_family_and_reads_as_its_message(kind: type[AsmError]) -> None:
    with pytest.raises(AsmError, match=r"^What is wrong\.$") as caught:
        raise kind("What is wrong.")
    assert caught.value.message == "What is wrong."


def test_nothing_is_said_to_have_changed_by_default() -> None:
    assert AsmError("No.").changed is False
    assert AsmError("No.", changed=True).changed is True


def test_details_are_not_shared_between_errors() -> None:
    first, second = AsmError("a"), AsmError("b")
    first.details["last_state"] = "initial"
    assert second.details == {}


def test_lost_reply_tells_silence_from_an_answered_error() -> None:
    assert LostReply("No answer.").answered is False
    answered = LostReply("HTTP 500.", answered=True, http_status=500, code="ERR500")
    assert (answered.answered, answered.http_status, answered.code) == (True, 500, "ERR500")


def test_what_is_not_there_yet_is_told_as_the_failure_or_in_a_sentence_of_its_own() -> None:
    assert NotFound("There is no mesh shop.").yet == "There is no mesh shop."
    assert NotFound("There is no mesh shop.", yet="The mesh will be made.").yet == "The mesh will be made."
