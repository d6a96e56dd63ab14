# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SDK's own requests for a credential, against servers on loopback (a credentials URI is the one plain HTTP)."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.cloud import transport
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import resolve
from ansible_collections.meshops.asm.plugins.module_utils.cloud.profiles import Files
from ansible_collections.meshops.asm.plugins.module_utils.cloud.signing import signer
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

from .conftest import ApiServer, Reply

KEY = {
    "Code": "Success",
    "AccessKeyId": "AK.uri",
    "AccessKeySecret": "secret.uri",
    "SecurityToken": "token.uri",
    "Expiration": "2999-01-01T00:00:00Z",
}


def ask(api: ApiServer) -> str:
    environ = {
        "HOME": os.environ["HOME"],
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        "ALIBABA_CLOUD_CREDENTIALS_URI": f"{api.endpoint}/key?for=me",
    }
    credential: Any = signer(resolve({}, environ, Files(environ))).get_credential()
    return str(credential.access_key_id)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Any:
    other = ApiServer()
    monkeypatch.setenv("HTTP_PROXY", other.endpoint)
    yield other
    other.server_close()


def test_a_credential_is_fetched(api: ApiServer) -> None:
    api.replies = [Reply(KEY)]
    assert ask(api) == "AK.uri"
    assert (api.requests[0].path, api.requests[0].parameters) == ("/key", {"for": "me"})


def test_no_proxy_counts_for_credentials_as_well(
    api: ApiServer, proxy: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.replies = [Reply(KEY)]
    monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
    assert ask(api) == "AK.uri"
    assert proxy.requests == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(KEY, 302, {"Location": "/other"}), "302"),
        (Reply("<html>", 200), "gave none"),
        (Reply([]), "gave none"),
        (Reply({"Code": "Success"}), "gave none"),
        (Reply(KEY, 500), "500"),
    ],
)
def test_an_answer_without_a_credential_is_one_sentence(api: ApiServer, reply: Reply, words: str) -> None:
    api.replies = [reply]
    with pytest.raises(InvalidInput, match=words) as caught:
        ask(api)
    assert "ALIBABA_CLOUD_CREDENTIALS_URI, which gave none" in caught.value.message
    assert len(api.requests) == 1
    for secret in ("secret.uri", "token.uri", "xxxx"):
        assert secret not in caught.value.message


def test_nothing_of_a_netrc_is_sent(api: ApiServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password mine\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    api.replies = [Reply(KEY)]
    ask(api)
    assert "authorization" not in api.requests[0].headers


def test_an_answer_is_read_by_the_bounded_transport(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ATTEMPT", 0.0)
    api.replies = [Reply(KEY)]
    with pytest.raises(InvalidInput, match="gave none"):
        ask(api)
