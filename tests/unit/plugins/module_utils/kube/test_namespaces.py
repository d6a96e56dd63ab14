# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of a control plane, as labels and as options."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import namespaces


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({}, {}),
        ({"injection": "enabled"}, {"istio-injection": "enabled"}),
        ({"injection": "unset", "revision": "r1"}, {"istio-injection": None, "istio.io/rev": "r1"}),
        ({"revision": ""}, {"istio.io/rev": None}),
        ({"dataplane_mode": "ambient"}, {"istio.io/dataplane-mode": "ambient"}),
        ({"labels": {"a": True, "b": 5, "c": None}}, {"a": "true", "b": "5", "c": None}),
    ],
)
def test_options_become_labels(options: dict[str, Any], labels: dict[str, Any]) -> None:
    assert namespaces.wanted_labels(options) == labels


def test_a_label_that_is_an_option_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Set the label istio-injection by the option injection"):
        namespaces.wanted_labels({"labels": {"istio-injection": "enabled"}})


def test_changes_are_only_what_differs() -> None:
    have = {"a": "1", "b": "2", "c": "3"}
    assert namespaces.label_changes(have, {"a": "1", "b": "x", "c": None, "d": None}) == {"b": "x", "c": None}


def test_prediction_and_view() -> None:
    found = {
        "metadata": {"name": "n", "labels": {"istio-injection": "enabled", "x": "y"}},
        "status": {"phase": "Active"},
    }
    after = namespaces.with_changes(found, "n", {"istio-injection": None, "istio.io/rev": "r1"})
    assert namespaces.view(after) == {
        "name": "n",
        "injection": None,
        "revision": "r1",
        "dataplane_mode": None,
        "labels": {"istio.io/rev": "r1", "x": "y"},
        "phase": "Active",
    }
    assert namespaces.view(None) is None


def test_a_revision_beside_injection_is_odd() -> None:
    assert "ignores the revision" in namespaces.contradiction({"istio-injection": "enabled", "istio.io/rev": "r"})
    assert namespaces.contradiction({"istio.io/rev": "r"}) == ""
