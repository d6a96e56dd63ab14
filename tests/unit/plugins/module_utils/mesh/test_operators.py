# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.mesh.operators import operator_cluster, warnings


@pytest.mark.parametrize(
    ("name", "cluster"),
    [
        ("mesh-for-c0b5c7a1e00000000000000000000000a", "c0b5c7a1e00000000000000000000000a"),
        ("mesh-for-customers-and-shops", ""),
        ("mesh-for-customers", ""),
        ("mesh-for-", ""),
        ("a-mesh-for-c0b5", ""),
        ("shop", ""),
        (None, ""),
        (["mesh-for-c1"], ""),
    ],
)
def test_the_name_says_whose_mesh_it_is(name: Any, cluster: str) -> None:
    assert operator_cluster(name) == cluster
    assert len(warnings(name, removal=False)) == bool(cluster)
