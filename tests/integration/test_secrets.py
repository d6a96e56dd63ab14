# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and secrets stay where they belong, at the highest verbosity, in a playbook with every module."""

from __future__ import annotations

import base64
import contextlib
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Shop
from .labs import VPC, VSWITCH, Lab
from .runner import Runner
from .test_resources import rule

HIDDEN = "correct-horse-battery-staple"
SESSION = "token-of-a-session-that-is-none"
CA_KEY = "cHJpdmF0ZS1rZXktb2YtYW4tb3duLWNh"

PLAY = """
- hosts: localhost
  gather_facts: false
  vars:
    ca: {type: "1", cert: Y2VydA==, key: "{{ ca_key }}"}
  tasks:
    - meshops.asm.asm_mesh: {name: it-secrets, vpc_id: "{{ vpc }}", vswitch_ids: ["{{ vswitch }}"], ca: "{{ ca }}"}
      check_mode: true
    - meshops.asm.asm_mesh: {name: "{{ mesh }}"}
    - meshops.asm.asm_mesh_info: {name: "{{ mesh }}"}
    - meshops.asm.asm_mesh_info:
        access_key_id: "{{ lookup('env', 'ALIBABA_CLOUD_ACCESS_KEY_ID') }}"
        access_key_secret: "{{ lookup('env', 'ALIBABA_CLOUD_ACCESS_KEY_SECRET') }}"
        security_token: "{{ token }}"
      ignore_errors: true
    - meshops.asm.asm_cluster:
        mesh: "{{ mesh }}"
        clusters: [{name: garage, kubeconfig: "{{ garage }}"}]
      check_mode: true
      ignore_errors: true
    - meshops.asm.asm_cluster_info: {mesh: "{{ mesh }}", candidates: true}
    - meshops.asm.asm_gateway: {mesh: "{{ mesh }}", name: it-secret, clusters: [shop-1], ports: [{name: a, port: 80}]}
      check_mode: true
    # With an environment of its own, a task runs its module in Ansible's usual way.
    - meshops.asm.asm_gateway_info: {mesh: "{{ mesh }}"}
      environment: {LANG: C}
    - meshops.asm.asm_namespace: {mesh: "{{ mesh }}", name: default}
    - meshops.asm.asm_kubeconfig: {mesh: "{{ mesh }}", dest: "{{ folder }}/mesh.yaml"}
    - meshops.asm.asm_kubeconfig: {cluster: shop-1, dest: "{{ folder }}/cluster.yaml", return_content: true}
      no_log: true
      register: kubeconfig
    - meshops.asm.istio_resource: {kubeconfig: "{{ folder }}/mesh.yaml", definition: "{{ rule }}"}
    - meshops.asm.istio_resource: {mesh: "{{ mesh }}", definition: "{{ rule }}", state: absent}
    - meshops.asm.istio_resource_info: {kubeconfig: "{{ folder }}/mesh.yaml", kind: Gateway}
    - meshops.asm.asm_workload: {cluster: shop-1, definition: "{{ secret }}"}
    - meshops.asm.asm_workload: {kubeconfig: "{{ kubeconfig.kubeconfig }}", src: "{{ folder }}/secret.yml"}
    - meshops.asm.asm_workload: {cluster: shop-1, template: "{{ folder }}/secret.yml.j2"}
    - meshops.asm.asm_workload: {cluster: shop-1, definition: "{{ broken }}"}
      ignore_errors: true
    - meshops.asm.asm_preflight: "{{ spec }}"
    - meshops.asm.asm_verify: "{{ verified }}"
    - meshops.asm.asm_workload: {cluster: shop-1, src: "{{ folder }}/secret.yml", state: absent}
    - meshops.asm.asm_kubeconfig: {cluster: shop-1, dest: "{{ folder }}/cluster.yaml", state: absent, revoke: false}
"""


def secret(password: str = HIDDEN) -> dict[str, Any]:
    metadata = {"name": "it-login", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": password}}


class CommandLines:
    """Collects the command lines of all processes, as any user of the machine could."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> CommandLines:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                # A process may end while it is looked at.
                with contextlib.suppress(OSError):
                    text = (process / "cmdline").read_text(encoding="utf-8", errors="replace")
                    self.seen.add(text.replace("\0", " "))


def readable_by_others(top: Path) -> Iterator[Path]:
    """Files below a folder that another user could open: through folders that let everybody pass."""
    for child in top.iterdir():
        mode = child.lstat().st_mode
        if stat.S_ISDIR(mode) and mode & stat.S_IXOTH:
            yield from readable_by_others(child)
        elif stat.S_ISREG(mode) and mode & stat.S_IROTH:
            yield child


@pytest.fixture(scope="module")
def ran(lab: Lab, run: Runner, shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The playbook, run with everything that might keep a trace: files, verbosity, a log."""
    folder = tmp_path_factory.mktemp("secrets")
    folder.chmod(0o755)
    for name in ("home", "tmp"):
        (folder / name).mkdir(mode=0o755)
    inputs = folder / "inputs"
    inputs.mkdir(mode=0o700)
    (inputs / "secret.yml").write_text(yaml.safe_dump(secret(f"{HIDDEN}-2")), encoding="utf-8")
    (inputs / "secret.yml.j2").write_text(yaml.safe_dump(secret("{{ password }}-3")), encoding="utf-8")
    garage = lab.control.kubeconfig("garage")
    target = {"name": shop.name, "vpc_id": VPC, "vswitch_ids": [VSWITCH], "ca": {"key": CA_KEY}}
    applied = [{"name": "a", "clusters": ["shop-1"], "definition": [secret()]}]
    variables = {
        "mesh": shop.name, "vpc": VPC, "vswitch": VSWITCH, "ca_key": CA_KEY, "token": SESSION, "password": HIDDEN,
        "folder": str(inputs), "garage": garage, "rule": rule("it-secrets"), "secret": secret(),
        # A Secret that the API server refuses, with its own words about it.
        "broken": {**secret(), "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": HIDDEN}},
        "spec": {"mesh": target, "clusters": [{"name": "garage", "kubeconfig": garage}, {"name": "shop-1"}],
                 "workloads": applied},
        "verified": {"mesh": shop.name, "clusters": ["shop-1"], "workloads": applied},
    }  # fmt: skip
    (inputs / "variables.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    (inputs / "play.yml").write_text(PLAY, encoding="utf-8")
    environment = {
        **run.environment,
        "HOME": str(folder / "home"),
        "ANSIBLE_HOME": str(folder / "home" / ".ansible"),
        "TMPDIR": str(folder / "tmp"),
        "ANSIBLE_KEEP_REMOTE_FILES": "1",
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "True",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
    }
    api_log = len(lab.control.log())
    process = subprocess.Popen(
        ["ansible-playbook", "-vvvv", "--diff", "play.yml", "-e", "@variables.yml"],
        cwd=inputs, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    with CommandLines() as lines:
        output, errors = process.communicate(timeout=300)
    keys = [garage, (inputs / "mesh.yaml").read_text(encoding="utf-8"), lab.control.kubeconfig("shop-1")]
    return {
        "code": process.returncode,
        "folder": folder,
        "kubeconfig": inputs / "mesh.yaml",
        "seen": {
            "standard output": output,
            "standard error": errors,
            "command lines": "\n".join(lines.seen),
            "Ansible's log": (folder / "ansible.log").read_text(encoding="utf-8"),
            "log of the API": str(lab.control.log()[api_log:]),
            "files that others can read": "\n".join(
                file.read_bytes().decode(errors="replace") for file in readable_by_others(folder)
            ),
        },
        "secrets": {
            "AccessKey secret": run.environment["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            "security token": SESSION,
            "data of a Secret": HIDDEN,
            "data of a Secret in Base64": base64.b64encode(HIDDEN.encode()).decode()[:-2],
            "key of the authority": CA_KEY,
            **{
                f"key of kubeconfig {number}": yaml.safe_load(text)["users"][0]["user"]["client-key-data"]
                for number, text in enumerate(keys)
            },
        },
    }


def test_the_playbook_did_its_work(ran: dict[str, Any]) -> None:
    output = ran["seen"]["standard output"]
    assert ran["code"] == 0, output[-5000:]
    assert output.count("TASK [") == PLAY.count("- meshops.asm.")
    assert "it-secrets" in output and "it-login" in output
    assert any("ansible-playbook" in line for line in ran["seen"]["command lines"].splitlines())
    assert any("AnsiballZ" in line for line in ran["seen"]["command lines"].splitlines())


@pytest.mark.parametrize(
    "place",
    [
        "standard output",
        "standard error",
        "command lines",
        "Ansible's log",
        "log of the API",
        "files that others can read",
    ],
)
def test_no_secret_is_there(ran: dict[str, Any], place: str) -> None:
    told = [name for name, value in ran["secrets"].items() if value in ran["seen"][place]]
    assert told == []


def test_kubeconfigs_are_their_owners_alone(ran: dict[str, Any]) -> None:
    assert stat.S_IMODE(ran["kubeconfig"].stat().st_mode) == 0o600
    assert not (ran["kubeconfig"].parent / "cluster.yaml").exists()


def test_the_log_of_the_lab_keeps_no_secret(lab: Lab, ran: dict[str, Any]) -> None:
    """Neither the requests of this file nor those of all others."""
    for file in ("requests.jsonl", "lab.log"):
        text = (lab.control.workdir / file).read_text(encoding="utf-8") if (lab.control.workdir / file).exists() else ""
        assert [name for name, value in ran["secrets"].items() if value in text] == []
