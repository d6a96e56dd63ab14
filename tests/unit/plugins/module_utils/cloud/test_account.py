# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import client as client_module
from ansible_collections.meshops.asm.plugins.module_utils.cloud.account import owner
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.cloud.signing import signer

from .conftest import ApiServer, Reply


@pytest.mark.parametrize(
    ("reply", "who"),
    [
        ({"ServiceMeshes": [{"OwnerId": "1"}, {"OwnerId": "1"}]}, "1"),
        ({"ServiceMesh": {"OwnerId": 1}}, "1"),
        ({"ServiceMeshes": [{"OwnerId": "1"}, {"OwnerId": "2"}]}, None),
        ({"ServiceMeshes": [{}, "x", None]}, None),
        ({"ServiceMeshes": "x", "ServiceMesh": []}, None),
        ({"ServiceMesh": {"OwnerId": ""}}, None),
        ([], None),
        (None, None),
    ],
)
def test_the_owner_of_meshes_is_the_account(reply: Any, who: str | None) -> None:
    assert owner(reply) == who


def test_the_first_reply_that_names_an_owner_tells_the_account(options: dict[str, Any], api: ApiServer) -> None:
    api.replies = [
        Reply({"ServiceMeshes": []}),
        Reply({"ServiceMesh": {"OwnerId": "1234567890123456"}}),
        Reply({"RequestId": "r-1"}),
    ]
    cloud = Cloud(options)
    seen = []
    for action in ("DescribeServiceMeshes", "DescribeServiceMeshDetail", "DescribeVersions"):
        cloud.asm(action)
        seen.append(cloud.account_id)
    assert seen == [None, "1234567890123456", "1234567890123456"]


def test_one_credential_serves_all_products(
    options: dict[str, Any], api: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role is assumed once for a task, not once for each API."""
    made = []

    def counted(identity: Any) -> Any:
        made.append(identity)
        return signer(identity)

    monkeypatch.setattr(client_module, "signer", counted)
    cloud = Cloud(options)
    cloud.asm("DescribeServiceMeshes")
    cloud.cs("DescribeClustersV1")
    assert made == [cloud.identity]
