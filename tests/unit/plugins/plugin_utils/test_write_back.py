# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights change in the text of a description, and nothing else does."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.meshops.asm.plugins.filter.canary_stages import FilterModule

written = FilterModule().filters()["canary_written"]
OPTIONS = {"virtual_service": "reviews", "namespace": "shop", "stable": "v1", "canary": "v2"}
MANIFEST = """\
# What users reach.
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: other}
spec: {hosts: [a], http: [{route: [{destination: {host: a, subset: v1}, weight: 100}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: "reviews"   # by the shop
spec:
  hosts: [reviews]
  http:
  - match: [{uri: {exact: /}}]
    route: [{destination: {host: reviews, subset: v1}}]
  - name: main
    timeout: 2s
    route:
    - destination:
        host: reviews
        subset: v1
      weight: 90 # most
    - {destination: {host: reviews, subset: v3}, weight: 0x0A}
    - destination: {host: reviews, subset: v2}
"""


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_nothing_but_weights_changes() -> None:
    changed = written(MANIFEST, OPTIONS)
    expected = MANIFEST.replace("weight: 90 # most", "weight: 0 # most").replace("0x0A", "0")
    expected = expected.replace(
        "    - destination: {host: reviews, subset: v2}",
        "    - weight: 100\n      destination: {host: reviews, subset: v2}",
    )
    assert changed == expected
    assert written(changed, OPTIONS) == changed
    assert [one["weight"] for one in list(yaml.safe_load_all(changed))[1]["spec"]["http"][1]["route"]] == [0, 0, 100]


def test_a_route_within_variables_and_in_json() -> None:
    (_other, reviews) = yaml.safe_load_all(MANIFEST)
    for text in (
        json.dumps({"asm_istio_resources": [{"name": "a", "definition": [reviews]}]}),
        json.dumps(reviews, indent=1),
    ):
        found = yaml.safe_load(written(text, OPTIONS))
        found = found.get("asm_istio_resources", [{"definition": [found]}])[0]["definition"][0]
        assert [one["weight"] for one in found["spec"]["http"][1]["route"]] == [0, 0, 100]
        json.loads(written(text, OPTIONS))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_shared_with_another_route_is_not_changed(end: str) -> None:
    """With an anchor the weights of both would change."""
    text = """\
- kind: VirtualService
  metadata: {name: reviews}
  spec:
    http:
      - route: &both
          - {destination: {host: reviews, subset: v1}, weight: &most 100}
          - {destination: {host: reviews, subset: v2}, weight: 0}
- kind: VirtualService
  metadata: {name: other}
  spec: {http: [{route: *both}]}
""".replace("\n", end)
    with pytest.raises(AnsibleFilterError, match="change them by hand"):
        written(text, OPTIONS)
    own = text.replace("*both", "[{destination: {host: a}, weight: *most}]")
    with pytest.raises(AnsibleFilterError, match="by hand"):
        written(own, OPTIONS)
    free = text.replace("*both", "[{destination: {host: a}}]")
    assert written(free, OPTIONS) == free.replace("weight: 0}", "weight: 100}").replace("&most 100", "0")


def test_an_http_route() -> None:
    text = """\
kind: HTTPRoute
metadata: {name: reviews, namespace: shop}
spec:
  rules:
    - backendRefs:
        - name: v1
          port: 80
        - {name: v2, port: 80, weight: 0}
"""
    found = written(text, {"http_route": "reviews", "namespace": "shop", "stable": "v1", "canary": "v2"})
    assert found == text.replace("- name: v1", "- weight: 0\n          name: v1").replace("weight: 0}", "weight: 100}")


@pytest.mark.parametrize(
    ("text", "options", "complaint"),
    [
        (MANIFEST, {"virtual_service": "none"}, "no rule of VirtualService shop/none for v1 and v2"),
        (MANIFEST, {"canary": "v9"}, "no rule of"),
        (MANIFEST, {"route": "second"}, "no rule of"),
        (MANIFEST + "---\n" + MANIFEST, {}, "2 rules of"),
        (MANIFEST.replace('"reviews"', "reviews\n  namespace: other"), {}, "no rule of"),
        (MANIFEST.replace("90 #", "[90] #"), {}, None),
        ("a: [", {}, "is no YAML"),
        ("{% if x %}\na: b", {}, "is no YAML"),
        ("[" * 5000, {}, "is no YAML"),
        ("$ANSIBLE_VAULT;1.1;AES256\n61", {}, "encrypted by Ansible Vault"),
        ("", {}, "no rule of"),
        ("a: &a [*a]", {}, "no rule of"),
    ],
)
def test_texts_that_cannot_be_changed(text: str, options: dict[str, Any], complaint: str | None) -> None:
    if complaint is None:
        assert "weight: 0 # most" in written(text, {**OPTIONS, **options})
        return
    with pytest.raises(AnsibleFilterError, match=complaint):
        written(text, {**OPTIONS, **options})


def test_a_kind_of_another_group_is_another_object() -> None:
    """Gloo has a VirtualService, too."""
    other = MANIFEST.replace("networking.istio.io/v1", "gateway.solo.io/v1")
    assert written(f"{other}---\n{MANIFEST}", OPTIONS) == f"{other}---\n{written(MANIFEST, OPTIONS)}"
