# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as they come from outside: of any shape, or nearly right."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["", "a", "v1", "*", "true", "80", "1e400", "{{ x }}", "\x1b[31m", "\U0001f680"]),
)


def anything(keys: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """JSON-like values; the keys of mappings are often among ``keys``."""
    key = st.one_of(st.sampled_from(keys), st.text(max_size=8)) if keys else st.text(max_size=8)
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(key, inner, max_size=5)),
        max_leaves=25,
    )


def nearly(value: Any, draw: Any) -> Any:
    """``value`` with some of its parts replaced by anything; ``draw`` is that of a composite strategy."""
    if draw(st.integers(0, 11)) == 0:
        return draw(anything())
    if isinstance(value, dict):
        return {key: nearly(item, draw) for key, item in value.items()}
    if isinstance(value, list):
        return [nearly(item, draw) for item in value]
    return value


def nearly_any(values: list[Any]) -> st.SearchStrategy[Any]:
    """One of ``values`` with some of its parts replaced by anything."""

    @st.composite
    def made(draw: Any) -> Any:
        return nearly(draw(st.sampled_from(values)), draw)

    return made()
