# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One rule for proxies, judged by the library requests."""

from __future__ import annotations

import os
from unittest import mock

import hypothesis
import pytest
import requests
from ansible_collections.meshops.asm.plugins.module_utils.wire.proxies import proxy_of
from hypothesis import strategies as st

PROXY = "http://proxy.example:3128"
HOSTS = (
    "asm.example.com", "example.com", "notexample.com", "10.1.2.3", "10.1.2.30", "127.0.0.1", "127.1", "localhost",
    "[::1]", "[fd00::1]", "192.168.100.7", "a.b.svc.cluster.local", "EXAMPLE.com", "1.2.3.4.example.com",
)  # fmt: skip
ENTRIES = (
    "*", "example.com", ".example.com", "..example.com", "Example.COM", "example.com:443", "example.com:6443", ":443",
    "com", "*.example.com", "10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "10.1.2.3/0", "10.1.2.3/33", "10.1.2.3/-1",
    "10.1.2.3/x", "10/8", "127.0.0.0/8", "10.1.2.3:6443", "::1", "[::1]", "[::1]:6443", "fd00::/8", "localhost", " ",
    "", "svc.cluster.local", "0.0.0.0/1", "192.168.100.0/24/1", "/8", "10.0.0.0/ 8", "10.0.0.0/8/",
)  # fmt: skip


def environment(**variables: str) -> mock._patch_dict:
    clean = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return mock.patch.dict(os.environ, {**clean, **variables}, clear=True)


def by_requests(url: str) -> str:
    """The proxy that a session of requests would use."""
    session = requests.Session()
    settings = session.merge_environment_settings(url, {}, False, None, None)
    proxy = requests.utils.select_proxy(url, settings["proxies"]) or ""
    return requests.utils.prepend_scheme_if_needed(proxy, "http") if proxy else ""


urls = st.builds(
    lambda scheme, host, port: f"{scheme}://{host}{port}/api?x=http://y",
    st.sampled_from(("http", "https")),
    st.sampled_from(HOSTS),
    st.sampled_from(("", ":443", ":6443", ":80")),
)
no_proxy = st.lists(
    st.one_of(st.sampled_from(ENTRIES), st.text("ae.:/*1038 ", max_size=8)), max_size=4
).map(",".join)  # fmt: skip
variables = st.dictionaries(
    st.sampled_from(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")),
    st.sampled_from((PROXY, "http://other.example:1", "proxy.example:3128", "socks5://s.example:1", "")),
    min_size=1,
)


@hypothesis.settings(max_examples=2000, deadline=None, derandomize=True, database=None)
@hypothesis.given(url=urls, upper=no_proxy, lower=st.one_of(st.none(), no_proxy), proxies=variables)
def test_the_rule_is_that_of_requests(url: str, upper: str, lower: str | None, proxies: dict[str, str]) -> None:
    with environment(**proxies, NO_PROXY=upper, **({} if lower is None else {"no_proxy": lower})):
        assert proxy_of(url) == by_requests(url)


@pytest.mark.parametrize(
    ("url", "excluded", "proxy"),
    [
        ("https://asm.example.com/", "", PROXY),
        ("https://asm.example.com/", "example.com", ""),
        ("https://10.1.2.3:6443/api", "10.0.0.0/8", ""),
        ("https://10.1.2.3:6443/api", "11.0.0.0/8", PROXY),
        ("https://asm.example.com:6443/", "asm.example.com:6443", ""),
        ("https://asm.example.com/", "*", ""),
    ],
)
def test_what_no_proxy_excludes(url: str, excluded: str, proxy: str) -> None:
    with environment(HTTPS_PROXY=PROXY, NO_PROXY=excluded):
        assert proxy_of(url) == proxy


def test_a_proxy_for_everything_counts_where_there_is_none_of_the_scheme() -> None:
    with environment(ALL_PROXY="proxy.example:3128"):
        assert proxy_of("https://10.1.2.3:6443") == PROXY
    with environment(ALL_PROXY="http://all.example:1", https_proxy=PROXY):
        assert proxy_of("https://10.1.2.3:6443") == PROXY
