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

from ansible.errors import AnsibleActionFail, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_text
from ansible_collections.meshops.asm.plugins.module_utils.flow.emptiness import given_paths, is_blank
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import foreign, given
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import plain_definition
from ansible_collections.meshops.asm.plugins.module_utils.kube.files import SUFFIXES, Files, files_of, read_text
from ansible_collections.meshops.asm.plugins.plugin_utils import drift_record
from ansible_collections.meshops.asm.plugins.plugin_utils.short_diff import shortened
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.meshops.asm.plugins.plugin_utils.vaulted import decrypted
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

try:
    from ansible.template import trust_as_template
except ImportError:  # ansible-core before 2.19 trusts every text that it is told to render
    trust_as_template = None

_OWN = ("definition", "src", "template")


class ManifestsAction(WaitingAction):
    """Replaces ``definition``, ``src`` and ``template`` by one option with their texts, then runs the module.

    The texts travel in an option that is never logged, because manifests may hold Secrets.
    """

    def _module_args(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        args = super()._module_args(task_vars)
        try:
            _refuse_nulls(args)
            texts = self._texts(args, task_vars)
        except AsmError as error:
            raise AnsibleActionFail(untrusted(error.message)) from None
        if any(args.get(name) is not None for name in _OWN):
            args["_documents"] = json.dumps(texts)
        if drift_record.is_wanted(self, task_vars):
            args["_compare"] = True
        return {key: value for key, value in args.items() if key not in _OWN}

    def _completed(self, result: dict[str, Any]) -> dict[str, Any]:
        """The result with what became of the files; those that somebody may have meant are worth a warning."""
        read, passed_over, doubtful = self._seen
        warnings = result.get("warnings") or []
        if doubtful:
            warnings = [*warnings, f"Not read, so that their objects are not in the task: {', '.join(doubtful)}."]
        told = {**result, "files": {"read": read, "passed_over": passed_over}}
        return {**told, "warnings": warnings} if warnings else told

    def _shown(self, task_vars: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
        return shortened(self, task_vars, result)

    def _texts(self, args: dict[str, Any], task_vars: dict[str, Any]) -> list[dict[str, str]]:
        texts: list[dict[str, str]] = []
        self._seen: tuple[int, list[str], list[str]] = (0, [], [])
        definition = args.get("definition")
        if definition is not None:
            texts.append({"file": "definition", "text": self._definition(definition)})
        for path in _paths(args, "src"):
            for file in self._files("files", path, SUFFIXES):
                texts.append({"file": _shown(file, path), "text": self._read(file, _shown(file, path))})
        for path in _paths(args, "template"):
            for file in self._files("templates", path, (*SUFFIXES, ".j2")):
                texts.append({"file": _shown(file, path), "text": self._rendered(file, path, task_vars)})
        return texts

    def _files(self, folder: str, named: str, suffixes: tuple[str, ...]) -> list[Path]:
        found: Files = files_of(self._found(folder, named), suffixes)
        read, passed_over, doubtful = self._seen
        self._seen = (
            read + len(found.read),
            passed_over + [_shown(path, named) for path in found.passed_over],
            doubtful + [_shown(path, named) for path in found.doubtful()],
        )
        return found.read

    def _definition(self, value: Any) -> str:
        """Objects as JSON, or their text; values of a vault decrypt themselves when they are made text."""
        try:
            if isinstance(value, (dict, list, tuple)):
                return json.dumps(plain_definition(value))
            text = str(value)
        except AnsibleError:
            raise InvalidInput("definition holds a value of Ansible Vault that cannot be decrypted.") from None
        if is_blank(text):
            raise InvalidInput("definition is empty. Give it a value, or leave it out, as with default(omit).")
        return decrypted(text, "definition", self._loader)

    def _read(self, file: Path, place: str) -> str:
        """The text of a file of the controller; one that Ansible Vault has encrypted is decrypted in memory."""
        return decrypted(read_text(file), place, self._loader)

    def _found(self, folder: str, named: str) -> Path:
        if given.path_of(named) is None:
            # Perhaps a manifest, and so perhaps a Secret.
            raise InvalidInput("src and template take names of files: there is a value that is none. See definition.")
        try:
            return Path(self._find_needle(folder, str(Path(named).expanduser())))
        except AnsibleFileNotFound as error:
            # Its own text advises an option that there is not.
            searched = ", ".join(to_text(path) for path in error.paths or [])
            where = f" Looked for: {searched}." if searched and not Path(named).is_absolute() else ""
            text = (
                f"There is no file or folder '{named}' on the controller, which runs Ansible.{where} Relative "
                f"paths of a spec start from asm_base_dir, and without it from the working directory, {Path.cwd()}."
            )
            raise AnsibleActionFail(untrusted(text)) from None
        except AnsibleError as error:
            raise AnsibleActionFail(untrusted(f"Cannot read '{named}': {to_text(error)}")) from None

    def _rendered(self, file: Path, named: str, task_vars: dict[str, Any]) -> str:
        places = [*task_vars.get("ansible_search_path", []), self._loader.get_basedir(), str(file.parent)]
        search_path = [str(path) for place in places for path in (Path(place, "templates"), place)]
        shown = _shown(file, named)
        text = self._read(file, shown)
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
            problem = foreign.explain(shown, text, f"The template {shown} cannot be rendered: {error}")
            raise AnsibleActionFail(untrusted(problem)) from None
        if rendered is None:
            return ""
        text = rendered if isinstance(rendered, str) else json.dumps(rendered, default=str)
        return decrypted(text, shown, self._loader)


def _refuse_nulls(args: dict[str, Any]) -> None:
    """A module would take a null in a list for the text 'None'."""
    empty = [name for name, value in args.items() if name != "definition" and isinstance(value, list) and None in value]
    if empty:
        raise InvalidInput(f"{', '.join(empty)}: an item is empty. Give it a value, or leave it out.")


def _paths(args: dict[str, Any], option: str) -> list[str]:
    return [] if args.get(option) is None else given_paths(option, args[option])


def _shown(file: Path, named: str) -> str:
    """A file as the user named it; within a folder, with the path below that folder."""
    parts = file.parts
    base = Path(named).parts
    for start in range(len(parts)):
        if parts[start : start + len(base)] == base:
            return str(Path(*parts[start:]))
    return str(file)
