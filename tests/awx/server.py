# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that speaks the part of AWX's REST API (v2) that the collection awx.awx uses, on loopback.

It keeps objects in memory, refuses what AWX refuses (and fields that AWX would ignore), shows secrets as
``$encrypted$``, and writes down every request that changes something.
"""

from __future__ import annotations

import copy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .schema import RELATED, RESOURCES, UNIFIED, Json, problems, stored, survey_problems

VERSION = "24.6.1"
_SECRET_SETTINGS = {"slack": ("token",), "webhook": ("password",), "email": ("password",)}


class Refusal(Exception):
    """An answer that is no success: HTTP status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Awx:
    """The objects of one AWX. ``playbooks`` are the files that its project finds in the repository."""

    def __init__(self, playbooks: list[str]) -> None:
        self.playbooks = playbooks
        self.objects: dict[int, Json] = {}
        self.writes: list[tuple[str, str, Json]] = []
        self.requests: list[tuple[str, str]] = []
        self.refusals: list[str] = []
        self._lock = threading.Lock()
        self._create("organizations", {"name": "Default"})

    def named(self, resource: str) -> dict[str, Json]:
        """All objects of a resource by name (nodes: workflow/identifier)."""
        found = [one for one in self.objects.values() if one["_resource"] == resource]
        return {self._name(one): one for one in found}

    def _name(self, one: Json) -> str:
        if one["_resource"] == "workflow_job_template_nodes":
            return f"{self.objects[one['workflow_job_template']]['name']}/{one['identifier']}"
        return str(one["name"])

    def names(self, ids: list[int]) -> list[str]:
        return sorted(self._name(self.objects[identifier]) for identifier in ids)

    def answer(self, method: str, target: str, body: Json) -> tuple[int, Any]:
        """Status and body for one request."""
        url = urlsplit(target)
        parts = url.path.removeprefix("/api/v2/").strip("/").split("/")
        with self._lock:
            self.requests.append((method, url.path))
            if method != "GET":
                self.writes.append((method, url.path, copy.deepcopy(body)))
            try:
                return self._dispatch(method, parts, dict(parse_qsl(url.query, keep_blank_values=True)), body)
            except Refusal as refusal:
                self.refusals.append(f"{method} {url.path}: {refusal}")
                return refusal.status, refusal.body

    def _dispatch(self, method: str, parts: list[str], query: dict[str, str], body: Json) -> tuple[int, Any]:
        match method, parts:
            case "GET", [resource]:
                return 200, self._list(resource, query)
            case "POST", [resource] if resource in RESOURCES:
                return 201, self._shown(self._create(resource, body))
            case "GET", [resource, identifier]:
                return 200, self._shown(self._get(resource, identifier))
            case "PATCH", [resource, identifier]:
                return 200, self._shown(self._change(self._get(resource, identifier), body))
            case "GET", [resource, identifier, "survey_spec"]:
                return 200, self._get(resource, identifier)["_survey"]
            case "POST", [resource, identifier, "survey_spec"]:
                self._refuse(survey_problems(body))
                self._get(resource, identifier)["_survey"] = body
                return 200, {}
            case "POST", ["workflow_job_template_nodes", identifier, "create_approval_template"]:
                node = self._get("workflow_job_template_nodes", identifier)
                approval = self._create("workflow_approval_templates", body)
                node["unified_job_template"] = approval["id"]
                return 201, self._shown(approval)
            case "GET", [resource, identifier, related] if related in RELATED:
                ids = self._get(resource, identifier)["_related"].get(related, [])
                return 200, _page([self._shown(self.objects[one]) for one in ids])
            case "POST", [resource, identifier, related] if related in RELATED:
                self._associate(self._get(resource, identifier), related, body)
                return 204, None
        raise Refusal(404, {"detail": "Not found."})

    def _get(self, resource: str, identifier: str) -> Json:
        found = self.objects.get(int(identifier)) if identifier.isdigit() else None
        if found is None or found["_resource"] != resource:
            raise Refusal(404, {"detail": "Not found."})
        return found

    def _refuse(self, found: list[str]) -> None:
        if found:
            raise Refusal(400, {"error": "; ".join(found), "__all__": found})

    def _create(self, resource: str, body: Json) -> Json:
        self._refuse(problems(resource, body, self.objects, creating=True))
        made: Json = {"id": len(self.objects) + 1, **dict.fromkeys(RESOURCES[resource])}
        made.update(stored(resource, copy.deepcopy(body)))
        made.update(_resource=resource, _related={}, _survey={}, type=resource.removesuffix("s"))
        if resource == "inventories":
            made["type"] = "inventory"
        self._refuse(self._conflicts(made))
        self.objects[made["id"]] = made
        return made

    def _change(self, one: Json, body: Json) -> Json:
        sent = {key: value for key, value in body.items() if key != "type"}
        self._refuse(problems(one["_resource"], sent, self.objects, creating=False))
        one.update(stored(one["_resource"], copy.deepcopy(sent)))
        self._refuse(self._conflicts(one))
        return one

    def _conflicts(self, one: Json) -> list[str]:
        """What only the other objects tell: names in use, playbooks that the project does not have."""
        others = [other for other in self.objects.values() if other["id"] != one["id"]]
        within = {"inventory_sources": "inventory", "workflow_job_template_nodes": "workflow_job_template"}
        scope = within.get(one["_resource"], "organization")
        key = [one.get(part) for part in ("_resource", "name", "identifier", scope)]
        same = [
            other for other in others if [other.get(part) for part in ("_resource", "name", "identifier", scope)] == key
        ]
        found = ["an object of this name exists already"] if same else []
        if one["_resource"] == "job_templates" and one["project"] and one["playbook"] not in self.playbooks:
            found.append(f"Playbook not found for project: {one['playbook']}")
        return found

    def _associate(self, one: Json, related: str, body: Json) -> None:
        target = self.objects.get(body["id"], {})
        if target.get("_resource") != RELATED[related]:
            raise Refusal(400, {"detail": f"{body['id']} is none of {RELATED[related]}"})
        if "node" in related and target["workflow_job_template"] != one["workflow_job_template"]:
            raise Refusal(400, {"detail": "the nodes belong to different workflows"})
        ids = one["_related"].setdefault(related, [])
        if body.get("disassociate"):
            ids.remove(body["id"])
        else:
            ids.append(body["id"])

    def _list(self, resource: str, query: dict[str, str]) -> Json:
        kinds = UNIFIED if resource == "unified_job_templates" else (resource,)
        if not set(kinds) <= set(RESOURCES):
            raise Refusal(404, {"detail": "Not found."})
        found = [one for one in self.objects.values() if one["_resource"] in kinds]
        either = {key.removeprefix("or__"): value for key, value in query.items() if key.startswith("or__")}
        for key, value in query.items():
            if key.startswith("or__"):
                continue
            if not any(key in RESOURCES[kind] for kind in kinds) and key not in ("id", "type"):
                raise Refusal(400, {"detail": f"{resource} have no field {key} to filter by"})
            found = [one for one in found if str(one.get(key)) == value]
        if either:
            found = [one for one in found if any(str(one.get(key)) == value for key, value in either.items())]
        return _page([self._shown(one) for one in found])

    def _shown(self, one: Json) -> Json:
        """An object as AWX shows it: without what is ours, with links, and with secrets hidden."""
        url = f"/api/v2/{one['_resource']}/{one['id']}/"
        shown = {key: copy.deepcopy(value) for key, value in one.items() if not key.startswith("_")}
        shown.update(url=url, related={"survey_spec": f"{url}survey_spec/"}, summary_fields={}, scm_revision="")
        target = one.get("unified_job_template")
        if target:
            shown["related"]["unified_job_template"] = f"/api/v2/{self.objects[target]['_resource']}/{target}/"
        hidden = _SECRET_SETTINGS.get(str(one.get("notification_type")), ())
        for key in hidden:
            if key in (shown["notification_configuration"] or {}):
                shown["notification_configuration"][key] = "$encrypted$"
        return shown


def _page(results: list[Json]) -> Json:
    return {"count": len(results), "next": None, "previous": None, "results": results}


class Server(ThreadingHTTPServer):
    """Serves one AWX to whoever has ``token``; a context manager, listening on ``url`` within it."""

    def __init__(self, awx: Awx, token: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.awx, self.token = awx, token
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._thread = threading.Thread(target=self.serve_forever, daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or "{}")
        if self.headers.get("Authorization") != f"Bearer {self.server.token}":
            status, answer = 401, {"detail": "Authentication credentials were not provided."}
        elif not self.path.startswith("/api/v2/"):
            status, answer = 404, {"detail": "Not found."}
        else:
            status, answer = self.server.awx.answer(self.command, self.path, body)
        payload = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing on the terminal: requests are in ``Awx.requests``."""
