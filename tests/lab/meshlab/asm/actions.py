# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register of actions and what a handler gets to work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from meshlab.account import Mesh, User
from meshlab.faults import OF_TRANSITIONS, Fault, of_kind
from meshlab.openapi.errors import ApiError, missing_parameter
from meshlab.world import World

if TYPE_CHECKING:
    from meshlab.cloud import Cloud

#: States in which a mesh takes no changes, because one is going on.
BUSY = frozenset({"initial", "updating", "upgrading", "deleting"})


@dataclass
class Call:
    """One request: typed ``parameters``, who calls, the account and the services behind it."""

    action: str
    parameters: dict[str, Any]
    user: User
    world: World
    cloud: Cloud
    faults: list[Fault] = field(default_factory=list)

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter; empty strings count as not sent."""
        value = self.parameters.get(name)
        return default if value is None or value == "" else value

    def mesh(self) -> Mesh:
        """The mesh that ServiceMeshId names. Raises ApiError when there is none."""
        mesh_id = self.parameters["ServiceMeshId"]
        mesh = self.world.meshes.get(mesh_id)
        if mesh is None:
            if mesh_id in self.world.deleted_meshes and self.world.settings["after_delete"] == "forbidden":
                raise ApiError(403, "StatusForbidden", f"No permission for the mesh {mesh_id}.")
            raise ApiError(404, "ServiceMesh.NotFound", f"The specified service mesh {mesh_id} does not exist.")
        return mesh

    def settled_mesh(self) -> Mesh:
        """The mesh, once nothing is going on in it: for actions that change it. Raises ApiError otherwise."""
        mesh = self.mesh()
        if mesh.state == "initial" or mesh.state == "deleting":
            self._busy(mesh)
        if mesh.state in BUSY and self.world.settings["refuse_while_updating"]:
            self._busy(mesh)
        if mesh.state in ("failed", "create_timeout"):
            self._busy(mesh)
        return mesh

    def transition_fault(self) -> Fault | None:
        """The injected fault that what this request starts shall run into."""
        return of_kind(self.faults, *OF_TRANSITIONS)

    def _busy(self, mesh: Mesh) -> NoReturn:
        raise ApiError(
            400,
            "InvalidOperation.NotRunning",
            f"The service mesh {mesh.mesh_id} is {mesh.state}; this operation needs it to be running.",
        )


Handler = Callable[[Call], dict[str, Any]]


@dataclass(frozen=True)
class Action:
    """A handler with what is checked before it is called. ``write``: it may change something."""

    name: str
    handler: Handler
    required: tuple[str, ...]
    write: bool
    methods: frozenset[str]

    def check_required(self, parameters: dict[str, Any]) -> None:
        """Raises ApiError for the first required parameter that is missing or empty."""
        for name in self.required:
            if parameters.get(name) in (None, "", []):
                raise missing_parameter(name)


#: All implemented actions by name.
ACTIONS: dict[str, Action] = {}


def action(
    name: str, *required: str, write: bool = False, methods: tuple[str, ...] = ("GET", "POST")
) -> Callable[[Handler], Handler]:
    """Register a handler under an action's name, with the parameters that the action requires."""

    def register(handler: Handler) -> Handler:
        ACTIONS[name] = Action(name, handler, required, write, frozenset(methods))
        return handler

    return register
