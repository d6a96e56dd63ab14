# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an identity to the SDK's object that signs calls: its providers, each told everything explicitly.

What a provider is not told it takes from the environment as it was when the SDK was imported. Those that ask another
host for a credential do so by the SDK's transport, which knows no NO_PROXY and follows redirects; here it is replaced.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import importlib
import re
from types import SimpleNamespace
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import Identity, nothing_usable
from ansible_collections.meshops.asm.plugins.module_utils.cloud.transport import Transport
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput

# What an exchange of credentials may quote of itself when it fails.
_SENSITIVE = re.compile(r"(?i)(secret|token|signature)([\w-]*)([\"']?\s*[:=]\s*)[\"']?[^\s\"'&,}]+")
_LONGEST = 400
# Milliseconds, where the SDK names none.
_CONNECT, _READ = 5_000, 10_000
# The SDK's files whose providers ask other hosts.
_ASKING = ("ram_role_arn", "oidc", "ecs_ram_role", "uri", "rsa_key_pair", "cloud_sso", "oauth")


def signer(identity: Identity) -> Any:
    """The SDK's credential client of ``identity``, after it has given a credential once.

    Raises ``InvalidInput`` that names the source when it has none. Asks other hosts only where the source is one: the
    Security Token Service (STS), the instance's metadata service, or a credentials URI.
    """
    from alibabacloud_credentials.client import Client
    from alibabacloud_credentials.provider import RamRoleArnCredentialsProvider

    _replace_transport()
    try:
        provider = _provider(identity)
        if identity.role_arn:
            provider = RamRoleArnCredentialsProvider(
                credentials_provider=provider,
                role_arn=identity.role_arn,
                role_session_name=identity.role_session_name,
            )
        client = Client(provider=provider)
        client.get_credential()
    except AsmError:
        raise
    except Exception as error:  # CredentialException, TeaException, OSError: one meaning for the user
        said = _SENSITIVE.sub(r"\1\2\3***", _without(str(error), identity.secrets()))[:_LONGEST]
        message = f"The credential was to come from {identity}, which gave none: {said}"
        raise InvalidInput(nothing_usable(message.rstrip(".")), code="MissingCredentials") from None
    return client


def _provider(identity: Identity) -> Any:
    from alibabacloud_credentials import provider as sdk

    if identity.kind == "keys":
        keys = {"access_key_id": identity.access_key_id, "access_key_secret": identity.access_key_secret}
        if identity.security_token:
            return sdk.StaticSTSCredentialsProvider(**keys, security_token=identity.security_token)
        return sdk.StaticAKCredentialsProvider(**keys)
    if identity.kind == "cli_profile":
        # The first releases take no path here; all look in the same home.
        return sdk.CLIProfileCredentialsProvider(profile_name=identity.profile)
    if identity.kind == "credentials_file":
        return sdk.ProfileCredentialsProvider(profile_name=identity.profile, profile_file=identity.file)
    if identity.kind == "oidc":
        role, provider, token_file = identity.oidc
        return sdk.OIDCRoleArnCredentialsProvider(
            role_arn=role,
            oidc_provider_arn=provider,
            oidc_token_file_path=token_file,
            role_session_name=identity.role_session_name or None,
        )
    return _instance(identity, sdk)


def _instance(identity: Identity, sdk: Any) -> Any:
    """The instance's role, or what answers at the URI when there is none: the SDK's own order."""
    problem: Exception | None = None
    if identity.metadata:
        try:
            provider = sdk.EcsRamRoleCredentialsProvider(async_update_enabled=False)
            provider.get_credentials()
            return provider
        except Exception as error:  # whatever says that there is no such role here
            if not identity.uri:
                raise
            problem = error
    try:
        provider = sdk.URLCredentialsProvider(uri=identity.uri)
        provider.get_credentials()
    except Exception as error:
        raise error from problem
    return provider


def _replace_transport() -> None:
    """Lets the SDK's providers send by ``send``; each names the library below it in its own file."""
    from Tea.core import TeaCore

    ours = type("Core", (TeaCore,), {"do_action": staticmethod(lambda request, options=None: send(request, options))})
    for name in _ASKING:
        try:
            module = importlib.import_module(f"alibabacloud_credentials.provider.{name}")
        except ImportError:  # older releases have fewer of them
            continue
        if getattr(module, "TeaCore", None) is TeaCore:
            vars(module)["TeaCore"] = ours


def send(request: Any, options: dict[str, Any] | None) -> Any:
    """Sends a request of the SDK for a credential as ``Transport`` does: no redirect, a reply within limits.

    Returns what the SDK reads of a reply: ``status_code``, ``headers`` and ``body``. Raises ``NoReply``, whose text has
    no URL: that of a role's request holds its signature.
    """
    from Tea.core import TeaCore

    transport = Transport()
    times = {"connectTimeout": _CONNECT, "readTimeout": _READ}
    given = {name: value for name, value in (options or {}).items() if value and name in times}
    try:
        reply = transport.send(TeaCore.compose_url(request), request, {**times, **given})
    finally:
        transport.close()
    return SimpleNamespace(status_code=reply.status, headers=reply.headers, body=reply.body)


def _without(text: str, secrets: set[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text
