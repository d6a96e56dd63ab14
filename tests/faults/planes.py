# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API servers of an in-memory lab over HTTP, each below the path of its plane, and their faults."""

from __future__ import annotations

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible_collections.meshops.asm.plugins.module_utils.kube.takeover import MANAGER
from doubles import MemoryPlane, MemoryPlanes
from meshlab.kubeapi import KubeApiError

Json = dict[str, Any]

KINDS = ("http_500", "http_503", "lost_request", "lost_reply", "non_json")
_NAMESPACES = "/api/v1/namespaces/"


class ServedPlane(MemoryPlane):
    """Its kubeconfig names the server that serves it."""

    url = ""

    def kubeconfig(self, *, user: str, groups: list[str], server: str, hours: float) -> str:
        config = {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
            "clusters": [{"name": "x", "cluster": {"server": f"{self.url}/{self.plane_id}"}}],
            "users": [{"name": "x", "user": {"token": "t"}}],
        }
        return json.dumps(config)


class ServedPlanes(MemoryPlanes):
    """As the lab's own, with the namespaces that every API server starts with."""

    url = ""

    def mesh(self, mesh_id: str, configuration: dict[str, Any] | None = None) -> MemoryPlane:
        plane = super().mesh(mesh_id, configuration)
        plane.api.apply(f"{_NAMESPACES}istio-system", _namespace("istio-system"))
        return plane

    def _plane(self, plane_id: str) -> MemoryPlane:
        with self._lock:
            if plane_id not in self.planes:
                plane = ServedPlane(plane_id, self._addresses.plane(plane_id))
                plane.url = self.url
                plane.api.apply(f"{_NAMESPACES}default", _namespace("default"))
                self.planes[plane_id] = plane
            return self.planes[plane_id]


class Front(ThreadingHTTPServer):
    """Serves the planes of ``planes``; the request number ``broken[0]`` (from 0) is broken as ``broken[1]`` says."""

    daemon_threads = True

    def __init__(self, planes: dict[str, MemoryPlane]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.planes = planes
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.lock = threading.Lock()
        self.requests: list[str] = []
        self.broken: tuple[int, str] | None = None
        self.hit = False
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def begin(self, broken: tuple[int, str] | None = None) -> None:
        """Counts from here."""
        with self.lock:
            self.requests, self.broken, self.hit = [], broken, False

    def fault(self, what: str) -> str:
        """Notes the request and says how it is broken."""
        with self.lock:
            self.requests.append(what)
            if self.broken is None or self.broken[0] != len(self.requests) - 1:
                return ""
            self.hit = True
            return self.broken[1]


class _Handler(BaseHTTPRequestHandler):
    server: Front
    protocol_version = "HTTP/1.1"
    # The body of an answer does not wait for the receipt of its head, which takes 40 ms.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        _unused, plane_id, path = parts.path.split("/", 2)
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        kind = self.server.fault(_named(self.command, f"/{path}", query))
        if kind == "lost_request":
            self._cut()
            return
        plane = self.server.planes.get(plane_id)
        if kind.startswith("http_"):
            code, answer = _status(int(kind[5:]), "InternalError", "it broke")
        elif plane is None:
            code, answer = _status(503, "ServiceUnavailable", "gone")
        else:
            code, answer = _handle(plane, self.command, f"/{path}", query, json.loads(text) if text else {})
        if kind == "lost_reply":
            self._cut()
            return
        body = b"<html>" if kind == "non_json" else json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PATCH = do_POST = do_DELETE = _serve

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()


def _named(method: str, path: str, query: Json) -> str:
    """A row of the table: the method, what kind of object it is about, and whether it is a dry run."""
    parts = path.split("/")
    plural = parts[-1] if "limit" in query or method == "POST" else parts[-2]
    how = {"PATCH": "apply" if "fieldValidation" in query else "merge"}.get(method, method.lower())
    return f"{how} {plural}{' (dry run)' if 'dryRun' in query else ''}".replace(
        "get ", "list " if "limit" in query else "get "
    )


def _handle(plane: MemoryPlane, method: str, path: str, query: Json, body: Json) -> tuple[int, Json]:
    try:
        return _METHODS[method](plane.api, path, query, body)
    except KubeApiError as error:
        return _status(error.status, error.reason, error.message)


def _get(api: Any, path: str, query: Json, body: Json) -> tuple[int, Json]:
    if "limit" in query:
        return 200, {"kind": "List", "metadata": {}, "items": [_rolled_out(one) for one in api.list(path)]}
    found = api.find(path)
    return (200, _rolled_out(found)) if found else _status(404, "NotFound", f"{path} not found")


def _rolled_out(found: Json) -> Json:
    """A Deployment as the controllers of a cluster leave it, which are not there; anything else as it is."""
    if found.get("kind") != "Deployment" or "status" in found:
        return found
    generation = int(found["metadata"]["resourceVersion"])
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    status = {**dict.fromkeys(counts, found["spec"].get("replicas", 1)), "observedGeneration": generation}
    return {**found, "metadata": {**found["metadata"], "generation": generation}, "status": status}


def _patch(api: Any, path: str, query: Json, body: Json) -> tuple[int, Json]:
    live = api.find(path)
    if "fieldValidation" not in query:
        return (200, api.patch(path, body)) if live else _status(404, "NotFound", f"{path} not found")
    parent = _NAMESPACES + path.split("/namespaces/")[1].split("/")[0]
    if path != parent and api.find(parent) is None:
        return _status(404, "NotFound", f"namespaces {parent} not found")
    kept = {key: live["metadata"][key] for key in ("uid", "resourceVersion") if key in live["metadata"]} if live else {}
    stored = {**({"status": live["status"]} if live and "status" in live else {}), **copy.deepcopy(body)}
    stored["metadata"] = {**body["metadata"], **kept, "managedFields": _managed(body)}
    if body["kind"] == "Namespace":
        stored["status"] = {"phase": "Active"}
    if "dryRun" in query:
        stored["metadata"].setdefault("uid", "dry")
        return 200 if live else 201, stored
    if live and {**live, "metadata": 0} == {**stored, "metadata": 0}:
        return 200, live
    return 200 if live else 201, api.replace(path, stored)


def _post(api: Any, path: str, query: Json, body: Json) -> tuple[int, Json]:
    if body["kind"] == "Namespace":
        body["status"] = {"phase": "Active"}
    return 201, api.create(path, body)


def _delete(api: Any, path: str, query: Json, body: Json) -> tuple[int, Json]:
    live = api.find(path)
    if live is None:
        return _status(404, "NotFound", f"{path} not found")
    if body["preconditions"]["uid"] != live["metadata"]["uid"]:
        return _status(409, "Conflict", "the UID in the precondition does not match")
    api.delete(path)
    if path.startswith(_NAMESPACES) and path.count("/") == 4:
        for below in [key for key in api.objects if f"/namespaces/{path.rpartition('/')[2]}/" in key]:
            api.delete(below)
    return 200, {"kind": "Status", "status": "Success"}


_METHODS = {"GET": _get, "PATCH": _patch, "POST": _post, "DELETE": _delete}


def _status(code: int, reason: str, message: str) -> tuple[int, Json]:
    return code, {"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": message}


def _namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "status": {"phase": "Active"}}


def _managed(body: Json) -> list[Json]:
    """managedFields as a server writes them for an apply: maps field by field, lists as a whole."""
    metadata = {key: value for key, value in body["metadata"].items() if key not in ("name", "namespace")}
    owned = {key: value for key, value in body.items() if key not in ("apiVersion", "kind", "metadata")}
    owned.update({"metadata": metadata} if metadata else {})
    entry = {"manager": MANAGER, "operation": "Apply", "apiVersion": body["apiVersion"], "fieldsType": "FieldsV1"}
    return [{**entry, "fieldsV1": _fields(owned)}] if owned else []


def _fields(value: Any) -> Json:
    if isinstance(value, dict) and value:
        return {f"f:{key}": _fields(item) for key, item in value.items()}
    return {}
