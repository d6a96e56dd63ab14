# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of the ASM and ACK OpenAPI through the official SDKs: credentials, retries, errors, one place for all.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from typing import Any

from ansible.module_utils.basic import env_fallback, missing_required_lib
from ansible_collections.meshops.asm.plugins.module_utils.cloud import failures
from ansible_collections.meshops.asm.plugins.module_utils.cloud.retries import Retries
from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError, InvalidInput


def _env(*names: str) -> tuple[Any, list[str]]:
    return env_fallback, list(names)


# The options that every module has (documented in the fragment meshops.asm.cloud). The second family of variables
# is the one that the collection alibaba.alicloud and Terraform read.
CLOUD_OPTIONS: dict[str, Any] = {
    # No secret, but AWX and other callbacks store every argument of a module: with it, whose key it is.
    "access_key_id": {
        "type": "str",
        "no_log": True,
        "fallback": _env("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY"),
    },
    "access_key_secret": {
        "type": "str",
        "no_log": True,
        "fallback": _env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_ACCESS_KEY", "ALICLOUD_SECRET_KEY"),
    },
    "security_token": {
        "type": "str",
        "no_log": True,
        "fallback": _env("ALIBABA_CLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"),
    },
    "profile": {"type": "str", "fallback": _env("ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE")},
    "role_arn": {"type": "str", "fallback": _env("ALIBABA_CLOUD_ROLE_ARN", "ALICLOUD_ASSUME_ROLE_ARN")},
    "role_session_name": {
        "type": "str",
        "default": "meshops-asm",
        "fallback": _env("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"),
    },
    "region": {
        "type": "str",
        "aliases": ["region_id"],
        "fallback": _env("ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION_ID", "ALICLOUD_REGION"),
    },
    "asm_endpoint": {"type": "str", "fallback": _env("MESHOPS_ASM_ENDPOINT")},
    "cs_endpoint": {"type": "str", "fallback": _env("MESHOPS_CS_ENDPOINT")},
    "api_timeout": {"type": "int", "default": 60, "fallback": _env("MESHOPS_API_TIMEOUT")},
}

_READ = re.compile(r"(Describe|List|Get)[A-Z]")
_PACKAGES = {"asm": "alibabacloud_servicemesh20200111", "cs": "alibabacloud_cs20151215"}
# Milliseconds. The SDK's own 5 s and 10 s are too short for actions that wait on a control plane.
_CONNECT_TIMEOUT, _READ_TIMEOUT = 10_000, 30_000


class Cloud:
    """The account's ASM and ACK, reached with the credentials and endpoints of a module's options.

    ``writes`` counts the calls that may have changed something. SDK packages are imported at the first call.
    """

    def __init__(self, params: dict[str, Any], retries: Retries | None = None) -> None:
        self.params = params
        self.region: str | None = params.get("region")
        self.writes = 0
        self._retries = retries or Retries(budget=float(params.get("api_timeout") or 60))
        self._clients: dict[str, tuple[Any, Any]] = {}

    def asm(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Calls an action of ASM (product ``servicemesh``, 2020-01-11) with its wire parameters.

        Parameters that are ``None`` are not sent. Returns the decoded reply; a reply with HTTP 200 and a bad
        ``Code`` raises like any other failure.
        """
        client, models = self._client("asm")
        request = getattr(models, f"{_model_name(models, action)}Request", None)
        sent = {key: value for key, value in parameters.items() if value is not None}
        arguments = [request().from_map(sent)] if request else []
        return self._call(client, action, arguments)

    def cs(self, action: str, *path: str, headers: bool = True, **parameters: Any) -> dict[str, Any]:
        """Calls an action of ACK (product ``CS``, 2015-12-15); ``path`` are the variables of its resource path."""
        client, models = self._client("cs")
        request = getattr(models, f"{action}Request", None)
        sent = {key: value for key, value in parameters.items() if value is not None}
        arguments = [*path, *([request().from_map(sent)] if request else []), *([{}] if headers else [])]
        return self._call(client, action, arguments)

    def close(self) -> None:
        """Forgets the clients; their connections close with the process."""
        self._clients.clear()

    def _call(self, client: Any, action: str, arguments: list[Any]) -> dict[str, Any]:
        from alibabacloud_tea_util.models import RuntimeOptions

        method = getattr(client, _method_name(client, action))
        runtime = RuntimeOptions(connect_timeout=_CONNECT_TIMEOUT, read_timeout=_READ_TIMEOUT, autoretry=False)
        write = not _READ.match(action)

        def once() -> dict[str, Any]:
            try:
                method(*arguments, runtime)
            except Exception as error:  # the SDK raises several unrelated families, all judged in failures.py
                failure = failures.judge(error, action, write=write)
                self.writes += 1 if write and failure.may_have_happened else 0
                raise failure from error
            reply = failures.checked(client.last_body, action)
            self.writes += 1 if write else 0
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
        config = Config(credential=self._credential(), region_id=self.region, endpoint=endpoint, protocol=protocol)
        return _keeping_replies(client_module.Client)(config), models

    def _credential(self) -> Any:
        from alibabacloud_credentials.client import Client
        from alibabacloud_credentials.models import Config

        p = self.params
        if p.get("access_key_id") and not p.get("access_key_secret"):
            raise InvalidInput("access_key_id is set but access_key_secret is not.", code="MissingCredentials")
        try:
            if not p.get("access_key_id"):
                if p.get("profile"):
                    from alibabacloud_credentials.provider import CLIProfileCredentialsProvider

                    credential = Client(provider=CLIProfileCredentialsProvider(profile_name=p["profile"]))
                else:
                    credential = Client()
                credential.get_credential()
                return credential
            kind = "ram_role_arn" if p.get("role_arn") else "sts" if p.get("security_token") else "access_key"
            names = ["access_key_id", "access_key_secret", "security_token"]
            names += ["role_arn", "role_session_name"] if kind == "ram_role_arn" else []
            return Client(Config(type=kind, **{name: p[name] for name in names if p.get(name)}))
        except Exception as error:  # CredentialException, TeaException, OSError: one meaning for the user
            raise InvalidInput(
                "No usable credentials for Alibaba Cloud. Set access_key_id and access_key_secret (or "
                "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET), a profile, or run on an instance "
                f"with a RAM role. The credential chain said: {str(error)[:400]}",
                code="MissingCredentials",
            ) from error


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


def _keeping_replies(client_class: Any) -> Any:
    """The SDK's client that keeps the decoded body of its last reply in ``last_body``.

    Its response models drop what they do not know: a ``Code`` that tells of a failure, and new fields.
    """

    class Client(client_class):
        last_body: Any = None

        def call_api(self, params: Any, request: Any, runtime: Any) -> dict[str, Any]:
            self.last_body = None
            reply: dict[str, Any] = super().call_api(params, request, runtime)
            self.last_body = reply.get("body")
            return reply

    return Client
