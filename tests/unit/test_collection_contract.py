# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every module: documentation, argument spec, action group and results say the same."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import basic
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS, ENVIRONMENT
from ansible_collections.meshops.asm.plugins.module_utils.flow import errors
from ansible_collections.meshops.asm.plugins.module_utils.module.arguments import HIDDEN, shown
from ansible_collections.meshops.asm.plugins.plugin_utils.manifests import ManifestsAction
from ansible_collections.meshops.asm.plugins.plugin_utils.waiting import WaitingAction

COLLECTION = Path(errors.__file__).parents[3]
MODULES = sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
OF_GATEWAYS = (
    "asm_gateway_domain",
    "asm_gateway_imported_services",
    "asm_gateway_route",
    "asm_gateway_secret",
    "asm_waypoint",
)
RESOURCES_WITH_A_TWIN = ("asm_mesh", "asm_cluster", "asm_gateway", *OF_GATEWAYS, "istio_resource")
# What is not managed by the collection, and is there to be read.
READ_ONLY = {"asm_registry"}
SECRET = re.compile(r"(^|_)(secret|token|key|kubeconfig|password)$")

each_module = pytest.mark.parametrize("name", MODULES)


@cache
def ansible_doc(*arguments: str) -> str:
    """What ``ansible-doc`` prints about all modules of the collection; a mistake in any of them fails here."""
    names = [f"meshops.asm.{name}" for name in MODULES]
    roots = str(COLLECTION.parents[2])
    run = subprocess.run(
        [sys.executable, "-m", "ansible", "doc", "-t", "module", *arguments, *names],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": roots, "NO_COLOR": "1", "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def documentation(name: str) -> dict[str, Any]:
    """``{doc, examples, return}`` of a module with all fragments merged, as Ansible sees it."""
    everything: dict[str, Any] = json.loads(ansible_doc("--json"))
    return dict(everything[f"meshops.asm.{name}"])


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.meshops.asm.plugins.modules.{name}")


class Captured(Exception):
    """Ends a ``main`` at the point where it has said what it wants."""


@pytest.fixture
def arguments(monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, Any]:
    """The arguments with which the module's ``main`` makes its ``AnsibleModule``."""
    seen: dict[str, Any] = {}

    def capture(self: Any, **given: Any) -> None:
        seen.update(given)
        raise Captured

    monkeypatch.setattr(basic.AnsibleModule, "__init__", capture)
    with pytest.raises(Captured):
        module(name).main()
    return seen


def result_key(name: str) -> str | None:
    """The key under which the module returns its object, if it has the usual form."""
    source = Path(module(name).__file__).read_text()
    info = re.search(r"run_info\(\s*\"(\w+)\"", source)
    resource = re.search(r"run_resource\((\w+)\)", source)
    if info:
        return info.group(1)
    return str(getattr(module(name), resource.group(1)).result) if resource else None


def walk(options: dict[str, Any], key: str, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every option and sub-option with its dotted name."""
    for name, option in options.items():
        # An underscore marks what an action plugin hands to its module; it is no option of the user.
        if name.startswith("_"):
            continue
        yield f"{prefix}{name}", option
        yield from walk(option.get(key) or {}, key, f"{prefix}{name}.")


def tasks_of(examples: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in examples:
        yield task
        for part in ("block", "rescue", "always", "tasks"):
            yield from tasks_of(task.get(part) or [])


# The action group


def test_the_action_group_holds_exactly_the_modules_that_exist() -> None:
    runtime = yaml.safe_load((COLLECTION / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["asm"] == MODULES
    assert runtime["requires_ansible"] == ">=2.17.0"


@pytest.mark.parametrize("name", RESOURCES_WITH_A_TWIN)
def test_each_core_resource_has_a_twin_that_reads_it(name: str) -> None:
    assert name in MODULES
    assert f"{name}_info" in MODULES


def test_there_is_no_twin_without_a_resource() -> None:
    twins = {name.removesuffix("_info") for name in MODULES if name.endswith("_info")}
    assert twins - set(MODULES) == READ_ONLY


# Options


@each_module
def test_documented_options_are_the_options_of_the_module(name: str, arguments: dict[str, Any]) -> None:
    spec = dict(walk(arguments["argument_spec"], "options"))
    documented = dict(walk(documentation(name)["doc"]["options"], "suboptions"))
    assert set(documented) == set(spec)
    for option, said in documented.items():
        for aspect in ("type", "default", "choices", "elements"):
            assert said.get(aspect) == spec[option].get(aspect), f"{option}: {aspect}"
        assert bool(said.get("required")) is bool(spec[option].get("required")), option
        assert list(said.get("aliases") or []) == list(spec[option].get("aliases") or []), option


@each_module
def test_every_option_says_what_it_is_for(name: str) -> None:
    for option, said in walk(documentation(name)["doc"]["options"], "suboptions"):
        text = said["description"]
        sentences = [text] if isinstance(text, str) else text
        assert all(len(sentence) > 10 and sentence.rstrip().endswith((".", ":")) for sentence in sentences), option


@each_module
def test_secrets_are_kept_out_of_logs(name: str, arguments: dict[str, Any]) -> None:
    secrets = [
        (option, about)
        for option, about in walk(arguments["argument_spec"], "options")
        if SECRET.search(option.rsplit(".", 1)[-1]) and about.get("type") == "str"
    ]
    for option, about in secrets:
        assert about.get("no_log") is True, option


@each_module
def test_secrets_are_known_by_their_names_too(name: str, arguments: dict[str, Any]) -> None:
    """asm_preflight and asm_verify repeat a spec, for whose items they have no schema: the names have to say it."""
    for option, about in walk(arguments["argument_spec"], "options"):
        leaf = option.rsplit(".", 1)[-1]
        # Credentials are no part of a spec.
        if about.get("no_log") and option not in CLOUD_OPTIONS:
            assert shown({"mesh": {"a": [{leaf: {"c1": "hush"}}]}}, {"mesh": {"type": "dict"}}) == {
                "mesh": {"a": [{leaf: HIDDEN}]}
            }, option


@each_module
def test_every_module_takes_the_options_of_the_cloud(name: str, arguments: dict[str, Any]) -> None:
    for option, about in CLOUD_OPTIONS.items():
        assert arguments["argument_spec"][option] == about


def test_the_environment_of_every_shared_option_is_documented() -> None:
    options = documentation(MODULES[0])["doc"]["options"]
    for option, names in ENVIRONMENT.items():
        assert set(re.findall(r"E\((\w+)\)", " ".join(options[option]["description"]))) == set(names), option


# Behaviour


@each_module
def test_check_mode_is_supported_and_documented(name: str, arguments: dict[str, Any]) -> None:
    attributes = documentation(name)["doc"]["attributes"]
    assert arguments["supports_check_mode"] is True
    assert attributes["check_mode"]["support"] == "full"
    assert attributes["diff_mode"]["support"] == ("full" if _writes(name) else "N/A")
    assert attributes["idempotent"]["support"] in ("full", "partial")
    assert attributes["platform"]["platforms"] == "posix"


def _writes(name: str) -> bool:
    return "run_resource(" in Path(module(name).__file__).read_text()


@each_module
def test_the_action_group_is_documented(name: str) -> None:
    attribute = documentation(name)["doc"]["attributes"]["action_group"]
    assert (attribute["support"], attribute["membership"]) == ("full", ["meshops.asm.asm"])


@each_module
def test_a_module_introduces_itself(name: str) -> None:
    doc = documentation(name)["doc"]
    assert doc["module"].endswith(name)
    assert not doc["short_description"].endswith(".")
    assert re.fullmatch(r"\d+\.\d+\.\d+", str(doc["version_added"]))
    assert doc["author"]
    assert {"python >= 3.10", "alibabacloud_servicemesh20200111"} <= set(doc["requirements"])


# Results


@each_module
def test_every_result_is_described_with_a_sample(name: str) -> None:
    results = documentation(name)["return"]
    assert results
    for key, about in results.items():
        assert about["description"], key
        assert about["returned"], key
        assert about["type"], key
        assert _has_sample(about), key
        if about["type"] == "list":
            assert about["elements"], key


@each_module
def test_every_module_says_whose_account_it_was(name: str) -> None:
    assert "account" in documentation(name)["return"]
    source = Path(module(name).__file__).read_text()
    assert re.search(r"\b(run_task|run_resource|run_info)\(", source)


def _has_sample(about: dict[str, Any]) -> bool:
    parts = about.get("contains") or {}
    return "sample" in about or (bool(parts) and all(_has_sample(part) for part in parts.values()))


@each_module
def test_the_object_that_a_module_returns_is_described(name: str) -> None:
    key = result_key(name)
    assert key is None or key in documentation(name)["return"]


@each_module
def test_samples_have_the_type_that_they_are_said_to_have(name: str) -> None:
    kinds = {"str": str, "int": int, "bool": bool, "float": (int, float), "list": list, "dict": dict}
    for key, about in walk(documentation(name)["return"], "contains"):
        sample = about.get("sample")
        assert sample is None or about["type"] not in kinds or isinstance(sample, kinds[about["type"]]), key


def test_the_sample_of_a_failure_has_the_form_of_a_failure() -> None:
    form = set(errors.AsmError("No.").as_result())
    documented = {name: documentation(name)["return"].get("error") for name in MODULES}
    assert documented["asm_mesh"]
    for name, error in documented.items():
        assert error is None or set(error["sample"]) == form, name


def test_the_sample_of_a_mesh_has_every_key_of_a_mesh() -> None:
    from ansible_collections.meshops.asm.plugins.module_utils.mesh import view as mesh_view

    shown = mesh_view.view({"detail": {}, "tags": {}})
    assert _keys(documentation("asm_mesh")["return"]["mesh"]["sample"]) == _keys(shown)


def _keys(tree: Any, open_ended: tuple[str, ...] = ("tags", "config")) -> Any:
    """The structure of nested mappings without their values; what users fill in freely is left out."""
    if not isinstance(tree, dict):
        return None
    return {key: None if key in open_ended else _keys(value) for key, value in tree.items()}


# Examples


@each_module
def test_examples_use_the_module_with_options_that_it_has(name: str) -> None:
    doc = documentation(name)
    known = doc["doc"]["options"]
    names = set(known) | {alias for option in known.values() for alias in option.get("aliases") or []}
    used = [
        task[f"meshops.asm.{name}"]
        for task in tasks_of(yaml.safe_load(doc["examples"]))
        if f"meshops.asm.{name}" in task
    ]
    assert used, "no example"
    for options in used:
        assert set(options) <= names


@each_module
def test_every_example_has_a_name_and_is_fully_qualified(name: str) -> None:
    for task in tasks_of(yaml.safe_load(documentation(name)["examples"])):
        assert task.get("name"), task
        actions = [key for key in task if "." in key]
        assert actions or "block" in task or "tasks" in task, task


@each_module
def test_modules_never_branch_on_check_mode(name: str) -> None:
    """What it means is said once, where modules are run."""
    code = ast.parse((COLLECTION / "plugins/modules" / f"{name}.py").read_text(encoding="utf-8"))
    assert not [node.lineno for node in ast.walk(code) if getattr(node, "attr", "") in ("check_mode", "_check_mode")]


def test_the_pages_can_be_rendered() -> None:
    pages = ansible_doc()
    for name in MODULES:
        assert f"meshops.asm.{name}" in pages


@each_module
def test_every_module_has_a_plugin_that_runs_it_where_its_waits_are_seen(name: str) -> None:
    """Without one its waits are silent, its results unknown to the report of drift, and its arguments in debug logs.

    One plugin for all by ``plugin_routing`` was tried: with ``redirect`` Ansible no longer finds the module's own
    ``module_defaults``, and with ``action_plugin`` it does not load the plugin, and with it the SDK, before it forks.
    """
    plugin = importlib.import_module(f"ansible_collections.meshops.asm.plugins.action.{name}").ActionModule
    assert issubclass(plugin, (WaitingAction, ManifestsAction))
