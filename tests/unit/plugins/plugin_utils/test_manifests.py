# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller makes of definition, src, template and kubeconfig."""

from __future__ import annotations

import ast
import base64
import importlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible.template import Templar
from ansible_collections.meshops.asm.plugins.module_utils.kube import foreign
from ansible_collections.meshops.asm.plugins.plugin_utils.manifests import ManifestsAction
from ansible_collections.meshops.asm.plugins.plugin_utils.spec import SpecAction

KUBECONFIG = """
clusters: [{name: c, cluster: {server: "https://a", certificate-authority: ca.crt}}]
contexts: [{name: x, context: {cluster: c}}]
current-context: x
"""


class FakeTask:
    """As much of a task as the action plugin looks at."""

    async_val = 0
    no_log = False
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
def told() -> dict[str, Any]:
    """The last result of ``sent``, without what the module would add."""
    return {}


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any]) -> Any:
    """Runs the action plugin in a project folder; gives the options that the module would get."""

    def run(
        variables: dict[str, Any] | None = None, passwords: tuple[tuple[str, bytes], ...] = (), **args: Any
    ) -> dict[str, Any]:
        loader = DataLoader()
        loader.set_basedir(str(tmp_path))
        if passwords:
            loader.set_vault_secrets([(name, VaultSecret(secret)) for name, secret in passwords])
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
        told.clear()
        # Without what makes a result of a failure.
        told.update(ManifestsAction.run.__wrapped__(action, task_vars=variables))
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


# Empty values


@pytest.mark.parametrize("option", ["src", "template"])
@pytest.mark.parametrize("value", ["", "  ", [], [""], ["a.yml", "  "], [None], ["a.yml", None]])
def test_an_empty_path_is_not_the_whole_folder(tmp_path: Path, sent: Any, option: str, value: Any) -> None:
    (tmp_path / "a.yml").write_text("kind: A")
    with pytest.raises(AnsibleActionFail, match=f"{option}.* is empty"):
        sent(**{option: value})


@pytest.mark.parametrize("value", ["", "  \n"])
def test_an_empty_definition_is_refused(sent: Any, value: str) -> None:
    with pytest.raises(AnsibleActionFail, match="definition is empty"):
        sent(definition=value)


def test_a_null_in_a_list_is_no_name(sent: Any) -> None:
    with pytest.raises(AnsibleActionFail, match="clusters: an item is empty"):
        sent(clusters=["a", None], definition=[])


# Vaults

PASSWORDS = (("default", b"password-one"), ("other", b"password-two"))
HIDDEN = "correct: horse #battery\nstaple"


def encrypted(text: str, number: int = 0) -> str:
    return (
        VaultLib([(name, VaultSecret(secret)) for name, secret in PASSWORDS])
        .encrypt(text.encode(), VaultSecret(PASSWORDS[number][1]))
        .decode()
    )


def inline(text: str, indent: int = 4) -> str:
    lines = encrypted(text, 1).splitlines()
    return "!vault |\n" + "\n".join(" " * indent + line for line in lines)


@pytest.mark.parametrize("option", ["src", "template"])
def test_encrypted_files_are_decrypted(tmp_path: Path, sent: Any, option: str) -> None:
    (tmp_path / "secret.yml").write_text(encrypted("kind: Secret\n"))
    assert texts(sent(passwords=PASSWORDS, **{option: "secret.yml"})) == [("secret.yml", "kind: Secret\n")]


def test_an_encrypted_template_is_rendered(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "secret.j2").write_text(encrypted("kind: {{ kind }}"))
    assert texts(sent({"kind": "A"}, passwords=PASSWORDS, template="secret.j2")) == [("secret.j2", "kind: A")]


TWO_DOCUMENTS = """\
kind: Secret
stringData:
  plain: "1e3"
  number: 0o17
  password: {}
---
kind: Other
"""


@pytest.mark.parametrize("option", ["src", "template", "definition"])
def test_encrypted_values_are_decrypted(tmp_path: Path, sent: Any, option: str) -> None:
    text = TWO_DOCUMENTS.format(inline(HIDDEN))
    (tmp_path / "secret.yml").write_text(text)
    [(_file, made)] = texts(sent(passwords=PASSWORDS, **{option: text if option == "definition" else "secret.yml"}))
    expected = yaml.safe_load_all(TWO_DOCUMENTS.format(json.dumps(HIDDEN)))
    assert list(yaml.safe_load_all(made)) == list(expected)
    assert '"1e3"' in made
    assert "0o17" in made
    assert "!vault" not in made


def test_text_that_only_mentions_a_vault_stays_as_it_is(sent: Any) -> None:
    for text in ("a: b # !vault\n", "a: '!vault'\n", "a: [!vault\n"):
        assert texts(sent(definition=text)) == [("definition", text)]


@pytest.mark.parametrize("passwords", [(), (("default", b"wrong"),)])
@pytest.mark.parametrize("whole", [True, False])
def test_what_cannot_be_decrypted_is_refused(
    tmp_path: Path, sent: Any, passwords: tuple[tuple[str, bytes], ...], whole: bool
) -> None:
    text = TWO_DOCUMENTS.format(inline(HIDDEN))
    (tmp_path / "secret.yml").write_text(encrypted(text) if whole else text)
    place = "secret.yml" if whole else "secret.yml, line 5: the value"
    why = "none of the vault secrets of this run fits" if passwords else "no vault secret was given"
    with pytest.raises(AnsibleActionFail, match=f"^{place} is encrypted .* cannot be decrypted: {why}") as caught:
        sent(passwords=passwords, src="secret.yml")
    assert "ANSIBLE_VAULT" not in str(caught.value)


def test_an_encrypted_kubeconfig_is_decrypted(tmp_path: Path, sent: Any) -> None:
    text = f"clusters: []\nusers:\n- name: u\n  user:\n    token: {inline('TOKEN', 6)}\n"
    (tmp_path / "config").write_text(encrypted(text))
    for given in (str(tmp_path / "config"), text, encrypted(text)):
        made = sent(passwords=PASSWORDS, kubeconfig=given)["kubeconfig"]
        assert yaml.safe_load(made)["users"][0]["user"] == {"token": "TOKEN"}
    with pytest.raises(AnsibleActionFail, match=r"^The kubeconfig file config is encrypted .* no vault secret"):
        sent(kubeconfig=str(tmp_path / "config"))


@pytest.mark.parametrize("module", ["asm_namespace", "istio_resource_info"])
def test_every_module_with_a_kubeconfig_gets_its_text(tmp_path: Path, module: str) -> None:
    """Those that take no manifests have action plugins of their own."""
    plugin = importlib.import_module(f"ansible_collections.meshops.asm.plugins.action.{module}").ActionModule
    (tmp_path / "config").write_text(encrypted("clusters: [{name: a}]\n"))
    loader = DataLoader()
    loader.set_vault_secrets([(name, VaultSecret(secret)) for name, secret in PASSWORDS])
    task = FakeTask(tmp_path, {"kubeconfig": str(tmp_path / "config"), "name": "web"})
    task.action = f"meshops.asm.{module}"
    got: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        action = plugin(
            task=task,
            connection=SimpleNamespace(transport="ssh", become=None),
            play_context=None,
            loader=loader,
            templar=Templar(loader=loader, variables={}),
            shared_loader_obj=None,
        )
        patch.setattr(action, "_execute_module", lambda **call: got.update(call["module_args"]) or {})
        patch.setattr("ansible.plugins.action.ActionBase.run", lambda self, tmp=None, task_vars=None: {})
        action.run(task_vars={})
    assert yaml.safe_load(got["kubeconfig"]) == {"clusters": [{"name": "a"}]}
    assert got["name"] == "web"
    assert task.args["kubeconfig"] == str(tmp_path / "config")


def test_values_of_a_definition_that_ansible_has_read(sent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loader = DataLoader()
    secrets = [(name, VaultSecret(secret)) for name, secret in PASSWORDS]
    loader.set_vault_secrets(secrets)
    # From ansible-core 2.19 on, values are decrypted with the secrets of the run, before that with those of the loader.
    context = getattr(vault, "VaultSecretsContext", None)
    if context is not None:
        monkeypatch.setattr(context, "_current", context(secrets=secrets))
    given = loader.load(f"secret: {inline(HIDDEN)}\nwhole: {inline('kind: A')}\n")
    [(_file, made)] = texts(sent(passwords=PASSWORDS, definition={"stringData": {"a": given["secret"]}}))
    assert json.loads(made) == {"stringData": {"a": HIDDEN}}
    assert texts(sent(passwords=PASSWORDS, definition=given["whole"])) == [("definition", "kind: A")]


# What is read of a folder


def test_a_result_says_how_many_files_were_read_and_which_were_not(
    tmp_path: Path, sent: Any, told: dict[str, Any]
) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "real").mkdir()
    for name in ("shared/x.yml", "real/a.YAML", "real/b.yml.j2", "real/.c.yml", "real/README.md"):
        (tmp_path / name).write_text("kind: A", encoding="utf-8")
    (tmp_path / "real" / "common").symlink_to("../shared")
    found = texts(sent(src=["real", "shared/x.yml"]))
    assert [file for file, _text in found] == ["real/a.YAML", "real/common/x.yml", "shared/x.yml"]
    assert told["files"] == {"read": 3, "passed_over": ["real/.c.yml", "real/README.md", "real/b.yml.j2"]}
    assert told["warnings"] == ["Not read, so that their objects are not in the task: real/.c.yml, real/b.yml.j2."]


def test_nothing_is_said_where_nothing_was_passed_over(sent: Any, told: dict[str, Any]) -> None:
    sent(definition="kind: A")
    assert told == {"files": {"read": 0, "passed_over": []}}


def test_a_wrong_working_directory_is_told_with_what_sets_it(tmp_path: Path, sent: Any) -> None:
    with pytest.raises(AnsibleActionFail) as caught:
        sent(src=str(tmp_path / "nowhere.yml"))
    assert "asm_base_dir" in str(caught.value) and str(Path.cwd()) in str(caught.value)
    assert "remote_src" not in str(caught.value)


def test_an_error_is_told_once(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "x").symlink_to("nowhere")
    with pytest.raises(AnsibleActionFail) as caught:
        sent(src="set")
    assert str(caught.value).count("is a link to what is not there") == 1
    assert "Errno" not in str(caught.value)


def test_no_error_is_raised_with_the_one_that_it_repeats() -> None:
    """Ansible shows the texts of all that an error was raised from, behind its own."""
    plugins = Path(foreign.__file__).parents[2]
    raised = [
        (file.name, one.lineno)
        for file in plugins.rglob("*.py")
        for one in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(one, ast.Raise)
        and isinstance(one.exc, ast.Call)
        and ast.unparse(one.exc.func).startswith("Ansible")
        and one.cause is not None
        and ast.unparse(one.cause) != "None"
    ]
    assert raised == []


def test_what_was_looked_for_is_told(tmp_path: Path, sent: Any) -> None:
    with pytest.raises(AnsibleActionFail, match=f"Looked for: .*{tmp_path}/files/nowhere.yml"):
        sent(src="nowhere.yml")


def test_a_template_of_helm_is_no_template_of_ansible(tmp_path: Path, sent: Any) -> None:
    (tmp_path / "x.yaml").write_text("name: {{ .Values.name }}", encoding="utf-8")
    with pytest.raises(AnsibleActionFail, match=r"The template x\.yaml cannot be rendered: .*templates of Helm"):
        sent(template="x.yaml")


# Kubeconfigs that are neither path nor plain text


@pytest.mark.parametrize("width", [0, 76])
def test_a_kubeconfig_in_base64_is_one(sent: Any, width: int) -> None:
    long = KUBECONFIG + "# " + "x" * 6000
    coded = base64.encodebytes(long.encode()).decode() if width else base64.b64encode(long.encode()).decode()
    assert sent(kubeconfig=coded)["kubeconfig"] == long


@pytest.mark.parametrize(
    "value", ["x" * 5000, "S0VZ" * 2000, "a\0b", "~nobody-of-this-name/config", "/" + "x" * 300, "a/" * 600, "\x1b[31m"]
)
def test_what_can_be_no_path_is_left_to_the_module_to_refuse(sent: Any, value: str) -> None:
    assert sent(kubeconfig=value)["kubeconfig"] == value


@pytest.mark.parametrize("option", ["src", "template"])
@pytest.mark.parametrize("value", ["S0VZ" * 2000, "a\0b", "~nobody-of-this-name/x", "kind: Secret\ndata: {a: S0VZ}"])
def test_text_where_a_path_belongs_is_refused_and_not_quoted(sent: Any, option: str, value: str) -> None:
    with pytest.raises(AnsibleActionFail, match="take names of files") as caught:
        sent(**{option: value})
    assert "S0VZ" not in str(caught.value)


# Items of a spec


def spec_action(tmp_path: Path, **args: Any) -> SpecAction:
    loader = DataLoader()
    loader.set_basedir(str(tmp_path))
    return SpecAction(
        task=FakeTask(tmp_path, args),
        connection=SimpleNamespace(transport="ssh", become=None),
        play_context=None,
        loader=loader,
        templar=Templar(loader=loader, variables={}),
        shared_loader_obj=None,
    )


@pytest.mark.parametrize("value", ["", " ", [], [""], ["a.yml", None]])
@pytest.mark.parametrize("option", ["src", "template"])
def test_an_empty_path_of_a_spec_is_a_problem_of_its_item(tmp_path: Path, option: str, value: Any) -> None:
    (tmp_path / "a.yml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    items = [{"name": "good", "src": "a.yml"}, {"name": "empty", option: value}]
    found, problems = spec_action(tmp_path, workloads=items, base_dir=str(tmp_path)).objects_of("workloads", {})
    assert list(found) == ["good"]
    (problem,) = problems
    assert problem.startswith("asm_workloads, 'empty': src or template is empty")
