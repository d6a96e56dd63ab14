# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests and kubeconfigs that Ansible Vault keeps, and items of a spec that turn out empty, in playbooks."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from .conftest import Shop
from .labs import Lab
from .runner import Runner

PHRASE = "phrase-of-a-vault"
HIDDEN = "correct-horse-battery"
SECRETS = "/api/v1/namespaces/default/secrets"

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - meshops.asm.asm_workload: {clusters: shop-1, src: [whole.yml, inline.yml], template: template.yml.j2}
    - meshops.asm.asm_workload:
        kubeconfig: config.yml
        definition:
          apiVersion: v1
          kind: Secret
          metadata: {name: it-vault-definition, namespace: default}
          stringData: {password: "{{ hidden }}-4"}
      vars:
        hidden: !vault |
@HIDDEN@
"""

ROLES = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: "meshops.asm.@ROLE@"}
  vars:
    asm_mesh: {name: "@MESH@"}
    asm_clusters: [{name: shop-1}]
    asm_istio_resources: [{name: it, src: "{{ nothing }}"}]
    asm_workloads: [{name: it, clusters: [shop-1], template: ["{{ nothing }}"]}]
    asm_remove: "@MESH@"
    nothing: ""
"""


def encrypted(text: str) -> str:
    vault = VaultLib([("default", VaultSecret(PHRASE.encode()))])
    return bytes(vault.encrypt(text.encode(), VaultSecret(PHRASE.encode()))).decode()


def secret(name: str, password: str) -> str:
    head = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: it-vault-{name}, namespace: default}}\n"
    return f"{head}stringData:\n  password: {password}\n"


@pytest.fixture
def project(lab: Lab, run: Runner, shop: Shop, tmp_path: Path) -> Iterator[Path]:
    """A folder with a playbook and its vaulted files; the Secrets are gone afterwards."""
    inline = "!vault |\n" + textwrap.indent(encrypted(f"{HIDDEN}-2"), "    ")
    (tmp_path / "whole.yml").write_text(encrypted(secret("whole", f"{HIDDEN}-1")), encoding="utf-8")
    (tmp_path / "inline.yml").write_text(secret("inline", inline), encoding="utf-8")
    (tmp_path / "template.yml.j2").write_text(encrypted(secret("template", f"{HIDDEN}-{{{{ 3 }}}}")), encoding="utf-8")
    (tmp_path / "config.yml").write_text(encrypted(lab.control.kubeconfig("shop-1")), encoding="utf-8")
    play = PLAY.replace("@HIDDEN@\n", textwrap.indent(encrypted(HIDDEN), " " * 10))
    (tmp_path / "play.yml").write_text(play, encoding="utf-8")
    (tmp_path / "password").write_text(PHRASE, encoding="utf-8")
    yield tmp_path
    for name in ("whole", "inline", "template", "definition"):
        lab.kube(shop.one).delete(f"{SECRETS}/it-vault-{name}")


def test_vaulted_files_and_values_arrive_decrypted(lab: Lab, run: Runner, shop: Shop, project: Path) -> None:
    words = ("ansible-playbook", "play.yml", "--vault-password-file", "password", "-vvvv", "--diff")
    done = run.ansible(*words, cwd=project).ok()
    assert HIDDEN not in done.output + done.errors
    for number, name in enumerate(("whole", "inline", "template", "definition"), 1):
        found = lab.kube(shop.one).get(f"{SECRETS}/it-vault-{name}")
        assert base64.b64decode(found["data"]["password"]).decode() == f"{HIDDEN}-{number}"
    again = run.ansible(*words, "--check", cwd=project).ok()
    assert again.recap["changed"] == 0


def test_what_cannot_be_decrypted_is_not_applied(lab: Lab, run: Runner, shop: Shop, project: Path) -> None:
    done = run.ansible("ansible-playbook", "play.yml", cwd=project)
    assert done.code == 2
    said = " ".join((done.output + done.errors).split())
    assert "whole.yml is encrypted by Ansible Vault and cannot be decrypted: no vault secret was given" in said
    assert lab.kube(shop.one).find(f"{SECRETS}/it-vault-inline") is None


@pytest.mark.parametrize("role", ["define", "deploy", "remove"])
def test_an_item_of_a_spec_that_turns_out_empty_is_refused(
    lab: Lab, run: Runner, shop: Shop, tmp_path: Path, role: str
) -> None:
    (tmp_path / "never.yml").write_text(secret("never", HIDDEN), encoding="utf-8")
    play = ROLES.replace("@ROLE@", role).replace("@MESH@", shop.name)
    (tmp_path / "play.yml").write_text(play, encoding="utf-8")
    with lab.unwritten():
        done = run.ansible("ansible-playbook", "play.yml", cwd=tmp_path)
    assert done.code == 2
    assert "src or template is empty" in " ".join((done.output + done.errors).split())
