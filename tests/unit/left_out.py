# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the service's API the collection does not offer, each with the reason. Tests hold these lists to the SDK.

Both lists may only become shorter: an entry that is offered by now fails the tests.
"""

from __future__ import annotations

# Action -> parameter -> why no option sends it.
PARAMETERS: dict[str, dict[str, str]] = {
    "UpdateNamespaceScopeSidecarConfig": {
        "Namespace": "The module sends it: it is the name.",
        "PostStart": "One half of Lifecycle, which the module sends as a whole.",
        "PreStop": "One half of Lifecycle, which the module sends as a whole.",
        "ServiceMeshId": "The module sends it: it is the mesh.",
    },
}
