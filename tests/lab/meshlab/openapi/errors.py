# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Errors of the cloud's API, as replies."""

from __future__ import annotations

from typing import Any

RECOMMEND = "https://api.aliyun.com/troubleshoot"


class ApiError(Exception):
    """An action was refused: HTTP ``status``, ``code`` and a message for the caller."""

    def __init__(self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    def rpc_body(self, request_id: str, product: str = "servicemesh") -> dict[str, Any]:
        """The reply of an RPC style product (ASM), and of the gateway itself to a caller of any ``product``."""
        return {
            "Code": self.code,
            "Message": self.message,
            "RequestId": request_id,
            "HostId": f"{product}.aliyuncs.com",
            "Recommend": f"{RECOMMEND}?q={self.code}&product={product}&requestId={request_id}",
        }

    def roa_body(self, request_id: str) -> dict[str, Any]:
        """The reply of a ROA style product (ACK): lower-case keys."""
        return {"code": self.code, "message": self.message, "requestId": request_id, "status": self.status}


def missing_parameter(name: str) -> ApiError:
    """A parameter that the action cannot do without was not sent."""
    return ApiError(400, f"Missing{name}", f"{name} is mandatory for this action.")


def invalid_parameter(name: str, problem: str) -> ApiError:
    """A parameter has a value that the action cannot use."""
    return ApiError(400, "InvalidParameter", f"The specified parameter {name} is not valid: {problem}.")


def unknown_parameter(action: str, name: str) -> ApiError:
    """A parameter that the action does not have. The real gateway would ignore it and the caller's wish with it."""
    return ApiError(400, "UnknownParameter", f"Action {action} has no parameter {name}.")


def unknown_action(action: str) -> ApiError:
    """No such action in this version of the product."""
    return ApiError(
        404, "InvalidAction.NotFound", f"Specified api {action} is not found, please check your url and method."
    )


def not_implemented(action: str) -> ApiError:
    """The product has the action, the lab does not."""
    return ApiError(501, "Lab.NotImplemented", f"The lab does not implement the action {action}.")


def forbidden(user: str, action: str) -> ApiError:
    """The RAM policy of the user does not allow the action."""
    return ApiError(
        403, "Forbidden.RAM", f"User {user} is not authorized to operate on the specified resource: {action}."
    )
