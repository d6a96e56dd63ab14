# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of the modules that apply objects: files are found and templates rendered here.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.module_utils.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import (
    SUFFIXES,
    files_of,
    plain_definition,
    read_text,
)
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import self_contained
from ansible_collections.meshops.asm.plugins.plugin_utils.local_run import run_module

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every text that it is told to render
    trust_as_template = None

_OWN = ("definition", "src", "template")


class ManifestsAction(ActionBase):
    """Replaces ``definition``, ``src`` and ``template`` by one option with their texts, then runs the module.

    The texts travel in an option that is never logged, because manifests may hold Secrets.
    """

    _supports_async = True
    _supports_check_mode = True
    _supports_diff = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        task_vars = task_vars or {}
        args = dict(self._task.args)
        try:
            texts = self._texts(args, task_vars)
            if args.get("kubeconfig") is not None:
                args["kubeconfig"] = self._kubeconfig(args["kubeconfig"])
        except AsmError as error:
            raise AnsibleActionFail(error.message) from error
        if any(args.get(name) is not None for name in _OWN):
            args["_documents"] = json.dumps(texts)
        module_args = {key: value for key, value in args.items() if key not in _OWN}
        return run_module(self, task_vars, module_args)

    def _texts(self, args: dict[str, Any], task_vars: dict[str, Any]) -> list[dict[str, str]]:
        texts: list[dict[str, str]] = []
        definition = args.get("definition")
        if isinstance(definition, str):
            texts.append({"file": "definition", "text": definition})
        elif definition is not None:
            texts.append({"file": "definition", "text": json.dumps(plain_definition(definition))})
        for given in _as_list(args.get("src")):
            for file in files_of(self._found("files", given), SUFFIXES):
                texts.append({"file": _shown(file, given), "text": read_text(file)})
        for given in _as_list(args.get("template")):
            for file in files_of(self._found("templates", given), (*SUFFIXES, ".j2")):
                texts.append({"file": _shown(file, given), "text": self._rendered(file, given, task_vars)})
        return texts

    def _found(self, folder: str, given: str) -> Path:
        try:
            return Path(self._find_needle(folder, str(Path(given).expanduser())))
        except AnsibleError as error:
            raise AnsibleActionFail(f"There is no file or folder '{given}': {to_text(error)}") from error

    def _rendered(self, file: Path, given: str, task_vars: dict[str, Any]) -> str:
        places = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), str(file.parent)]
        search_path = [str(path) for place in places for path in (Path(place, "templates"), place)]
        text = read_text(file)
        try:
            if trust_as_template is not None:
                templar = self._templar.copy_with_new_env(searchpath=search_path, available_variables=task_vars)
                rendered = templar.template(trust_as_template(text))
            else:
                from ansible.template import AnsibleEnvironment

                templar = self._templar.copy_with_new_env(
                    environment_class=AnsibleEnvironment, searchpath=search_path, available_variables=task_vars
                )
                rendered = templar.do_template(text, preserve_trailing_newlines=True, escape_backslashes=False)
        except AnsibleError as error:
            raise AnsibleActionFail(f"The template {_shown(file, given)} cannot be rendered: {error}") from error
        if rendered is None:
            return ""
        return rendered if isinstance(rendered, str) else json.dumps(rendered, default=str)

    def _kubeconfig(self, value: Any) -> str:
        """The content of a kubeconfig file of the controller; anything else is left to the module."""
        if isinstance(value, dict):
            return json.dumps(value, default=str)
        text = str(value)
        if "\n" in text or text.lstrip().startswith("{"):
            return text
        path = Path(text).expanduser()
        if not path.is_file():
            return text
        return self_contained(read_text(path), path.absolute().parent)


def _as_list(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


def _shown(file: Path, given: str) -> str:
    """A file as the user named it; within a folder, with the path below that folder."""
    parts = file.parts
    base = Path(given).parts
    for start in range(len(parts)):
        if parts[start : start + len(base)] == base:
            return str(Path(*parts[start:]))
    return str(file)
