# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Istio objects of any shape."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .harness import fuzz
from .takers import LINT, ORDER, tried
from .values import anything, nearly_any

_KEYS = (
    "kind",
    "metadata",
    "spec",
    "hosts",
    "host",
    "http",
    "tcp",
    "route",
    "destination",
    "subset",
    "subsets",
    "weight",
    "servers",
    "ports",
    "port",
    "number",
    "endpoints",
    "egress",
    "delegate",
    "name",
    *("match", "matches", "rules", "parentRefs", "backendRefs", "hostnames", "listeners", "tls", "mode", "from", "to"),
    *("mtls", "portLevelMtls", "jwtRules", "issuer", "source", "requestPrincipals", "when", "key", "trafficPolicy"),
)
_API, _SECURITY = "gateway.networking.k8s.io/v1", "security.istio.io/v1"
_VERSIONS = {
    **dict.fromkeys(("Service", "Secret"), "v1"),
    **dict.fromkeys(("HTTPRoute", "TLSRoute", "ReferenceGrant"), _API),
    **dict.fromkeys(("PeerAuthentication", "RequestAuthentication", "AuthorizationPolicy"), _SECURITY),
}
_KINDS = (
    *("VirtualService", "DestinationRule", "Gateway", "ServiceEntry", "Sidecar", "WorkloadEntry"),
    *_VERSIONS,
)


def _made(kind: str, name: str, spec: Any, version: str = "") -> dict[str, Any]:
    version = version or _VERSIONS.get(kind, "networking.istio.io/v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def _to(subset: str, weight: int) -> dict[str, Any]:
    return {"destination": {"host": "reviews", "subset": subset}, "weight": weight}


_FAULT = {"abort": {"percentage": {"value": 5}, "httpStatus": 500}, "delay": {"fixedDelay": "1s"}}
_HTTP = [
    {
        "name": "split",
        "match": [
            {
                "headers": {"x": {"exact": "y"}},
                "uri": {"prefix": "/"},
                "sourceLabels": {"a": "b"},
                "gateways": ["front"],
            },
            {"withoutHeaders": {"z": {}}, "queryParams": {"b": {"regex": "c"}}, "ignoreUriCase": True, "port": 80},
        ],
        "fault": _FAULT,
        "route": [_to("v1", 90), _to("v2", 10)],
        "mirror": {"host": "reviews", "subset": "v1"},
        "mirrors": [{"destination": {"host": "ratings"}}],
    },
    {"match": [{"method": {"exact": "GET"}}], "delegate": {"name": "leaf"}},
    {"redirect": {"uri": "/"}},
]
ROUTES: list[Any] = [
    _made(
        "VirtualService",
        "reviews",
        {"hosts": ["reviews"], "gateways": ["front", "mesh"], "exportTo": ["."], "http": _HTTP, "tcp": [{"route": []}]},
    ),
    {**_made("VirtualService", "other", {"hosts": ["reviews"], "http": _HTTP}), "status": {"conditions": [{}]}},
]
OBJECTS: list[Any] = [
    *ROUTES,
    _made(
        "DestinationRule",
        "reviews",
        {
            "host": "reviews",
            "subsets": [{"name": "v1", "labels": {"version": "v1"}}],
            "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}},
        },
    ),
    _made("VirtualService", "leaf", {"http": [{"match": [{"uri": {"prefix": "/a"}}], "route": [_to("v1", 1)]}]}),
    _made(
        "Gateway",
        "front",
        {
            "selector": {"istio": "front"},
            "servers": [
                {"port": {"number": 80, "protocol": "HTTP"}, "hosts": ["*", "./a.org"], "tls": {"httpsRedirect": True}},
            ],
        },
    ),
    _made("ServiceEntry", "out", {"hosts": ["a.org", "*.b.org"], "exportTo": ["*"], "ports": [{"number": 80}]}),
    _made("Service", "reviews", {"ports": [{"port": 80, "name": "http"}]}),
    _made("Gateway", "side", {"servers": [{"port": {"number": 443, "name": "x"}, "hosts": ["./a.org"], "tls": {}}]}),
    _made("ServiceEntry", "vm", {"hosts": ["c.org"], "ports": [{"number": 80}], "endpoints": [{"ports": {"x": 1}}]}),
    _made("Sidecar", "view", {"egress": [{"hosts": ["shop/*"]}]}),
    _made("VirtualService", "root", {"hosts": ["a.org"], "http": [{"delegate": {"name": "part"}}]}),
    _made("AuthorizationPolicy", "deny", {"action": "DENY", "selector": {"matchLabels": {"app": "reviews"}}}),
    _made("PeerAuthentication", "strict", {"mtls": {"mode": "STRICT"}, "portLevelMtls": {"80": {"mode": "DISABLE"}}}),
    _made("RequestAuthentication", "jwt", {"jwtRules": [{"issuer": "https://a.org"}]}),
    _made(
        "AuthorizationPolicy",
        "tokens",
        {
            "rules": [
                {
                    "from": [{"source": {"requestPrincipals": ["https://a.org/*"]}}],
                    "when": [{"key": "request.auth.claims[a]"}],
                }
            ]
        },
    ),
    _made(
        "DestinationRule",
        "tls",
        {
            "host": "*.local",
            "workloadSelector": {"matchLabels": {"a": "b"}},
            "trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "DISABLE"}}]},
        },
    ),
    _made(
        "Gateway",
        "api",
        {"listeners": [{"name": "a", "port": 80, "tls": {"certificateRefs": [{"name": "s", "namespace": "t"}]}}]},
        _API,
    ),
    _made(
        "HTTPRoute",
        "api",
        {
            "parentRefs": [{"name": "api", "sectionName": "a", "port": 80}],
            "hostnames": ["a.org"],
            "rules": [
                {
                    "matches": [{"path": {"value": "/"}}],
                    "filters": [{"requestMirror": {"backendRef": {"name": "x", "namespace": "t"}}}],
                    "backendRefs": [
                        {"group": "networking.istio.io", "kind": "Hostname", "name": "a.org", "port": 80},
                        {"name": "y", "namespace": "t"},
                    ],
                }
            ],
        },
    ),
    _made("ReferenceGrant", "api", {"from": [{"kind": "HTTPRoute", "namespace": "shop"}], "to": [{"kind": "Service"}]}),
    _made("Secret", "s", {}),
]


@fuzz(value=st.one_of(anything(_KEYS), st.lists(nearly_any(OBJECTS), max_size=5)))
def test_lint(value: Any) -> None:
    """What the checks of lint look at, and what a change is put in order by."""
    tried(LINT, value)
    tried(ORDER, value)


@fuzz(
    value=st.lists(st.builds(_made, st.sampled_from(_KINDS), st.sampled_from(["a", "b"]), anything(_KEYS)), max_size=5)
)
def test_specs_of_any_shape(value: Any) -> None:
    """The same kinds with specs that are nothing like theirs."""
    tried(LINT, value)
    tried(ORDER, value)
