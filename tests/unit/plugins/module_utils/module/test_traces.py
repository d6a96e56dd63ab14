# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import time

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.module.traces import traces

from tests.unit.pem import pair
from tests.unit.wording import WORDS

CORE = "90817263544536271809"
ODD = f'a"b\\c {CORE}\u00e9/+ %\n'
KEY = pair().key


@pytest.mark.parametrize("sent", [{"Key": ODD}, {"Config": json.dumps({"oidc": {"clientSecret": ODD}})}], ids=repr)
@pytest.mark.parametrize("words", sorted({*WORDS} - {"in Base64"}))
def test_a_secret_is_found_however_it_is_quoted(words: str, sent: dict[str, str]) -> None:
    told = WORDS[words](sent)
    assert CORE in told
    for trace in traces([ODD]):
        told = told.replace(trace, "")
    assert CORE not in told


@pytest.mark.parametrize("words", WORDS)
def test_a_key_is_found_by_each_of_its_lines(words: str) -> None:
    told = WORDS[words]({"Key": KEY.strip() + "\n"})
    for trace in traces([KEY]):
        told = told.replace(trace, "")
    lines = KEY.splitlines()[1:-2]
    assert lines and not [line for line in lines if line in told]
    assert len(told) < 200


def test_what_is_ordinary_is_no_trace() -> None:
    found = traces([KEY, "apiVersion: v1\nkind: Config\n"])
    assert not {"apiVersion: v1", "kind: Config", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"} & found
    assert "" not in traces(["", " ", "\n"])


def test_a_text_of_any_kind_has_traces_soon() -> None:
    began = time.process_time()
    assert traces(["\udc80 a", "x" * 2**16, "a b\n" * 2**14])
    assert traces(["x" * (2**16 + 1)]) == set()
    assert time.process_time() - began < 2
