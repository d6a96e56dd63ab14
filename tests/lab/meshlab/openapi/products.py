# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The products behind the endpoint: ASM (RPC style) and ACK (ROA style)."""

from __future__ import annotations

from typing import Any

from meshlab import ack, asm
from meshlab.account import User
from meshlab.ack import routes
from meshlab.asm.actions import ACTIONS, Action, Call
from meshlab.cloud import Cloud
from meshlab.faults import Fault
from meshlab.openapi.errors import ApiError, not_implemented, unknown_action
from meshlab.openapi.gateway import Operation
from meshlab.openapi.parameters import SDK, parameters_of
from meshlab.openapi.signature import Request
from meshlab.world import World


class Asm:
    """servicemesh 2020-01-11."""

    name = "servicemesh"
    version = "2020-01-11"

    def __init__(self, cloud: Cloud) -> None:
        asm.register_all()
        self._cloud = cloud
        self._parameters = parameters_of(SDK)

    def understand(self, request: Request, *, tolerant: bool) -> Operation:
        """Action and version come from header, query or form; parameters from query and form together."""
        sent = request.query + request.form
        values = dict(sent)
        name = request.headers.get("x-acs-action") or values.get("Action", "")
        version = request.headers.get("x-acs-version") or values.get("Version", "")
        if version != self.version:
            raise ApiError(400, "InvalidVersion", f"Specified parameter Version {version!r} is not valid.")
        action = ACTIONS.get(name)
        if action is None:
            raise not_implemented(name) if name in self._parameters.actions else unknown_action(name)
        if request.method not in action.methods:
            raise ApiError(
                405, "UnsupportedHTTPMethod", f"Action {name} takes {', '.join(sorted(action.methods))} only."
            )
        ignored: list[str] = []
        parameters = self._parameters.parse(name, sent, ignored if tolerant else None)
        action.check_required(parameters)
        return Operation(name, parameters, action.write, action, ignored)

    def call(self, operation: Operation, user: User, world: World, faults: list[Fault]) -> dict[str, Any]:
        """Carry the action out."""
        action: Action = operation.handler
        return action.handler(Call(operation.action, operation.parameters, user, world, self._cloud, faults))

    def success(self, result: dict[str, Any], request_id: str) -> dict[str, Any]:
        """Every reply has a RequestId."""
        return {"RequestId": request_id, **result}

    def failure(self, error: ApiError, request_id: str) -> dict[str, Any]:
        """Code, Message, RequestId, HostId, Recommend."""
        return error.rpc_body(request_id)


class Ack:
    """CS 2015-12-15."""

    name = "cs"
    version = "2015-12-15"

    def __init__(self, cloud: Cloud) -> None:
        ack.register_all()
        self._cloud = cloud
        self._parameters = parameters_of("alibabacloud_cs20151215")

    def understand(self, request: Request, *, tolerant: bool) -> Operation:
        """Method and path name the action."""
        version = request.headers.get("x-acs-version", "")
        if version != self.version:
            raise ApiError(400, "InvalidVersion", f"Specified parameter Version {version!r} is not valid.")
        found = routes.find(request.method, request.path)
        if found is None:
            name = request.headers.get("x-acs-action", "")
            raise not_implemented(name) if name in self._parameters.actions else unknown_action(name or request.path)
        route, ids = found
        ignored: list[str] = []
        fields = self._parameters.of(route.action)
        parameters = routes.parse(fields, request.query, request.body, ignored if tolerant else None)
        return Operation(route.action, {**ids, **parameters}, route.write, (route, ids, parameters), ignored)

    def call(self, operation: Operation, user: User, world: World, faults: list[Fault]) -> Any:
        """Carry the action out."""
        route, ids, parameters = operation.handler
        return route.handler(routes.AckCall(operation.action, ids, parameters, user, world, self._cloud))

    def success(self, result: Any, request_id: str) -> Any:
        """The bare result; the few that have a place for the request id get it filled."""
        if isinstance(result, dict):
            return {key: request_id if key in ("RequestId", "request_id") else result[key] for key in result}
        return result

    def failure(self, error: ApiError, request_id: str) -> dict[str, Any]:
        """code, message, requestId, status."""
        return error.roa_body(request_id)
