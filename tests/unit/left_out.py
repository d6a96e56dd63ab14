# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the service's API the collection does not offer, each with the reason. Tests hold these lists to the SDK.

Both lists may only become shorter: an entry that is offered by now fails the tests.
"""

from __future__ import annotations

# Action -> parameter -> why no option sends it.
PARAMETERS: dict[str, dict[str, str]] = {
    "AddClusterIntoServiceMesh": {},
    "CreateServiceMesh": {
        "ApiServerPublicEip": "The module sends it: see the option api_server_public_eip.",
        "Edition": "An older name of ClusterSpec.",
        "GuestCluster": "asm_cluster attaches clusters, and checks them before.",
        "Name": "The module sends it: it is the name.",
        "OpenAgentPolicy": "An older name of OpaEnabled.",
        "PlaygroundScene": "It makes a demonstration, not a mesh to run applications in.",
        "RegionId": "The module sends it: it is the region.",
        "Tag": "The module sends it: see the option tags.",
        "UseExistingCA": "The module sends it with any part of the option ca.",
    },
    "UpdateControlPlaneLogConfig": {"ServiceMeshId": "The module sends it: it is the mesh."},
    "UpdateMeshCRAggregation": {
        "CPULimit": "Resources of a hosted component, shown nowhere; the service sizes it.",
        "CPURequirement": "Resources of a hosted component, shown nowhere; the service sizes it.",
        "MemoryLimit": "Resources of a hosted component, shown nowhere; the service sizes it.",
        "MemoryRequirement": "Resources of a hosted component, shown nowhere; the service sizes it.",
        "ServiceMeshId": "The module sends it: it is the mesh.",
        "UsePublicApiServer": "Which address is used is shown nowhere; the service chooses.",
    },
    "UpdateMeshFeature": {
        "CRAggregationEnabled": "UpdateMeshCRAggregation.Enabled is the same switch.",
        "OpenAgentPolicy": "An older name of OpaEnabled.",
        "ServiceMeshId": "The module sends it: it is the mesh.",
    },
    "UpdateNamespaceScopeSidecarConfig": {
        "Namespace": "The module sends it: it is the name.",
        "PostStart": "One half of Lifecycle, which the module sends as a whole.",
        "PreStop": "One half of Lifecycle, which the module sends as a whole.",
        "ServiceMeshId": "The module sends it: it is the mesh.",
    },
}
