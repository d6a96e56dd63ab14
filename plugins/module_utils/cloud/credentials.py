# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module has, and the credential that they mean.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput


def _env(*names: str) -> tuple[Any, list[str]]:
    return env_fallback, list(names)


# The options that every module has (documented in the fragment meshops.asm.cloud). The second family of variables
# is the one that the collection alibaba.alicloud and Terraform read.
CLOUD_OPTIONS: dict[str, Any] = {
    "access_key_id": {
        "type": "str",
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


def credential(p: dict[str, Any]) -> Any:
    from alibabacloud_credentials.client import Client
    from alibabacloud_credentials.models import Config

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
