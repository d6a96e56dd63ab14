# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to one Kubernetes API server over a few kept-alive connections, with retries in one place.

Every request of this layer may be repeated: reads, server-side apply, merge patches of fixed values, creations that
accept what they find, and deletions that name the uid. So throttling, server errors and broken connections are all
retried, under one deadline.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import Endpoint, ssl_context
from ansible_collections.meshops.asm.plugins.module_utils.kube.libraries import library

MANAGER = "meshops.asm"
PAGE = 500
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_TRANSIENT = frozenset({429, 502, 503, 504})
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_SLOWEST_RETRY = 5.0
# Seconds after a broken connection during which a refusal is doubted: an API server that has just started refuses
# everybody but its own administrators until it has read the roles.
_DOUBT = 10.0
_JITTER = random.SystemRandom()

Json = dict[str, Any]
# The class has a method of the name list, so its annotations need another one for the type.
Objects = list[Json]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class KubeError(AsmError):
    """The API server answered with an error.

    ``code`` is the Status' ``reason`` (``Invalid``, ``Conflict``, ``Forbidden``, ...), ``causes`` its list of
    ``{reason, message, field}``.
    """

    def __init__(self, message: str, *, causes: tuple[Json, ...] = (), retry_after: float = 0.0, **more: Any) -> None:
        super().__init__(message, **more)
        self.causes = causes
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later. A 500 without reason is a refusal by a decoder, not a fault."""
        return self.http_status in _TRANSIENT or (self.http_status == 500 and self.code == "InternalError")


class Unreachable(AsmError):
    """The API server did not answer within the time that the client is patient."""


class KubeClient:
    """Speaks to the API server of ``endpoint``; safe for use by many threads.

    ``patience`` (seconds) bounds the retries of one request. ``fresh`` says that the address may be minutes old:
    while an address is being bound to a control plane, its certificate does not fit yet, so that TLS errors are
    retried too.
    """

    def __init__(
        self, endpoint: Endpoint, *, concurrency: int = 32, patience: float = 30.0, fresh: bool = False
    ) -> None:
        self._urllib3 = library("urllib3", "urllib3")
        self._server = endpoint.server
        self._patience = patience
        self._fresh = fresh
        self._headers = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": MANAGER}
        if endpoint.authorization:
            self._headers["Authorization"] = endpoint.authorization
        manager = self._manager(endpoint, concurrency)
        # All requests go to one server: looking up its pool each time would be a good part of a request's cost here.
        self._pool = manager.connection_from_url(endpoint.server)
        # What stands before a path in a request. Only to a proxy for plain HTTP it is more than the path itself.
        plain = manager.proxy and endpoint.server.startswith("http:")
        self._before = endpoint.server if plain else urlsplit(endpoint.server).path
        self._threads = ThreadPoolExecutor(max_workers=concurrency)
        self._lock = threading.Lock()
        self._away: Unreachable | None = None
        self._broken_at = float("-inf")
        self.writes = 0
        self.warnings: list[str] = []

    def get(self, path: str, **query: Any) -> Json | None:
        """One object or document; ``None`` when the server has none there."""
        try:
            return self._request("GET", path, query)
        except KubeError as error:
            if error.http_status == 404:
                return None
            raise

    def list(self, path: str, *, keep: Callable[[Json], bool] | None = None, **query: Any) -> Objects:
        """All objects of a collection, page by page; those that ``keep`` refuses are dropped at once."""
        while True:
            try:
                return self._pages(path, keep, query)
            except KubeError as error:
                # The snapshot behind a continue token has expired: only a new listing is consistent.
                if error.http_status != 410:
                    raise

    def apply(self, path: str, body: Json, *, force: bool = False, dry_run: bool = False) -> Json:
        """Server-side apply as ``meshops.asm``; unknown fields are errors. Returns the object as stored."""
        query = {"fieldManager": MANAGER, "fieldValidation": "Strict"}
        if force:
            query["force"] = "true"
        return self._write("PATCH", path, query, body, _APPLY, dry_run)

    def create(self, collection: str, body: Json) -> Json:
        """Creates an object; when it is there already (perhaps by an earlier attempt of this call), returns that."""
        try:
            return self._write("POST", collection, {"fieldManager": MANAGER}, body, "application/json", False)
        except KubeError as error:
            found = self.get(f"{collection}/{body['metadata']['name']}") if error.code == "AlreadyExists" else None
            if found is None:
                raise
            return found

    def merge(self, path: str, body: Json, *, dry_run: bool = False) -> Json:
        """JSON merge patch: the fields named change, ``None`` removes, all others stay."""
        return self._write("PATCH", path, {"fieldManager": MANAGER}, body, _MERGE, dry_run)

    def delete(self, path: str, *, uid: str) -> None:
        """Deletes exactly the object with this uid; one that is gone (or replaced) already is no error."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        body["propagationPolicy"] = "Background"
        try:
            self._write("DELETE", path, {}, body, "application/json", False)
        except KubeError as error:
            if error.http_status not in (404, 409):
                raise
            if error.http_status == 409 and (self.get(path) or {}).get("metadata", {}).get("uid") == uid:
                raise

    def each(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Sequence[_Result | AsmError]:
        """Runs ``work`` for all items, ``concurrency`` at a time; a failed one gives its error as result."""

        def guarded(item: _Item) -> _Result | AsmError:
            try:
                return work(item)
            except AsmError as error:
                return error

        return list(self._threads.map(guarded, items))

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._pool.close()

    def _manager(self, endpoint: Endpoint, concurrency: int) -> Any:
        settings: dict[str, Any] = {
            "maxsize": concurrency,
            "block": True,
            "timeout": self._urllib3.Timeout(connect=10.0, read=60.0),
        }
        if endpoint.server.startswith("https:"):
            settings["ssl_context"] = ssl_context(endpoint)
            if endpoint.insecure:
                settings["cert_reqs"] = "CERT_NONE"
                settings["assert_hostname"] = False
        if endpoint.tls_server_name:
            settings["server_hostname"] = endpoint.tls_server_name
            settings["assert_hostname"] = endpoint.tls_server_name
        proxy = endpoint.proxy_url or _proxy_of_environment(endpoint.server)
        if not proxy:
            return self._urllib3.PoolManager(num_pools=1, **settings)
        if not proxy.startswith(("http://", "https://")):
            raise InvalidInput("The proxy of the API server must be an http:// or https:// address.")
        return self._urllib3.ProxyManager(proxy, num_pools=1, **settings)

    def _pages(self, path: str, keep: Callable[[Json], bool] | None, query: Json) -> Objects:
        found: Objects = []
        token = ""
        while True:
            page = self._request("GET", path, {**query, "limit": PAGE, **({"continue": token} if token else {})})
            found.extend(item for item in page.get("items") or [] if keep is None or keep(item))
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return found

    def _write(self, method: str, path: str, query: Json, body: Json, content: str, dry_run: bool) -> Json:
        """``writes`` counts what happened or may have happened; what the server refused did not."""
        if dry_run:
            query["dryRun"] = "All"
        # Counted before it is sent, so that it counts however the request ends.
        self._count(0 if dry_run else 1)
        try:
            return self._request(method, path, query, json.dumps(body, separators=(",", ":")).encode(), content)
        except KubeError as error:
            self._count(0 if dry_run or error.transient else -1)
            raise

    def _count(self, written: int) -> None:
        with self._lock:
            self.writes += written

    def _request(self, method: str, path: str, query: Json, body: bytes | None = None, content: str = "") -> Json:
        url = f"{self._before}{path}" + (f"?{urlencode(query)}" if query else "")
        deadline = time.monotonic() + self._patience
        pause = 0.1
        while True:
            if self._away:
                raise self._away
            problem = self._try(method, url, body, content)
            if not isinstance(problem, (KubeError, Unreachable)):
                return problem
            if isinstance(problem, Unreachable):
                self._broken_at = time.monotonic()
            elif not problem.transient and not self._doubtful(problem):
                raise problem
            asked = problem.retry_after if isinstance(problem, KubeError) else 0.0
            rest = max(asked, pause * _JITTER.uniform(0.7, 1.3))
            if time.monotonic() + rest > deadline:
                if isinstance(problem, Unreachable):
                    # Spares all other objects of the task the same wait.
                    self._away = problem
                raise problem
            time.sleep(rest)
            pause = min(pause * 2, _SLOWEST_RETRY)

    def _doubtful(self, refusal: KubeError) -> bool:
        return refusal.http_status == 403 and time.monotonic() - self._broken_at < _DOUBT

    def _try(self, method: str, url: str, body: bytes | None, content: str) -> Any:
        """One attempt: the decoded answer, or the problem when another attempt may help."""
        headers = {**self._headers, "Content-Type": content} if content else self._headers
        errors = self._urllib3.exceptions
        try:
            answer = self._pool.request(
                method, url, body=body, headers=headers, retries=False, redirect=False, assert_same_host=False
            )
        except errors.SSLError as error:
            problem = Unreachable(
                f"No trusted TLS connection to the API server {self._server}: {error}. Either the kubeconfig is of "
                "another control plane, or its address changed a short while ago."
            )
            if not self._fresh:
                raise problem from error
            return problem
        except errors.HTTPError as error:
            return Unreachable(f"The API server {self._server} does not answer: {error}. Is it up, and reachable?")
        for text in _WARNING.findall(answer.headers.get("Warning", "")):
            self._remember(text.replace('\\"', '"'))
        if answer.status < 300:
            try:
                return json.loads(answer.data)
            except ValueError:
                return Unreachable(f"The API server {self._server} answers with something that is no JSON.")
        return _as_error(answer.status, answer.headers, answer.data, self._server)

    def _remember(self, warning: str) -> None:
        with self._lock:
            if warning not in self.warnings:
                self.warnings.append(warning)


def _as_error(status: int, headers: Any, data: bytes, server: str) -> KubeError:
    """The Status object of an answer (or whatever came instead of one) as an exception."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.get("kind") != "Status":
        body = {"message": f"{server} answered HTTP {status} without a Kubernetes status.", "reason": "InternalError"}
    if status == 401:
        body["message"] = f"{server} does not accept the kubeconfig's certificate or token: expired, or revoked?"
    details = body.get("details") or {}
    wait = headers.get("Retry-After") or details.get("retryAfterSeconds") or 0
    return KubeError(
        str(body.get("message") or f"HTTP {status}"),
        code=str(body.get("reason") or ("Invalid" if status == 500 else "Unknown")),
        http_status=status,
        causes=tuple(details.get("causes") or ()),
        retry_after=float(wait) if str(wait).isdigit() else 0.0,
        request_id=str(headers.get("Audit-Id") or ""),
    )


def _proxy_of_environment(server: str) -> str:
    parts = urlsplit(server)
    if not parts.hostname or proxy_bypass(parts.hostname):
        return ""
    return getproxies().get(parts.scheme, "")
