# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what roles and action plugins repeat of the modules and of the rows of spec/sections.py.

That is the roles' meta/argument_specs.yml, so that the spec's variables accept exactly what the modules accept, the
tasks that pass each option on (between marks, see ``marked``), those of asm_probe wherever requests are sent, the
tables in the roles' READMEs, and the action plugin of a module that has none. The options of a variable such as
``asm_gateways`` come from the documentation of the module in its row; what else a role reads is said in
tools/role_variables.yml. With ``--check`` nothing is written, and the exit code is 1 when a file is not as it would be
written.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
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

# The plugin that runs a module where its waits are seen, and its results are kept for the report of drift.
ACTION = '''# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name."""

from __future__ import annotations

from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import load
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

load(__name__)


class ActionModule(WaitingAction):
    """See ``WaitingAction``."""
'''
# The options of asm_preflight, whose sections are described as the roles describe their variables.
FRAGMENT = '''# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Written by tools/argument_specs.py from the rows of spec/sections.py: change it there.

from __future__ import annotations


class ModuleDocFragment:
    """The options of asm_preflight: the sections of a spec, as the roles describe their variables."""

    DOCUMENTATION = r"""
%s"""
'''
# Options of a section with manifests that say which objects an item has; paths start from asm_base_dir.
PATHS = ("src", "template")
OBJECTS = ("definition", *PATHS, "namespace")

# Options of asm_probe that each task says in its own way. All others say where requests go and what they are, and come
# from one variable; the last names are those of which a task makes something else.
OF_USE = ("count", "rate", "concurrency", "duration", "stop_file", "by", "expect", "compare", "wait_timeout")
PROBES = (
    ("playbooks/failover.yml", "asm_failover.probe", ()),
    ("playbooks/tasks/load_start.yml", "load", ()),
    ("roles/canary/tasks/compare.yml", "asm_canary.probe", ("requests",)),
    ("roles/canary/tasks/step.yml", "asm_canary.probe", ()),
)

# Credentials and endpoints are no part of a spec: they come from the environment or from module_defaults.
CLOUD_FRAGMENT = "meshops.asm.cloud"
KEPT_OF_AN_OPTION = ("description", "type", "required", "default", "choices", "elements")

Json = dict[str, Any]


def _sections() -> Any:
    """The rows, from their file alone: nothing of the collection has to be importable."""
    spec = importlib.util.spec_from_file_location("sections", ROOT / "plugins/module_utils/spec/sections.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    # Where dataclasses look for the module of their class.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


VOCABULARY = _sections()


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


def kept_options(section: Any) -> tuple[Json, Json]:
    """``(all options of an item of the section, those of its module)``."""
    rule = section.options
    options, dropped = module_options(section.module), set(rule.get("drop", ()))
    if "suboptions_of" in rule:
        options = options[rule["suboptions_of"]]["suboptions"]
    else:
        # What the tasks of the roles say by themselves.
        dropped |= {"mesh", "state", "kubeconfig", "context"}
    return {**rule.get("add", {}), **{key: value for key, value in options.items() if key not in dropped}}, options


def section_spec(section: Any, *, content: bool) -> Json:
    """The spec of the variable of a section; without ``content`` its options are checked where they are passed on."""
    # Of "raw" elements: items may be given in short, and the role spec checks them.
    shape = {"type": "list", "default": [], "elements": section.options.get("elements", "dict")}
    if section is VOCABULARY.SECTIONS[0]:
        shape = {"type": "dict", "required": True}
    paragraphs = list(section.description)
    spec: Json = {"description": paragraphs if len(paragraphs) > 1 else paragraphs[0], **shape}
    if not content:
        return spec
    kept, options = kept_options(section)
    prefix = f"{section.variable}[]." if shape["type"] == "list" else f"{section.variable}."
    places = {key: prefix if key in kept else f"meshops.asm.{section.module}#module:" for key in {**options, **kept}}
    spec["options"] = spec_of(kept, places)
    for key in section.options.get("require", ()):
        spec["options"][key].pop("default", None)
        spec["options"][key]["required"] = True
    for path in section.options.get("secrets", ()):
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
    sections = {one.variable: one for one in VOCABULARY.SECTIONS}
    options: Json = {}
    for name in VOCABULARY.VARIABLES:
        section = sections.get(name)
        if section and reads(role, section, about):
            options[name] = section_spec(section, content=role in ("preflight", section.role))
        elif not section and name in about.get("reads", ()):
            rule = rules["variables"][name]
            options[name] = {key: rule[key] for key in (*KEPT_OF_AN_OPTION, "options") if key in rule}
    main = {"short_description": about["short_description"], "description": about["description"], "options": options}
    return {"argument_specs": {"main": main}}


def reads(role: str, section: Any, about: Json) -> bool:
    """Whether a role needs a section of the spec."""
    return (
        section is VOCABULARY.SECTIONS[0]
        or role in ("preflight", section.role)
        or (role == "verify" and section.verified)
        or (role == "remove" and bool(section.removal))
        or section.variable in about.get("reads", ())
    )


def rendered(spec: Json) -> str:
    body = yaml.dump(spec, Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)
    return HEADER + body


def of_mesh() -> list[str]:
    """The lines of a task that say which mesh it is about."""
    keys = ("region", "api_server_address")
    return ['mesh: "{{ asm_mesh.name }}"', *(f'{key}: "{{{{ asm_mesh.{key} | default(omit) }}}}"' for key in keys)]


def requests(variable: str, own: tuple[str, ...]) -> list[str]:
    """The lines of a task with asm_probe that pass on where requests go and what they are, as ``variable`` says it."""
    passed = [key for key in module_options("asm_probe") if key not in ("mesh", *OF_USE, *own)]
    return [*of_mesh(), *(f'{key}: "{{{{ {variable}.{key} | default(omit) }}}}"' for key in passed)]


def arguments(section: Any, item: str, *, removal: bool = False) -> Iterator[str]:
    """The lines of a task that pass the options of an item on to its module; for a removal, those that name it."""
    kept, options = kept_options(section)
    required = {key for key, option in kept.items() if option.get("required")} | set(section.options.get("require", ()))
    yield from of_mesh() if "mesh" in options else of_mesh()[1:]
    for key in sorted((key for key in kept if key in options), key=lambda key: key.startswith("wait")):
        named = (*required, *section.options.get("named", ()), "wait_timeout", *(OBJECTS if section.target else ()))
        if removal and key not in named:
            continue
        if key == "wait_timeout":
            if removal:
                yield from ("state: absent", *(f"{name}: {value}" for name, value in section.removal_options.items()))
            yield f'{key}: "{{{{ {item}.{key} | default(asm_wait_timeout | default(omit)) }}}}"'
        elif section.target and key in PATHS:
            yield f"{key}: >-"
            yield f"  {{{{ {item}.{key} | meshops.asm.spec_paths(asm_base_dir | default('.'))"
            yield f"  if {item}.{key} | default(none) is not none else omit }}}}"
        else:
            yield f'{key}: "{{{{ {item}.{key}{"" if key in required else " | default(omit)"} }}}}"'


def task(section: Any, *, removal: bool = False) -> list[str]:
    """The lines of the task that makes each item of a section, or removes each, the last one first."""
    item = f"{section.option.removesuffix('s')}_spec"
    items = f"{section.variable} | default([])"
    lines = [f"- name: {section.removal if removal else section.making}", f"  meshops.asm.{section.module}:"]
    lines += [f"    {line}" for line in arguments(section, item, removal=removal)]
    # Where items may hold secrets, as manifests do, loops run over names: the items would be in the output.
    if section.target or section.options.get("secrets"):
        indexed = f"({section.variable} | reverse | list)" if removal else section.variable
        names = f"{items} | map(attribute='name'){' | reverse' if removal else ''} | list"
        lines += ["  vars:", f'    {item}: "{{{{ {indexed}[index] }}}}"', f'  loop: "{{{{ {names} }}}}"']
        lines += ["  loop_control:", "    index_var: index"]
    else:
        lines += [f'  loop: "{{{{ {items}{" | reverse | list" if removal else ""} }}}}"', "  loop_control:"]
        lines += [f"    loop_var: {item}", f'    label: "{{{{ {item}.name }}}}"']
    lines += ["  throttle: 1"] if section.for_account and not removal else []
    return [*lines, *([f"  when: {section.removal_if}"] if removal and section.removal_if else [])]


def marked(text: str, name: str, lines: list[str]) -> str:
    """The text of a file with these lines between its marks ``name``; at its end when it has none."""
    begin, end = f"# Begin {name}, written by tools/argument_specs.py", f"# End {name}"
    found = re.search(rf"^( *){re.escape(begin)}\n(?:.*\n)*? *{re.escape(end)}\n", text, re.MULTILINE)
    indent = found[1] if found else ""
    body = "".join(f"{indent}{line}".rstrip() + "\n" for line in (begin, *lines, end))
    return text[: found.start()] + body + text[found.end() :] if found else f"{text}\n{body}"


def role_tasks(role: str, text: str) -> str:
    """``roles/<role>/tasks/main.yml`` with the tasks of its sections, and the options of modules for whole specs."""
    for section in VOCABULARY.SECTIONS:
        if section.role == role and section.making:
            text = marked(text, section.variable, task(section))
    if role == "create":
        text = marked(text, "options", list(arguments(VOCABULARY.SECTIONS[0], "asm_mesh")))
    elif role == "remove":
        removed = [one for one in reversed(VOCABULARY.LISTS) if one.removal]
        tasks = [["", *task(one, removal=True)] for one in removed]
        text = marked(text, "sections", [line for lines in tasks for line in lines][1:])
    elif role in ("preflight", "verify"):
        # Of the clusters verify takes the names.
        passed = [one for one in VOCABULARY.LISTS if one.verified and one.variable != "asm_clusters"]
        passed = list(VOCABULARY.LISTS) if role == "preflight" else passed
        text = marked(text, "sections", [f'{one.option}: "{{{{ {one.variable} | default([]) }}}}"' for one in passed])
    return text


def fragment() -> str:
    """``plugins/doc_fragments/sections.py``."""
    options = {
        one.option: {"description": one.description[0], "type": "list", "elements": "dict", "default": []}
        for one in VOCABULARY.LISTS
    }
    return FRAGMENT % yaml.dump({"options": options}, Dumper=_Dumper, sort_keys=False, width=80, allow_unicode=True)


def given() -> list[str]:
    """The lines by which the role spec hands on what is given of a spec."""
    names = [name for one in VOCABULARY.SECTIONS for name in (one.variable, *one.settings)]
    return [f"{name}: \"{{{{ {name} | default('') }}}}\"" for name in (*names, "asm_base_dir", "asm_wait_timeout")]


def hosts(text: str) -> str:
    """``playbooks/plays/meshes.yml`` with the variables that the host of a mesh gets."""
    names = [name for name in VOCABULARY.VARIABLES if name != "asm_canary"]
    return marked(
        text, "variables", [f'{one}: "{{{{ fleet_host.variables.{one} | default(omit) }}}}"' for one in names]
    )


def readme(text: str, spec: Json) -> str:
    """The README of a role with its table of variables, which is its end."""
    rows = []
    for name, option in spec["argument_specs"]["main"]["options"].items():
        first = option["description"] if isinstance(option["description"], str) else option["description"][0]
        said = re.sub(r"\bO\(([a-z_.]+)#module:([^)]*)\)", r"`\2` of `\1`", " ".join(first.split()))
        said = re.sub(r"\b[A-Z]+\(([^)]*)\)", r"`\1`", said)
        default = option.get("default", "")
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`" if default != "" else ""
        rows.append(f"| `{name}` | {'required' if option.get('required') else shown} | {said} |\n")
    head = "| Variable | Default | Meaning |\n|---|---|---|\n"
    return text[: text.index(head)] + head + "".join(rows)


def files(rules: Json) -> Iterator[tuple[Path, str]]:
    """Every file that is written, wholly or in part, as it should be."""
    for role in rules["roles"]:
        folder = ROOT / "roles" / role
        spec = role_spec(role, rules)
        yield folder / "meta" / "argument_specs.yml", rendered(spec)
        tasks, page = folder / "tasks" / "main.yml", folder / "README.md"
        yield tasks, role_tasks(role, tasks.read_text(encoding="utf-8"))
        yield page, readme(page.read_text(encoding="utf-8"), spec)
    yield ROOT / "plugins" / "doc_fragments" / "sections.py", fragment()
    tasks = ROOT / "roles" / "spec" / "tasks" / "main.yml"
    yield tasks, marked(tasks.read_text(encoding="utf-8"), "variables", given())
    play = ROOT / "playbooks" / "plays" / "meshes.yml"
    yield play, hosts(play.read_text(encoding="utf-8"))
    for place, variable, own in PROBES:
        path = ROOT / place
        yield path, marked(path.read_text(encoding="utf-8"), "requests", requests(variable, own))
    for module in sorted((ROOT / "plugins" / "modules").glob("*.py")):
        plugin = ROOT / "plugins" / "action" / module.name
        if module.stem != "__init__" and not plugin.exists():
            yield plugin, ACTION


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is stale")
    check = parser.parse_args(arguments).check
    rules = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))
    stale = []
    for path, text in files(rules):
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'stale, run tools/argument_specs.py' if check else 'written'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
