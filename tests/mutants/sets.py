# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules are mutated, and the unit tests that have to notice."""

from __future__ import annotations

#: Below ``plugins/module_utils`` without ``.py``: files below ``tests/unit/plugins``.
SETS: dict[str, tuple[str, ...]] = {
    "flow/columns": ("module_utils/flow/test_columns.py",),
    "flow/emptiness": ("module_utils/flow/test_emptiness.py",),
    "flow/errors": ("module_utils/flow/test_errors.py", "module_utils/flow/test_text.py"),
    "flow/progress": ("module_utils/flow/test_progress.py", "module_utils/flow/test_text.py"),
    "flow/reconcile": ("module_utils/flow/test_reconcile.py",),
    "flow/shapes": ("module_utils/flow/test_shapes.py",),
    "flow/table": ("module_utils/flow/test_table.py",),
    "flow/text": ("module_utils/flow/test_text.py",),
    "flow/unexpected": ("module_utils/flow/test_unexpected.py",),
    "kube/ownership": ("module_utils/kube/test_ownership.py",),
    "kube/planning": ("module_utils/kube/test_planning.py",),
    "kube/pruning": ("module_utils/kube/test_pruning.py",),
    "cloud/failures": ("module_utils/cloud/test_failures.py",),
    "cloud/retries": ("module_utils/cloud/test_retries.py",),
    "probe/plan": ("module_utils/probe/test_plan.py", "module_utils/probe/test_versus.py"),
    "probe/verdict": ("module_utils/probe/test_verdict.py", "module_utils/probe/test_versus.py"),
}
