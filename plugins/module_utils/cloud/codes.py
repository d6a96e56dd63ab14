# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The error codes of the service: what each means for the call, and what to do about it.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from dataclasses import dataclass

# What became of a call. LATER: not carried out, and the same call may be sent again. UNKNOWN: the service failed on
# the way; it may have been carried out. REFUSED: not carried out, and sending it again brings the same answer.
LATER, UNKNOWN, REFUSED = "later", "unknown", "refused"


@dataclass(frozen=True)
class Rule:
    """``part`` of a code (in any case of its letters), its ``meaning``, and what to do; see ``explain`` for names."""

    part: str
    meaning: str
    advice: str = ""


_PERMISSION = "Ask the account's administrator for the RAM policy that allows {permission}."
CLOCK = "clock"

# The first row that fits counts. The HTTP status decides about all codes that are not here, and an HTTP status of 500
# and more overrules REFUSED.
RULES = (
    Rule("Throttling", LATER),
    Rule("ServiceUnavailable", LATER),
    # A copy of this very request came first: something on the way repeats requests.
    Rule("SignatureNonceUsed", UNKNOWN),
    Rule("ERR500", UNKNOWN),
    Rule("InternalError", UNKNOWN),
    Rule("InternalServerError", UNKNOWN),
    Rule("UnknownError", UNKNOWN),
    # The signature holds the time; the service takes 15 minutes of difference.
    Rule("InvalidTimeStamp", REFUSED, CLOCK),
    Rule("IllegalTimestamp", REFUSED, CLOCK),
    Rule("RequestTimeTooSkewed", REFUSED, CLOCK),
    Rule(
        "InvalidAccessKeyId",
        REFUSED,
        "Check access_key_id: the account does not know this AccessKey, or it is disabled.",
    ),
    Rule("SignatureDoesNotMatch", REFUSED, "Check access_key_secret: it does not belong to this AccessKey."),
    Rule("IncompleteSignature", REFUSED, "Check access_key_id and access_key_secret."),
    Rule(
        "SecurityToken",
        REFUSED,
        "Get a new security_token: this one has expired or belongs to another AccessKey.",
    ),
    Rule(
        "StatusForbidden",
        REFUSED,
        "The mesh may be gone, or the caller may lack the RAM policy that allows {permission}.",
    ),
    Rule("Forbidden", REFUSED, _PERMISSION),
    Rule("NoPermission", REFUSED, _PERMISSION),
    Rule(
        "ClustersNotEmpty",
        REFUSED,
        "Detach every cluster first (meshops.asm.asm_cluster), then delete the mesh; asm_mesh does both with "
        "detach_clusters=true.",
    ),
    Rule(
        "EntityNotExist",
        REFUSED,
        "Check the id, and whether it is that of a RAM user or of a RAM role: the RAM console and aliyun ram GetUser "
        "show it.",
    ),
    Rule("ErrorClusterNameAlreadyExist", REFUSED, "Another cluster has this name: choose another one."),
    Rule("NameAlreadyExist", REFUSED, "Another mesh has this name: choose another one, or manage that mesh by its id."),
    Rule(
        "ErrorClusterNotFound",
        REFUSED,
        "Check the cluster's name or id, and that the option region is the region that it is in.",
    ),
    Rule("ServiceMesh.NotFound", REFUSED, "Check the mesh's name or id, and that the credentials are of its account."),
    # These end with time, which the modules wait for where they meet them (wait_timeout); sent at once again, the call
    # would be refused again.
    Rule("StillInitializing", REFUSED, "The mesh is not ready for this yet: run the task again in a few minutes."),
    Rule(
        "RelatedResourceReused",
        REFUSED,
        "A load balancer or another resource of the mesh is used by something else: release it there, or name it in "
        "retain_resources.",
    ),
    Rule(
        "InvalidActiveState.ACK",
        REFUSED,
        "Container Service (ACK) is not activated for this account, or the cluster is not running: look at it in the "
        "ACK console.",
    ),
    Rule("Grant.NotRunning", REFUSED, "The mesh has to be running: wait for it (asm_mesh), then run the task again."),
    Rule("ERR404", REFUSED),
)


def rule_of(code: str) -> Rule | None:
    """The row for a code, or ``None``."""
    return next((rule for rule in RULES if rule.part.lower() in code.lower()), None)


def meaning_of(code: str, status: int) -> str:
    """``LATER``, ``UNKNOWN`` or ``REFUSED``. Pure.

    A code that is a number counts as the HTTP status: such replies come with HTTP 200.
    """
    rule = rule_of(code)
    # Of a failed server not even a refusal is believed.
    if rule and not (rule.meaning == REFUSED and status >= 500):
        return rule.meaning
    if code.isascii() and code.isdigit() and len(code) == 3:
        status = int(code)
    # 408: the service never got the whole request.
    if status in (408, 429):
        return LATER
    return UNKNOWN if status >= 500 else REFUSED
