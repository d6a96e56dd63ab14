# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples of what people have: taken or refused as their list says, and the documentation says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.samples.reading import INPUTS, SAMPLES, inputs, read_kubeconfigs, read_manifests
from tests.samples.table import PAGE, page


@pytest.mark.parametrize("sample", SAMPLES["manifests"], ids=lambda one: one["input"])
def test_manifests(sample: dict[str, Any], tmp_path: Path) -> None:
    verdict = read_manifests(sample, tmp_path)
    assert verdict.accepted is ("refused" not in sample), verdict.says
    assert str(sample.get("refused", "")).lower() in verdict.says.lower()


@pytest.mark.parametrize("sample", SAMPLES["kubeconfigs"], ids=lambda one: one["input"])
def test_kubeconfigs(sample: dict[str, Any], tmp_path: Path) -> None:
    verdict = read_kubeconfigs(sample, tmp_path)
    assert verdict.accepted is ("refused" not in sample), verdict.says
    assert str(sample.get("refused", "")) in verdict.says
    assert str(tmp_path) not in verdict.says


def test_every_input_is_a_sample() -> None:
    folders = {"manifests": "", "owners": "owners/", "kubeconfigs": "kubeconfigs/"}
    listed = {f"{folders[section]}{one['input']}" for section, samples in SAMPLES.items() for one in samples}
    names = [str(path.relative_to(INPUTS).with_suffix("")) for path in inputs()]
    assert [
        name for name in names if not any(name == one or name.startswith(f"{Path(one).parts[0]}/") for one in listed)
    ] == []
    assert all((INPUTS / one).is_dir() or one in names for one in listed)


def test_the_tables_are_those_of_the_code() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert page(written) == written, "make samples writes them"
