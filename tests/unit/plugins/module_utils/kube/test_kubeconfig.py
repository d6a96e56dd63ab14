# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From kubeconfig to connection."""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
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
    return load(yaml.safe_dump(config(user, **cluster)), folder=Path.cwd())


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
        (yaml.safe_dump(config(server="ftp://s3cret")), "clusters[c].cluster.server must be an address"),
        (yaml.safe_dump(config(server="https://[s3cret")), "clusters[c].cluster.server must be an address"),
        (yaml.safe_dump(config(server="https://u:s3cret@h:x")), "clusters[c].cluster.server must be an address"),
        (yaml.safe_dump(config(server=["s3cret"])), "clusters[c].cluster.server must be text"),
        (yaml.safe_dump(config(**{"insecure-skip-tls-verify": "s3cret"})), "insecure-skip-tls-verify must be true or"),
        (yaml.safe_dump(config(**{"proxy-url": "s3cret"})), "clusters[c].cluster.proxy-url must be an address"),
        (yaml.safe_dump(config({"token": 12345678})), "users[u].user.token must be text: quote it"),
        (yaml.safe_dump(config({"token": "s3cret\ns3cret"})), "users[u].user.token is no token"),
        (yaml.safe_dump(config({"password": {"a": "s3cret"}, "username": "u"})), "users[u].user.password must be text"),
        ("s3cret: &s3cret [*s3cret, *other]", "this is not valid YAML or JSON."),
        ("s3cret: 1\ns3cret: 2", "The kubeconfig, line 2: this is not valid YAML or JSON."),
        ("[" * 5000, "this is not valid YAML or JSON."),
        (yaml.safe_dump(config({"client-certificate-data": "%%"})), "client-certificate-data is not base64"),
        (
            yaml.safe_dump(config({"client-certificate": "/nowhere/s3cret"})),
            "users[u].user.client-certificate names a file that cannot be read: No such file or directory",
        ),
        (
            yaml.safe_dump(config({"client-key": "-----BEGIN PRIVATE KEY-----\ns3cret" * 99, "token": "x"})),
            "users[u].user.client-key names a file that cannot be read: File name too long",
        ),
        (yaml.safe_dump(config({"tokenFile": "s3cret\0"})), "users[u].user.tokenFile names a file that cannot be read"),
        (yaml.safe_dump(config({"tokenFile": "/dev/zero"})), "it has more than 8 MiB"),
    ],
)
def test_bad_kubeconfigs(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(text, folder=Path.cwd())
    assert message in caught.value.message
    assert "s3cret" not in told(caught.value)


def told(error: BaseException) -> str:
    """Everything that a traceback would show of an error: what is behind it, too."""
    return "".join(line for line in traceback.TracebackException.from_exception(error).format() if "File " not in line)


def test_a_path_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"The option kubeconfig names a file that cannot be read: No such file"):
        read_kubeconfig(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("value", [coded("s3cret" * 2000), "~s3cret/config", "s3cret\0", "s3cret"])
def test_what_is_taken_for_a_path_is_not_repeated(value: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_kubeconfig(value)
    assert "s3cret" not in told(caught.value) and value[-12:] not in told(caught.value)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n"])
def test_line_breaks_at_the_end_of_a_field_are_none_of_it(ending: str) -> None:
    """As a block scalar (``token: |``) leaves them."""
    cut = coded("CERTIFICATE" * 9)
    wrapped = {"certificate-authority-data": f"{cut[:64]}\n{cut[64:]}{ending}", "server": f"https://h:1{ending}"}
    body = config({"token": f"abc{ending}"}, **wrapped)
    body["current-context"] += ending
    body["contexts"][0]["context"] = {"cluster": f"c{ending}", "user": f"u{ending}"}
    endpoint = load(yaml.safe_dump(body))
    assert (endpoint.authorization, endpoint.ca_pem) == ("Bearer abc", "CERTIFICATE" * 9)
    assert endpoint.server == "https://h:1"
    login = load(yaml.safe_dump(config({"username": f"a{ending}", "password": f"b {ending}"})))
    assert login.authorization == "Basic " + coded("a:b ")


@pytest.mark.parametrize(
    "user",
    [
        {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "touch", "args": ["started"]}},
        {"tokenFile": "started"},
        {"client-key": "/etc/passwd", "token": "x"},
    ],
)
def test_a_kubeconfig_of_a_service_gets_nothing_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: dict[str, Any]
) -> None:
    """Without a folder it is no user's own: no program is started for it, no file read."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput, match="only a kubeconfig of your own may do that"):
        load(yaml.safe_dump(config(user)))
    assert list(tmp_path.iterdir()) == []


def test_a_login_that_fails_does_not_repeat_the_program(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": ["s3cret"]}}
    with pytest.raises(InvalidInput, match="login method of the kubeconfig's users") as caught:
        load(yaml.safe_dump(config(user)), folder=tmp_path)
    assert "s3cret" not in told(caught.value)


def test_a_locked_key_asks_nobody() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    lock = serialization.BestAvailableEncryption(b"s3cret")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
    user = {"client-certificate-data": coded(certificate()[0]), "client-key-data": coded(pem)}
    with pytest.raises(InvalidInput, match="client key is locked by a password"):
        ssl_context(loaded(user))


def test_the_client_certificate_reaches_the_context_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = certificate()
    seen: list[str] = []
    real = ssl.SSLContext.load_cert_chain
    monkeypatch.setattr(
        ssl.SSLContext, "load_cert_chain", lambda self, path, **more: (seen.append(path), real(self, path, **more))[1]
    )
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


def login_program(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    plugin = folder / "login"
    reply = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "from-exec"},
    }
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(reply)}'\n")
    plugin.chmod(0o755)


def with_login(command: str) -> dict[str, Any]:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "interactiveMode": "Never"}}


def test_an_exec_plugin_is_left_to_the_library(tmp_path: Path) -> None:
    login_program(tmp_path)
    assert loaded(with_login(str(tmp_path / "login"))).authorization == "Bearer from-exec"


@pytest.mark.parametrize("command", ["./login", "bin/login", "../here/login"])
def test_the_path_of_an_exec_plugin_starts_where_the_kubeconfig_is(tmp_path: Path, command: str) -> None:
    here = tmp_path / "here"
    login_program(here)
    login_program(here / "bin")
    text = yaml.safe_dump(config(with_login(command)))
    assert load(text, folder=here).authorization == "Bearer from-exec"
    assert load(self_contained(text, here), folder=Path("/")).authorization == "Bearer from-exec"


@pytest.mark.parametrize("command", ["login-that-is-nowhere", "./nowhere"])
def test_an_exec_plugin_that_is_missing_is_no_login_of_nobody(tmp_path: Path, command: str) -> None:
    with pytest.raises(InvalidInput, match=r"login method of the kubeconfig's users\[.*\]\.user .* failed"):
        load(yaml.safe_dump(config(with_login(command))), folder=tmp_path)


@pytest.mark.parametrize(
    ("inside", "token"), [("from-file\n", "from-file"), (" \n", "written"), (None, "written"), ("again\n\n", "again")]
)
def test_of_two_tokens_that_of_the_file_counts(tmp_path: Path, inside: str | None, token: str) -> None:
    """As to kubectl, which reads the file anew and falls back to the other."""
    if inside is not None:
        (tmp_path / "token").write_text(inside)
    text = yaml.safe_dump(config({"token": "written", "tokenFile": "token"}))
    assert load(text, folder=tmp_path).authorization == f"Bearer {token}"
    assert load(self_contained(text, tmp_path), folder=None).authorization == f"Bearer {token}"
    # What a service has sent names no file of this machine.
    assert load(text).authorization == "Bearer written"


@pytest.mark.parametrize(
    ("user", "cluster", "told"),
    [
        *(({"token": "a", key: value}, {}, f"user.{key} asks to act as somebody else") for key, value in (
            ("as", "bob"), ("as-uid", "7"), ("as-groups", ["a"]), ("as-user-extra", {"a": ["b"]}),
        )),
        ({"client-certificate-data": coded("CERT")}, {}, "user.client-certificate needs client-key beside it"),
        ({"client-key-data": coded("KEY")}, {}, "user.client-key needs client-certificate beside it"),
        (
            {"token": "a"},
            {"certificate-authority-data": coded("CA"), "insecure-skip-tls-verify": True},
            "contradicts the certificate-authority beside it",
        ),
    ],
)  # fmt: skip
def test_nobody_goes_on_as_somebody_else(user: dict[str, Any], cluster: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        loaded(user, **cluster)
    assert told in caught.value.message
    assert "CERT" not in caught.value.message


@pytest.mark.parametrize("nothing", [{"as": ""}, {"as": None, "as-groups": []}])
def test_nobody_else_is_nobody_else(nothing: dict[str, Any]) -> None:
    assert loaded({"token": "a", **nothing}).authorization == "Bearer a"
