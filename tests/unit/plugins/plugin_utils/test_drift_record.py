# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the playbook drift keeps of its tasks, and what it asks of the modules."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.meshops.asm.plugins.module_utils.kube.comparison import WITHHELD
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import from_definition
from ansible_collections.meshops.asm.plugins.plugin_utils.drift_record import record

from .test_manifests import FakeTask

BODY = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "hush-1"}}


def make(plugin_name: str, folder: Path, *, check: bool, **args: Any) -> Any:
    plugin = importlib.import_module(f"ansible_collections.meshops.asm.plugins.action.{plugin_name}")
    task = FakeTask(folder, args)
    task.action, task.check_mode = f"meshops.asm.{plugin_name}", check
    loader = DataLoader()
    loader.set_basedir(str(folder))
    return plugin.ActionModule(
        task=task,
        connection=SimpleNamespace(transport="ssh", become=None),
        play_context=None,
        loader=loader,
        templar=Templar(loader=loader, variables={}),
        shared_loader_obj=None,
    )


def sent(action: Any, monkeypatch: pytest.MonkeyPatch, **variables: Any) -> dict[str, Any]:
    """The options that the module gets."""
    got: dict[str, Any] = {}
    monkeypatch.setattr(action, "_execute_module", lambda **call: got.update(call["module_args"]) or {})
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda self, tmp=None, task_vars=None: {})
    action.run(task_vars=variables)
    return got


@pytest.mark.parametrize("name", ["asm_workload", "istio_resource"])
@pytest.mark.parametrize(("check", "kept", "asked"), [(True, True, True), (False, True, False), (True, False, False)])
def test_only_a_run_of_drift_asks_for_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, check: bool, kept: bool, asked: bool
) -> None:
    variables = {"drift_records": str(tmp_path / "records")} if kept else {}
    args = sent(make(name, tmp_path, check=check, definition=BODY), monkeypatch, **variables)
    assert args.get("_compare", False) is asked


def test_verify_sends_objects_without_values_of_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workloads = [{"name": "app", "clusters": ["c1"], "definition": BODY}]
    args = sent(make("asm_verify", tmp_path, check=False, mesh="shop", workloads=workloads), monkeypatch)
    assert "hush" not in str(args.items())
    (body,) = json.loads(args["_objects"])["workloads"]["app"]
    # The module reads it as it reads any other object.
    assert from_definition(body)
    assert (body["kind"], body["metadata"]["namespace"], body["data"]) == ("Secret", "default", {"key": WITHHELD})
    assert args["workloads"] == [{"name": "app", "clusters": ["c1"], "require_sidecar": False}]


def test_what_the_service_says_of_a_gateway_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "records"
    action = make("asm_gateway", tmp_path, check=True, name="in", mesh="shop")
    record(action, {"drift_records": str(file)}, {"changed": False, "gateway": {"error_message": "refused"}})
    record(action, {"drift_records": str(file)}, {"changed": False, "gateway": {"error_message": ""}})
    first, second = (json.loads(line)["result"] for line in file.read_text(encoding="utf-8").splitlines())
    assert (first, second) == ({"changed": False, "complaint": "refused"}, {"changed": False})
