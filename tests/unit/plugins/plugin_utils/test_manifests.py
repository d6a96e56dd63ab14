# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller makes of definition, src, template and kubeconfig."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.meshops.asm.plugins.plugin_utils.manifests import ManifestsAction

KUBECONFIG = """
clusters: [{name: c, cluster: {server: "https://a", certificate-authority: ca.crt}}]
contexts: [{name: x, context: {cluster: c}}]
current-context: x
"""


class FakeTask:
    """As much of a task as the action plugin looks at."""

    async_val = 0
    action = "meshops.asm.istio_resource"
    check_mode = False
    diff = False
    environment: list[Any] | None = None

    def __init__(self, folder: Path, args: dict[str, Any]) -> None:
        self.args = args
        self._folder = folder

    def get_search_path(self) -> list[str]:
        return [str(self._folder)]


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the action plugin in a project folder; gives the options that the module would get."""

    def run(variables: dict[str, Any] | None = None, **args: Any) -> dict[str, Any]:
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        variables = {"ansible_search_path": [str(tmp_path)], **(variables or {})}
        templar = Templar(loader=loader, variables=variables)
        action = ManifestsAction(
            task=FakeTask(tmp_path, args),
            connection=SimpleNamespace(transport="ssh", become=None),
            play_context=None,
            loader=loader,
            templar=templar,
            shared_loader_obj=None,
        )
        got: dict[str, Any] = {}
        monkeypatch.setattr(action, "_execute_module", lambda **call: got.update(call["module_args"]) or {})
        monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda self, tmp=None, task_vars=None: {})
        action.run(task_vars=variables)
        return got

    return run


def texts(args: dict[str, Any]) -> list[tuple[str, str]]:
    return [(entry["file"], entry["text"]) for entry in json.loads(args["_documents"])]


def test_a_definition_travels_as_text_and_not_as_itself(sent: Any) -> None:
    args = sent(definition=[{"kind": "Secret", "data": {"a": 1, "b": None, "c": True}}], mesh="demo")
    assert set(args) == {"_documents", "mesh"}
    [(file, text)] = texts(args)
    assert (file, json.loads(text)) == ("definition", [{"kind": "Secret", "data": {"a": 1, "b": None, "c": True}}])


def test_text_stays_as_it_is(sent: Any) -> None:
    assert texts(sent(definition="kind: A\n---\nkind: B\n")) == [("definition", "kind: A\n---\nkind: B\n")]


def test_files_and_folders_keep_the_name_that_the_user_gave(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "files" / "istio" / "deep").mkdir(parents=True)
    (tmp_path / "files" / "one.yml").write_text("kind: {{ not_rendered }}")
    (tmp_path / "files" / "istio" / "deep" / "b.yaml").write_text("kind: B")
    (tmp_path / "files" / "istio" / "a.yml").write_text("kind: A")
    (tmp_path / "files" / "istio" / "readme.txt").write_text("no")
    found = texts(sent(src=["one.yml", "istio/"]))
    assert found == [
        ("one.yml", "kind: {{ not_rendered }}"),
        ("istio/a.yml", "kind: A"),
        ("istio/deep/b.yaml", "kind: B"),
    ]


def test_one_path_need_not_be_a_list(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "one.yml").write_text("kind: A")
    assert texts(sent(src=str(tmp_path / "one.yml"))) == [(str(tmp_path / "one.yml"), "kind: A")]


def test_templates_are_rendered_with_the_tasks_variables(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "part.j2").write_text("weight: {{ weight }}")
    (tmp_path / "templates" / "route.yml.j2").write_text(
        "{% for n in names %}\n---\nkind: {{ n }}\n{% endfor %}\n{% include 'part.j2' %}\n"
    )
    [(file, text)] = texts(sent({"names": ["A", "B"], "weight": 20}, template="route.yml.j2"))
    assert file == "route.yml.j2"
    assert [line for line in text.splitlines() if line] == ["---", "kind: A", "---", "kind: B", "weight: 20"]


def test_a_template_that_is_one_value(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "all.j2").write_text("{{ objects }}")
    [(_unused, text)] = texts(sent({"objects": [{"kind": "A"}]}, template="all.j2"))
    assert json.loads(text.replace("'", '"')) == [{"kind": "A"}]


def test_a_folder_of_templates(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "templates" / "istio").mkdir(parents=True)
    for name in ("a.yml.j2", "b.yml"):
        (tmp_path / "templates" / "istio" / name).write_text("kind: {{ kind }}")
    assert texts(sent({"kind": "A"}, template=["istio"])) == [("istio/a.yml.j2", "kind: A"), ("istio/b.yml", "kind: A")]


def test_a_template_that_fails_is_named(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "bad.j2").write_text("kind: {{ nowhere }}")
    with pytest.raises(AnsibleActionFail, match=r"The template bad\.j2 cannot be rendered: .*nowhere"):
        sent(template="bad.j2")


def test_what_is_not_there(tmp_path: Path, sent: Any) -> None:
    with pytest.raises(AnsibleActionFail, match=r"There is no file or folder 'nowhere\.yml'"):
        sent(src="nowhere.yml")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AnsibleActionFail, match="holds no file that ends in"):
        sent(src="empty")


def test_a_kubeconfig_of_the_controller_travels_with_its_files(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "ca.crt").write_text("CA")
    (tmp_path / "config").write_text(KUBECONFIG)
    given = sent(kubeconfig=str(tmp_path / "config"))["kubeconfig"]
    assert json.loads(given)["clusters"][0]["cluster"] == {"server": "https://a", "certificate-authority-data": "Q0E="}


def test_other_kubeconfigs_are_left_to_the_module(sent: Any) -> None:
    assert sent(kubeconfig="/nowhere/config")["kubeconfig"] == "/nowhere/config"
    assert sent(kubeconfig=KUBECONFIG)["kubeconfig"] == KUBECONFIG
    assert json.loads(sent(kubeconfig={"clusters": []})["kubeconfig"]) == {"clusters": []}


def test_nothing_given_is_for_the_module_to_refuse(sent: Any) -> None:
    assert sent(mesh="demo") == {"mesh": "demo"}
    assert texts(sent(definition=[])) == [("definition", "[]")]
