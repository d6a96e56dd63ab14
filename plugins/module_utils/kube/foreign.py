# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of other tools, which lie where manifests lie and are none: what they are, and what to do. Pure.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

_KUSTOMIZE = (
    "this is a kustomization, which only kustomize can build. Apply what it builds, as with definition: "
    "\"{{ lookup('ansible.builtin.pipe', 'kubectl kustomize FOLDER') }}\""
)
_CHART = (
    "this is part of a Helm chart, only Helm can render it. Apply what it renders, as with definition: "
    "\"{{ lookup('ansible.builtin.pipe', 'helm template NAME FOLDER') }}\""
)
_INSTALLATION = (
    "It tells istioctl how to install Istio. A mesh of ASM is installed by the service: what can be set of it are "
    "options of meshops.asm.asm_mesh."
)
_TEMPLATE = (
    "It has {{ }} outside of quotes, as templates have: one of Jinja2 belongs in the option template, and another has "
    "to be rendered before."
)
# Two braces where a value begins.
_BARE_BRACES = re.compile(r"^[^#'\"\n{]*(?:[:-]\s+|^\s*)\{\{")
_NO_YAML = re.compile(r"line (\d+): this is not valid YAML or JSON")
_KUSTOMIZE_NAMES = frozenset({"kustomization.yaml", "kustomization.yml", "kustomization"})
# What only Helm's templates hold: its own objects, its functions, comments and ends of blocks of Go templates.
_OF_HELM = re.compile(
    r"\{\{-?\s*(?:\$?\.(?:Values|Release|Chart|Capabilities|Files|Template)\b"
    r"|(?:if|with|range|include|template|define|toYaml|tpl|printf|required|default)\s[^}\n]*(?:\.(?:Values|Release|Chart)\b|\")"
    r"|end\s*-?\}\}|/\*)"
)


def is_kustomization(body: Any) -> bool:
    """Whether a document is kustomize's own. Flux has an object of the same kind in another group."""
    return isinstance(body, dict) and str(body.get("apiVersion", "")).startswith("kustomize.config.k8s.io/")


def explain(file: str, text: str, problem: str) -> str:
    """``problem``, why a text is no manifest, with what it is instead when it is of kustomize or Helm."""
    name = PurePath(file).name
    if name.lower() in _KUSTOMIZE_NAMES:
        return f"{file}: {_KUSTOMIZE}."
    if name == "Chart.yaml":
        return f"{file}: {_CHART}."
    # An object may hold templates of Go as its content, and be wrong for another reason.
    return f"{problem} It holds templates of Helm: if {_CHART}." if _OF_HELM.search(text) else problem


def unrendered(text: str, problem: str) -> str:
    """What a text that is no YAML may be instead, by the line that is told: a template; with a blank before it."""
    told = _NO_YAML.search(problem)
    lines = text.splitlines()
    line = lines[int(told[1]) - 1] if told and 0 < int(told[1]) <= len(lines) else ""
    return f" {_TEMPLATE}" if _BARE_BRACES.match(line) and not _OF_HELM.search(text) else ""


def installation(api_version: str) -> str:
    """What an object of this version is, if it is for istioctl and no server; with a blank before it."""
    return f" {_INSTALLATION}" if api_version.startswith("install.istio.io/") else ""


def kustomize() -> str:
    """What a kustomization is."""
    return _KUSTOMIZE
