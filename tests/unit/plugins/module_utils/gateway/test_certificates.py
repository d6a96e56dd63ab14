# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates: what a gateway could not serve is refused, and no message tells anything of a key."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.gateway import certificates, gateway_secrets
from ansible_collections.meshops.asm.tests.unit.pem import HOST, pair

NOW = datetime.now(timezone.utc)
ONE, OTHER = pair(days=(-1, 89.5)), pair()
BROKEN = "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n"


def test_a_certificate_says_until_when_and_for_whom() -> None:
    found = certificates.given(*ONE.options().values(), NOW)
    assert (found.hosts, found.days_left(NOW)) == ((HOST,), 89)
    assert (found.days_left(found.end), found.days_left(found.end + timedelta(seconds=1))) == (0, -1)
    assert len(found.essence()["fingerprint"]) == 64
    assert "days_left" not in found.essence()
    assert certificates.doubts(found, NOW) == ()
    assert certificates.stored(ONE.secret()) == found == certificates.read(ONE.certificate)


def test_the_chain_counts_and_the_servers_own_comes_first() -> None:
    chain = certificates.given(ONE.certificate + OTHER.certificate, ONE.key, NOW)
    alone = certificates.given(ONE.certificate, ONE.key, NOW)
    assert chain.fingerprints[0] == alone.fingerprints[0]
    assert chain.fingerprints != alone.fingerprints
    with pytest.raises(InvalidInput, match="belongs to number 2 of the certificates"):
        certificates.given(OTHER.certificate + ONE.certificate, ONE.key, NOW)


@pytest.mark.parametrize(
    ("certificate", "key", "words"),
    [
        (ONE.certificate, OTHER.key, "private_key does not belong to certificate"),
        (ONE.certificate, pair(passphrase=b"secret").key, "private_key needs a passphrase"),
        (ONE.certificate, ONE.certificate, "private_key is no PEM text of a private key"),
        (ONE.certificate, "MIIEvAIBADANBgkqhkiG9w0BAQEFAASC", "private_key is no PEM text of a private key"),
        (ONE.certificate, ONE.key[:80] + "=" + ONE.key[81:], "private_key is no private key"),
        ("MIIC2DCCAcACA", ONE.key, "certificate is no PEM text"),
        (BROKEN, ONE.key, "certificate is no certificate"),
        (ONE.certificate + BROKEN, ONE.key, "certificate is no certificate"),
        (ONE.certificate + ONE.key, ONE.key, "certificate holds a private key"),
    ],
)
def test_what_no_gateway_could_serve_is_refused_without_a_word_of_the_key(
    certificate: str, key: str, words: str
) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        certificates.given(certificate, key, NOW)
    assert not certificates.tells(caught.value.message, key)


@pytest.mark.parametrize(("days", "said"), [((-9, -1), "has expired"), ((-9, -0.0001), "has expired")])
def test_an_expired_one_is_refused(days: tuple[float, float], said: str) -> None:
    expired = pair(days=days)
    with pytest.raises(InvalidInput, match=said):
        certificates.given(expired.certificate, expired.key, datetime.now(timezone.utc))


def test_one_of_the_future_is_doubted() -> None:
    early = pair(days=(1, 2))
    (said,) = certificates.doubts(certificates.given(early.certificate, early.key, NOW), NOW)
    assert "not valid yet" in said


@pytest.mark.parametrize(
    "secret",
    [
        None,
        {},
        {"data": None},
        {"data": {"tls.crt": "", "tls.key": "eA=="}},
        {"data": {"tls.crt": "%%%", "tls.key": "eA=="}},
        {"data": {"tls.crt": base64.b64encode(BROKEN.encode()).decode(), "tls.key": "eA=="}},
        {"data": {"tls.crt": ONE.secret()["data"]["tls.crt"]}},
        {"data": ["tls.crt"]},
        "text",
    ],
)
def test_a_secret_without_a_certificate_and_a_key_has_none(secret: Any) -> None:
    assert certificates.stored(secret) is None


@pytest.mark.parametrize(
    ("text", "exists"),
    [
        ("ErrorSecretAlreadyExists", True),
        ("SecretExisted", True),
        ("secret already exists", True),
        ("tls.crt not exist", False),
        ("ErrorSecretNotExist", False),
        ("GatewayNonExistent", False),
        ("timeout", False),
    ],
)
def test_whether_something_is_there_is_told_in_many_ways(text: str, exists: bool) -> None:
    assert gateway_secrets.says_exists(text) is exists


def record(*messages: str) -> dict[str, Any]:
    rows = {
        f"k{number}": {"State": "fail" if message else "success", "ClusterId": f"k{number}", "Message": message}
        for number, message in enumerate(messages)
    }
    return {"SecretCreateRecord": rows}


def test_a_record_is_a_success_only_if_it_is_one_everywhere() -> None:
    names = {"k0": "shop-1", "k1": "shop-2"}
    for fine in ({}, {"SecretCreateRecord": None}, record("", "")):
        gateway_secrets.written(fine, "SecretCreateRecord", names)
    for messages, code in ((("timeout", ""), "SecretNotWritten"), (("", "already exists"), "Exists")):
        with pytest.raises(AsmError) as caught:
            gateway_secrets.written(record(*messages), "SecretCreateRecord", names)
        assert caught.value.code == code
    with pytest.raises(AsmError, match=r"shop-1: timeout; shop-2: already exists\."):
        gateway_secrets.written(record("timeout", "already exists"), "SecretCreateRecord", names)


def test_words_that_quote_the_key_are_not_repeated() -> None:
    line = ONE.key.splitlines()[1]
    with pytest.raises(AsmError) as caught:
        gateway_secrets.written(record(f"invalid key {line}"), "SecretCreateRecord", {}, ONE.key)
    assert line not in caught.value.message
    assert "quote the private key" in caught.value.message
