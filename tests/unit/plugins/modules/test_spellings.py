# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever spelling the service gives the values of its replies: a second run finds nothing to do."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import failures
from ansible_collections.meshops.asm.plugins.module_utils.cloud.transport import Reply
from ansible_collections.meshops.asm.plugins.module_utils.cluster import clusters
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import put
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.module_utils.module.resource import converge
from ansible_collections.meshops.asm.plugins.modules.asm_cluster import Clusters
from ansible_collections.meshops.asm.plugins.modules.asm_mesh import Mesh
from ansible_collections.meshops.asm.tests.unit.spellings import Path, respelled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import OFFERED, FakeAsm, FakeGateways

_SAMPLES: dict[str, Any] = {
    "bool": True,
    "int": 7,
    "float": 2.5,
    "str": "text",
    "quantity": "2",
    "url": "https://x",
    "csv": ["80", "443"],
    "list": ["vsw-1", "vsw-2"],
}
_EXISTS = {"key": "team", "operator": "Exists"}
_CSV = frozenset(("ServiceMesh", *str(row.read).split(".")) for row in MESH_ATTRIBUTES if row.type == "csv")


def wanted(**more: Any) -> dict[str, Any]:
    """Every option of a mesh that can be read, each with a value that says something."""
    options: dict[str, Any] = {"name": "shop", "region": "cn-hangzhou", "tags": {"team": "7", "empty": ""}}
    options["api_server_public_eip"] = False
    for row in MESH_ATTRIBUTES:
        if row.read:
            put(options, row.option, row.choices[0] if row.choices else _SAMPLES.get(row.type))
    put(options, "version", OFFERED[0])
    put(options, "locality_lb.config", {"failover": [{"from": "cn-beijing", "to": "cn-hangzhou"}]})
    put(options, "multi_buffer.enabled", False)
    for name in ("include_ip_ranges", "exclude_ip_ranges"):
        put(options, name, ["10.0.0.0/8", "172.16.0.0/12"])
    put(options, "proxy.lifecycle", {"preStop": {"exec": {"command": ["sleep", "15"]}}})
    put(options, "proxy.termination_drain_duration", "15s")
    put(options, "sidecar_injector.webhook", '{"replicaCount": 2}')
    put(options, "discovery_selectors", [{"matchLabels": {"mesh": "7"}}, {"matchExpressions": [_EXISTS]}])
    return {**options, **more}


class Dice(random.Random):
    """Chance that is the same for a seed."""


class SpellingAsm(FakeAsm):
    """Its replies go through the judge of replies, as those of the service, in another spelling each."""

    choose: Callable[[Path, int], int | None] = staticmethod(lambda _path, _count: None)

    def _answer(self, action: str, parameters: dict[str, Any]) -> Any:
        reply = super()._answer(action, parameters)
        told = respelled(reply, lambda path, count: self.choose((action, *path), count), _CSV)
        return failures.checked(Reply(200, {}, json.dumps(told).encode()), failures.Call(action))


@pytest.fixture
def asm() -> SpellingAsm:
    found = SpellingAsm()
    found.candidates = [{"ClusterId": key, "Name": key, "ForbiddenFlag": 0, "State": "running"} for key in ("7", "k2")]
    return found


@pytest.fixture
def again(
    asm: SpellingAsm, plane: FakeGateways, task: Callable[..., dict[str, Any]], no_waiting: Any
) -> Callable[[], None]:
    """A first run with plain replies; gives the second, which must change nothing."""
    mesh, members = wanted(), {"mesh": "shop", "region": "cn-hangzhou", "clusters": [{"name": "7"}, {"name": "k2"}]}
    asm.looks = 0

    def run() -> None:
        for resource, options in ((Mesh, mesh), (Clusters, {**members, "purge": True})):
            made: Any = resource
            outcome = converge(made(task(made, **options), asm), check=False, wait=True, timeout=10)
            if asm.calls_are_counted:
                assert not outcome.changed, (resource.__name__, outcome.plan.before, outcome.plan.after)

    asm.calls_are_counted = False
    run()
    asm.calls_are_counted = True
    asm.writes = 0
    plane.deploy("in", "7", "k2")
    return run


# No value has more other spellings.
_MOST = 6


@pytest.mark.parametrize("number", range(_MOST))
def test_each_spelling_of_each_value(asm: SpellingAsm, again: Callable[[], None], number: int) -> None:
    """All values in their first spelling, all in their second, and so on."""
    seen: set[Path] = set()

    def choose(path: Path, count: int) -> int:
        assert count <= _MOST
        seen.add(path)
        return number % count

    asm.choose = choose
    again()
    assert asm.writes == 0
    assert len(seen) > 100


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.02, 0.2, 0.7]))
def test_any_spellings_together(asm: SpellingAsm, again: Callable[[], None], seed: int, share: float) -> None:
    dice = Dice(seed)
    asm.choose = lambda _path, count: dice.randrange(count) if dice.random() < share else None
    again()
    assert asm.writes == 0


@pytest.mark.parametrize("total", [None, "", "all", 0])
def test_pages_are_read_to_their_end_whatever_the_total_says(asm: SpellingAsm, total: Any) -> None:
    listed = [{"ClusterId": f"k{number}", "Name": "x"} for number in range(clusters.PAGE + 20)]
    asm.candidates = listed
    good, told = asm.DescribeServiceMeshClusters, str(len(listed)) if total == "all" else total
    asm.answers["DescribeServiceMeshClusters"] = lambda **how: {**good(**how), "NumberOfClusters": told}
    assert len(clusters.candidates(asm, "c1")) == len(listed)  # type: ignore[arg-type]
