# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two files of profiles that the official SDK reads: the configuration of the CLI, and the credentials file.

The SDK fills what a profile lacks from the environment, and goes on to the next source when a file is damaged. Here
both are errors that name the file and the field, never a value.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

_LARGEST = 1024 * 1024
_ROLE = re.compile(r"acs:ram::(\d+):role/")

#: What a profile of a mode (CLI) or type (credentials file) has to have. Modes without fields are checked by the SDK.
_MODES: dict[str, tuple[str, ...]] = {
    "AK": ("access_key_id", "access_key_secret"),
    "StsToken": ("access_key_id", "access_key_secret", "sts_token"),
    "RamRoleArn": ("access_key_id", "access_key_secret", "ram_role_arn"),
    "ChainableRamRoleArn": ("source_profile", "ram_role_arn"),
    "OIDC": ("ram_role_arn", "oidc_provider_arn", "oidc_token_file"),
    "EcsRamRole": (),
    "CloudSSO": (),
    "OAuth": (),
    "External": (),
}
_TYPES: dict[str, tuple[str, ...]] = {
    "access_key": ("access_key_id", "access_key_secret"),
    "ram_role_arn": ("access_key_id", "access_key_secret", "role_arn"),
    "oidc_role_arn": ("role_arn", "oidc_provider_arn", "oidc_token_file_path"),
    "rsa_key_pair": ("public_key_id", "private_key_file"),
    "ecs_ram_role": (),
}


class CliProfiles:
    """The configuration of the Alibaba Cloud CLI: ``{current, profiles: [{name, mode, region_id, ...}]}``."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            raise _refused(f"{path} is no JSON: mend it, or set ALIBABA_CLOUD_CLI_PROFILE_DISABLED=true.") from None
        profiles = data.get("profiles") or [] if isinstance(data, dict) else None
        if not isinstance(profiles, list) or not all(isinstance(one, dict) for one in profiles):
            raise _refused(f"{path} is no configuration of the Alibaba Cloud CLI: there is no list of profiles.")
        self._current = data.get("current")
        self._profiles: list[dict[str, Any]] = profiles

    def names(self) -> list[str]:
        return [one["name"] for one in self._profiles if isinstance(one.get("name"), str) and one["name"]]

    def find(self, name: str) -> dict[str, Any] | None:
        return next((one for one in self._profiles if one.get("name") == name), None)

    def current_profile(self) -> str:
        """The name of the profile that counts when nobody names one; empty when it was never filled in."""
        name = self._current if isinstance(self._current, str) else ""
        profile = self.find(name) if name else None
        if profile is None:
            return ""
        # What the CLI writes when it is first called has the mode AK and no key.
        fields = _MODES.get(str(profile.get("mode")), ())
        return "" if fields and not any(profile.get(field) for field in fields) else name


class Files:
    """Both files, read when they are asked for. ``read(path)`` gives a text, or None where there is no file."""

    def __init__(self, environ: Mapping[str, str], read: Callable[[str], str | None] | None = None) -> None:
        home = Path(environ.get("HOME") or environ.get("HOMEPATH") or str(Path.home()))
        self.cli_path = str(home / ".aliyun" / "config.json")
        self.sections_path = environ.get("ALIBABA_CLOUD_CREDENTIALS_FILE") or str(
            home / ".alibabacloud" / "credentials.ini"
        )
        self._read = read or _read

    def cli(self) -> CliProfiles | None:
        return self._cli

    def sections(self) -> dict[str, dict[str, str]]:
        """Section to its keys; what follows a ``#`` is a comment, as in the SDK."""
        return self._sections

    @cached_property
    def _cli(self) -> CliProfiles | None:
        text = self._read(self.cli_path)
        return None if text is None else CliProfiles(self.cli_path, text)

    @cached_property
    def _sections(self) -> dict[str, dict[str, str]]:
        text = self._read(self.sections_path)
        parser = configparser.ConfigParser()
        try:
            parser.read_string(text or "")
            return {
                name: {key: value.split("#")[0].strip() for key, value in parser.items(name)}
                for name in parser.sections()
            }
        except configparser.Error:
            raise _refused(f"{self.sections_path} is no file of sections with keys and values: mend it.") from None


def _read(path: str) -> str | None:
    file = Path(path)
    try:
        if not file.is_file():
            return None
        with file.open(encoding="utf-8") as stream:
            text = stream.read(_LARGEST + 1)
    except UnicodeDecodeError:
        raise _refused(f"{path} is no text in UTF-8.") from None
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from None
    if len(text) > _LARGEST:
        raise _refused(f"{path} is larger than {_LARGEST} bytes.")
    return text


def check_cli_profile(cli: CliProfiles, name: str) -> dict[str, Any]:
    """The profile, if it and those that it builds upon have all that their modes need."""
    seen: list[str] = []
    step = name
    while step:
        profile = cli.find(step)
        if profile is None:
            raise _refused(
                f"The profile {seen[-1] if seen else name} of {cli.path} builds upon '{step}', which is not there."
            )
        if step in seen:
            raise _refused(f"The profile {name} of {cli.path} builds upon itself: {' -> '.join([*seen, step])}.")
        seen.append(step)
        mode = profile.get("mode")
        _check(f"The profile {step} of {cli.path}", "mode", mode, _MODES, profile)
        step = str(profile["source_profile"]) if mode == "ChainableRamRoleArn" else ""
    found = cli.find(name)
    return found or {}


def check_section(path: str, name: str, section: Mapping[str, str]) -> None:
    """Raises ``InvalidInput`` for a profile of the credentials file that lacks something."""
    _check(f"The profile {name} of {path}", "type", section.get("type"), _TYPES, section)


def _check(which: str, key: str, kind: Any, kinds: Mapping[str, tuple[str, ...]], profile: Mapping[str, Any]) -> None:
    if kind not in kinds:
        raise _refused(f"{which} has no {key} that the SDK knows. Known: {', '.join(kinds)}.")
    lacking = [field for field in kinds[kind] if not isinstance(profile.get(field), str) or not profile[field]]
    if lacking:
        raise _refused(
            f"{which} ({key} {kind}) lacks {' and '.join(lacking)}: one source has to give all of a credential."
        )


def account_of_role(arn: str) -> str | None:
    """The id of the account in ``acs:ram::1234567890123456:role/mesh-admin``."""
    found = _ROLE.match(arn)
    return found[1] if found else None


def _refused(message: str) -> InvalidInput:
    return InvalidInput(message, code="MissingCredentials")
