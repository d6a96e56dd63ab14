# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions of ASM that the service has and the SDK has no method for: called as the SDK would call them.

Terraform's provider calls them, with all parameters in the form. They are no documented part of the API, and may go.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

UNLISTED = frozenset(
    {
        "CreateExtensionProvider",
        "DeleteExtensionProvider",
        "DescribeExtensionProvider",
        "DescribeKialiConfiguration",
        "UpdateExtensionProvider",
        "UpdateKialiConfiguration",
    }
)


def arguments(action: str, parameters: dict[str, Any]) -> list[Any]:
    """What the SDK's ``call_api`` takes for an action of the product ``servicemesh``, besides the runtime options."""
    from alibabacloud_tea_openapi.models import OpenApiRequest, Params

    params = Params(
        action=action,
        version="2020-01-11",
        protocol="HTTPS",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return [params, OpenApiRequest(body=parameters)]
