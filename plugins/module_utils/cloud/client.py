# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the ASM and ACK OpenAPI through the official SDKs: retries, errors, one place for all.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any

from ansible.module_utils.basic import missing_required_lib
from ansible_collections.meshops.asm.plugins.module_utils.cloud import account, failures, unlisted
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import Identity, resolve
from ansible_collections.meshops.asm.plugins.module_utils.cloud.profiles import Files
from ansible_collections.meshops.asm.plugins.module_utils.cloud.retries import Retries
from ansible_collections.meshops.asm.plugins.module_utils.cloud.signing import signer
from ansible_collections.meshops.asm.plugins.module_utils.cloud.transport import transported
from ansible_collections.meshops.asm.plugins.module_utils.flow import loggers
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput

loggers.silence()

_PACKAGES = {"asm": "alibabacloud_servicemesh20200111", "cs": "alibabacloud_cs20151215"}
# Milliseconds. The SDK's own 5 s and 10 s are too short for actions that wait on a control plane.
_CONNECT_TIMEOUT, _READ_TIMEOUT = 10_000, 30_000


class Cloud:
    """The account's ASM and ACK, reached with the credentials and endpoints of a module's options.

    ``writes`` counts the calls that may have changed something. SDK packages are imported at the first call.
    """

    def __init__(self, params: dict[str, Any], retries: Retries | None = None) -> None:
        self.params = params
        self.writes = 0
        self._owner: str | None = None
        self._retries = retries or Retries(budget=float(params.get("api_timeout") or 60))
        self._clients: dict[str, tuple[Any, Any]] = {}

    @cached_property
    def identity(self) -> Identity:
        """Who is calling, found out when it is first needed: a task with a kubeconfig of its own needs nobody."""
        return resolve(self.params, os.environ, Files(os.environ))

    @cached_property
    def _signer(self) -> Any:
        return signer(self.identity)

    @property
    def region(self) -> str | None:
        """The region of the options, the environment or the profile."""
        return self.params.get("region") or self.identity.region

    @property
    def private(self) -> bool | None:
        """Whether control planes are to be reached by their private address; ``None`` leaves it to the mesh."""
        return {"public": False, "private": True}.get(str(self.params.get("api_server_address")))

    @property
    def account_id(self) -> str | None:
        """The account that is called, as far as a role's name or a reply has told it."""
        return self.identity.account_id or self._owner

    def asm(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Calls an action of ASM (product ``servicemesh``, 2020-01-11) with its wire parameters.

        Parameters that are ``None`` are not sent. Returns the decoded reply; a reply with HTTP 200 and a bad
        ``Code`` raises like any other failure.
        """
        client, models = self._client("asm")
        sent = {key: value for key, value in parameters.items() if value is not None}
        call = failures.Call(action, "asm", _ids(sent), only_checks=sent.get("PreCheck") is True)
        if action in unlisted.UNLISTED:
            return self._call(client, call, "call_api", unlisted.arguments(action, sent))
        request = getattr(models, f"{_model_name(models, action)}Request", None)
        arguments = [request().from_map(sent)] if request else []
        return self._call(client, call, _method_name(client, action), arguments)

    def cs(self, action: str, *path: str, **parameters: Any) -> dict[str, Any]:
        """Calls an action of ACK (product ``CS``, 2015-12-15); ``path`` are the variables of its resource path."""
        client, models = self._client("cs")
        request = getattr(models, f"{action}Request", None)
        sent = {key: value for key, value in parameters.items() if value is not None}
        arguments = [*path, *([request().from_map(sent)] if request else []), {}]
        call = failures.Call(action, "cs", (*path, *_ids(sent)))
        return self._call(client, call, _method_name(client, action), arguments)

    def close(self) -> None:
        """Forgets the clients and closes their connections."""
        for client, _models in self._clients.values():
            client.close()
        self._clients.clear()

    def _call(self, client: Any, call: failures.Call, method: str, arguments: list[Any]) -> dict[str, Any]:
        from alibabacloud_tea_util.models import RuntimeOptions

        runtime = RuntimeOptions(connect_timeout=_CONNECT_TIMEOUT, read_timeout=_READ_TIMEOUT, autoretry=False)

        def once() -> dict[str, Any]:
            # Counted before it is sent, so that it counts however the call ends; what was surely refused is taken back.
            self.writes += call.write
            try:
                reply = _ask(client, method, [*arguments, runtime], call)
            except failures.CallFailed as failure:
                self.writes -= call.write and not failure.may_have_happened
                raise
            self._owner = self._owner or account.owner(reply)
            return reply

        return self._retries.run(once)

    def _client(self, product: str) -> tuple[Any, Any]:
        if product not in self._clients:
            self._clients[product] = self._connect(product)
        return self._clients[product]

    def _connect(self, product: str) -> tuple[Any, Any]:
        package = _PACKAGES[product]
        try:
            from alibabacloud_tea_openapi.models import Config

            client_module = __import__(f"{package}.client", fromlist=["Client"])
            models = __import__(f"{package}.models", fromlist=["models"])
        except ImportError as error:
            raise AsmError(missing_required_lib(package), code="MissingLibrary") from error
        if product == "cs" and not self.region:
            raise InvalidInput(
                "The option 'region' is needed to reach Container Service (ACK). Set it in the task, in "
                "module_defaults for group/meshops.asm.asm, or as ALIBABA_CLOUD_REGION_ID.",
                code="MissingRegion",
            )
        protocol, endpoint = _split_endpoint(self.params.get(f"{product}_endpoint"))
        config = Config(credential=self._signer, region_id=self.region, endpoint=endpoint, protocol=protocol)
        return transported(client_module.Client)(config), models


def _split_endpoint(endpoint: str | None) -> tuple[str | None, str | None]:
    """``http://host:port`` -> ``(http, host:port)``; a bare host means HTTPS; nothing means the SDK's own rule."""
    if not endpoint:
        return None, None
    scheme, separator, rest = endpoint.partition("://")
    return (scheme, rest.rstrip("/")) if separator else ("https", endpoint)


def _method_name(client: Any, action: str) -> str:
    """The SDK's method for an action with runtime options.

    Its rule for acronyms and digits (``CreateASMGateway``, ``DescribeClustersV1``) is undone by comparing letters.
    """
    wanted = f"{action}WithOptions".lower()
    for name in dir(type(client)):
        if name.replace("_", "") == wanted:
            return name
    raise AsmError(f"The installed SDK does not know the action {action}: install a newer release.", code="OldSdk")


def _model_name(models: Any, action: str) -> str:
    if hasattr(models, f"{action}Request"):
        return action
    wanted = f"{action}request".lower()
    return next((name[: -len("Request")] for name in dir(models) if name.lower() == wanted), action)


def _ask(client: Any, method: str, arguments: list[Any], call: failures.Call) -> dict[str, Any]:
    """One attempt. Raises ``CallFailed``."""
    try:
        reply = client.ask(method, *arguments)
    except AsmError:
        raise
    except Exception as error:  # the SDK raises several unrelated families, all judged in failures.py
        raise failures.unanswered(error, call) from error
    return failures.checked(reply, call)


def _ids(parameters: dict[str, Any]) -> tuple[str, ...]:
    """The ids among the parameters of a call, for messages."""
    return tuple(str(value) for key, value in parameters.items() if key.endswith("Id") and key != "RegionId" and value)
