# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Billed resources: made for meshes, bound, released; and the list of all that the account still pays for."""

from __future__ import annotations

from typing import Any

from meshlab.account import Eip, LoadBalancer, LogProject, Mesh, SecurityGroup, new_id
from meshlab.addresses import Addresses
from meshlab.world import World


class Inventory:
    """Makes and releases what costs money. Callers hold the world's lock and save."""

    def __init__(self, world: World, addresses: Addresses) -> None:
        self._world = world
        self._addresses = addresses

    def equip_mesh(self, mesh: Mesh, api_spec: str, pilot_spec: str, public_api: bool) -> None:
        """What CreateServiceMesh makes: a security group, a CLB for API server and pilot each, an EIP if asked for."""
        owner = f"mesh/{mesh.mesh_id}"
        group = SecurityGroup(new_id("sg"), mesh.vpc_id, made_for=owner)
        self._world.security_groups[group.security_group_id] = group
        mesh.security_group_id = group.security_group_id
        api, pilot = self._addresses.plane(mesh.mesh_id), self._addresses.pilot(mesh.mesh_id)
        for role, spec, address in (("api", api_spec, api), ("pilot", pilot_spec, pilot)):
            balancer = LoadBalancer(
                load_balancer_id=new_id("lb"),
                name=f"asm-{role}-{mesh.mesh_id}",
                kind="clb",
                region_id=mesh.region_id,
                vpc_id=mesh.vpc_id,
                address_type="intranet",
                spec=spec,
                address=address,
                made_for=owner,
                used_by=[f"{owner}/{role}"],
                pay_type=mesh.charge_type,
            )
            self._world.load_balancers[balancer.load_balancer_id] = balancer
            mesh.load_balancers[role] = balancer.load_balancer_id
        if public_api:
            eip = self.allocate_eip(mesh.region_id, made_for=owner)
            self.bind_eip(eip, mesh, "api")
            eip.status = "InUse"

    def allocate_eip(self, region_id: str, made_for: str = "") -> Eip:
        """A new EIP; ``made_for`` names whom it is released with."""
        eip = Eip(new_id("eip"), region_id, self._addresses.next_eip(), made_for=made_for)
        self._world.eips[eip.allocation_id] = eip
        return eip

    def bind_eip(self, eip: Eip, mesh: Mesh, role: str) -> None:
        """Note that an EIP serves the API server (role api) or the pilot (pilot) of a mesh."""
        eip.bound_to = f"mesh/{mesh.mesh_id}/{role}"
        eip.status = "Associating"
        mesh.eips[role] = eip.allocation_id

    def unbind_eip(self, eip: Eip, mesh: Mesh, role: str) -> None:
        """The reverse of bind_eip."""
        eip.bound_to = ""
        eip.status = "Available"
        mesh.eips.pop(role, None)

    def log_project(self, name: str, mesh: Mesh) -> None:
        """A project of the log service exists from the first time that it is named on."""
        if name not in self._world.log_projects:
            self._world.log_projects[name] = LogProject(name, mesh.region_id, made_for=f"mesh/{mesh.mesh_id}")

    def release_mesh(self, mesh: Mesh, retain: list[str]) -> None:
        """Release what was made for a mesh, but for ``retain``; the user's EIPs are only unbound, log projects stay."""
        owner = f"mesh/{mesh.mesh_id}"
        for role, allocation_id in list(mesh.eips.items()):
            eip = self._world.eips.get(allocation_id)
            if eip is not None:
                self.unbind_eip(eip, mesh, role)
                if eip.made_for == owner and allocation_id not in retain:
                    self.release_eip(allocation_id)
        for balancer_id in list(mesh.load_balancers.values()):
            balancer = self._world.load_balancers.get(balancer_id)
            if balancer is None:
                continue
            balancer.used_by = [user for user in balancer.used_by if not user.startswith(f"{owner}/")]
            if balancer.made_for == owner and balancer_id not in retain:
                self._world.load_balancers.pop(balancer_id)
        if mesh.security_group_id not in retain:
            self._world.security_groups.pop(mesh.security_group_id, None)

    def release_eip(self, allocation_id: str) -> None:
        """Give an EIP back."""
        eip = self._world.eips.pop(allocation_id, None)
        if eip is not None:
            self._addresses.release(eip.address)

    def next_load_balancer(self) -> str:
        """A free address for a load balancer."""
        return self._addresses.next_load_balancer()

    def release_load_balancer(self, load_balancer_id: str) -> None:
        """Give a load balancer back."""
        balancer = self._world.load_balancers.pop(load_balancer_id, None)
        if balancer is not None:
            self._addresses.release(balancer.address)


def billed_resources(world: World) -> list[dict[str, Any]]:
    """All that the account pays for: type, id, region, what uses it, what it was made for.

    ``initial``: it was there when the lab began. ``orphaned``: a load balancer whose gateway went without it.
    """
    with world.lock:
        rows: list[dict[str, Any]] = []
        for mesh in world.meshes.values():
            rows.append(_row("mesh", mesh.mesh_id, mesh.name, mesh.region_id, "", []))
        for balancer in world.load_balancers.values():
            row = _row(
                "load_balancer",
                balancer.load_balancer_id,
                balancer.name,
                balancer.region_id,
                balancer.made_for,
                balancer.used_by,
            )
            rows.append({**row, "address": balancer.address, "orphaned": balancer.orphaned})
        for eip in world.eips.values():
            used_by = [eip.bound_to] if eip.bound_to else []
            row = _row("eip", eip.allocation_id, eip.address, eip.region_id, eip.made_for, used_by)
            rows.append({**row, "address": eip.address})
        for project in world.log_projects.values():
            rows.append(_row("log_project", project.name, project.name, project.region_id, project.made_for, []))
        for group in world.security_groups.values():
            rows.append(_row("security_group", group.security_group_id, "", "", group.made_for, []))
        return [{**row, "initial": row["id"] in world.initial} for row in rows]


def _row(kind: str, key: str, name: str, region_id: str, made_for: str, used_by: list[str]) -> dict[str, Any]:
    return {"type": kind, "id": key, "name": name, "region_id": region_id, "made_for": made_for, "used_by": used_by}
