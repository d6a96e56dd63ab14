# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles of RAM users: the list of a user is merged, never lost, whatever the service shows of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud.shapes import conform, shape_of
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput, NotFound, Refused
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Outcome
from ansible_collections.meshops.asm.plugins.module_utils.mesh.permissions import Grant, grant_of
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules import asm_user_permission_info
from ansible_collections.meshops.asm.plugins.modules.asm_user_permission import UserPermission

from .conftest import FakeAsm

USER, OTHER, ROLE = "2460000000000002", "2460000000000003", "3580000000000005"
GRANT = "GrantUserPermissions"

Json = dict[str, Any]
Run = Callable[..., Outcome]


class Granting(FakeAsm):
    """``lists`` has the rows of each user as the service shows them; ``busy`` refuses so many grants."""

    def __init__(self) -> None:
        super().__init__(looks=0)
        self.lists: dict[str, list[Json]] = {}
        self.ram_roles = {ROLE}
        self.busy = 0
        self.gone: set[str] = set()

    def DescribeUserPermissions(self, SubAccountUserId: str) -> Any:
        reply = {"Permissions": self.lists.get(SubAccountUserId, [])}
        return conform(reply, shape_of("DescribeUserPermissions"))

    def DescribeServiceMeshDetail(self, ServiceMeshId: str) -> Any:
        if ServiceMeshId in self.gone:
            raise AsmError("No such mesh.", code="ServiceMesh.NotFound", http_status=404)
        if ServiceMeshId == "c8":
            raise AsmError("It is not for you.", code="StatusForbidden", http_status=403)
        return super().DescribeServiceMeshDetail(ServiceMeshId)

    def DescribeUsersWithPermissions(self, UserType: str) -> Any:
        return {"UIDs": [one for one, rows in self.lists.items() if rows and self._is(one, UserType)]}

    def GrantUserPermissions(self, SubAccountUserId: str, Permissions: str) -> Any:
        rows = json.loads(Permissions)
        if self.busy:
            self.busy -= 1
            raise AsmError("The mesh c2 is updating.", code="InvalidOperation.Grant.NotRunning", http_status=400)
        for row in rows:
            assert (row["IsCustom"], row["IsRamRole"]) == (True, SubAccountUserId in self.ram_roles)
            if row["Cluster"] in self.gone:
                raise AsmError("No such mesh.", code="ServiceMesh.NotFound", http_status=404)
        self.lists[SubAccountUserId] = [shown(row["Cluster"], row["RoleName"]) for row in rows]
        return {}

    def _is(self, user: str, kind: str) -> bool:
        return (user in self.ram_roles) == (kind == "RamRole")


def shown(mesh: str, role: str, **more: Any) -> Json:
    """A row as it is read, which is not how it is written."""
    fixed = {"IsRamRole": 0, "ParentId": "0", "ResourceType": "cluster", "RoleType": "custom"}
    return {**fixed, "ResourceId": mesh, "RoleName": role, **more}


@pytest.fixture
def asm() -> Granting:
    """Two running meshes, shop (c1) and test (c2)."""
    fake = Granting()
    for number, name in enumerate(("shop", "test"), 1):
        fake.CreateServiceMesh(RegionId="cn-hangzhou", Name=name)
        fake.meshes[f"c{number}"]["ServiceMeshInfo"]["State"] = "running"
    return fake


@pytest.fixture
def run(asm: Granting, task: Callable[..., Json], no_waiting: Any) -> Run:
    def call(*, check: bool = False, mesh: str = "shop", user: str = USER, **options: Any) -> Outcome:
        resource = UserPermission(task(UserPermission, mesh=mesh, user=user, **options), asm)  # type: ignore[arg-type]
        return converge(resource, check=check)

    return call


def roles(asm: Granting, user: str = USER) -> dict[str, str]:
    return {row["ResourceId"]: row["RoleName"] for row in asm.lists.get(user, [])}


def test_a_role_is_granted_changed_and_taken(asm: Granting, run: Run) -> None:
    predicted = run(role="istio-ops", check=True)
    assert (predicted.changed, asm.written()) == (True, [])
    done = run(role="istio-ops")
    assert done.value == predicted.value
    assert (done.value["role"], done.plan.before, done.plan.after["role"]) == ("istio-ops", None, "istio-ops")
    assert roles(asm) == {"c1": "istio-ops"}
    assert not run(role="istio-ops").changed
    assert run(role="istio-admin").plan.before["role"] == "istio-ops"
    gone = run(state="absent")
    assert (gone.changed, gone.value, roles(asm)) == (True, None, {})
    assert not run(state="absent").changed
    assert asm.written() == [GRANT] * 3


# What Terraform's provider does with the same list.


def test_it_is_not_overwritten_by_a_grant_nor_emptied_by_a_removal(asm: Granting, run: Run) -> None:
    """There, to create a resource replaces the user's whole list, and to destroy it empties the list."""
    asm.lists[USER] = [shown("c2", "istio-admin")]
    assert run(role="istio-readonly").value["others"] == {"c2": "istio-admin"}
    assert roles(asm) == {"c1": "istio-readonly", "c2": "istio-admin"}
    run(state="absent")
    assert roles(asm) == {"c2": "istio-admin"}


@pytest.mark.parametrize("spelled", [False, "false", "False", 0, "0", None])
def test_is_ram_role_in_any_spelling(asm: Granting, run: Run, spelled: Any) -> None:
    """There, anything but a boolean ends the provider."""
    asm.lists[USER] = [shown("c1", "istio-ops", IsRamRole=spelled), shown("c2", "istio-ops", IsRamRole=spelled)]
    assert not run(role="istio-ops").changed
    run(role="istio-admin")
    assert roles(asm) == {"c1": "istio-admin", "c2": "istio-ops"}


@pytest.mark.parametrize("said", [True, 1, "true", False])
def test_a_ram_role_is_sent_as_one_whatever_a_reply_calls_it(asm: Granting, run: Run, said: Any) -> None:
    """There, a role that is read back is never what was written (is_custom), so that it is written for ever."""
    asm.lists[ROLE] = [shown("c2", "istio-ops", IsRamRole=said)]
    run(role="istio-admin", user=ROLE)
    assert roles(asm, ROLE) == {"c1": "istio-admin", "c2": "istio-ops"}
    assert not run(role="istio-admin", user=ROLE).changed


def test_a_new_ram_role_has_to_be_called_one(asm: Granting, run: Run) -> None:
    run(role="istio-admin", user=ROLE, ram_role=True)
    assert roles(asm, ROLE) == {"c1": "istio-admin"}


def test_only_a_mesh_that_will_run_is_waited_for(asm: Granting, run: Run) -> None:
    """There, a grant is repeated for 15 minutes, also for a mesh whose creation has failed."""
    asm.meshes["c1"]["ServiceMeshInfo"]["State"] = "create_timeout"
    with pytest.raises(AsmError, match="create_timeout"):
        run(role="istio-ops")
    assert asm.written() == []


# Other meshes of the same list.


def test_exclusive_takes_the_others_away_and_shows_them(asm: Granting, run: Run) -> None:
    asm.lists[USER] = [shown("c1", "istio-ops"), shown("c2", "istio-admin")]
    predicted = run(role="istio-ops", exclusive=True, check=True)
    assert predicted.plan.before["others"] == {"c2": "istio-admin"}
    assert predicted.plan.after["others"] == {}
    assert run(role="istio-ops", exclusive=True).value["others"] == {}
    assert roles(asm) == {"c1": "istio-ops"}
    assert not run(role="istio-ops", exclusive=True).changed


def test_a_removal_is_never_exclusive(asm: Granting, run: Run) -> None:
    asm.lists[USER] = [shown("c1", "istio-ops"), shown("c2", "istio-admin")]
    run(state="absent", exclusive=True)
    assert roles(asm) == {"c2": "istio-admin"}


def test_a_busy_mesh_of_the_list_is_waited_for(asm: Granting, run: Run) -> None:
    asm.busy = 3
    run(role="istio-ops")
    assert (roles(asm), asm.written()) == ({"c1": "istio-ops"}, [GRANT] * 4)


def test_what_changes_while_it_waits_is_kept(asm: Granting, run: Run) -> None:
    asm.busy = 1
    refusing = asm.GrantUserPermissions

    def meanwhile(SubAccountUserId: str, Permissions: str) -> Any:
        if asm.busy:
            asm.lists[USER] = [shown("c2", "istio-admin")]
        return refusing(SubAccountUserId, Permissions)

    asm.answers[GRANT] = meanwhile
    run(role="istio-ops")
    assert roles(asm) == {"c1": "istio-ops", "c2": "istio-admin"}


def test_a_mesh_that_is_gone_is_no_obstacle(asm: Granting, run: Run) -> None:
    asm.lists[USER] = [shown("c2", "istio-admin"), shown("c9", "istio-ops")]
    asm.gone = {"c9"}
    run(role="istio-ops")
    assert roles(asm) == {"c1": "istio-ops", "c2": "istio-admin"}


def test_one_that_is_not_shown_to_the_caller_is_not_gone(asm: Granting, run: Run) -> None:
    """What the list of meshes lacks may be kept from the caller, and the role in it is others'."""
    asm.lists[USER] = [shown("c8", "istio-admin"), shown("c9", "istio-ops")]
    asm.gone = {"c9"}
    run(role="istio-ops")
    assert roles(asm) == {"c1": "istio-ops", "c8": "istio-admin"}


def test_one_that_only_cannot_be_seen_is_kept(asm: Granting, run: Run) -> None:
    asm.lists[USER] = [shown("c9", "istio-ops")]
    run(role="istio-ops")
    assert roles(asm) == {"c1": "istio-ops", "c9": "istio-ops"}


def test_the_role_in_a_mesh_that_is_gone_can_be_taken_by_its_id(asm: Granting, run: Run) -> None:
    asm.lists[USER] = [shown("c2", "istio-admin"), shown("c9", "istio-ops")]
    run(mesh="c9", state="absent")
    assert roles(asm) == {"c2": "istio-admin"}
    assert not run(mesh="nowhere", state="absent").changed


@pytest.mark.parametrize("odd", [{"ResourceType": "namespace"}, {"ParentId": "c2"}])
def test_a_row_that_could_not_be_sent_back_is_not_lost(asm: Granting, run: Run, odd: Json) -> None:
    asm.lists[USER] = [shown("c2/web", "dev", **odd)]
    with pytest.raises(Refused, match=r"would be lost.*c2/web"):
        run(role="istio-ops")
    assert asm.written() == []
    run(role="istio-ops", exclusive=True)
    assert roles(asm) == {"c1": "istio-ops"}


def test_two_rows_for_the_mesh_become_one(asm: Granting, run: Run) -> None:
    asm.lists[USER] = [shown("c1", "istio-ops"), shown("c1", "istio-admin")]
    assert run(role="istio-ops").plan.before["role"] == "istio-ops, istio-admin"
    assert asm.lists[USER] == [shown("c1", "istio-ops")]


# What can be wrong.


@pytest.mark.parametrize("wrong", ["operator", "12a", "\uff11"])
def test_a_name_is_no_id(asm: Granting, run: Run, wrong: str) -> None:
    with pytest.raises(InvalidInput, match=f"user is '{wrong}'.*numbers"):
        run(user=wrong, role="istio-ops")
    assert asm.calls == []


def test_a_mesh_to_come_is_predicted_and_missed(asm: Granting, run: Run) -> None:
    predicted = run(mesh="new", role="istio-ops", check=True)
    assert (predicted.changed, predicted.plan.warnings) == (True, ("Mesh 'new' does not exist yet.",))
    with pytest.raises(NotFound, match="'new'"):
        run(mesh="new", role="istio-ops")
    assert asm.written() == []


def test_nobody_has_no_permissions_to_take(asm: Granting, run: Run) -> None:
    asm.answers["DescribeUserPermissions"] = AsmError("No such user.", code="EntityNotExist.User", http_status=404)
    assert not run(state="absent").changed


def test_other_failures_of_the_list_are_told(asm: Granting, run: Run) -> None:
    asm.answers["DescribeUserPermissions"] = AsmError("Denied.", code="Forbidden.RAM", http_status=403)
    with pytest.raises(AsmError, match="Denied"):
        run(role="istio-ops")


def test_what_the_service_leaves_out_stands_for_the_usual() -> None:
    assert grant_of({"ResourceId": "c1", "RoleName": "istio-ops"}) == Grant("c1", "istio-ops")


# The twin.


def listed(asm: Granting, mesh: str | None = None, user: str | None = None) -> list[Json]:
    return asm_user_permission_info.read({"mesh": mesh, "user": user}, asm)  # type: ignore[arg-type]


def test_who_has_which_role(asm: Granting) -> None:
    asm.lists = {ROLE: [shown("c2", "istio-admin", IsRamRole=1)], USER: [shown("c1", "istio-ops"), shown("c9", "x")]}
    found = [
        {"name": USER, "ram_role": False, "roles": {"shop": "istio-ops", "c9": "x"}},
        {"name": ROLE, "ram_role": True, "roles": {"test": "istio-admin"}},
    ]
    assert listed(asm) == found
    assert listed(asm, mesh="shop") == [{"name": USER, "ram_role": False, "roles": {"shop": "istio-ops"}}]
    assert listed(asm, user=OTHER) == [{"name": OTHER, "ram_role": None, "roles": {}}]
    assert listed(asm, user=ROLE) == found[1:]
    with pytest.raises(NotFound):
        listed(asm, mesh="nowhere")


def test_meshes_of_one_name_are_told_apart(asm: Granting) -> None:
    asm.meshes["c2"]["ServiceMeshInfo"].update(Name="shop", RegionId="cn-beijing")
    asm.lists = {USER: [shown("c1", "istio-ops"), shown("c2", "istio-admin")]}
    assert listed(asm)[0]["roles"] == {"c1": "istio-ops", "c2": "istio-admin"}
