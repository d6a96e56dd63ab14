# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that Istio and its hosted form give.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

# API groups of what has an order and a model here.
NETWORKING, SECURITY, GATEWAY_API = "networking.istio.io", "security.istio.io", "gateway.networking.k8s.io"
# Istio's root namespace, in which the service keeps gateways and their workloads, too.
ROOT_NAMESPACE = "istio-system"
# Namespaces that every control plane and cluster has without being asked.
GIVEN_NAMESPACES = frozenset({"default", ROOT_NAMESPACE, "kube-node-lease", "kube-public", "kube-system"})
