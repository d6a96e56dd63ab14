# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of AWX's REST API (v2) that the collection awx.awx uses; ``serving`` puts it on loopback.

It keeps objects in memory, refuses what AWX refuses, ignores what AWX ignores, shows secrets as ``$encrypted$``, and
writes down every request that changes something. Projects are checked out for real; ``launching`` runs the jobs.
"""

from __future__ import annotations

import copy
import re
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import running
from .schema import RELATED, RESOURCES, UNIFIED, Json, mapping, problems, stored
from .surveys import answer_problems, survey_of, survey_problems

_SECRET_SETTINGS = {"slack": ("token",), "webhook": ("password",), "email": ("password",)}


class Refusal(Exception):
    """An answer that is no success: HTTP status and body."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Awx:
    """The objects of one AWX, with its projects checked out below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Updates of projects, the oldest first: ``{id, project, status, stdout}``.
        self.updates: list[Json] = []
        self.objects: dict[int, Json] = {}
        self.writes: list[tuple[str, str, Json]] = []
        self.requests: list[tuple[str, str]] = []
        self.refusals: list[str] = []
        self._lock = threading.Lock()
        self._last = 0
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
        if parts[0] == "project_updates" or parts[2:] == ["update"]:
            return self._updating(method, parts)
        match method, parts:
            case "GET", [resource]:
                return 200, self._list(resource, query)
            case "POST", [resource] if resource in RESOURCES:
                return 201, self._shown(self._create(resource, body))
            case "DELETE", [resource, identifier]:
                self._remove(self._get(resource, identifier))
                return 204, None
            case "GET", [resource, identifier]:
                return 200, self._shown(self._get(resource, identifier))
            case "PATCH", [resource, identifier]:
                return 200, self._shown(self._change(self._get(resource, identifier), body))
            case "GET", [resource, identifier, "survey_spec"]:
                return 200, copy.deepcopy(self._get(resource, identifier)["_survey"])
            case "POST", [resource, identifier, "survey_spec"]:
                self._refuse([f"error: {problem}" for problem in survey_problems(body)[:1]])
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

    def _updating(self, method: str, parts: list[str]) -> tuple[int, Any]:
        match method, parts:
            case "GET", ["project_updates", identifier]:
                return 200, self._shown_update(identifier)
            case "GET", ["project_updates", identifier, "stdout"]:
                return 200, {"range": {"start": 0}, "content": self.updates[int(identifier) - 1]["stdout"]}
            case "GET", ["projects", identifier, "update"]:
                return 200, {"can_update": True}
            case "POST", ["projects", identifier, "update"]:
                update = self.update_project(self._get("projects", identifier))
                return 202, {"project_update": update["id"], **self._shown_update(str(update["id"]))}
        raise Refusal(404, {"detail": "Not found."})

    def _get(self, resource: str, identifier: str) -> Json:
        found = self.objects.get(int(identifier)) if identifier.isdigit() else None
        if found is None or found["_resource"] != resource:
            raise Refusal(404, {"detail": "Not found."})
        return found

    def _refuse(self, found: list[str]) -> None:
        """As AWX says it: problems by field, those of no field in ``__all__``."""
        said: dict[str, list[str]] = {}
        for field, _colon, problem in (re.match(r"(?:(\w+)(: ))?(.*)", text, re.DOTALL).groups("") for text in found):
            said.setdefault(field or "__all__", []).append(problem)
        if said:
            raise Refusal(400, said)

    def _create(self, resource: str, body: Json) -> Json:
        self._refuse(problems(resource, body, self.objects, creating=True))
        self._last += 1
        made: Json = {"id": self._last, **dict.fromkeys(RESOURCES[resource])}
        made.update(stored(resource, copy.deepcopy(body)))
        made.update(_resource=resource, _related={}, _survey={}, type=resource.removesuffix("s"))
        if resource == "inventories":
            made["type"] = "inventory"
        self._refuse(self._conflicts(made))
        self.objects[made["id"]] = made
        if resource == "projects":
            self.update_project(made)
        return made

    def _change(self, one: Json, body: Json) -> Json:
        sent = {key: value for key, value in body.items() if key != "type"}
        self._refuse(problems(one["_resource"], sent, self.objects, creating=False, now=one))
        changed = one["_resource"] == "credential_types" and sent.get("inputs", one["inputs"]) != one["inputs"]
        if changed and self._using(one):
            raise Refusal(403, {"detail": "Modifications to inputs are not allowed while the type is in use"})
        one.update(stored(one["_resource"], copy.deepcopy(sent)))
        self._refuse(self._conflicts(one))
        if one["_resource"] == "projects" and {"scm_url", "scm_branch", "scm_type"} & set(sent):
            self.update_project(one)
        return one

    def _using(self, one: Json) -> list[Json]:
        """The objects that have the id of this one in a field."""
        field = {"inventories": "inventory"}.get(one["_resource"], one["_resource"].removesuffix("s"))
        fields = {field, "unified_job_template"} if one["_resource"] in UNIFIED else {field}
        return [other for other in self.objects.values() if any(other.get(name) == one["id"] for name in fields)]

    def _remove(self, one: Json) -> None:
        """The object, and those that are nothing without it."""
        users = self._using(one)
        if one["_resource"] == "credential_types" and users:
            raise Refusal(403, {"detail": "Credential types that are in use cannot be deleted"})
        parts = ("workflow_job_template_nodes", "schedules", "inventory_sources")
        del self.objects[one["id"]]
        for other in users:
            if other["_resource"] in parts and other["id"] in self.objects:
                self._remove(other)
        approval = self.objects.get(one.get("unified_job_template") or 0, {})
        if approval.get("_resource") == "workflow_approval_templates":
            self._remove(approval)

    def update_project(self, project: Json) -> Json:
        """Checks the project out, as after its creation; the outcome is shown once it has been asked for."""
        folder = self.folder / f"project-{project['id']}"
        status, output = running.check_out(project["scm_url"], project["scm_branch"] or "main", folder)
        update = {"id": len(self.updates) + 1, "project": project["id"], "status": status, "stdout": output}
        self.updates.append(update)
        project.update(_update=update["id"], _pending=True)
        return update

    def _shown_update(self, identifier: str) -> Json:
        update = self.updates[int(identifier) - 1]
        url = f"/api/v2/project_updates/{update['id']}/"
        return {"id": update["id"], "url": url, "status": update["status"], "finished": "2026-01-01T00:00:00Z"}

    def checked_out(self, project: Json) -> Path:
        return self.folder / f"project-{project['id']}"

    def _conflicts(self, one: Json) -> list[str]:
        """What only the other objects tell: names in use, playbooks that the project does not have."""
        others = [other for other in self.objects.values() if other["id"] != one["id"]]
        within = {"inventory_sources": "inventory", "workflow_job_template_nodes": "workflow_job_template"}
        scope = within.get(one["_resource"], "organization")
        key = [one.get(part) for part in ("_resource", "name", "identifier", scope)]
        same = [
            other for other in others if [other.get(part) for part in ("_resource", "name", "identifier", scope)] == key
        ]
        found = ["an object of this name exists already"] if same and any(key[1:3]) else []
        if one["_resource"] == "job_templates":
            folder = self.checked_out(self.objects[one["project"]])
            if one["playbook"] not in (running.playbooks(folder) if folder.exists() else []):
                found.append(f"playbook: Playbook not found for project: {one['playbook']}")
        if one["_resource"] in ("schedules", "workflow_job_template_nodes") and one["unified_job_template"]:
            found += self._answers(one, self.objects[one["unified_job_template"]])
        return found

    def _answers(self, one: Json, template: Json) -> list[str]:
        """What is wrong with the variables that a schedule or a workflow's step gives to its template."""
        given, survey = mapping(one["extra_data"]) or {}, survey_of(template)
        found = answer_problems(survey, given, asked=one["_resource"] == "schedules")
        more = set(given) - {question["variable"] for question in survey.get("spec", [])}
        allowed = not more or template.get("ask_variables_on_launch")
        return [f"variables_needed_to_start: {problem}" for problem in found] + (
            [] if allowed else [f"extra_data: Variables {', '.join(sorted(more))} are not allowed on launch."]
        )

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
        if one["_resource"] == "projects":
            status = self.updates[one["_update"] - 1]["status"]
            shown["status"] = "pending" if one.pop("_pending", False) else status
            shown["related"].update(last_job=f"/api/v2/project_updates/{one['_update']}/", update=f"{url}update/")
        if one["_resource"] == "credentials" and one["inputs"]:
            shown["inputs"] = dict.fromkeys(one["inputs"], "$encrypted$")
        hidden = _SECRET_SETTINGS.get(str(one.get("notification_type")), ())
        for key in hidden:
            if key in (shown["notification_configuration"] or {}):
                shown["notification_configuration"][key] = "$encrypted$"
        return shown


def _page(results: list[Json]) -> Json:
    return {"count": len(results), "next": None, "previous": None, "results": results}
