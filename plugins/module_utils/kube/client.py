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

from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.flow.libraries import library
from ansible_collections.meshops.asm.plugins.module_utils.kube.answers import (
    KubeError,
    Unreachable,
    as_body,
    as_error,
    as_object,
    as_page,
    bad_reply,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import Endpoint, ssl_context
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import MANAGER
from ansible_collections.meshops.asm.plugins.module_utils.wire.bounded import (
    pool_classes,
    quoted,
    read_body,
)
from ansible_collections.meshops.asm.plugins.module_utils.wire.proxies import proxy_of
from ansible_collections.meshops.asm.plugins.module_utils.wire.trouble import trouble_of

__all__ = ["PAGE", "KubeClient", "KubeError", "Unreachable"]

PAGE = 500
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_WARNING = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')
_MOST_WARNINGS = 100
_JSON_PATCH = "application/json-patch+json"
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# In the path of each request about a Secret; what the server says of one may quote a value.
_ABOUT_SECRETS = re.compile(r"/api/v1/\S*/secrets[/?]")
_UNSAID = "The API server warns of a Secret. Its words are not repeated, as they may quote a value."
_SLOWEST_RETRY = 5.0
# Seconds for one attempt as a whole. An API server itself gives up a request after 60.
_ATTEMPT = 90.0
# What one listing may take, however the server continues it: seconds, pages, and beginnings after an expired token.
_LISTING, _MOST_PAGES, _MOST_LISTINGS = 300.0, 2000, 3
# Seconds after a broken connection during which a refusal is doubted: an API server that has just started refuses
# everybody but its own administrators until it has read the roles.
_DOUBT = 10.0
_JITTER = random.SystemRandom()

Json = dict[str, Any]
# The class has a method of the name list, so its annotations need another one for the type.
Objects = list[Json]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


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
        manager.pool_classes_by_scheme = pool_classes(_ATTEMPT)
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

    def get(self, path: str, *, accept: str = "", **query: Any) -> Json | None:
        """One object or document; ``None`` when the server has none there. ``accept`` is another form to ask for."""
        try:
            return self._request("GET", path, query, accept=accept)
        except KubeError as error:
            if error.http_status == 404:
                return None
            raise

    def list(self, path: str, *, keep: Callable[[Json], bool] | None = None, **query: Any) -> Objects:
        """All objects of a collection, page by page; those that ``keep`` refuses are dropped at once."""
        deadline = time.monotonic() + _LISTING
        listings = 0
        while True:
            try:
                return self._pages(path, keep, query, deadline)
            except KubeError as error:
                listings += 1
                # The snapshot behind a continue token has expired: only a new listing is consistent.
                if error.http_status != 410 or listings == _MOST_LISTINGS or time.monotonic() > deadline:
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
            return self._write("POST", collection, {"fieldManager": MANAGER}, body, "application/json")
        except KubeError as error:
            found = self.get(f"{collection}/{body['metadata']['name']}") if error.code == "AlreadyExists" else None
            if found is None:
                raise
            return found

    def merge(self, path: str, body: Json) -> Json:
        """JSON merge patch: the fields named change, ``None`` removes, all others stay."""
        return self._write("PATCH", path, {"fieldManager": MANAGER}, body, _MERGE)

    def patch(self, path: str, operations: Objects) -> Json:
        """JSON patch: all of its operations, or none."""
        return self._write("PATCH", path, {"fieldManager": MANAGER}, operations, _JSON_PATCH)

    def delete(self, path: str, *, uid: str) -> None:
        """Deletes exactly the object with this uid; one that is gone (or replaced) already is no error."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
        body["propagationPolicy"] = "Background"
        try:
            self._write("DELETE", path, {}, body, "application/json")
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

    def all(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Sequence[_Result]:
        """As ``each``, but when all are through the first failure is raised."""
        results = []
        for one in self.each(work, items):
            if isinstance(one, AsmError):
                raise one
            results.append(one)
        return results

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
        proxy = endpoint.proxy_url or proxy_of(endpoint.server)
        if not proxy:
            return self._urllib3.PoolManager(num_pools=1, **settings)
        if not proxy.startswith(("http://", "https://")):
            raise InvalidInput("The proxy of the API server must be an http:// or https:// address.")
        return self._urllib3.ProxyManager(proxy, num_pools=1, **settings)

    def _pages(self, path: str, keep: Callable[[Json], bool] | None, query: Json, deadline: float) -> Objects:
        found: Objects = []
        token, seen = "", {""}
        while True:
            more = {"continue": token} if token else {}
            page = self._request("GET", path, {**query, "limit": PAGE, **more})
            items, token = as_page(page, self._server, f"GET {path}")
            found.extend(item for item in items if keep is None or keep(item))
            if not token:
                return found
            if token in seen or len(seen) > _MOST_PAGES or time.monotonic() > deadline:
                raise bad_reply(self._server, f"GET {path}", f"the list does not end ({len(seen)} pages)")
            seen.add(token)

    def _write(self, method: str, path: str, query: Json, body: Any, content: str, dry_run: bool = False) -> Json:
        """``writes`` counts what happened or may have happened; what the server refused did not."""
        if dry_run:
            query["dryRun"] = "All"
        # Counted before it is sent, so that it counts however the request ends.
        self._count(0 if dry_run else 1)
        try:
            answer = self._request(method, path, query, encoded(body), content)
        except KubeError as error:
            self._count(0 if dry_run or error.transient else -1)
            raise
        return answer if method == "DELETE" else as_object(answer, self._server, f"{method} {path}")

    def _count(self, written: int) -> None:
        with self._lock:
            self.writes += written

    def _request(
        self, method: str, path: str, query: Json, body: bytes | None = None, content: str = "", accept: str = ""
    ) -> Json:
        url = f"{self._before}{path}" + (f"?{urlencode(query)}" if query else "")
        deadline = time.monotonic() + self._patience
        pause = 0.1
        while True:
            if self._away:
                raise self._away
            problem = self._try(method, url, body, content, accept)
            if isinstance(problem, dict):
                return problem
            if isinstance(problem, Unreachable):
                self._broken_at = time.monotonic()
            elif not problem.transient and not self._doubtful(problem):
                raise problem
            asked = problem.retry_after if isinstance(problem, KubeError) else 0.0
            rest = max(asked, pause * _JITTER.uniform(0.7, 1.3))
            final = isinstance(problem, Unreachable) and not problem.passing
            if final or time.monotonic() + rest > deadline:
                if isinstance(problem, Unreachable):
                    # Spares all other objects of the task the same wait.
                    self._away = problem
                raise problem
            time.sleep(rest)
            pause = min(pause * 2, _SLOWEST_RETRY)

    def _doubtful(self, refusal: KubeError) -> bool:
        return refusal.http_status == 403 and time.monotonic() - self._broken_at < _DOUBT

    def _try(
        self, method: str, url: str, body: bytes | None, content: str, accept: str
    ) -> Json | KubeError | Unreachable:
        """One attempt: the decoded answer, or the problem when another attempt may help."""
        own = {"Content-Type": content, "Accept": accept}
        headers = {**self._headers, **{name: value for name, value in own.items() if value}}
        what = f"{method} {url.partition('?')[0]}"
        try:
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
            data = read_body(answer)
        except (self._urllib3.exceptions.HTTPError, OSError) as error:
            return self._unanswered(error, what)
        for text in _WARNING.findall(answer.headers.get("Warning", "")):
            self._remember(_UNSAID if _ABOUT_SECRETS.search(url) else quoted(text.replace('\\"', '"')))
        if answer.status < 300:
            return as_body(data, self._server, what)
        return as_error(answer.status, answer.headers, data, self._server, self._asked_wait)

    def _unanswered(self, error: Exception, what: str) -> Unreachable:
        trouble = trouble_of(error)
        if trouble.bounds:
            raise bad_reply(self._server, what, trouble.why) from error
        if not trouble.distrust:
            text = f"The API server {self._server} does not answer: {trouble.why}. Is it up, and reachable?"
            return Unreachable(text, passing=trouble.passing or self._fresh)
        text = (
            f"No trusted TLS connection to the API server {self._server}: {trouble.why}. Either the kubeconfig is of "
            "another control plane, or its address changed a short while ago."
        )
        return Unreachable(text, passing=self._fresh)

    def _asked_wait(self, header: str) -> float:
        """The seconds that a header Retry-After asks for, as a number or as a date; 0 for what is neither."""
        try:
            return float(max(self._urllib3.Retry().parse_retry_after(header), 0.0))
        except (self._urllib3.exceptions.HTTPError, ValueError, OverflowError, TypeError):
            return 0.0

    def _remember(self, warning: str) -> None:
        with self._lock:
            if warning not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
                self.warnings.append(warning)


def encoded(body: Any) -> bytes:
    """A body as it is sent: JSON in UTF-8 that is YAML, too, because an apply is read as YAML.

    YAML knows no escape of a pair of surrogates, so characters beyond U+FFFF stand as they are; and it folds the line
    breaks of Unicode and refuses some other characters, so these are escaped.
    """
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()
