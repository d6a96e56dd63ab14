# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kiali, the map of a mesh.

The SDK does not have these actions; names and shapes are those that Terraform works with.
"""

from __future__ import annotations

import json
from typing import Any

from meshlab.asm.actions import Call, action
from meshlab.asm.features import apply_features, check_features, json_object, one_of
from meshlab.asm.meshes import check_kiali
from meshlab.openapi.errors import invalid_parameter

#: Ways to log in.
_STRATEGIES = ("token", "openid", "ramoauth")

#: Parameters that are the text of a JSON object, and that the reply shows as the object.
_OBJECTS = ("OpenIdConfig", "RAMOAuthConfig", "ServerConfig")

#: What is shown as it was sent, and until then.
_INITIAL: dict[str, Any] = {
    "AuthStrategy": "token",
    "CustomPrometheusUrl": "",
    "IntegrateCLB": False,
    "KialiArmsAuthTokens": "",
    "KialiServiceAnnotations": "",
}

#: Parameters that UpdateMeshFeature has too.
_FEATURES = ("KialiArmsAuthTokens", "KialiServiceAnnotations")


@action("DescribeKialiConfiguration", "ServiceMeshId")
def describe_kiali_configuration(call: Call) -> dict[str, Any]:
    """How Kiali is set up, and where it is."""
    mesh = call.mesh()
    chosen = {**mesh.hidden.get("Kiali", {}), **{name: mesh.hidden[name] for name in _FEATURES if name in mesh.hidden}}
    enabled = mesh.spec["Kiali"]["Enabled"]
    return {
        **_INITIAL,
        **chosen,
        "Enabled": enabled,
        "AggregatedKialiAddress": "",
        "DistributedKialiAccessTokens": "",
        "DistributedKialiAddresses": "",
        "KialiIstioIngressAddress": mesh.kiali_url if enabled else "",
        "UsePopulatedArmsPrometheus": False,
    }


@action("UpdateKialiConfiguration", "ServiceMeshId", write=True)
def update_kiali_configuration(call: Call) -> dict[str, Any]:
    """Partial change: what is not sent stays."""
    mesh = call.settled_mesh()
    sent = {name: value for name, value in call.parameters.items() if name != "ServiceMeshId"}
    features = {name: sent.pop(name) for name in _FEATURES if name in sent}
    if "Enabled" in sent:
        features["KialiEnabled"] = sent.pop("Enabled")
    check_features(features)
    check_kiali(features, mesh.spec)
    problem = one_of(*_STRATEGIES)(sent["AuthStrategy"]) if "AuthStrategy" in sent else ""
    if problem:
        raise invalid_parameter("AuthStrategy", problem)
    for name in _OBJECTS:
        problem = json_object(sent[name]) if name in sent else ""
        if problem:
            raise invalid_parameter(name, problem)
        if name in sent:
            sent[name] = json.loads(sent[name])
    with call.world.lock:
        apply_features(mesh.spec, mesh.hidden, features)
        mesh.hidden.setdefault("Kiali", {}).update(sent)
    call.cloud.lifecycle.update(mesh, call.transition_fault())
    return {}
