# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_user_permission: what a RAM user may do with the API server of the shared mesh, as its kubeconfig shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import Shop
from .labs import NORTH_MESH, Lab
from .runner import Runner

GRANT = "GrantUserPermissions"

Json = dict[str, Any]


@pytest.fixture
def operator(lab: Lab, run: Runner, shop: Shop) -> Iterator[Json]:
    """A RAM user who may call the API, and has no role in any mesh before and after."""
    user: Json = lab.control.user("operator")
    yield user
    for mesh in (shop.name, NORTH_MESH):
        run("asm_user_permission", mesh=mesh, user=user["uid"], state="absent")


def keys(user: Json) -> Json:
    return {key: user[key] for key in ("access_key_id", "access_key_secret")}


def test_a_user_is_refused_allowed_and_refused_again(lab: Lab, run: Runner, shop: Shop, operator: Json) -> None:
    """The kubeconfig stays the same, what it is good for does not."""
    given = {"mesh": shop.name, "user": operator["uid"]}
    namespace = {"mesh": shop.name, "name": "it-permission", **keys(operator)}
    run.failing("asm_namespace", "forbidden", **namespace)
    done = run.converge("asm_user_permission", role="istio-readonly", **given)
    assert done["permission"]["role"] == "istio-readonly"
    assert run("istio_resource_info", mesh=shop.name, kind="VirtualService", **keys(operator))["changed"] is False
    run.failing("asm_namespace", "forbidden", **namespace)
    run("asm_user_permission", role="istio-ops", **given)
    run("asm_namespace", **namespace)
    run("asm_namespace", state="absent", **namespace)
    assert run.converge("asm_user_permission", state="absent", **given)["permission"] is None
    run.failing("asm_namespace", "forbidden", **namespace)


def test_the_role_in_another_mesh_stays(lab: Lab, run: Runner, shop: Shop, operator: Json) -> None:
    """The service may write IsRamRole as text, too."""
    lab.control.setting("is_ram_role", "text")
    try:
        run("asm_user_permission", mesh=NORTH_MESH, user=operator["uid"], role="istio-admin")
        since = lab.mark()
        done = run.converge("asm_user_permission", mesh=shop.name, user=operator["uid"], role="istio-ops")
        assert done["permission"]["others"] == {NORTH_MESH: "istio-admin"}
        (sent,) = lab.sent(since, GRANT)
        assert [row["Cluster"] for row in json.loads(sent["Permissions"])] == [NORTH_MESH, shop.id]
        run("asm_user_permission", mesh=shop.name, user=operator["uid"], state="absent")
        (found,) = run("asm_user_permission_info", user=operator["uid"])["permissions"]
        assert found == {"name": operator["uid"], "ram_role": False, "roles": {"north": "istio-admin"}}
    finally:
        lab.control.setting("is_ram_role", "number")


def test_exclusive_leaves_one_role(run: Runner, shop: Shop, operator: Json) -> None:
    run("asm_user_permission", mesh=NORTH_MESH, user=operator["uid"], role="istio-admin")
    given = {"mesh": shop.name, "user": operator["uid"], "role": "istio-ops", "exclusive": True}
    assert run("asm_user_permission", **given)["permission"]["others"] == {}
    (found,) = run("asm_user_permission_info", mesh=shop.name)["permissions"]
    assert found == {"name": operator["uid"], "ram_role": False, "roles": {shop.name: "istio-ops"}}


def test_a_ram_role(lab: Lab, run: Runner, shop: Shop) -> None:
    given = {"mesh": shop.name, "user": lab.control.user("pipeline")["uid"]}
    run.failing("asm_user_permission", "IsRamRole", role="istio-admin", **given)
    run("asm_user_permission", role="istio-admin", ram_role=True, **given)
    run("asm_user_permission", role="istio-ops", **given)
    (found,) = run("asm_user_permission_info", mesh=shop.name)["permissions"]
    assert found["ram_role"] is True
    run("asm_user_permission", state="absent", **given)


def test_verify_sees_the_role_that_somebody_has(run: Runner, shop: Shop, operator: Json) -> None:
    wanted = {"name": "the operator", "user": operator["uid"], "role": "istio-ops"}
    looked = run("asm_verify", mesh=shop.name, user_permissions=[wanted])
    (problem,) = looked["problems"]
    assert problem == f"permission the operator ({operator['uid']}): no role, not istio-ops"
    run("asm_user_permission", mesh=shop.name, user=operator["uid"], role="istio-ops")
    assert run("asm_verify", mesh=shop.name, user_permissions=[wanted])["problems"] == []


def test_bad_input(run: Runner, shop: Shop) -> None:
    role = {"role": "istio-ops"}
    run.refused("asm_user_permission", "user is 'operator'", "numbers", mesh=shop.name, user="operator", **role)
    run.refused("asm_user_permission", "'it-nowhere'", mesh="it-nowhere", user="2460000000000002", **role)
    run.refused("asm_user_permission", "role", mesh=shop.name, user="2460000000000002")
    run.refused("asm_user_permission", "role must be one of", "istio-ops", mesh=shop.name, user="2", role="istio-op")
    unknown = run.failing("asm_user_permission", "EntityNotExist", "GetUser", mesh=shop.name, user="404", **role)
    assert unknown["changed"] is False
