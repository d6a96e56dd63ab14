# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which identity a task has: the options that every module has, and one source for the whole credential.

The order of the sources is that of the official SDK (``DefaultCredentialsProvider``). Two things are stricter: options
come before everything else, and a source that is there but incomplete is an error instead of a step to the next one,
which may be another account.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.meshops.asm.plugins.module_utils.cloud.profiles import (
    Files,
    account_of_role,
    check_cli_profile,
    check_section,
)
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

Variables = Mapping[str, str]

#: The variables behind each option. Those of a credential and the region are read by ``resolve``, never by Ansible,
#: which would mix them with options one by one. The first family is the SDK's, the second that of Terraform and of the
#: collection alibaba.alicloud. ``ALIBABA_CLOUD_ROLE_ARN`` belongs to an OIDC token and to nothing else, as in the SDK.
ENVIRONMENT: dict[str, list[str]] = {
    "access_key_id": ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY_ID", "ALICLOUD_ACCESS_KEY"],
    "access_key_secret": ["ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALICLOUD_SECRET_ACCESS_KEY", "ALICLOUD_SECRET_KEY"],
    "security_token": ["ALIBABA_CLOUD_SECURITY_TOKEN", "ALICLOUD_SECURITY_TOKEN"],
    "profile": ["ALIBABA_CLOUD_PROFILE", "ALICLOUD_PROFILE"],
    "role_arn": ["ALICLOUD_ASSUME_ROLE_ARN"],
    "role_session_name": ["ALIBABA_CLOUD_ROLE_SESSION_NAME", "ALICLOUD_ASSUME_ROLE_SESSION_NAME"],
    "region": ["ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION_ID", "ALICLOUD_REGION"],
    "asm_endpoint": ["MESHOPS_ASM_ENDPOINT"],
    "cs_endpoint": ["MESHOPS_CS_ENDPOINT"],
    "api_server_address": ["MESHOPS_API_SERVER_ADDRESS"],
    "api_timeout": ["MESHOPS_API_TIMEOUT"],
}


def _env(option: str) -> tuple[Any, list[str]]:
    return env_fallback, ENVIRONMENT[option]


# The options that every module has (documented in the fragment meshops.asm.cloud).
CLOUD_OPTIONS: dict[str, Any] = {
    # No secret, but AWX and other callbacks store every argument of a module: with it, whose key it is.
    "access_key_id": {"type": "str", "no_log": True},
    "access_key_secret": {"type": "str", "no_log": True},
    "security_token": {"type": "str", "no_log": True},
    "profile": {"type": "str"},
    "role_arn": {"type": "str"},
    "role_session_name": {"type": "str", "default": "meshops-asm", "fallback": _env("role_session_name")},
    "region": {"type": "str", "aliases": ["region_id"]},
    "asm_endpoint": {"type": "str", "fallback": _env("asm_endpoint")},
    "cs_endpoint": {"type": "str", "fallback": _env("cs_endpoint")},
    "api_server_address": {
        "type": "str",
        "choices": ["auto", "public", "private"],
        "default": "auto",
        "fallback": _env("api_server_address"),
    },
    "api_timeout": {"type": "int", "default": 60, "fallback": _env("api_timeout")},
}

# What a header can hold, without quotes.
_PLAIN = re.compile(r"[!#-&(-~]+")
_KEYS = ("access_key_id", "access_key_secret", "security_token")
_SDK, _TERRAFORM = "ALIBABA_CLOUD_", "ALICLOUD_"
_OIDC = ("ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
# With one of these set, the first family says who is calling, and the second is not read.
_SPEAKS = ("ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_CREDENTIALS_URI")


@dataclass(frozen=True)
class Identity:
    """Who is calling, from one source. ``kind`` says how the SDK gets the credential:

    ``keys``, ``cli_profile`` and ``credentials_file`` (``profile`` in ``file``), ``oidc``, or ``instance`` (the RAM
    role of the instance, or what ``uri`` answers). ``source`` names it for people. ``role_arn`` is assumed on top, as
    ``role_by`` wants it. ``family`` is that of the variables that gave it.
    """

    kind: str
    source: str
    access_key_id: str = ""
    access_key_secret: str = field(default="", repr=False)
    security_token: str = field(default="", repr=False)
    profile: str = ""
    file: str = ""
    oidc: tuple[str, str, str] = ("", "", "")
    uri: str = ""
    metadata: bool = True
    region: str | None = None
    role_arn: str = ""
    role_by: str = ""
    role_session_name: str = ""
    account_id: str | None = None
    family: str = ""

    def __str__(self) -> str:
        return f"{self.source}, with the role of {self.role_by}" if self.role_arn else self.source

    def secrets(self) -> set[str]:
        """Values that nothing may show."""
        return {value for value in (self.access_key_secret, self.security_token) if value}

    def fingerprint(self) -> list[str]:
        """What decides about the answers of the service, and is no secret."""
        what = (self.kind, self.source, self.access_key_id, self.profile, self.file, self.role_arn, *self.oidc)
        return [*what, self.uri, str(self.region)]


def resolve(options: Mapping[str, Any], environ: Variables, files: Files) -> Identity:
    """The identity that options (those that are given, without Ansible's environment), variables and files mean.

    Pure but for the files, which are read when their turn comes. Raises ``InvalidInput`` with one sentence that names
    the source and what it lacks, never a value.
    """
    given = {name: options.get(name) for name in (*_KEYS, "profile")}
    for name in ("access_key_id", "access_key_secret", "profile", "role_arn"):
        if options.get(name) == "":
            raise _refused(f"The option {name} is empty. Leave it out (or default(omit)) to use another source.")
    if any(given[name] for name in _KEYS):
        found = _keys_of_options(given)
    elif given["profile"]:
        found = _named_profile(str(given["profile"]), "the option profile", environ, files)
    else:
        found = _of_environment(environ, files)
    role = str(options.get("role_arn") or "")
    if role:
        found = replace(found, role_arn=role, role_by="the option role_arn")
    if found.role_arn:
        session = str(options.get("role_session_name") or "meshops-asm")
        found = replace(found, role_session_name=session, account_id=account_of_role(found.role_arn))
    region = options.get("region") or (found.region if given["profile"] and found.profile else None)
    return replace(found, region=region or _region(environ, found) or found.region or None)


def _keys_of_options(given: Mapping[str, Any]) -> Identity:
    if not given["access_key_id"]:
        which = "access_key_secret" if given["access_key_secret"] else "security_token"
        raise _refused(
            f"The option {which} is set but access_key_id is not: one source has to give all of a credential."
        )
    if not given["access_key_secret"]:
        raise _refused(
            "The option access_key_id is set but access_key_secret is not: one source has to give all of a credential, "
            "so that a secret of the environment does not count here."
        )
    return _keys("the options access_key_id and access_key_secret", *(str(given[name] or "") for name in _KEYS))


def _keys(source: str, *values: str) -> Identity:
    """An AccessKey; the line break at the end of a file that it was read from is none of it."""
    key, secret, token = (value.strip() for value in values)
    for name, given, value in zip(_KEYS, values, (key, secret, token), strict=True):
        if given and not _PLAIN.fullmatch(value):
            raise _refused(
                f"{source}: {name} is blank, or has a blank, a quote or another character in it that none has. Give "
                "the bare value."
            )
    return Identity("keys", source, access_key_id=key, access_key_secret=secret, security_token=token)


def _of_environment(environ: Variables, files: Files) -> Identity:
    """The order of the SDK: AccessKey, OIDC token, profile of the CLI, credentials file, instance, URI."""
    found = _keys_of_family(environ, _SDK)
    if found:
        return found
    oidc = tuple(environ.get(name) or "" for name in _OIDC)
    if all(oidc):
        source = "the OIDC token of ALIBABA_CLOUD_OIDC_TOKEN_FILE"
        return Identity("oidc", source, oidc=(oidc[0], oidc[1], oidc[2]), account_id=account_of_role(oidc[0]))
    if not any(environ.get(name) for name in _SPEAKS):
        found = _of_second_family(environ, files)
        if found:
            return replace(found, family=_TERRAFORM)
    return _of_files(environ, files)


def _of_second_family(environ: Variables, files: Files) -> Identity | None:
    """What ``ALICLOUD_*`` say: an AccessKey or a profile, and a role on top of it or of what comes next."""
    found = _keys_of_family(environ, _TERRAFORM)
    if not found and environ.get("ALICLOUD_PROFILE"):
        found = _named_profile(environ["ALICLOUD_PROFILE"], "ALICLOUD_PROFILE", environ, files)
    role = environ.get("ALICLOUD_ASSUME_ROLE_ARN")
    if not role:
        return found
    return replace(found or _of_files(environ, files), role_arn=role, role_by="ALICLOUD_ASSUME_ROLE_ARN")


def _keys_of_family(environ: Variables, family: str) -> Identity | None:
    """The AccessKey of one family of variables, whole; None when there is nothing of it."""
    key, secret, token = (
        next(
            ((name, environ[name]) for name in ENVIRONMENT[option] if name.startswith(family) and environ.get(name)),
            None,
        )
        for option in _KEYS
    )
    if key and secret:
        return _keys(f"{key[0]} and {secret[0]}", key[1], secret[1], token[1] if token else "")
    if key or secret:
        is_set = key or secret or ("", "")
        lacking = ENVIRONMENT["access_key_secret" if key else "access_key_id"]
        names = " or ".join(name for name in lacking if name.startswith(family))
        raise _refused(f"{is_set[0]} is set but {names} is not: one source has to give all of a credential.")
    return None


def _of_files(environ: Variables, files: Files) -> Identity:
    """The rest of the SDK's chain: the CLI's profile, the credentials file, the instance, the URI."""
    name = environ.get("ALIBABA_CLOUD_PROFILE") or ""
    if name:
        return _named_profile(name, "ALIBABA_CLOUD_PROFILE", environ, files)
    cli = None if _disabled(environ, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED") else files.cli()
    current = cli.current_profile() if cli else ""
    if cli and current:
        return _cli_profile(cli, current)
    section = files.sections().get("default")
    if section is not None:
        return _section(files, "default", section)
    uri = environ.get("ALIBABA_CLOUD_CREDENTIALS_URI") or ""
    metadata = not _disabled(environ, "ALIBABA_CLOUD_ECS_METADATA_DISABLED")
    if not uri and not metadata:
        raise _refused(nothing_usable("There is no AccessKey, OIDC token or profile, and the instance is not asked"))
    source = " or ".join([*["the RAM role of the instance"] * metadata, *["ALIBABA_CLOUD_CREDENTIALS_URI"] * bool(uri)])
    return Identity("instance", source, uri=uri, metadata=metadata)


def _named_profile(name: str, by: str, environ: Variables, files: Files) -> Identity:
    """A profile of this name, in the CLI's configuration or else in the credentials file, as the SDK looks for it."""
    disabled = _disabled(environ, "ALIBABA_CLOUD_CLI_PROFILE_DISABLED")
    cli = None if disabled else files.cli()
    if cli and cli.find(name) is not None:
        return _cli_profile(cli, name)
    section = files.sections().get(name)
    if section is not None:
        return _section(files, name, section)
    known = sorted({*(cli.names() if cli else []), *files.sections()})
    off = " (not read: ALIBABA_CLOUD_CLI_PROFILE_DISABLED)" if disabled else ""
    raise _refused(
        f"There is no profile '{name}', which {by} names, in {files.cli_path}{off} or {files.sections_path}. Profiles "
        f"there: {', '.join(known) or 'none'}."
    )


def _cli_profile(cli: Any, name: str) -> Identity:
    profile = check_cli_profile(cli, name)
    source = f"the profile {name} of {cli.path}"
    return Identity(
        "cli_profile",
        source,
        profile=name,
        file=cli.path,
        access_key_id=str(profile.get("access_key_id") or ""),
        region=str(profile.get("region_id") or "") or None,
        account_id=account_of_role(str(profile.get("ram_role_arn") or "")),
    )


def _section(files: Files, name: str, section: Mapping[str, str]) -> Identity:
    check_section(files.sections_path, name, section)
    return Identity(
        "credentials_file",
        f"the profile {name} of {files.sections_path}",
        profile=name,
        file=files.sections_path,
        access_key_id=section.get("access_key_id", ""),
        account_id=account_of_role(section.get("role_arn", "")),
    )


def _region(environ: Variables, found: Identity) -> str | None:
    """The region of the environment; of the family first that gave the credential."""
    names = sorted(ENVIRONMENT["region"], key=lambda name: name.startswith(_SDK) == (found.family == _TERRAFORM))
    return next((environ[name].strip() for name in names if environ.get(name, "").strip()), None)


def _disabled(environ: Variables, name: str) -> bool:
    return (environ.get(name) or "").lower() == "true"


def nothing_usable(why: str) -> str:
    """The sentence for a task that has no identity."""
    return (
        "No usable credentials for Alibaba Cloud. Set access_key_id and access_key_secret (or "
        "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET), a profile, or run on an instance with a RAM "
        f"role. {why}."
    )


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, code="MissingCredentials")
