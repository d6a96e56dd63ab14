# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server in memory, spoken to over HTTP on loopback, for what needs no judgement of a real one."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.kube.client import KubeClient
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import Endpoint
from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import MANAGER

Json = dict[str, Any]
PAGE_SIZE = 2


def record_of(value: Any) -> Json:
    """The managedFields tree of what was applied: maps field by field, lists as a whole."""
    if isinstance(value, dict) and value:
        return {f"f:{key}": record_of(item) for key, item in value.items()}
    return {}


def managed(body: Json, manager: str = MANAGER, operation: str = "Apply") -> list[Json]:
    """managedFields with one entry, as the server writes them for this body."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in ("name", "namespace")}
    owned = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
    owned.update({"metadata": metadata} if metadata else {})
    entry = {"manager": manager, "operation": operation, "apiVersion": body["apiVersion"], "time": "now"}
    return [{**entry, "fieldsType": "FieldsV1", "fieldsV1": record_of(owned)}] if owned else []


class MemoryApi:
    """Objects by path. ``answers`` puts (status, body, headers) in front of the next requests that fit.

    Namespaces must exist, as on a real server; apply replaces what the manager applied before.
    """

    def __init__(self) -> None:
        self.objects: dict[str, Json] = {}
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: list[tuple[str, tuple[int, Any, dict[str, str]]]] = []
        self.documents: dict[str, Json] = {}
        self.unserved: set[str] = set()
        self.revision = 0
        self.url = ""
        self.lock = threading.Lock()
        for name in ("default", "istio-system"):
            self.put(
                f"/api/v1/namespaces/{name}", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )

    def put(self, path: str, body: Json, **metadata: Any) -> Json:
        """Stores an object as someone else's."""
        self.revision += 1
        stored = copy.deepcopy(body)
        stored["metadata"].update({"uid": f"uid-{self.revision}", "resourceVersion": str(self.revision), **metadata})
        if stored["kind"] == "Namespace":
            stored.setdefault("status", {"phase": "Active"})
        self.objects[path] = stored
        return stored

    def fail_next(self, status: int, body: Any, *, times: int = 1, headers: Any = None, only: str = "") -> None:
        """The next requests (whose "METHOD path" contains ``only``) get this answer."""
        self.answers += [(only, (status, body, headers or {}))] * times

    def sent(self, method: str) -> list[str]:
        """The paths of the requests with this method; dry runs are marked."""
        return [
            path + (" (dry run)" if "dryRun" in query else "")
            for sent, path, query, _unused in self.requests
            if sent == method
        ]

    def handle(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any, dict[str, str]]:
        with self.lock:
            self.requests.append((method, path, query, body))
            for number, (only, answer) in enumerate(self.answers):
                if only in f"{method} {path}":
                    del self.answers[number]
                    return answer
            if path in self.documents:
                return 200, self.documents[path], {}
            status, answer = getattr(self, f"_{method.lower()}")(path, query, body)
            return status, copy.deepcopy(answer), {}

    def _get(self, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if path in self.objects:
            return 200, self.objects[path]
        plural = path.rsplit("/", 1)[1]
        if plural in self.unserved or "/" not in path.removeprefix("/api"):
            return status(404, "NotFound", "the server could not find the requested resource")
        if "limit" not in query:
            return status(404, "NotFound", f'"{plural}" not found')
        found = [self.objects[key] for key in sorted(self.objects) if self._listed(path, key, query)]
        start = int(query.get("continue", 0))
        page = found[start : start + PAGE_SIZE]
        more = {"continue": str(start + PAGE_SIZE)} if start + PAGE_SIZE < len(found) else {}
        items = [{k: v for k, v in item.items() if k not in ("apiVersion", "kind")} for item in page]
        return 200, {"kind": "List", "metadata": more, "items": items}

    def _listed(self, collection: str, key: str, query: dict[str, str]) -> bool:
        head, plural = collection.rsplit("/", 1)
        parent, name = key.rsplit("/", 1)
        if not key.startswith(head) or parent.rsplit("/", 1)[1] != plural:
            return False
        if "/namespaces/" in collection and parent != collection:
            return False
        metadata = self.objects[key]["metadata"]
        for field in filter(None, query.get("fieldSelector", "").split(",")):
            if field.startswith("metadata.name=") and field.partition("=")[2] != name:
                return False
            if (
                field.startswith("involvedObject.name=")
                and self.objects[key]["involvedObject"]["name"] != field.partition("=")[2]
            ):
                return False
        for label in filter(None, query.get("labelSelector", "").split(",")):
            wanted, _unused, value = label.partition("=")
            if (metadata.get("labels") or {}).get(wanted) != value:
                return False
        return True

    def _patch(self, path: str, query: dict[str, str], body: Json) -> tuple[int, Any]:
        missing = self._no_namespace(path)
        if missing:
            return missing
        live = self.objects.get(path)
        stored = copy.deepcopy(live) if live else {"metadata": {}}
        if "fieldValidation" in query:
            if body.get("spec", {}).get("refuse"):
                return status(422, "Invalid", f"spec.refuse: Invalid value: {body['spec']['refuse']}")
            others = (live or {}).get("metadata", {}).get("managedFields", [])
            holders = [one["manager"] for one in others if one["manager"] != MANAGER]
            if holders and live and live.get("spec") != body.get("spec") and "force" not in query:
                cause = {"reason": "FieldManagerConflict", "message": f'conflict with "{holders[0]}"', "field": ".spec"}
                return status(409, "Conflict", "Apply failed", causes=[cause])
            kept = {key: stored["metadata"][key] for key in ("uid", "generation") if key in stored["metadata"]}
            stored = {**stored, **copy.deepcopy(body)}
            stored["metadata"] = {**copy.deepcopy(body["metadata"]), **kept, "managedFields": managed(body)}
        else:
            labels = {**stored["metadata"].get("labels", {}), **body.get("metadata", {}).get("labels", {})}
            stored["metadata"]["labels"] = {key: value for key, value in labels.items() if value is not None}
            if "spec" in body:
                stored["spec"] = {**stored.get("spec", {}), **copy.deepcopy(body["spec"])}
        return self._store(path, query, live, stored)

    def _post(self, path: str, query: dict[str, str], body: Json) -> tuple[int, Any]:
        place = f"{path}/{body['metadata']['name']}"
        if place in self.objects:
            return status(409, "AlreadyExists", "already exists")
        return self._store(place, query, None, body)

    def _delete(self, path: str, query: dict[str, str], body: Json) -> tuple[int, Any]:
        live = self.objects.get(path)
        if live is None:
            return status(404, "NotFound", "not found")
        if body["preconditions"]["uid"] != live["metadata"]["uid"]:
            return status(409, "Conflict", "the UID in the precondition does not match")
        if live["metadata"].get("finalizers"):
            live["metadata"]["deletionTimestamp"] = "now"
        else:
            del self.objects[path]
        return 200, {"kind": "Status", "status": "Success"}

    def _store(self, path: str, query: dict[str, str], live: Json | None, stored: Json) -> tuple[int, Any]:
        if "dryRun" in query:
            stored["metadata"].setdefault("uid", "dry")
            return 200 if live else 201, stored
        uid = {"uid": live["metadata"]["uid"]} if live else {}
        return 200 if live else 201, self.put(path, stored, **uid)

    def _no_namespace(self, path: str) -> tuple[int, Any] | None:
        if "/namespaces/" not in path or (path.startswith("/api/v1/namespaces/") and path.count("/") == 4):
            return None
        name = path.split("/namespaces/")[1].split("/")[0]
        if f"/api/v1/namespaces/{name}" in self.objects:
            return None
        return status(404, "NotFound", f'namespaces "{name}" not found')


def status(code: int, reason: str, message: str, causes: Any = ()) -> tuple[int, Json]:
    """A Status object as error."""
    body = {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}
    return code, {**body, "details": {"causes": list(causes)}}


def kubeconfig(url: str) -> str:
    """A kubeconfig of the API server at ``url``."""
    return json.dumps(
        {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c"}}],
            "clusters": [{"name": "c", "cluster": {"server": url}}],
        }
    )


@pytest.fixture
def api() -> Iterator[MemoryApi]:
    """An empty API server; its address is ``api.url``."""
    memory = MemoryApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The body of an answer does not wait for the receipt of its head, which takes 40 ms.
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code, answer, headers = memory.handle(self.command, parts.path, query, json.loads(text) if text else None)
            if code == 0:
                self.close_connection = True
                self.connection.close()
                return
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(code)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PATCH = do_POST = do_DELETE = _serve

        def log_message(self, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    memory.url = f"http://127.0.0.1:{server.server_port}"
    yield memory
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def client(api: MemoryApi) -> Iterator[KubeClient]:
    """A client of the memory API that is not patient."""
    made = KubeClient(Endpoint(api.url), concurrency=4, patience=1.0)
    yield made
    made.close()


def definition(served: bool = True, api_version: str = "apiextensions.k8s.io/v1") -> Json:
    return {
        "apiVersion": api_version,
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.acme.example"},
        "spec": {
            "group": "acme.example",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": served}],
        },
    }


def virtual_service(name: str = "reviews", namespace: str = "default", **spec: Any) -> Json:
    """A VirtualService as a user writes it."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hosts": [name], **spec},
    }
