# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are, or nearly are, kubeconfigs of others; values of the option kubeconfig; credentials in them."""

from __future__ import annotations

import base64
import json
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.kube import given, validity
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig_file import KubeconfigFile, Target
from hypothesis import strategies as st

from .harness import fuzz
from .values import anything, nearly

_TARGET = Target("mesh", "c0123456789abcdef0123456789abcdef", "shop", "cn-hangzhou")
_MARK = {"name": "meshops.asm", "extension": {"type": "mesh", "id": _TARGET.id, "name": "shop"}}
_OTHERS: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [
        {"name": "a", "cluster": {"server": "https://a", "extensions": [{"name": "x", "extension": 1}]}},
        {"name": _TARGET.default_name, "cluster": {"server": "https://b", "extensions": [_MARK]}},
    ],
    "users": [{"name": "a", "user": {"token": "t"}}, {"name": _TARGET.default_name, "user": {"extensions": [_MARK]}}],
    "contexts": [
        {"name": "a", "context": {"cluster": "a", "user": "a", "namespace": "n"}},
        {"name": _TARGET.default_name, "context": {"cluster": _TARGET.default_name, "user": "a"}},
    ],
    "current-context": "a",
    "preferences": {},
}
_SERVICE = KubeconfigFile.parse(json.dumps({**_OTHERS, "current-context": "a"}), "service")


@st.composite
def _configs(draw: st.DrawFn) -> str:
    return json.dumps(nearly(_OTHERS, draw))


_texts = st.one_of(
    _configs(),
    st.text(alphabet="ab:-[]{}&*!|>'\"#?,% \n\t\0\ufeff", max_size=60).map(lambda text: f"clusters: {text}"),
)


@fuzz(text=_texts, current=st.booleans(), keep=st.booleans())
def test_merging(text: str, current: bool, keep: bool) -> None:
    """What is not ours comes out as it went in, and merging twice is merging once."""
    before = KubeconfigFile.parse(text, "file")
    merged = before.merged(_TARGET.default_name, _TARGET, _SERVICE, keep_user=keep, current=current)
    again = KubeconfigFile.parse(merged.text(), "file")
    assert again.same(merged)
    assert again.merged(_TARGET.default_name, _TARGET, _SERVICE, keep_user=keep, current=current).same(again)
    left, right = again.without(_TARGET.default_name), before.without(_TARGET.default_name)
    assert [name for name in left.contexts if name not in right.contexts] == []
    assert [name for name in right.contexts if name not in left.contexts] == []
    again.marks()
    again.users_of(_TARGET.default_name)
    left.is_empty()


@fuzz(value=st.one_of(st.text(max_size=60), st.text(alphabet="QUJDS0VZ=/+ \n{", max_size=80)))
def test_option(value: str) -> None:
    """What comes as the option kubeconfig."""
    given.text_of(value)
    given.path_of(value)


@fuzz(user=anything(("client-certificate-data", "token", "exp", "iat")), token=anything(("exp", "iat")))
def test_credentials(user: Any, token: Any) -> None:
    """How long they are good for."""
    payload = base64.urlsafe_b64encode(json.dumps(token).encode()).decode()
    known = user if isinstance(user, dict) else {}
    for given_user in (known, {"token": f"a.{payload}.b"}, {"token": token}, {"client-certificate-data": payload}):
        found = validity.of_user(given_user)
        assert found is None or found.ends
