# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the text of a kubeconfig to what a connection needs: server, trust, identity, proxy.

Certificates, keys and tokens are read here. Exec plugins and auth providers, which are rare, are left to the
``kubernetes`` package, whose import alone costs a third of a second.

Everything in a kubeconfig may be secret, and what cannot be read most of all: messages name the place, never a value,
and no exception of a parser, which quotes what it has met, is kept behind them.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

from ansible_collections.meshops.asm.plugins.module_utils.flow import loggers
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library
from ansible_collections.meshops.asm.plugins.module_utils.kube import given, texts

_HINT = "Check the option kubeconfig."
# Bytes: those of clusters have 6 KiB. A file that goes on for ever is none.
_MOST_BYTES = 8 * 2**20
# What lets kubectl act as somebody else; without it, it would be done with the rights of the user himself.
_OTHERS = ("as", "as-uid", "as-groups", "as-user-extra")
# What can stand in a header, and for tokens nothing else is defined (RFC 6750).
_TOKEN = re.compile(r"[\x21-\x7e]+")

Json = dict[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """One API server and how to speak to it; everything secret is kept out of ``repr``."""

    server: str
    ca_pem: str = ""
    cert_pem: str = field(default="", repr=False)
    key_pem: str = field(default="", repr=False)
    authorization: str = field(default="", repr=False)
    insecure: bool = False
    tls_server_name: str = ""
    proxy_url: str = field(default="", repr=False)
    namespace: str = ""


@dataclass(frozen=True)
class _Entry:
    """What a kubeconfig says about one cluster, user or context. ``folder`` is where relative paths start."""

    place: str
    fields: Json
    folder: Path | None

    def text(self, key: str) -> str:
        """A field without line breaks at its end, as a YAML block (``token: |``) has one; empty when not there."""
        value = self.fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.refuse(key, "must be text: quote it")
        return value.rstrip("\r\n")

    def flag(self, key: str) -> bool:
        value = self.fields.get(key) or False
        if not isinstance(value, bool):
            self.refuse(key, "must be true or false")
        return value

    def content(self, key: str) -> str:
        """PEM text from ``<key>-data`` (Base64, perhaps in lines) or from the file named by ``key``, or nothing."""
        data = "".join(self.text(f"{key}-data").split())
        if data:
            try:
                return base64.b64decode(data, validate=True).decode()
            except ValueError:
                self.refuse(f"{key}-data", "is not base64 of PEM text")
        return self.file(key)

    def file(self, key: str) -> str:
        """The text of the file that the field names; empty when it names none."""
        given = self.text(key)
        if not given:
            return ""
        if self.folder is None:
            self.refuse(key, "names a file of this machine, and only a kubeconfig of your own may do that")
        return _read(self.folder / given, f"The kubeconfig's {self.place}.{key} names a file")

    def token(self) -> tuple[str, str]:
        """The token, and the field that it is from: of two the file counts, as long as it can be read."""
        written = self.text("token")
        try:
            found = self.file("tokenFile").strip()
        except InvalidInput:
            if not written:
                raise
            found = ""
        return (found, "tokenFile") if found else (written, "token")

    def refuse(self, key: str, why: str) -> NoReturn:
        raise InvalidInput(f"The kubeconfig's {self.place}.{key} {why}. {_HINT}")


def read_kubeconfig(value: str) -> tuple[str, Path]:
    """The text of a kubeconfig given as text or as path, and the folder its relative paths refer to.

    Messages do not repeat the path: what was put in its place by mistake may be a key.
    """
    text = given.text_of(value)
    if text is not None:
        return text, Path.cwd()
    path = given.path_of(value)
    if path is None:
        raise InvalidInput(f"The option kubeconfig holds neither a kubeconfig nor a path of one. {_HINT}")
    return _read(path, "The option kubeconfig names a file"), path.parent


def load(text: str, *, context: str | None = None, folder: Path | None = None) -> Endpoint:
    """What the current (or the named) context of a kubeconfig says.

    ``folder`` is where relative paths of certificates start. Without it the text is not the user's but a service's, and
    no file of this machine is read for it, no program started. Raises ``InvalidInput`` for anything that cannot work.
    """
    config = _parse(text)
    name = context or _Entry("", config, folder).text("current-context")
    if not name:
        raise InvalidInput("The kubeconfig has no current-context. Name one with the option context.")
    chosen = _named(config, "contexts", "context", name, folder)
    cluster = _named(config, "clusters", "cluster", chosen.text("cluster"), folder)
    given = chosen.text("user")
    user = _named(config, "users", "user", given, folder) if given else _Entry("users", {}, folder)
    for key in _OTHERS:
        if user.fields.get(key):
            user.refuse(key, "asks to act as somebody else, which is not done here: give a kubeconfig of that user")
    identity = _identity_by_library(config, name, user) if _is_rare(user.fields) else _identity(user)
    authority, insecure = cluster.content("certificate-authority"), cluster.flag("insecure-skip-tls-verify")
    if authority and insecure:
        cluster.refuse("insecure-skip-tls-verify", "contradicts the certificate-authority beside it: remove one")
    return Endpoint(
        server=_address(cluster, "server").rstrip("/"),
        ca_pem=authority,
        insecure=insecure,
        tls_server_name=cluster.text("tls-server-name"),
        proxy_url=_address(cluster, "proxy-url") if cluster.text("proxy-url") else "",
        namespace=chosen.text("namespace"),
        **identity,
    )


def self_contained(text: str, folder: Path) -> str:
    """The same kubeconfig with the content of the files that it refers to, so that it can be used elsewhere."""
    config = _parse(text)
    for section, key in (("clusters", "cluster"), ("users", "user")):
        for entry in _entries(config, section, key, folder):
            part = entry.fields
            for name in ("certificate-authority", "client-certificate", "client-key"):
                if part.get(name) and not part.get(f"{name}-data"):
                    part[f"{name}-data"] = base64.b64encode(entry.file(name).encode()).decode()
                    del part[name]
            if part.get("tokenFile"):
                part["token"] = entry.token()[0]
                del part["tokenFile"]
            _find_program(part, folder)
    return json.dumps(config, default=str)


def handed_on(value: str) -> str:
    """A kubeconfig given as text, in Base64 or as a path, as text for somebody who has no files of this machine.

    Text that is given as such stays as it is. Raises ``InvalidInput`` for a path of no kubeconfig.
    """
    text = given.text_of(value)
    if text is not None or _is_mapping(value):
        return value if text is None else text
    text, folder = read_kubeconfig(value)
    return self_contained(text, folder)


def _is_mapping(value: str) -> bool:
    """Whether a text of one line is YAML of a mapping, and so no path."""
    try:
        return isinstance(texts.load(value, "The kubeconfig", keys=False), dict)
    except InvalidInput:
        return False


def ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    """The TLS settings of an endpoint; the client key never becomes a file that another process can read."""
    try:
        context = ssl.create_default_context(cadata=endpoint.ca_pem or None)
    except (ssl.SSLError, ValueError, TypeError):
        raise InvalidInput(f"The kubeconfig's certificate authority is not a PEM certificate. {_HINT}") from None
    # Python 3.13 asks for extensions that the authorities of many existing clusters do not carry.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if endpoint.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if endpoint.cert_pem:
        _load_client_certificate(context, f"{endpoint.cert_pem.rstrip()}\n{endpoint.key_pem}".encode())
    return context


def _parse(text: str) -> Json:
    config = texts.load(text, "The kubeconfig", keys=False)
    if not isinstance(config, dict) or not isinstance(config.get("clusters"), list):
        raise InvalidInput(f"This is not a kubeconfig: it has no list of clusters. {_HINT}")
    return config


def _entries(config: Json, section: str, key: str, folder: Path | None) -> list[_Entry]:
    """The entries of a section; one that is no mapping, or not of a name, is none."""
    listed = config.get(section)
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    named = [one for one in found if isinstance(one.get("name"), str) and isinstance(one.get(key), dict)]
    return [_Entry(f"{section}[{one['name'].rstrip()}].{key}", one[key], folder) for one in named]


def _named(config: Json, section: str, key: str, name: str, folder: Path | None) -> _Entry:
    entries = _entries(config, section, key, folder)
    place = f"{section}[{name}].{key}"
    for entry in entries:
        if entry.place == place:
            return entry
    known = ", ".join(sorted(entry.place[len(section) + 1 : -len(key) - 2] for entry in entries)) or "none"
    raise InvalidInput(f"The kubeconfig has no {key} '{name}'; it has: {known}.")


def _address(entry: _Entry, key: str) -> str:
    given = entry.text(key)
    try:
        parts = urlsplit(given)
        usable = bool(parts.scheme in ("https", "http") and parts.hostname and (parts.port is None or parts.port))
    except ValueError:
        usable = False
    if not usable or not _TOKEN.fullmatch(given):
        entry.refuse(key, "must be an address, https://HOST:PORT or http://HOST:PORT")
    return given


def _is_rare(user: Json) -> bool:
    return bool(user.get("exec") or user.get("auth-provider"))


def _identity(user: _Entry) -> dict[str, str]:
    authorization = ""
    token, key = user.token()
    if token:
        if not _TOKEN.fullmatch(token):
            user.refuse(key, "is no token: it holds blanks, line breaks or characters that are not ASCII")
        authorization = f"Bearer {token}"
    elif user.text("username"):
        pair = f"{user.text('username')}:{user.text('password')}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    certificate, private_key = user.content("client-certificate"), user.content("client-key")
    if bool(certificate) != bool(private_key):
        present, lacking = ("client-certificate", "client-key")[:: 1 if certificate else -1]
        user.refuse(present, f"needs {lacking} beside it")
    return {"authorization": authorization, "cert_pem": certificate, "key_pem": private_key}


def _find_program(user: Json, folder: Path) -> None:
    """As to kubectl, the path of a login program starts where the kubeconfig is; one without a slash is looked for."""
    command = _program(user)
    if command is not None and "/" in command:
        user["exec"] = {**user["exec"], "command": str(folder / command)}


def _program(user: Json) -> str | None:
    """The login program of a user, if it has one."""
    plugin = user.get("exec")
    command = plugin.get("command") if isinstance(plugin, dict) else None
    return command if isinstance(command, str) else None


def _login_failed(user: _Entry, why: str) -> InvalidInput:
    return InvalidInput(
        f"The login method of the kubeconfig's {user.place} (exec or auth-provider) failed: {why}. "
        f"Try the kubeconfig with kubectl. {_HINT}"
    )


def _identity_by_library(config: Json, context: str, user: _Entry) -> dict[str, str]:
    if user.folder is None:
        user.refuse("exec", "wants to start a program, and only a kubeconfig of your own may do that")
    kubernetes = library("kubernetes.config.kube_config", "kubernetes")
    client = library("kubernetes.client", "kubernetes")
    loaded = client.Configuration()
    _find_program(user.fields, user.folder)
    program = _program(user.fields)
    if program is not None and shutil.which(program) is None:
        raise _login_failed(user, "its program is not there, or may not be started")
    try:
        with loggers.silent():
            kubernetes.KubeConfigLoader(config_dict=config, active_context=context).load_and_set(loaded)
        authorization = next((str(one["value"]) for one in loaded.auth_settings().values() if one.get("value")), "")
        why = "" if authorization or loaded.cert_file else "it gave neither a token nor a certificate"
    except Exception as error:  # of the library (its own, KeyError, TypeError, ...), the program or the provider
        authorization, why = "", type(error).__name__
    if why:
        raise _login_failed(user, why)
    certificate = f"The login method of the kubeconfig's {user.place} has left a certificate"
    return {
        "authorization": authorization,
        "cert_pem": _read(Path(loaded.cert_file), certificate) if loaded.cert_file else "",
        "key_pem": _read(Path(loaded.key_file), certificate) if loaded.key_file else "",
    }


def _read(path: Path, what: str) -> str:
    """The text of a file. The path is not in messages: what was put in its place by mistake may be a key."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
        if len(data) <= _MOST_BYTES:
            return data.decode("utf-8")
        why = f"it has more than {_MOST_BYTES // 2**20} MiB"
    except UnicodeDecodeError:
        why = "it is not text"
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "there can be no such path"
    raise InvalidInput(f"{what} that cannot be read: {why}. {_HINT}")


def _load_client_certificate(context: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL takes files only: an anonymous file in memory where the system has them, else one of mode 0600."""
    try:
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_password)
        else:
            with tempfile.NamedTemporaryFile() as file:
                file.write(pem)
                file.flush()
                context.load_cert_chain(file.name, password=_no_password)
    except (ssl.SSLError, ValueError):
        raise InvalidInput(f"The kubeconfig's client certificate and key are no matching PEM pair. {_HINT}") from None


def _no_password() -> str:
    """OpenSSL would ask at the terminal."""
    raise InvalidInput(f"The kubeconfig's client key is locked by a password. {_HINT}")
