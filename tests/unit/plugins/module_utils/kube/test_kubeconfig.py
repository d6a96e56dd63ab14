# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From kubeconfig to connection."""

from __future__ import annotations

import base64
import datetime
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import (
    load,
    read_kubeconfig,
    self_contained,
    ssl_context,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def certificate() -> tuple[str, str]:
    """A self-signed certificate and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(user: dict[str, Any] | None = None, **cluster: Any) -> dict[str, Any]:
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}, {"name": "broken", "context": {}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443/", **cluster}}],
        "users": [{"name": "u", "user": user or {}}],
    }


def loaded(user: dict[str, Any] | None = None, **cluster: Any) -> Any:
    return load(yaml.safe_dump(config(user, **cluster)))


def test_embedded_certificates() -> None:
    user = {"client-certificate-data": coded("CERT"), "client-key-data": coded("KEY")}
    endpoint = loaded(
        user, **{"certificate-authority-data": coded("CA"), "tls-server-name": "api", "proxy-url": "http://p"}
    )
    assert (endpoint.server, endpoint.ca_pem) == ("https://127.0.0.1:6443", "CA")
    assert (endpoint.cert_pem, endpoint.key_pem) == ("CERT", "KEY")
    assert (endpoint.tls_server_name, endpoint.proxy_url) == ("api", "http://p")


def test_files_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(name.upper())
    (tmp_path / "token").write_text("secret\n")
    body = config({"client-certificate": "cert", "client-key": "key", "tokenFile": "token"})
    body["clusters"][0]["cluster"]["certificate-authority"] = "ca"
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(body))
    text, folder = read_kubeconfig(str(path))
    endpoint = load(text, folder=folder)
    assert (endpoint.ca_pem, endpoint.cert_pem, endpoint.key_pem) == ("CA", "CERT", "KEY")
    assert endpoint.authorization == "Bearer secret"
    assert load(self_contained(text, folder), folder=Path("/nowhere")) == endpoint


def test_text_is_not_taken_for_a_path() -> None:
    text = yaml.safe_dump(config())
    assert read_kubeconfig(text)[0] == text
    assert read_kubeconfig(json.dumps(config()))[0].startswith("{")


@pytest.mark.parametrize(
    ("user", "authorization"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"username": "a", "password": "b"}, "Basic " + coded("a:b")),
        ({}, ""),
    ],
)
def test_identities(user: dict[str, Any], authorization: str) -> None:
    assert loaded(user).authorization == authorization


def test_nothing_secret_is_shown() -> None:
    user = {"token": "t0ken", "client-certificate-data": coded("CERT"), "client-key-data": coded("K3Y")}
    shown = repr(loaded(user, **{"proxy-url": "http://user:passw0rd@proxy"}))
    assert not any(secret in shown for secret in ("t0ken", "CERT", "K3Y", "passw0rd"))


def test_the_named_context_wins() -> None:
    with pytest.raises(InvalidInput, match="has no cluster ''; it has: c"):
        load(yaml.safe_dump(config()), context="broken")
    with pytest.raises(InvalidInput, match="has no context 'other'; it has: broken, here"):
        load(yaml.safe_dump(config()), context="other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nkey: s3cret: x", "The kubeconfig, line 2: this is not valid YAML"),
        ("just text", "This is not a kubeconfig"),
        (yaml.safe_dump({**config(), "current-context": ""}), "has no current-context"),
        (yaml.safe_dump(config(server="ftp://x")), "names no usable server for context 'here': 'ftp://x'"),
        (yaml.safe_dump(config({"client-certificate-data": "%%"})), "client-certificate-data is not base64"),
        (yaml.safe_dump(config({"client-certificate": "/nowhere/x"})), "refers to /nowhere/x, which cannot be read"),
    ],
)
def test_bad_kubeconfigs(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(text)
    assert message in caught.value.message
    assert "s3cret" not in caught.value.message


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Cannot read the kubeconfig file nowhere: No such file"):
        read_kubeconfig(str(tmp_path / "nowhere"))


def test_the_client_certificate_reaches_the_context_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = certificate()
    seen: list[str] = []
    real = ssl.SSLContext.load_cert_chain
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda self, path: (seen.append(path), real(self, path))[1])
    user = {"client-certificate-data": coded(cert), "client-key-data": coded(key)}
    context = ssl_context(loaded(user, **{"certificate-authority-data": coded(cert)}))
    assert seen[0].startswith("/proc/self/fd/")
    assert not Path(seen[0]).exists()
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_a_key_that_does_not_fit() -> None:
    user = {"client-certificate-data": coded(certificate()[0]), "client-key-data": coded(certificate()[1])}
    with pytest.raises(InvalidInput, match="no matching PEM pair"):
        ssl_context(loaded(user))
    with pytest.raises(InvalidInput, match="certificate authority is not a PEM certificate"):
        ssl_context(loaded({}, **{"certificate-authority-data": coded("x")}))


def test_insecure_means_no_verification() -> None:
    context = ssl_context(loaded({}, **{"insecure-skip-tls-verify": True}))
    assert context.verify_mode == ssl.CERT_NONE


def test_an_exec_plugin_is_left_to_the_library(tmp_path: Path) -> None:
    plugin = tmp_path / "login"
    reply = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-exec"},
    }
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(reply)}'\n")
    plugin.chmod(0o755)
    user = {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin), "interactiveMode": "Never"}
    }
    assert loaded(user).authorization == "Bearer from-exec"
