# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces of a control plane as users see them: injection, revision and data-plane mode are labels. Pure.

The labels are Istio's (page "Installing the Sidecar", "Ambient: add workloads"); ASM's action
UpdateIstioInjectionConfig sets the same ones.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

COLLECTION = "/api/v1/namespaces"
INJECTION, REVISION, DATAPLANE_MODE = "istio-injection", "istio.io/rev", "istio.io/dataplane-mode"
UNSET = "unset"

# Option -> label.
_OPTIONS = {"injection": INJECTION, "revision": REVISION, "dataplane_mode": DATAPLANE_MODE}

Json = dict[str, Any]


def wanted_labels(params: Json) -> dict[str, str | None]:
    """The labels that the options ask for; ``None`` asks for a label to go, one that is not named stays as it is."""
    wanted: dict[str, str | None] = {}
    for key, value in (params.get("labels") or {}).items():
        if key in _OPTIONS.values():
            option = next(name for name, label in _OPTIONS.items() if label == key)
            raise InvalidInput(f"Set the label {key} by the option {option}, not in labels.")
        wanted[key] = None if value is None else _text(value)
    for option, label in _OPTIONS.items():
        value = params.get(option)
        if value is not None:
            wanted[label] = None if value in (UNSET, "") else str(value)
    return wanted


def label_changes(have: Json, wanted: dict[str, str | None]) -> dict[str, str | None]:
    """What a merge patch of ``metadata.labels`` must say; empty when nothing differs."""
    return {key: value for key, value in wanted.items() if have.get(key) != value}


def with_changes(found: Json | None, name: str, changes: dict[str, str | None]) -> Json:
    """The namespace as it will be after the changes."""
    labels = dict(((found or {}).get("metadata") or {}).get("labels") or {})
    for key, value in changes.items():
        if value is None:
            labels.pop(key, None)
        else:
            labels[key] = value
    status = (found or {}).get("status") or {"phase": "Active"}
    return {"metadata": {"name": name, "labels": labels}, "status": status}


def view(found: Json | None) -> Json | None:
    """``{name, injection, revision, dataplane_mode, labels, phase}``; an option that is not set is ``None``."""
    if found is None:
        return None
    labels = found["metadata"].get("labels") or {}
    own = {option: labels.get(label) for option, label in _OPTIONS.items()}
    return {
        "name": found["metadata"]["name"],
        **own,
        "labels": dict(sorted(labels.items())),
        "phase": (found.get("status") or {}).get("phase"),
    }


def contradiction(labels: Json) -> str:
    """What is odd about these labels together; empty when nothing is."""
    if labels.get(INJECTION) and labels.get(REVISION):
        return (
            f"The namespace has both {INJECTION}={labels[INJECTION]} and {REVISION}={labels[REVISION]}: Istio then "
            "ignores the revision. Set injection: unset to follow the revision."
        )
    return ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
