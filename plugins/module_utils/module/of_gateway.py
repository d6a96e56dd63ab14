# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of modules for what the service keeps for one gateway of a mesh: domains, routes, imported services.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import DONE, Plan, Progress
from ansible_collections.meshops.asm.plugins.module_utils.gateway import gateways
from ansible_collections.meshops.asm.plugins.module_utils.mesh import meshes
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import ResourceModule


class OfGateway(ResourceModule):
    """Has the options ``mesh`` and ``gateway``; ``look`` is asked once both are there, and gives what users see.

    ``nothing`` is what ``find`` gives until then.
    """

    nothing: ClassVar[Any] = None

    def __init__(self, params: dict[str, Any], cloud: Cloud) -> None:
        super().__init__(params, cloud)
        self.kube: Any = None
        self.has_gateway = False

    def look(self) -> Any:
        """What is there; the mesh has the gateway."""
        raise NotImplementedError

    def find(self) -> Any:
        mesh = self.living_mesh()
        if mesh is None:
            return self.nothing
        self.kube = self.kube or gateways.control_plane(self.cloud, mesh)
        self.has_gateway = gateways.is_there(self.kube, self.params["gateway"])
        return self.look() if self.has_gateway else self.nothing

    def progress(self, plan: Plan) -> Progress:
        return self.judged(self.look()) if self.has_gateway else DONE

    def judged(self, there: Any) -> Progress:
        """How far ``there``, what ``look`` gives, is from what is wanted."""
        raise NotImplementedError

    def view(self, found: Any) -> Any:
        return found

    def not_yet(self) -> tuple[str, ...]:
        """The warning of a plan for a mesh or a gateway that is yet to be made, as in check mode."""
        if self.id and not self.has_gateway:
            return (gateways.not_yet(self.params["gateway"]),)
        return self.no_mesh_yet()

    def require_gateway(self) -> None:
        """Raises ``NotFound`` before the first write where there is no mesh or no gateway."""
        meshes.require_mesh(self.cloud, self.params["mesh"])
        gateways.require_one(self.has_gateway, self.params["gateway"], self.params["mesh"])
