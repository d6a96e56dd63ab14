# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each known defect of Terraform's provider has a test that shows the right thing here, and a row in docs/howto.rst."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors

ROOT = Path(errors.__file__).resolve().parents[3]
MODULES = "tests/unit/plugins/modules"

#: What the row of the page begins with -> the tests.
TESTS = {
    "Another ``cluster_ids`` removes all": [
        f"{MODULES}/test_asm_cluster.py::test_attaching_a_third_cluster_is_one_add_and_no_remove",
        "tests/integration/test_cluster.py::test_a_third_cluster_is_one_add_and_no_remove",
        "tests/integration/test_flow.py::test_a_third_cluster_in_the_spec_is_one_add_and_no_remove",
    ],
    "It waits for the mesh, not for the clusters.": [
        f"{MODULES}/test_asm_cluster.py::test_a_cluster_is_waited_for_when_its_mesh_runs_already",
        f"{MODULES}/test_asm_cluster.py::test_a_cluster_that_fails_in_the_mesh_is_a_failure_with_the_reason",
        "tests/integration/test_faults.py::test_a_cluster_that_cannot_start_tells_why_and_is_added_again",
    ],
    "``destroy`` does not detach clusters": [
        f"{MODULES}/test_asm_mesh.py::test_clusters_are_detached_one_after_the_other_before_the_mesh_goes",
        "tests/integration/test_removal.py::test_removal_leaves_nothing_that_costs_money",
    ],
    "Tags at creation are sent": [
        f"{MODULES}/test_asm_mesh.py::test_a_new_mesh_is_created_with_what_is_set_and_waited_for",
        "tests/integration/test_mesh.py::test_create_sends_what_is_set_and_nothing_else",
    ],
    "``customized_zipkin`` differs": [
        f"{MODULES}/test_asm_mesh.py::test_what_the_service_changes_by_itself_is_nothing_to_whom_it_does_not_matter",
    ],
    "``NameAlreadyExist`` is repeated": [
        f"{MODULES}/test_asm_mesh.py::test_a_name_that_is_taken_elsewhere_stays_an_error",
    ],
    "Timeouts are others than documented.": [
        "tests/unit/test_collection_contract.py::test_documented_options_are_the_options_of_the_module",
    ],
    "A creation that fails has no reason": [
        f"{MODULES}/test_asm_mesh.py::test_a_creation_that_fails_later_shows_what_the_service_says",
        "tests/integration/test_faults.py::test_a_creation_that_fails_ends_the_wait",
    ],
    "The role of a RAM user read back": [
        f"{MODULES}/test_asm_user_permission.py::test_is_ram_role_in_any_spelling",
    ],
    "A permission replaces the user's whole list": [
        f"{MODULES}/test_asm_user_permission.py::test_it_is_not_overwritten_by_a_grant_nor_emptied_by_a_removal",
        "tests/integration/test_user_permission.py::test_the_role_in_another_mesh_stays",
        "tests/integration/test_fleet.py::test_nobody_lost_a_role_to_another_mesh",
    ],
}


def rows() -> list[str]:
    """The left cells of the table."""
    page = (ROOT / "docs/howto.rst").read_text(encoding="utf-8")
    table = page.split("   * - Terraform's provider\n", 1)[1].split("\n\n", 1)[0]
    return re.findall(r"^   \* - (.*)$", table, re.MULTILINE)


def test_the_page_and_the_tests_are_about_the_same() -> None:
    assert len(rows()) == len(TESTS)
    assert all(row.startswith(defect) for row, defect in zip(rows(), TESTS, strict=True))


@pytest.mark.parametrize("test", [test for tests in TESTS.values() for test in tests])
def test_each_test_is_there(test: str) -> None:
    file, _colons, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
