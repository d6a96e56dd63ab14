# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The semantic checks of lint beside Istio's own analyzers, on many small meshes: the same objects are blamed.

The analyzers are those of ``istioctl analyze``, built once from Istio's module.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.istio.model import Mesh
from ansible_collections.meshops.asm.plugins.module_utils.istio.rules import RULES, findings
from meshlab import gobuild
from meshlab.binaries import cache_folder

from analyzers.meshes import RandomMesh

_MODULE = Path(__file__).parent
_MESHES = 1500

Json = dict[str, Any]
# Our code, namespace, name of the VirtualService.
Blame = tuple[str, str, str]


@pytest.fixture(scope="session")
def analyzers() -> Path:
    """The program, from the cache or built now."""
    programs = [gobuild.Program("analyzers", ".")]
    return gobuild.build_once(cache_folder(), _MODULE, programs, print, flags=gobuild.FLAGS, variables={}) / "analyzers"


def test_the_same_objects_are_blamed(analyzers: Path) -> None:
    meshes = [RandomMesh(seed).objects() for seed in range(_MESHES)]
    theirs = istio_says(analyzers, meshes)
    seen: Counter[str] = Counter()
    for seed, (mesh, wanted) in enumerate(zip(meshes, theirs, strict=True)):
        found = lint_says(mesh)
        assert found == wanted, f"mesh {seed}: only lint {found - wanted}, only Istio {wanted - found}\n{text(mesh)}"
        seen.update(code for code, _namespace, _name in found)
        seen.update(f"not {code}" for code in codes() - {code for code, _namespace, _name in found})
    # A check that has never or always something to say has not been compared.
    assert all(seen[code] > _MESHES / 50 and seen[f"not {code}"] > _MESHES / 50 for code in codes()), seen


def codes() -> set[str]:
    """The codes of the checks that have a counterpart."""
    return {rule.code for rule in RULES if rule.istio}


def lint_says(mesh: list[Json]) -> set[Blame]:
    after = Mesh(services_known=True)
    for one in mesh:
        after.put(one)
    own = {(one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]) for one in mesh}
    return {(one.code, *one.key[1:]) for one in findings(Mesh(), after, own) if one.code in codes()}


def istio_says(program: Path, meshes: list[list[Json]]) -> list[set[Blame]]:
    given = json.dumps([text(mesh) for mesh in meshes])
    done = subprocess.run([program], input=given, capture_output=True, text=True, check=True)
    last = done.stdout.splitlines()[-1]  # what comes before it is Istio's log
    return [{blame for one in found if (blame := ours(one))} for found in json.loads(last)]


def ours(message: Json) -> Blame | None:
    """A message of Istio in our codes; None for what lint does not look at."""
    if message["kind"] != "VirtualService":
        return None
    code = ""
    if message["code"] == "IST0101":
        about = {"gateway": "ASM003", "host": "ASM005", "mirror host": "ASM005"}
        code = "ASM002" if "subset in destinationrule" in message["about"] else about.get(message["about"], "")
    elif message["code"] == "IST0109":
        code = "ASM004"
    return (code, message["namespace"], message["name"]) if code else None


def text(mesh: list[Json]) -> str:
    return "\n---\n".join(json.dumps(one) for one in mesh)
