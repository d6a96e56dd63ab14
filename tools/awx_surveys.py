# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes awx/surveys.yml: what AWX asks before each job, from the roles' argument specs.

A survey can ask for texts, numbers and choices only, so the spec itself comes from a file of the project. With
``--check`` nothing is written, and the exit code is 1 when the file is not as it would be written.
"""

from __future__ import annotations

import argparse
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "awx" / "surveys.yml"
TEMPLATES = ROOT / "awx" / "job_templates.yml"
HEADER = """---
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Written by tools/awx_surveys.py from the roles' argument specs: change it there.

"""
SPEC = {
    "variable": "spec_file",
    "question_name": "Spec of the mesh",
    "question_description": "Vars file in the project, as in meshes/shop/mesh.yml.",
    "type": "text",
    "required": True,
    "min": len("x.yml"),
    "max": 255,
    "default": "",
}
_ROLES = ("preflight", "create", "attach", "gateway", "deploy", "define", "verify")
# How a survey calls the types of an argument spec; others cannot be asked for.
_TYPES = {"str": "text", "int": "integer", "float": "float", "bool": "multiplechoice"}
# Set by the project's playbooks.
_GIVEN = {"asm_base_dir"}
# What a survey must not start without, although the role has its own way to say so: after the approval it is too late.
_REQUIRED = {"asm_remove"}
# Smallest and largest answers, of texts their lengths; argument specs have none. Of a number that may be left to the
# spec, 0 says so.
_LIMITS = {"asm_wait_timeout": (0, 86400), "asm_remove": (1, 255)}
# AWX's pages send an answer to every question, and AWX refuses an empty one to all but texts. So whatever the spec or
# the role decides as well has an answer that says so, and another name: awx/project/tasks/spec.yml makes it the
# variable only then.
AS_IN_THE_SPEC = "as in the spec"
PREFIX = "answer_"

Json = dict[str, Any]


def questions(roles: list[str]) -> list[Json]:
    """The scalar variables of some roles as questions, each once."""
    found: dict[str, Json] = {}
    for role in roles:
        for name, option in _options(role).items():
            if option["type"] in _TYPES and name not in _GIVEN:
                found.setdefault(name, _question(name, option))
    return [SPEC, *found.values()]


@cache
def _options(role: str) -> Json:
    spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options: Json = spec["argument_specs"]["main"]["options"]
    return options


def _question(name: str, option: Json) -> Json:
    description = option["description"]
    text = description if isinstance(description, str) else str(description[0])
    required = bool(option.get("required")) or name in _REQUIRED
    choices = ["true", "false"] if option["type"] == "bool" else option.get("choices")
    question: Json = {
        "variable": name if required else PREFIX + name,
        "question_name": name.removeprefix("asm_").replace("_", " ").capitalize(),
        "question_description": re.sub(r"\b[A-Z]{1,2}\(([^)]*)\)", r"\1", " ".join(text.split())),
        "type": "multiplechoice" if choices else _TYPES[option["type"]],
        "required": required,
    }
    if choices:
        own = [] if required else [AS_IN_THE_SPEC]
        return {**question, "choices": [*own, *choices], "default": own[0] if own else ""}
    least, most = _LIMITS[name]
    question |= {"min": least, "max": most, "default": "" if required or option["type"] == "str" else 0}
    if not required and option["type"] in ("int", "float"):
        question["question_description"] += f" 0: {AS_IN_THE_SPEC}."
    return question


def rendered() -> str:
    templates = yaml.safe_load(TEMPLATES.read_text(encoding="utf-8"))["awx_job_templates"]
    surveys = {}
    for one in templates:
        roles = [one["role"]] if "role" in one else list(_ROLES)
        surveys[one["name"]] = {"name": one["name"], "description": "", "spec": questions(roles)}
    return HEADER + yaml.dump({"awx_surveys": surveys}, Dumper=_Dumper, sort_keys=False, width=118)


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, and no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the file is stale")
    check = parser.parse_args(arguments).check
    stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != rendered()
    if stale and not check:
        TARGET.write_text(rendered(), encoding="utf-8")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
