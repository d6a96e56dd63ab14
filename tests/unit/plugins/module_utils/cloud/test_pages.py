# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every list of the service that comes page by page, from one that never ends."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins import modules
from ansible_collections.meshops.asm.plugins.module_utils.cloud import pages, tags
from ansible_collections.meshops.asm.plugins.module_utils.cluster import access, clusters, registry
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.reconcile import Clock
from ansible_collections.meshops.asm.plugins.module_utils.gateway import waypoints

MODULE_UTILS = Path(modules.__path__[0]).parent / "module_utils"
Read = Callable[[Any], Any]
LISTS: dict[str, tuple[Read, Callable[[str], Any]]] = {
    "DescribeServiceMeshClusters": (
        lambda cloud: clusters.candidates(cloud, "c1"),
        lambda mark: {"Clusters": [{"ClusterId": mark}], "NumberOfClusters": 10**9},
    ),
    "DescribeClustersV1": (
        access.list_clusters,
        lambda mark: {"clusters": [{"cluster_id": mark}], "page_info": {"total_count": 10**9}},
    ),
    "ListWaypoints": (
        lambda cloud: waypoints.listed(cloud, "c1", "k1", None),
        lambda mark: {"Waypoints": [{"Name": mark}], "Continue": mark},
    ),
    "GetDeploymentBySelector": (
        lambda cloud: registry.deployments(cloud, "c1", "k1", None, {"a": "b"}),
        lambda mark: {"DeploymentNameList": [mark], "Mark": mark},
    ),
    "ListTagResources": (
        lambda cloud: tags.unlisted_tags(cloud, "c1", "cn-hangzhou"),
        lambda mark: {"TagResources": [{"ResourceId": "c1", "TagKey": mark}], "NextToken": mark},
    ),
}
MARKED = ("ListWaypoints", "GetDeploymentBySelector", "ListTagResources")


@pytest.mark.parametrize("action", LISTS)
def test_a_list_that_never_ends_is_given_up(action: str, fake_cloud: Callable[..., Any]) -> None:
    read, page = LISTS[action]
    count = itertools.count()
    cloud = fake_cloud(**{action: lambda **sent: page(f"m{next(count)}")})
    with pytest.raises(AsmError, match=f"reply to {action} is not what it documents: the list goes on after 200 pages"):
        read(cloud)
    assert len(cloud.calls) == pages.MOST_PAGES


@pytest.mark.parametrize("action", LISTS)
def test_a_list_has_a_deadline(action: str, fake_cloud: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    read, page = LISTS[action]
    count = itertools.count()
    monkeypatch.setattr(Clock, "now", lambda self: next(count) * 100.0)
    cloud = fake_cloud(**{action: lambda **sent: page(f"m{next(count)}")})
    with pytest.raises(AsmError, match="the list goes on after"):
        read(cloud)
    assert len(cloud.calls) < 5


@pytest.mark.parametrize("action", MARKED)
def test_pages_that_come_again_end_a_list(action: str, fake_cloud: Callable[..., Any]) -> None:
    read, page = LISTS[action]
    marks = itertools.cycle(["a", "b", "c"])
    cloud = fake_cloud(**{action: lambda **sent: page(next(marks))})
    with pytest.raises(AsmError, match="with a page that was read before"):
        read(cloud)
    assert len(cloud.calls) == 4


def test_no_other_code_reads_page_by_page() -> None:
    """Whoever sends a mark or the number of a page takes its numbers from here."""
    paging = re.compile(r"\b(Continue|Mark|NextToken|page_number|PageNum|Offset)=")
    files = [file for file in MODULE_UTILS.rglob("*.py") if paging.search(file.read_text(encoding="utf-8"))]
    assert len(files) >= 4
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert "in pages(" in text or "all_pages(" in text, file
