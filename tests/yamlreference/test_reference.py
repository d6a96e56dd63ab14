# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's reader beside that of kubectl and the API server, sigs.k8s.io/yaml, on generated texts.

Both read the same value, or both refuse; apart from what is listed in ``wanted``.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import texts
from meshlab import gobuild
from meshlab.binaries import cache_folder

from yamlreference.generated import Texts
from yamlreference.wanted import WANTED, Answer

_MODULE = Path(__file__).parent
_DOCUMENTS = int(os.environ.get("DOCUMENTS") or 100_000)
_CHUNK = 5_000


@pytest.fixture(scope="session")
def reference() -> Path:
    """The program, from the cache or built now."""
    programs = [gobuild.Program("yamlreference", ".")]
    built = gobuild.build_once(cache_folder(), _MODULE, programs, print, flags=gobuild.FLAGS, variables={})
    return built / "yamlreference"


def test_the_same_values_are_read(reference: Path) -> None:
    source, counts, others = Texts(1), Counter[str](), []
    for _start in range(0, _DOCUMENTS, _CHUNK):
        chunk = [source.one() for _number in range(_CHUNK)]
        for text, theirs in zip(chunk, asked(reference, chunk), strict=True):
            kind = compared(text, theirs)
            counts[kind] += 1
            if kind == "different":
                others.append(told(text, theirs))
    print(json.dumps(counts, indent=1))
    assert not others, f"{len(others)} differ, the shortest of them:\n" + "\n\n".join(sorted(others, key=len)[:25])
    # What is never met is not compared.
    assert counts["same value"] > _DOCUMENTS / 4 and counts["both refuse"] > _DOCUMENTS / 10, counts
    assert all(counts[one.reason] for one in WANTED), counts


def asked(program: Path, chunk: list[str]) -> list[Answer]:
    lines = "\n".join(json.dumps(text) for text in chunk)
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [Answer.of(json.loads(line)) for line in done.stdout.splitlines()]


def compared(text: str, theirs: Answer) -> str:
    """ "same value", "both refuse", the reason of a wanted difference, or "different"."""
    value, problem = ours(text)
    if problem and theirs.error:
        return "both refuse"
    if not problem and not theirs.error and typed(value) == typed(theirs.value):
        return "same value"
    return next((one.reason for one in WANTED if one.fits(text, problem, theirs)), "different")


def ours(text: str) -> tuple[Any, str]:
    """The first document, or what is said of it; their reader does not look at what follows."""
    try:
        return texts.load(text, "text"), ""
    except InvalidInput as error:
        return None, error.message


def typed(value: Any) -> str:
    """A value as text in which 1, 1.5 and true differ. Integers beyond 64 bits are floats to Kubernetes, as here."""
    return json.dumps(json.loads(json.dumps(value), parse_int=_integer), sort_keys=True)


def told(text: str, theirs: Answer) -> str:
    value, problem = ours(text)
    lines = (repr(text), f"  ours   {problem or typed(value)}", f"  theirs {theirs.error or typed(theirs.value)}")
    return "\n".join(line[:300] for line in lines)


def _integer(text: str) -> int | float:
    number = int(text)
    return number if abs(number) < 2**63 else float(text)
