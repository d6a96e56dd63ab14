# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the text of a kubeconfig to what a connection needs: server, trust, identity, proxy.

Certificates, keys and tokens are read here. Exec plugins and auth providers, which are rare, are left to the
``kubernetes`` package, whose import alone costs a third of a second.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.meshops.asm.plugins.module_utils.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import given, texts
from ansible_collections.meshops.asm.plugins.module_utils.kube.libraries import library

_HINT = "Check the option kubeconfig."


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


def read_kubeconfig(value: str) -> tuple[str, Path]:
    """The text of a kubeconfig given as text or as path, and the folder its relative paths refer to.

    Messages name the file without its folder: the option is ``no_log``, so its whole value would be masked.
    """
    text = given.text_of(value)
    if text is not None:
        return text, Path.cwd()
    path = given.path_of(value)
    if path is None:
        raise InvalidInput(f"The option kubeconfig holds neither a kubeconfig nor a path of one. {_HINT}")
    try:
        return path.read_text(encoding="utf-8"), path.parent
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidInput(f"Cannot read the kubeconfig file {path.name}: {reason}. {_HINT}") from error


def load(text: str, *, context: str | None = None, folder: Path | None = None) -> Endpoint:
    """What the current (or the named) context of a kubeconfig says.

    ``folder`` is where relative paths of certificates start. Raises ``InvalidInput`` for anything that cannot work.
    """
    config = _parse(text)
    folder = folder or Path.cwd()
    name = context or config.get("current-context")
    if not name:
        raise InvalidInput("The kubeconfig has no current-context. Name one with the option context.")
    chosen = _named(config, "contexts", "context", name)
    cluster = _named(config, "clusters", "cluster", chosen.get("cluster", ""))
    user = _named(config, "users", "user", chosen["user"]) if chosen.get("user") else {}
    server = str(cluster.get("server") or "")
    if not server.startswith(("https://", "http://")):
        raise InvalidInput(f"The kubeconfig names no usable server for context '{name}': '{server}'. {_HINT}")
    identity = _identity_by_library(config, name) if _is_rare(user) else _identity(user, folder)
    return Endpoint(
        server=server.rstrip("/"),
        ca_pem=_content(cluster, "certificate-authority", folder),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        tls_server_name=str(cluster.get("tls-server-name") or ""),
        proxy_url=str(cluster.get("proxy-url") or ""),
        namespace=str(chosen.get("namespace") or ""),
        **identity,
    )


def self_contained(text: str, folder: Path) -> str:
    """The same kubeconfig with the content of the files that it refers to, so that it can be used elsewhere."""
    config = _parse(text)
    for section, key in (("clusters", "cluster"), ("users", "user")):
        for entry in config.get(section) or []:
            part = entry.get(key) or {}
            for name in ("certificate-authority", "client-certificate", "client-key"):
                if part.get(name) and not part.get(f"{name}-data"):
                    part[f"{name}-data"] = base64.b64encode(_read(folder / str(part.pop(name))).encode()).decode()
            if part.get("tokenFile") and not part.get("token"):
                part["token"] = _read(folder / str(part.pop("tokenFile"))).strip()
    return json.dumps(config, default=str)


def ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    """The TLS settings of an endpoint; the client key never becomes a file that another process can read."""
    try:
        context = ssl.create_default_context(cadata=endpoint.ca_pem or None)
    except ssl.SSLError as error:
        raise InvalidInput(f"The kubeconfig's certificate authority is not a PEM certificate. {_HINT}") from error
    # Python 3.13 asks for extensions that the authorities of many existing clusters do not carry.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if endpoint.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if endpoint.cert_pem:
        _load_client_certificate(context, f"{endpoint.cert_pem.rstrip()}\n{endpoint.key_pem}".encode())
    return context


def _parse(text: str) -> dict[str, Any]:
    config = texts.load(text, "The kubeconfig")
    if not isinstance(config, dict) or not isinstance(config.get("clusters"), list):
        raise InvalidInput(f"This is not a kubeconfig: it has no list of clusters. {_HINT}")
    return config


def _named(config: dict[str, Any], section: str, key: str, name: str) -> dict[str, Any]:
    entries = [entry for entry in config.get(section) or [] if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("name") == name:
            return entry.get(key) or {}
    known = ", ".join(sorted(str(entry.get("name")) for entry in entries)) or "none"
    raise InvalidInput(f"The kubeconfig has no {key} '{name}'; it has: {known}.")


def _is_rare(user: dict[str, Any]) -> bool:
    return "exec" in user or "auth-provider" in user


def _identity(user: dict[str, Any], folder: Path) -> dict[str, str]:
    authorization = ""
    token = user.get("token")
    if not token and user.get("tokenFile"):
        token = _read(folder / str(user["tokenFile"])).strip()
    if token:
        authorization = f"Bearer {token}"
    elif user.get("username"):
        pair = f"{user['username']}:{user.get('password') or ''}"
        authorization = "Basic " + base64.b64encode(pair.encode()).decode()
    return {
        "authorization": authorization,
        "cert_pem": _content(user, "client-certificate", folder),
        "key_pem": _content(user, "client-key", folder),
    }


def _identity_by_library(config: dict[str, Any], context: str) -> dict[str, str]:
    kubernetes = library("kubernetes.config.kube_config", "kubernetes")
    client = library("kubernetes.client", "kubernetes")
    loaded = client.Configuration()
    try:
        kubernetes.KubeConfigLoader(config_dict=config, active_context=context).load_and_set(loaded)
    except kubernetes.ConfigException as error:
        raise InvalidInput(f"The login method of the kubeconfig's context '{context}' failed: {error}") from error
    return {
        "authorization": next((str(one["value"]) for one in loaded.auth_settings().values() if one.get("value")), ""),
        "cert_pem": _read(Path(loaded.cert_file)) if loaded.cert_file else "",
        "key_pem": _read(Path(loaded.key_file)) if loaded.key_file else "",
    }


def _content(section: dict[str, Any], key: str, folder: Path) -> str:
    """PEM text from ``<key>-data`` (base64) or from the file named by ``key``; empty when neither is there."""
    data = section.get(f"{key}-data")
    if data:
        try:
            return base64.b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, TypeError) as error:
            raise InvalidInput(f"The kubeconfig's {key}-data is not base64 of PEM text. {_HINT}") from error
    return _read(folder / str(section[key])) if section.get(key) else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"The kubeconfig refers to {path}, which cannot be read: {error}") from error


def _load_client_certificate(context: ssl.SSLContext, pem: bytes) -> None:
    """OpenSSL takes files only: an anonymous file in memory where the system has them, else one of mode 0600."""
    try:
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
                file.flush()
                context.load_cert_chain(f"/proc/self/fd/{descriptor}")
        else:
            with tempfile.NamedTemporaryFile() as file:
                file.write(pem)
                file.flush()
                context.load_cert_chain(file.name)
    except ssl.SSLError as error:
        raise InvalidInput(f"The kubeconfig's client certificate and key are no matching PEM pair. {_HINT}") from error
