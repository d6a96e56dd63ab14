# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the roles' meta/argument_specs.yml, so that the spec's variables accept exactly what the modules accept.

The options of a variable such as ``asm_gateways`` come from the documentation of the module that the role passes
them to; which variables a role reads is said in tools/role_variables.yml. With ``--check`` nothing is written, and
the exit code is 1 when a file is not as it would be written.
"""

from __future__ import annotations

import argparse
import ast
import copy
import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
VARIABLES = Path(__file__).with_name("role_variables.yml")
HEADER = """---
# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Written by tools/argument_specs.py from the documentation of the modules: change it there.

"""

# Credentials and endpoints are no part of a spec: they come from the environment or from module_defaults.
CLOUD_FRAGMENT = "meshops.asm.cloud"
KEPT_OF_AN_OPTION = ("description", "type", "required", "default", "choices", "elements")

Json = dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """YAML as the linter wants it: lists indented below their key, and no anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def constant(path: Path, name: str) -> Any:
    """The YAML in the string constant ``name`` of a Python file, without importing the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return yaml.safe_load(ast.literal_eval(node.value))
    raise SystemExit(f"{path}: no constant {name}")


def module_options(module: str) -> Json:
    """The documented options of a module of this collection that playbooks use, those of its fragments included.

    Credentials are left aside.
    """
    documentation = constant(ROOT / f"plugins/modules/{module}.py", "DOCUMENTATION") or {}
    options: Json = {}
    for fragment in documentation.get("extends_documentation_fragment") or []:
        if fragment != CLOUD_FRAGMENT:
            options.update(fragment_options(fragment))
    options.update(documentation.get("options") or {})
    return {name: option for name, option in options.items() if not name.startswith("_")}


def fragment_options(fragment: str) -> Json:
    """The options of a documentation fragment such as ``meshops.asm.wait`` or ``meshops.asm.kube.mesh``."""
    _namespace, _collection, name, *section = fragment.split(".")
    constant_name = section[0].upper() if section else "DOCUMENTATION"
    return constant(ROOT / f"plugins/doc_fragments/{name}.py", constant_name).get("options") or {}


def spec_of(options: Json, places: Json) -> Json:
    """Documented options as the options of a role's argument spec; ``places`` is for :func:`_rebased`."""
    return {name: _option(option, places) for name, option in options.items()}


def _option(option: Json, places: Json) -> Json:
    spec = {key: option[key] for key in KEPT_OF_AN_OPTION if key in option}
    spec["description"] = _rebased(option["description"], places)
    if option.get("suboptions"):
        spec["options"] = spec_of(option["suboptions"], places)
    return spec


def _rebased(description: Any, places: Json) -> Any:
    """References to options and results of the module, as references that hold in the role.

    ``places`` says how a reference to one of the module's options begins, by the option's name.
    """
    if isinstance(description, list):
        return [_rebased(line, places) for line in description]

    def rebased(found: re.Match[str]) -> str:
        option = re.split(r"[.\[=]", found[1])[0]
        return f"O({places[option]}{found[1]})" if option in places else found[0]

    text = re.sub(r"O\((?!asm_|[a-z_.]+#)([^)]*)\)", rebased, str(description).strip())
    return re.sub(r"RV\(([^)]*)\)", r"C(\1)", text)


def variable(name: str, rule: Json) -> Json:
    """The spec of one variable of the spec's vocabulary, from its rule in role_variables.yml."""
    spec = {key: copy.deepcopy(rule[key]) for key in KEPT_OF_AN_OPTION if key in rule}
    if "options" in rule:
        spec["options"] = copy.deepcopy(rule["options"])
    if "module" not in rule:
        return spec
    options = module_options(rule["module"])
    if "suboptions_of" in rule:
        options = options[rule["suboptions_of"]]["suboptions"]
    dropped = set(rule.get("drop") or [])
    kept = {**(rule.get("add") or {}), **{key: value for key, value in options.items() if key not in dropped}}
    prefix = f"{name}[]." if rule["type"] == "list" else f"{name}."
    places = {key: prefix if key in kept else f"meshops.asm.{rule['module']}#module:" for key in {**options, **kept}}
    spec["options"] = spec_of(kept, places)
    for key in rule.get("require") or []:
        spec["options"][key].pop("default", None)
        spec["options"][key]["required"] = True
    for path in rule.get("secrets") or []:
        _at(spec, path)["no_log"] = True
    return spec


def _at(spec: Json, path: str) -> Json:
    """The spec of the option at a dotted path."""
    for key in path.split("."):
        spec = spec["options"][key]
    return spec


def role_spec(role: str, rules: Json) -> Json:
    """The content of ``roles/<role>/meta/argument_specs.yml``."""
    about = rules["roles"][role]
    options: Json = {}
    for name, use in about["variables"].items():
        rule = {**rules["variables"][name], **(use or {})}
        if rule.pop("content", True) is False:
            rule.pop("module", None)
        options[name] = variable(name, rule)
    main = {"short_description": about["short_description"], "description": about["description"], "options": options}
    return {"argument_specs": {"main": main}}


def rendered(spec: Json) -> str:
    body = yaml.dump(spec, Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)
    return HEADER + body


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is stale")
    check = parser.parse_args(arguments).check
    rules = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))
    stale = []
    for role in rules["roles"]:
        path = ROOT / f"roles/{role}/meta/argument_specs.yml"
        text = rendered(role_spec(role, rules))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'stale, run tools/argument_specs.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
