# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh of a spec beside the one that is there."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.mesh.described import differences

FOUND: dict[str, Any] = {
    "detail": {
        "ServiceMeshInfo": {"Version": "v1.25.6.41-aliyun"},
        "Spec": {
            "MeshConfig": {"Telemetry": "true", "Proxy": {"LimitCPU": "2000m"}},
            "Network": {"VSwitches": ['["vsw-1"]']},
        },
    },
    "tags": {"team": "shop", "acs:rg": "x"},
}


@pytest.mark.parametrize(
    "item",
    [
        {"name": "shop"},
        {"telemetry": True, "proxy": {"limits": {"cpu": 2}}, "vswitch_ids": ["vsw-1"], "version": "v1.25.6"},
        {"tags": {"team": "shop"}, "ca": {"key": "secret"}, "charge_type": "PrePay"},
        {"tags": {}, "purge_tags": False},
        None,
        7,
        {"telemetry": {}},
        {"telemetry": "perhaps"},
        {"tags": {"acs:mine": "x"}},
    ],
)
def test_what_is_as_described_or_cannot_be_compared(item: Any) -> None:
    assert differences(item, FOUND) == []


def test_each_difference_is_told_with_both_values() -> None:
    item = {"telemetry": False, "vswitch_ids": ["vsw-2"], "tags": {"team": "other", "new": 1}}
    assert differences(item, FOUND) == [
        'vswitch_ids: ["vsw-1"] is there, ["vsw-2"] is described',
        "telemetry: true is there, false is described",
        'tags.team: "shop" is there, "other" is described',
        'tags.new: null is there, "1" is described',
    ]
    assert differences({"tags": {}}, FOUND) == ['tags.team: "shop" is there, and not described']


def test_no_password_in_a_url_is_told() -> None:
    there = {**FOUND, "detail": {"Spec": {"MeshConfig": {"Prometheus": {"ExternalUrl": "https://a:hush-1@x"}}}}}
    assert differences({"prometheus_url": "https://a:hush-1@x"}, there) == []
    assert differences({"prometheus_url": "https://a:hush-2@x"}, there) == [
        'prometheus_url: another password than in "https://a:***@x" is described'
    ]
    assert differences({"prometheus_url": "https://b:hush-2@x"}, there) == [
        'prometheus_url: "https://a:***@x" is there, "https://b:***@x" is described'
    ]
