# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small client of one Kubernetes API server: any path, JSON, kept-alive connections, watches."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

Object = dict[str, Any]

#: Field manager of everything that the lab itself writes.
FIELD_MANAGER = "asm-lab"

_METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class KubeApiError(RuntimeError):
    """The API server refused a request. ``status`` is the HTTP status, ``reason`` the machine-readable reason."""

    def __init__(self, method: str, path: str, status: int, reason: str, message: str) -> None:
        super().__init__(f"{method} {path}: {status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message


class KubeApi:
    """Requests to one API server. Thread-safe; paths are like "/api/v1/namespaces/default/pods".

    Every method raises KubeApiError for an answer of 400 or more, and urllib3.exceptions.HTTPError when there is none.
    """

    def __init__(self, server: str, *, ca_file: Path, cert_file: Path, key_file: Path) -> None:
        self.server = server
        self._pool = urllib3.connection_from_url(
            server,
            ca_certs=str(ca_file),
            cert_file=str(cert_file),
            key_file=str(key_file),
            maxsize=16,
            timeout=urllib3.Timeout(connect=5.0, read=30.0),
            retries=False,
        )

    def get(self, path: str, **query: str) -> Object:
        """Read one object, or anything else that answers with JSON."""
        return self._request("GET", path, query)

    def find(self, path: str) -> Object | None:
        """Read one object; None when it does not exist."""
        try:
            return self.get(path)
        except KubeApiError as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, **query: str) -> list[Object]:
        """The items of a collection; ``query`` takes labelSelector, fieldSelector."""
        items: list[Object] = self.get(path, **query)["items"]
        return items

    def create(self, path: str, body: Object, **query: str) -> Object:
        """POST to a collection (or to a subresource such as .../token)."""
        return self._request("POST", path, query, body)

    def replace(self, path: str, body: Object, **query: str) -> Object:
        """PUT one object."""
        return self._request("PUT", path, query, body)

    def apply(self, path: str, body: Object, *, manager: str = FIELD_MANAGER, force: bool = True) -> Object:
        """Server-side apply of one object; ``path`` is the object's own path, subresource included."""
        query = {"fieldManager": manager, "force": "true" if force else "false"}
        return self._request("PATCH", path, query, body, "application/apply-patch+yaml")

    def apply_yaml(self, path: str, text: str, *, manager: str = FIELD_MANAGER) -> None:
        """Server-side apply of a YAML text as it is, for objects that are too large to be parsed here."""
        query = {"fieldManager": manager, "force": "true"}
        self._send("PATCH", path, query, text.encode(), "application/apply-patch+yaml", accept=_METADATA_ONLY)

    def patch(self, path: str, body: Object, **query: str) -> Object:
        """Merge patch (RFC 7396): null removes a field."""
        return self._request("PATCH", path, query, body, "application/merge-patch+json")

    def delete(self, path: str, body: Object | None = None, **query: str) -> bool:
        """Delete one object (or a collection); False when it was not there. ``body`` is a DeleteOptions."""
        try:
            self._request("DELETE", path, query, body)
        except KubeApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def watch(self, path: str, *, resource_version: str, **query: str) -> Watch:
        """Follow a collection from a resourceVersion on; see Watch. For list-and-watch use meshlab.informer."""
        return Watch(self._pool, path, {**query, "watch": "true", "resourceVersion": resource_version})

    def ready(self) -> bool:
        """Whether the API server says that it is ready; tries once."""
        try:
            return self._pool.urlopen("GET", "/readyz").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def served(self) -> set[str]:
        """All kinds that are served, as "plural.group", by one request of aggregated discovery."""
        kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        answer = self._pool.request("GET", "/apis", headers={"Accept": kind, "User-Agent": FIELD_MANAGER})
        if answer.status >= 400:
            raise _error("GET", "/apis", answer.status, answer.data)
        return {
            f"{resource['resource']}.{group['metadata']['name']}"
            for group in json.loads(answer.data)["items"]
            for version in group["versions"]
            for resource in version["resources"]
        }

    def close(self) -> None:
        """Close the kept-alive connections."""
        self._pool.close()

    def _request(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        body: Object | None = None,
        content: str = "application/json",
    ) -> Object:
        data = None if body is None else json.dumps(body).encode()
        answer: Object = json.loads(self._send(method, path, query, data, content))
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str],
        data: bytes | None,
        content: str,
        accept: str = "application/json",
    ) -> bytes:
        url = f"{path}?{urlencode(query)}" if query else path
        headers = {"Accept": accept, "User-Agent": FIELD_MANAGER}
        if data is not None:
            headers["Content-Type"] = content
        answer = self._pool.request(method, url, body=data, headers=headers)
        if answer.status >= 400:
            raise _error(method, url, answer.status, answer.data)
        return answer.data


class Watch:
    """The events of one watch request: iterate over {"type": ADDED|MODIFIED|DELETED|BOOKMARK|ERROR, "object": ...}.

    Ends when the server ends it or after close(), which may be called from another thread.
    """

    def __init__(self, pool: urllib3.HTTPConnectionPool, path: str, query: dict[str, str]) -> None:
        self._answer = pool.urlopen(
            "GET",
            f"{path}?{urlencode(query)}",
            headers={"Accept": "application/json", "User-Agent": FIELD_MANAGER},
            preload_content=False,
            timeout=urllib3.Timeout(connect=5.0, read=None),
        )
        if self._answer.status >= 400:
            data = self._answer.read()
            raise _error("GET", path, self._answer.status, data)

    def __iter__(self) -> Iterator[Object]:
        rest = b""
        try:
            for chunk in self._answer.stream(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
        except (urllib3.exceptions.HTTPError, OSError, ValueError):
            # A cut connection ends a watch as a closed one does; the caller lists again. ValueError: cut in a line.
            return
        finally:
            self._answer.close()

    def close(self) -> None:
        """End the watch; a thread that is waiting in it returns."""
        connection = self._answer.connection
        sock = getattr(connection, "sock", None)
        if sock is not None:
            try:
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                return  # the other side was faster


def _error(method: str, path: str, status: int, data: bytes) -> KubeApiError:
    try:
        answer = json.loads(data)
    except ValueError:
        answer = {}
    reason = answer.get("reason", "") if isinstance(answer, dict) else ""
    message = answer.get("message", "") if isinstance(answer, dict) else ""
    return KubeApiError(method, path, status, reason, message or data.decode(errors="replace").strip())
