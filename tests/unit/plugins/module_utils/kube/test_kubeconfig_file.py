# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries merged into kubeconfigs of others, and taken out again; kubectl and the Python client are the judges."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError, InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig_file import KubeconfigFile, Target
from kubernetes.config import list_kube_config_contexts

ID = "c0123456789abcdef0123456789abcdef"
SHOP = Target("mesh", ID, "shop", "cn-hangzhou")
NAME = f"shop_{ID}"
SERVICE = """\
apiVersion: v1
kind: Config
clusters:
- {name: kubernetes, cluster: {server: "https://192.0.2.1:6443", certificate-authority-data: Q0E=}}
contexts:
- {name: u@kubernetes, context: {cluster: kubernetes, user: u}}
current-context: u@kubernetes
users:
- {name: u, user: {client-certificate-data: Q0VSVA==, client-key-data: S0VZ}}
preferences: {}
"""
OTHERS = """\
# of somebody else
apiVersion: v1
kind: Config
unknown-field: {a: [1, 2.50, 0o17, "1e3", 1e3, 'yes', on, 2026-01-01, null, ~]}
extensions: [{name: tool, extension: {version: 1.10, at: 12:30:00}}]
clusters:
- cluster: &same {server: "https://other:6443", certificate-authority: ca.crt, proxy-url: "http://p:1"}
  name: "12345678"
- {name: two, cluster: *same}
users:
- name: other
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, interactiveMode: Never, args: ["1.0", 'true']}
- {name: plain, user: {username: "0123", password: "1e10"}}
contexts:
- {name: other, context: {cluster: "12345678", user: other, namespace: web}}
- {name: "off", context: {cluster: two, user: plain}}
current-context: other
preferences: {colors: true}
"""


def service() -> KubeconfigFile:
    return KubeconfigFile.parse(SERVICE, "service")


def merged(text: str, name: str = NAME, target: Target = SHOP, **more: Any) -> KubeconfigFile:
    return KubeconfigFile.parse(text, "file").merged(name, target, service(), **more)


def key_in(file: KubeconfigFile) -> str:
    entry = file.entry(NAME)
    assert entry is not None
    return str(entry["user"]["client-key-data"])


def scalars(text: str) -> list[tuple[str, str]]:
    """Every scalar with the type that YAML gives it, in order."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    return [(event.value, str(event.implicit)) for event in events if isinstance(event, yaml.ScalarEvent)]


def ask(file: Path, *words: str) -> str:
    """What kubectl says of a file; it takes its own file for the one that it may write."""
    command = [shutil.which("kubectl") or "kubectl", f"--kubeconfig={file}", *words]
    environment = {"PATH": os.environ["PATH"], "HOME": str(file.parent)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_others_wrote_comes_out_as_it_went_in() -> None:
    taken_out = KubeconfigFile.parse(merged(OTHERS).text(), "file").without(NAME)
    assert scalars(taken_out.text()) == scalars(OTHERS)
    assert yaml.safe_load(taken_out.text()) == yaml.safe_load(OTHERS)


def test_our_entry_is_added_and_marked() -> None:
    config = yaml.safe_load(merged(OTHERS).text())
    before = yaml.safe_load(OTHERS)
    for section in ("clusters", "users", "contexts"):
        assert config[section][:-1] == before[section]
        assert config[section][-1]["name"] == NAME
    assert config["current-context"] == "other"
    context = config["contexts"][-1]["context"]
    assert (context["cluster"], context["user"]) == (NAME, NAME)
    mark = {"name": "meshops.asm", "extension": {"type": "mesh", "id": ID, "name": "shop", "region": "cn-hangzhou"}}
    assert context["extensions"] == [mark]
    assert KubeconfigFile.parse(merged(OTHERS).text(), "file").marks() == {NAME: mark["extension"]}


@pytest.mark.parametrize(
    "text", ["", "{}", "clusters: []", "apiVersion: v1\nkind: Config\n", "# nothing\n", "users:\n"]
)
def test_into_a_file_without_entries(text: str) -> None:
    made = merged(text)
    config = yaml.safe_load(made.text())
    assert (config["apiVersion"], config["kind"], config["current-context"]) == ("v1", "Config", NAME)
    assert key_in(made) == "S0VZ"
    assert made.without(NAME).is_empty()


def test_again_is_the_same() -> None:
    once = merged(OTHERS)
    assert once.same(merged(once.text()))
    assert not once.same(KubeconfigFile.parse(OTHERS, "file"))


def test_the_current_context_is_changed_only_when_wanted_or_of_no_use() -> None:
    assert merged(OTHERS).current == "other"
    assert merged(OTHERS, current=True).current == NAME
    assert merged(OTHERS.replace("current-context: other", "current-context: gone")).current == NAME
    assert merged(OTHERS, current=True).without(NAME).current == ""


def test_what_users_add_to_our_entry_stays() -> None:
    config = yaml.safe_load(merged(OTHERS).text())
    config["contexts"][-1]["context"]["namespace"] = "bookinfo"
    config["clusters"][-1]["cluster"]["proxy-url"] = "http://bastion:3128"
    config["clusters"][-1]["cluster"]["insecure-skip-tls-verify"] = True
    again = merged(yaml.safe_dump(config)).entry(NAME)
    assert again is not None
    assert again["context"]["namespace"] == "bookinfo"
    assert again["cluster"]["proxy-url"] == "http://bastion:3128"
    assert "insecure-skip-tls-verify" not in again["cluster"]


def test_credentials_can_stay() -> None:
    text = merged(OTHERS).text().replace("S0VZ", "T0xE")
    assert key_in(merged(text, keep_user=True)) == "T0xE"
    assert key_in(merged(text)) == "S0VZ"


@pytest.mark.parametrize(
    "name", ["1e3", "0o17", "0123", "on", "null", "2026-01-01", "12:30", "a b: c #", "\u6d4b\u8bd5"]
)
def test_any_name_is_text_to_every_reader(tmp_path: Path, name: str) -> None:
    file = tmp_path / "config"
    made = merged("", name, Target("mesh", ID, name)).text()
    assert f'- name: "{name}"' in made
    file.write_text(made, encoding="utf-8")
    assert list_kube_config_contexts(str(file))[1]["name"] == name
    if shutil.which("kubectl"):
        assert ask(file, "config", "current-context").strip() == name


def test_long_text_is_not_folded() -> None:
    text = "kind: Config\nnote: '" + "word " * 60 + "'\n"
    assert "word " * 60 in merged(text).text()


@pytest.mark.parametrize("section", ["clusters", "users", "contexts"])
def test_a_name_of_somebody_else_is_refused(section: str) -> None:
    part = {"clusters": "cluster", "users": "user", "contexts": "context"}[section]
    text = yaml.safe_dump({"kind": "Config", section: [{"name": "prod", part: {}}]})
    with pytest.raises(InvalidInput, match=f"has a {part} 'prod' that is not of mesh 'shop'"):
        merged(text, "prod")


def test_a_mesh_that_was_made_again_takes_the_place_of_the_old_one() -> None:
    old = merged("", "prod").text()
    new = merged(old, "prod", Target("mesh", "c" + "f" * 32, "shop"))
    assert new.contexts == ["prod"]
    with pytest.raises(InvalidInput):
        merged(old, "prod", Target("mesh", "c" + "f" * 32, "other"))
    with pytest.raises(InvalidInput):
        merged(old, "prod", Target("cluster", "c" + "f" * 32, "shop"))


def test_an_entry_that_lost_its_mark_is_known_by_its_name() -> None:
    config = yaml.safe_load(merged(OTHERS).text())
    for section, part in (("clusters", "cluster"), ("users", "user"), ("contexts", "context")):
        del config[section][-1][part]["extensions"]
    bare = KubeconfigFile.parse(yaml.safe_dump(config, sort_keys=False), "file")
    assert bare.marks() == {NAME: {"id": ID, "name": "shop"}}
    assert merged(bare.text()).marks() == merged(OTHERS).marks()
    assert yaml.safe_load(bare.without(NAME).text()) == yaml.safe_load(OTHERS)


def test_contexts_of_others_that_lead_to_our_cluster_are_told() -> None:
    config = yaml.safe_load(merged(OTHERS).text())
    config["contexts"].append({"name": "mine", "context": {"cluster": NAME, "user": "other"}})
    assert KubeconfigFile.parse(yaml.safe_dump(config), "file").users_of(NAME) == ["mine"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("just words", "it is no mapping"),
        ("- a\n- b\n", "it is no mapping"),
        ("{", "it is not one document"),
        ("a: 1\n---\nb: 2\n", "it is not one document"),
        ("a: b: c: SECRET", r"it is not one document of YAML \(line 1\)"),
        ("mesh: {name: shop}\n", "neither clusters, users nor contexts"),
        ("apiVersion: v1\nkind: Secret\ndata: {a: SECRET}\n", "its kind is not Config"),
        ("apiVersion: v2\nkind: Config\n", "its kind is not Config of v1"),
        ("clusters: {a: 1}\n", "clusters is no list"),
        ("clusters: [{name: shop-1}]\n", "an item of clusters holds no cluster"),
        ("kind: Config\nusers: [SECRET]\n", "an item of users holds no user"),
        ("kind: Config\ncontexts: [{name: a, context: [b]}]\n", "an item of contexts holds no context"),
        ("clusters: []\nclusters: []\n", "a key is given twice"),
        ("clusters: " + "[" * 100 + "]" * 100, "levels deep"),
        ("clusters: \x00\n", "it is not one document"),
    ],
)
def test_what_is_no_kubeconfig(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=f"~/x is no kubeconfig: .*{why}") as caught:
        KubeconfigFile.parse(text, "~/x")
    assert "SECRET" not in str(caught.value)


def test_nesting_without_end_is_refused_before_anything_recurses() -> None:
    with pytest.raises(InvalidInput, match="is no kubeconfig"):
        KubeconfigFile.parse("clusters: " + "[" * 100_000, "file")


def test_aliases_that_multiply_or_turn_back_end_in_a_message() -> None:
    lines = ["kind: Config", "l0: &l0 [x]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9))]
    for text in ("\n".join(lines), "kind: Config\na: &a [*a]\n"):
        file = KubeconfigFile.parse(text, "x")
        with pytest.raises(AsmError, match="beyond all measure"):
            file.same(file)


def test_a_file_in_json_stays_one() -> None:
    text = json.dumps({"kind": "Config", "apiVersion": "v1", "users": None, "clusters": [], "preferences": {}})
    made = json.loads(merged(text).text())
    assert made["current-context"] == NAME
    assert made["users"][0]["user"]["client-key-data"] == "S0VZ"


def test_alone_is_a_kubeconfig_of_our_entry() -> None:
    config = json.loads(merged(OTHERS).alone(NAME))
    assert [one["name"] for one in config["clusters"] + config["users"] + config["contexts"]] == [NAME] * 3
    assert config["clusters"][0]["cluster"]["server"] == "https://192.0.2.1:6443"


def test_a_reply_without_a_context_is_the_services_fault() -> None:
    broken = KubeconfigFile.parse("kind: Config", "service")
    with pytest.raises(AsmError, match="no current context"):
        KubeconfigFile.parse("", "file").merged(NAME, SHOP, broken)


def test_kubectl_and_the_python_client_read_what_was_merged(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(merged(OTHERS).text(), encoding="utf-8")
    names, active = list_kube_config_contexts(str(file))
    assert [one["name"] for one in names] == ["other", "off", NAME]
    assert active["name"] == "other"
    if shutil.which("kubectl"):
        assert ask(file, "config", "get-contexts", "-o", "name").split() == sorted(["other", "off", NAME])
        assert ask(file, "config", "current-context").strip() == "other"
        users = json.loads(ask(file, "config", "view", "--raw", "-o", "json"))["users"]
        assert next(one for one in users if one["name"] == "plain")["user"] == {"username": "0123", "password": "1e10"}


def test_what_kubectl_has_written_anew_is_still_ours_and_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(merged(OTHERS.replace("unknown-field", "#")).text(), encoding="utf-8")
    ask(file, "config", "set-context", "another", "--cluster=two")
    rewritten = KubeconfigFile.parse(file.read_text(encoding="utf-8"), "file")
    assert list(rewritten.marks()) == [NAME]
    assert rewritten.same(merged(rewritten.text()))
    assert rewritten.contexts == ["another", "off", "other", NAME]
    assert NAME not in rewritten.without(NAME).text()
