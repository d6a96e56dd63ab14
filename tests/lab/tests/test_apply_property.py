# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection decides locally about an object, held against what server-side apply really does.

Objects of every Istio and ASM kind are made up from the schemas of the lab's definitions, stored, varied, and judged
twice: by the collection without a request, and by the API server in a dry run. There is no istiod here: it would refuse
most of what is made up.
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient, KubeError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import clean
from ansible_collections.meshops.asm.plugins.module_utils.kube.kinds import ASM_GROUP, MESH, Kind, prunable_kinds
from ansible_collections.meshops.asm.plugins.module_utils.kube.ownership import (
    DIFFERENT,
    SAME,
    UNSURE,
    same_content,
    verdict,
)
from conftest import client_of
from generated import changes_of, value_of
from meshlab.planes import MeshPlane

Json = dict[str, Any]

#: Made-up objects of each kind, and how often a refused one is made anew.
_OBJECTS, _TRIES = 3, 60


class Dice(random.Random):
    """Chance that is the same in every run."""


@dataclasses.dataclass(frozen=True)
class Defined:
    """A kind of the mesh with the schema of its objects."""

    kind: Kind
    schema: Json


@pytest.fixture(scope="module")
def client(mesh: MeshPlane) -> Iterator[KubeClient]:
    with client_of(mesh) as made:
        yield made


@pytest.fixture(scope="module")
def defined(mesh: MeshPlane) -> list[Defined]:
    """Every version of every kind of Istio and ASM that the mesh serves."""
    found: list[Defined] = []
    for one in mesh.api.list("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"):
        spec = one["spec"]
        if not (spec["group"].endswith(".istio.io") or spec["group"] == ASM_GROUP):
            continue
        names, spaced = spec["names"], spec["scope"] == "Namespaced"
        for version in spec["versions"]:
            if version["served"]:
                kind = Kind(spec["group"], version["name"], names["kind"], names["plural"], spaced)
                found.append(Defined(kind, version["schema"]["openAPIV3Schema"]))
    return found


def made_up(one: Defined, chance: random.Random, number: int) -> Json:
    """An object that fits the types of the schema, with labels."""
    metadata: Json = {"name": f"made-{number}", "labels": {"app": "x"}}
    if one.kind.namespaced:
        metadata["namespace"] = "default"
    spec = value_of((one.schema.get("properties") or {}).get("spec") or {}, chance)
    return {"apiVersion": one.kind.api_version, "kind": one.kind.kind, "metadata": metadata, "spec": spec}


def stored(client: KubeClient, one: Defined, chance: random.Random, number: int) -> tuple[Json, Json] | None:
    """A made-up object that the server has taken, as it was sent and as it is stored."""
    for _unused in range(_TRIES):
        body = clean(made_up(one, chance, number))
        try:
            return body, client.apply(_path(one.kind, number), body)
        except KubeError:
            continue
    return None


def _path(kind: Kind, number: int) -> str:
    return kind.path("default", f"made-{number}")


def judge(
    client: KubeClient, one: Defined, number: int, body: Json, live: Json
) -> Iterator[tuple[str, str, str, Json]]:
    """For each variation: its name, the local verdict, and what the server does (same, different or refused)."""
    chance = Dice(f"{one.kind.kind}{number}")
    variations = [(name, clean(changed)) for name, changed in changes_of(body, chance)]

    def asked(variation: tuple[str, Json]) -> str:
        try:
            answer = client.apply(_path(one.kind, number), variation[1], force=True, dry_run=True)
        except KubeError:
            return "refused"
        return SAME if same_content(live, answer) else DIFFERENT

    for (name, wanted), truth in zip(variations, client.each(asked, variations), strict=True):
        assert not isinstance(truth, AsmError), truth
        yield name, verdict(wanted, live, builtin=False), truth, wanted


def test_every_kind_of_the_collections_table_is_defined(defined: list[Defined]) -> None:
    served = {(one.kind.group, one.kind.kind, one.kind.plural) for one in defined}
    istio = (kind for kind in prunable_kinds(MESH) if kind.group.endswith(".istio.io"))
    known = {(kind.group, kind.kind, kind.plural) for kind in istio}
    assert known - served == set()
    assert {group for group, _kind, _plural in served} >= {"networking.istio.io", "security.istio.io", ASM_GROUP}


def test_the_local_verdict_is_never_wrongly_unchanged(client: KubeClient, defined: list[Defined]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    without: set[str] = {one.kind.kind for one in defined}
    for one in defined:
        chance = Dice(f"{one.kind.api_version}{one.kind.kind}")
        for number in range(_OBJECTS):
            found = stored(client, one, chance, number)
            if found is None:
                continue
            without.discard(one.kind.kind)
            for name, local, truth, wanted in judge(client, one, number, *found):
                counts[local, truth] += 1
                if local == SAME and truth != SAME:
                    wrong.append(f"{one.kind.kind} {one.kind.version}, {name}: the server says {truth} of {wanted}")
                if name == "as it was" and local == DIFFERENT:
                    wrong.append(f"{one.kind.kind} {one.kind.version}: {wanted} is not recognised")
        client.each(lambda number, kind=one.kind: _gone(client, kind, number), range(_OBJECTS))
    assert not without, f"no made-up object was taken of {sorted(without)}"
    assert not wrong, "\n".join(wrong[:10])
    # What is certain here needs no request: that has to be nearly everything.
    assert counts[UNSURE, SAME] <= 0.1 * (counts[SAME, SAME] + counts[UNSURE, SAME]), counts
    assert counts[SAME, SAME] > 100, counts
    assert counts[DIFFERENT, DIFFERENT] + counts[UNSURE, DIFFERENT] > 100, counts
    # A change that is none costs a write without effect, and is told as one that never happened.
    assert counts[DIFFERENT, SAME] == 0, counts


def _gone(client: KubeClient, kind: Kind, number: int) -> None:
    live = client.get(_path(kind, number))
    if live:
        client.delete(_path(kind, number), uid=live["metadata"]["uid"])
