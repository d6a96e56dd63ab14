# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrong list of checks is told by the preflight, not by the last role of a run that has made everything."""

from __future__ import annotations

from typing import Any

from .labs import Lab
from .playing import EXAMPLE, SPEC, tasks
from .runner import Runner

WRONG: dict[str, Any] = {
    "asm_user_permissions": [{"name": "bob", "user": "bob", "role": "istio-ops"}],
    "asm_extension_providers": [{"name": "httpextauth-it", "service": "it.shop.svc.cluster.local", "port": 99999}],
    "asm_gateway_routes": [{"name": "It_", "gateway": "ingressgateway", "hosts": ["a.org"]}],
    "asm_waypoints": [{"name": "it", "cluster": "shop-1", "namespace": "shop", "replicas": -1}],
}
VERSION = {"regex": r"reviews-(v\d)"}


def test_wrong_checks_are_refused_before_anything_is_written(lab: Lab, run: Runner) -> None:
    checks = [
        {"name": "too much", "path": "/productpage", "by": VERSION, "expect": {"split": {"v1": 80, "v2": 30}}},
        {"name": "no key", "path": "/productpage", "expect": {"even": ["v1", "v2"]}},
        {"name": "right", "path": "/productpage", "count": 10},
    ]
    with lab.unwritten():
        played = run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE, asm_checks=checks)
    assert played.code == 2
    assert list(tasks(played.output))[-1] == "preflight : Check the spec"
    message = played.output[played.output.index("The spec of mesh 'bookinfo' has 2 problems. Nothing was changed.") :]
    for words in ("asm_checks, 'too much': ", "110", "asm_checks, 'no key': ", "by"):
        assert words in message
    assert "'right'" not in message


def test_every_item_is_seen_by_its_module_before_anything_is_written(lab: Lab, run: Runner) -> None:
    with lab.unwritten():
        played = run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE, **WRONG)
    assert played.code == 2
    assert list(tasks(played.output))[-1] == "preflight : Check the spec"
    message = played.output[played.output.index("The spec of mesh 'bookinfo' has 4 problems. Nothing was changed.") :]
    for words in (
        "asm_user_permissions, 'bob': user is 'bob', which is no id",
        "asm_extension_providers, 'httpextauth-it': port must be a number from 1 to 65535.",
        "asm_gateway_routes, 'It_': name 'It_' is no name",
        "asm_waypoints, 'it': replicas must not be negative, it is -1.",
    ):
        assert words in message


def test_a_region_without_the_service(lab: Lab, run: Runner) -> None:
    mesh = {"name": "it-elsewhere", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"], "region": "cn-hangzou"}
    with lab.unwritten():
        played = run.play("meshops.asm.site", "--tags", "preflight", asm_mesh=mesh)
    assert played.code == 2
    assert "the service is not in the region cn-hangzou. Did you mean cn-hangzhou?" in played.output
