# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches the job templates and workflows of the stand-in, as somebody does in AWX's pages."""

from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

from .rules import Json, rendered
from .running import Node, Ran, read_inventory, run_job
from .schema import mapping
from .server import Awx
from .surveys import answer_problems, defaults, survey_of

_MASKED = "$encrypted$"


class Refused(Exception):
    """AWX does not start the job: what it says."""


class Launcher:
    """Somebody who launches what one AWX has, with jobs on ``node``."""

    def __init__(self, awx: Awx, node: Node) -> None:
        self.awx, self.node = awx, node
        #: What was read anew for jobs: "project" or "inventory", each time.
        self.reads: list[str] = []
        self.hosts: Json = {}
        #: The environment of the last job as AWX shows it.
        self.job_env: dict[str, str] = {}
        self._read: dict[str, float] = {}
        self._ids = itertools.count(1)

    def fill(self, name: str, **inputs: str) -> None:
        """Enters the fields of a credential."""
        self.awx.named("credentials")[name]["inputs"] = inputs

    def forget(self) -> None:
        """Lets the next job read project and inventory again, as once their caches are too old."""
        self._read.clear()

    def launch(self, name: str, **answers: Any) -> Ran:
        """Runs a job template to its end; raises ``Refused`` where AWX would not start it."""
        return self.launch_sliced(name, **answers)[0]

    def launch_sliced(self, name: str, **answers: Any) -> list[Ran]:
        """The jobs of a job template, one for each slice."""
        template = self.awx.named("job_templates")[name]
        found = answer_problems(survey_of(template), answers)
        if found:
            raise Refused(found)
        survey = {question["variable"] for question in survey_of(template).get("spec", [])}
        if set(answers) - survey and not template["ask_variables_on_launch"]:
            raise Refused("Variables are not allowed on launch.")
        credential_env = self._environment(template)
        project = self.awx.objects[template["project"]]
        self._sync(project)
        self._fill_inventory(template["inventory"], credential_env)
        folder = self.awx.checked_out(project)
        count = template["job_slice_count"] or 1
        return [
            run_job(
                self.node,
                folder,
                {
                    **template,
                    "id": next(self._ids),
                    "job_id": 1,
                    "job_launch_type": "manual",
                    "extra_vars": {
                        **(mapping(template["extra_vars"]) or {}),
                        **defaults(survey_of(template)),
                        **answers,
                    },
                    "hosts": _sliced(self.hosts, number, count),
                },
                credential_env,
            )
            for number in range(count)
        ]

    def launch_workflow(self, name: str, approve: bool = True, **answers: Any) -> dict[str, Ran]:
        """The jobs of a workflow by step, in their order; ends where a step fails or is not approved."""
        workflow = self.awx.named("workflow_job_templates")[name]
        found = answer_problems(survey_of(workflow), answers)
        if found:
            raise Refused(found)
        nodes = {
            node["id"]: node
            for node in self.awx.named("workflow_job_template_nodes").values()
            if node["workflow_job_template"] == workflow["id"]
        }
        after = {one for node in nodes.values() for one in node["_related"].get("success_nodes", [])}
        (step,) = (node for key, node in nodes.items() if key not in after)
        ran: dict[str, Ran] = {}
        while True:
            target = self.awx.objects[step["unified_job_template"]]
            if target["_resource"] == "job_templates":
                given = {**defaults(survey_of(workflow)), **answers}
                ran[step["identifier"]] = job = self.launch(target["name"], **given)
                if job.status != "successful":
                    return ran
            elif not approve:
                return ran
            following = step["_related"].get("success_nodes", [])
            if not following:
                return ran
            step = nodes[following[0]]

    def _environment(self, template: Json) -> dict[str, str]:
        """What the template's credentials put into the environment."""
        found: dict[str, str] = {}
        self.job_env = {}
        for identifier in template["_related"].get("credentials", []):
            credential = self.awx.objects[identifier]
            kind = self.awx.objects[credential["credential_type"]]
            inputs = credential["inputs"] or {}
            secret = {one["id"] for one in kind["inputs"]["fields"] if one.get("secret")}
            shown = {key: _MASKED if key in secret else value for key, value in inputs.items()}
            for variable, text in kind["injectors"].get("env", {}).items():
                found[variable] = rendered(text, inputs)
                self.job_env[variable] = rendered(text, shown)
        return found

    def _due(self, what: str, seconds: int) -> bool:
        """Whether something has to be read again, its cache being too old; notes that it is read."""
        now = time.monotonic()
        if what in self._read and now - self._read[what] < seconds:
            return False
        self._read[what] = now
        self.reads.append(what)
        return True

    def _sync(self, project: Json) -> None:
        if project["scm_update_on_launch"] and self._due("project", project["scm_update_cache_timeout"] or 0):
            update = self.awx.update_project(project)
            if update["status"] != "successful":
                raise Refused(f"Previous Task Failed: {update['stdout']}")

    def _fill_inventory(self, inventory: int, environment: dict[str, str]) -> None:
        for source in self.awx.named("inventory_sources").values():
            wanted = source["inventory"] == inventory and source["update_on_launch"]
            if not wanted or not self._due("inventory", source["update_cache_timeout"] or 0):
                continue
            folder: Path = self.awx.checked_out(self.awx.objects[source["source_project"]])
            status, output, self.hosts = read_inventory(self.node, folder, source["source_path"], environment)
            if status != "successful":
                self._read.pop("inventory")
                raise Refused(f"Previous Task Failed: {output}")


def _sliced(hosts: Json, number: int, count: int) -> Json:
    """The part of an inventory that one slice has: every ``count``-th host."""
    variables = hosts.get("_meta", {}).get("hostvars", {})
    names = sorted({one for group in hosts.values() for one in group.get("hosts", [])} | set(variables))[number::count]
    groups = {
        name: {"hosts": [one for one in group["hosts"] if one in names]}
        for name, group in hosts.items()
        if "hosts" in group
    }
    kept = {name: variables.get(name, {}) for name in names}
    return {"all": {"hosts": names}, **groups, "_meta": {"hostvars": kept}}
