# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account says is data: a template in every text of a mesh, a cluster, a gateway, a namespace and an Istio
object is never executed, whatever plays do with hosts, facts, names, labels and results.

Only ansible-core before 2.19 would execute it; tests run on it, too (noxfile.py).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from .account import CLUSTER, MESH, ROOT, Account, Ansible, serving
from .pem import pair
from .test_planted_secrets import EXTRA

pytestmark = pytest.mark.playbooks

INVENTORY: dict[str, Any] = {
    "plugin": "meshops.asm.asm",
    "compose": {"copied": "mesh", "tag": "mesh.tags.team", "joined": "mesh.tags.team ~ mesh.version"},
    "groups": {"labelled": "mesh.tags.team is defined"},
    "keyed_groups": [
        {"key": "mesh.tags", "prefix": "k"},
        {"key": "mesh.version", "prefix": "", "separator": ""},
        {"key": "gateway.addresses | default({})", "prefix": "a"},
    ],
}
# Whatever a play may do with what it has been told.
PLAY = """
- name: Use everything that the account says
  hosts: meshes:clusters:gateways
  gather_facts: false
  tasks:
    - name: "Task for {{ inventory_hostname }} {{ mesh.version }} {{ mesh.tags.team }}"
      ansible.builtin.debug: {var: item}
      loop:
        - "{{ mesh }}"
        - "{{ cluster | default('') }}"
        - "{{ gateway | default('') }}"
        - "{{ copied }} {{ tag }} {{ joined }}"
        - "{{ group_names }}"
        - "{{ groups }}"
        - "{{ hostvars[inventory_hostname].mesh }} {{ hostvars.keys() | list }}"
        - "{{ inventory_hostname }} {{ inventory_hostname_short }} {{ ansible_play_hosts }}"
      loop_control: {label: "{{ item }} {{ mesh.name }}"}
    - ansible.builtin.set_fact:
        told: "{{ mesh.version }}"
        listed: "{{ mesh.tags | dict2items }}"
        text: "of {{ mesh.name }}: {{ mesh.tags }}, {{ mesh.version | upper | lower }} {{ mesh | to_json }}"
        "fact_{{ mesh.region | replace('-', '_') }}": "{{ mesh.tags.team }}"
    - ansible.builtin.debug: {msg: "{{ told }} {{ listed }} {{ text }} {{ vars['fact_cn_hangzhou'] }}"}
    - ansible.builtin.debug: {msg: "{{ item.key }} {{ item.value }}"}
      loop: "{{ mesh.tags | dict2items }}"
      register: loop_result
    - ansible.builtin.debug: {msg: "{{ loop_result.results | map(attribute='item') | list }}"}
    - ansible.builtin.template: {src: t.j2, dest: "{{ playbook_dir }}/rendered"}
    - ansible.builtin.assert:
        that: mesh.tags.team == told
        success_msg: "{{ mesh.tags.team }} {{ copied.version }}"
    - ansible.builtin.fail: {msg: "{{ mesh.version }} {{ told }}"}
      ignore_errors: true
      register: failed
    - ansible.builtin.debug: {msg: "{{ failed.msg }}"}
    - meshops.asm.asm_mesh_info:
      register: meshes
    - meshops.asm.asm_gateway_info: {mesh: "{{ meshes.meshes[0].id }}"}
      register: gateways
    - meshops.asm.asm_cluster_info: {mesh: "{{ meshes.meshes[0].id }}", candidates: true}
      register: clusters
    - meshops.asm.istio_resource_info: {mesh: "{{ meshes.meshes[0].id }}", kind: VirtualService}
      register: resources
    - name: "Results {{ meshes.meshes[0].version }}"
      ansible.builtin.debug: {msg: "{{ meshes }} {{ gateways }} {{ clusters }} {{ resources }}"}
    - name: A failure that the service words
      block:
        - meshops.asm.asm_namespace: {mesh: "{{ meshes.meshes[0].id }}", name: "it"}
          vars: {ansible_check_mode: false}
      rescue:
        - ansible.builtin.set_fact: {why: "{{ ansible_failed_result.msg }} {{ ansible_failed_task.name }}"}
        - ansible.builtin.debug: {msg: "{{ why }} {{ ansible_failed_result }}"}
"""
MODULES = sorted(file.stem for file in (ROOT / "plugins/modules").glob("*.py"))
_OF_GATEWAY = {"mesh": MESH, "gateway": "in"}
_ROUTED = {"metadata": {"name": "a", "namespace": "istio-system"}, "spec": {"hosts": ["a"], "http": []}}
OPTIONS: dict[str, dict[str, Any]] = {
    **EXTRA,
    **dict.fromkeys(
        ("asm_gateway_domain_info", "asm_gateway_imported_services_info", "asm_gateway_route_info"), _OF_GATEWAY
    ),
    "asm_gateway_domain": {**_OF_GATEWAY, "name": "http", "hosts": ["a.org"], "port": 80, "protocol": "HTTP"},
    "asm_gateway_imported_services": {**_OF_GATEWAY, "namespace": "a", "services": ["b"]},
    "asm_gateway_route": {**_OF_GATEWAY, "name": "page", "hosts": ["a.org"], "destinations": [{"host": "a"}]},
    "asm_gateway_secret": {**_OF_GATEWAY, "name": "tls", **pair().options()},
    "asm_namespace": {"mesh": MESH, "name": "it"},
    "asm_waypoint": {"mesh": MESH, "cluster": CLUSTER, "namespace": "a"},
    "asm_workload": {
        "clusters": [CLUSTER],
        "definition": [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "it"}}],
    },
    "istio_resource": {
        "mesh": MESH,
        "definition": [{"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", **_ROUTED}],
    },
    "istio_resource_info": {"mesh": MESH, "kind": "VirtualService"},
}
# Modules whose results have nothing of the account.
SILENT = [
    "asm_baseline",
    "asm_gateway_secret",
    "asm_gateway_secret_info",
    "asm_host_config",
    "asm_preflight",
    "asm_probe",
    "asm_restart",
    "asm_workload_info",
]
HERE = ("-e", f"ansible_python_interpreter={sys.executable}")
LENIENT = {"ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore"}
SPEC: dict[str, Any] = {
    "asm_mesh": {"name": MESH, "region": "cn-hangzhou", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"]},
    "asm_clusters": [{"name": CLUSTER}],
    "asm_gateways": [{"name": "in", "clusters": [CLUSTER], "ports": [{"name": "http", "port": 80}]}],
    "asm_istio_resources": [
        {
            "name": "routes",
            "definition": {
                "apiVersion": "networking.istio.io/v1",
                "kind": "VirtualService",
                "metadata": {"name": "reviews", "namespace": "istio-system"},
                "spec": {"hosts": ["reviews"]},
            },
        }
    ],
    "asm_namespaces": [{"name": "istio-system"}],
    "asm_canary": {
        "virtual_service": "reviews",
        "namespace": "istio-system",
        "stable": "v1",
        "canary": "v2",
        "pause": 0,
    },
}


def template(pwned: Path) -> str:
    """A text that makes the file where it is taken for a template; a terminal escape is in it as well."""
    return "\x1b[31m{{ lookup('ansible.builtin.pipe', 'touch " + str(pwned) + "') }}"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    with serving(template(tmp_path / "pwned")) as served:
        yield served


@pytest.fixture
def ansible(tmp_path: Path, account: Account) -> Ansible:
    return Ansible(tmp_path, account)


def test_the_template_works_where_it_is_one(tmp_path: Path, ansible: Ansible) -> None:
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"debug": {"msg": template(tmp_path / "pwned")}}]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    assert ansible("ansible-playbook", "play.yml").returncode == 0
    assert (tmp_path / "pwned").exists()


def test_hosts_of_the_inventory_and_of_its_cache(tmp_path: Path, account: Account, ansible: Ansible) -> None:
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "kept")}
    (tmp_path / "asm.yml").write_text(yaml.safe_dump({**INVENTORY, **cache}), encoding="utf-8")
    (tmp_path / "play.yml").write_text(PLAY, encoding="utf-8")
    (tmp_path / "t.j2").write_text("{{ mesh }} {{ gateway | default('') }} {{ told }} {{ text }}", encoding="utf-8")
    assert ansible("ansible-inventory", "-i", "asm.yml", "--list").returncode == 0
    account.servers["mesh"].fail_next(
        422, {"kind": "Status", "reason": "Invalid", "message": account.text}, times=9, only="POST"
    )
    played = ansible("ansible-playbook", "-i", "asm.yml", "play.yml", *HERE, **LENIENT)
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    assert "rescued=1" in played.stdout and "{{ lookup(" in played.stdout
    assert not (tmp_path / "pwned").exists()


def test_names_of_hosts_and_groups(tmp_path: Path, account: Account, ansible: Ansible) -> None:
    """Here the names are templates, too."""
    mesh = account.mesh()
    mesh["ServiceMeshInfo"].update(Name=account.text, RegionId=account.text, State=account.text)
    cluster = {**account.cluster(), "Name": account.text, "State": account.text}
    account.answers.update(
        DescribeServiceMeshes=(200, {"ServiceMeshes": [mesh]}),
        DescribeServiceMeshDetail=(200, {"ServiceMesh": mesh}),
        DescribeClustersInServiceMesh=(200, {"Clusters": [cluster]}),
    )
    account.servers["mesh"].objects["/apis/istio.alibabacloud.com/v1beta1/namespaces/istio-system/istiogateways/in"][
        "metadata"
    ]["name"] = account.text
    (tmp_path / "asm.yml").write_text(yaml.safe_dump(INVENTORY), encoding="utf-8")
    tasks = PLAY[: PLAY.index("    - meshops.asm.asm_mesh_info")].replace(
        "fact_{{ mesh.region | replace('-', '_') }}", "fact_cn_hangzhou"
    )
    (tmp_path / "play.yml").write_text(tasks, encoding="utf-8")
    (tmp_path / "t.j2").write_text("{{ mesh }} {{ groups }} {{ hostvars.keys() | list }}", encoding="utf-8")
    played = ansible("ansible-playbook", "-i", "asm.yml", "play.yml", *HERE, **LENIENT, ALIBABA_CLOUD_REGION_ID="")
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    assert "lookup(" in played.stdout
    assert not (tmp_path / "pwned").exists()


def of_module(module: str) -> list[dict[str, Any]]:
    """A task of a module, and whatever a play may do with its result; the service refuses what it is to write."""
    result = f"result_{module}"
    return [
        {f"meshops.asm.{module}": OPTIONS.get(module, {}), "register": result, "ignore_errors": True},
        {
            "name": f"After {module} {{{{ {result}.msg | default('') }}}}",
            "ansible.builtin.set_fact": {
                "told": f"{{{{ {result} }}}}",
                "text": f"of {{{{ {result} }}}} {{{{ {result} | to_json }}}} {{{{ item }}}}",
                "keys": f"{{{{ {result} | dict2items | map(attribute='value') | list }}}}",
            },
            "loop": [f"{{{{ {result} }}}}"],
        },
    ]


def test_results_of_every_module(tmp_path: Path, account: Account, ansible: Ansible) -> None:
    account.words = lambda given: f"{account.text} {given}"
    words = {"kind": "Status", "reason": "Invalid", "message": account.text}
    for server in account.servers.values():
        server.fail_next(422, words, times=99, only="/it")
        server.fail_next(422, words, times=99, only="virtualservices/a")
    tasks = [task for module in MODULES for task in of_module(module)]
    (tmp_path / "play.yml").write_text(
        yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]), encoding="utf-8"
    )
    played = ansible("ansible-playbook", "play.yml", "--diff")
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    assert not (tmp_path / "pwned").exists()
    told = re.split(r"\nTASK \[meshops\.asm\.", played.stdout)[1:]
    assert [text.partition("]")[0] for text in told] == MODULES
    print(told[0])
    silent = [module for module, text in zip(MODULES, told, strict=True) if "lookup(" not in text]
    assert silent == SILENT, silent
    assert "\x1b" not in played.stdout + played.stderr


def test_roles_and_playbooks(tmp_path: Path, account: Account, ansible: Ansible) -> None:
    (tmp_path / "mesh.yml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    playbooks = [f"meshops.asm.{name}" for name in ("site", "verify", "remove", "canary", "drift")]
    options = ("-e", "@mesh.yml", "-e", "drift_dir=report", "--check", "--diff", "-v")
    played = ansible("ansible-playbook", *playbooks, *options, ANSIBLE_CALLBACKS_ENABLED="meshops.asm.summary")
    # The last one fails, because something differs.
    assert played.returncode == 2 and "TASK [Fail when something differs]" in played.stdout, played.stdout[-3000:]
    assert played.stdout.count("PLAY [") == len(playbooks) + 4 and played.stdout.count("MESHES ***") == len(playbooks)
    assert played.stdout.count("lookup(") > 20
    assert account.written == []
    assert not (tmp_path / "pwned").exists()
    assert "\x1b" not in played.stdout + played.stderr
    # No name of the account is a name of a file.
    assert sorted(file.name for file in (tmp_path / "report").iterdir()) == ["drift.html", "drift.json"]
    page = (tmp_path / "report/drift.html").read_text(encoding="utf-8")
    assert "\x1b" not in page and "lookup(&#39;" in page
    assert json.loads((tmp_path / "report/drift.json").read_text(encoding="utf-8"))["objects"]


def test_playbooks_that_change_what_is_in_use(tmp_path: Path, account: Account, ansible: Ansible) -> None:
    """They put names and objects of the account into messages, and objects of it into what they apply."""
    place = "namespaces/istio-system"
    odd = {account.text: account.text}
    labels = {"app": "a", **odd}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": account.text}, {"name": "istio-proxy"}]}}
    app = {"name": "app", "namespace": "istio-system", "annotations": odd, "generation": 1}
    owner = {"kind": "ReplicaSet", "name": "app-1", "controller": True}
    told = {"phase": "Running", "conditions": [{"type": account.text, "status": account.text, "message": account.text}]}
    policy = {"name": "theirs", "namespace": "istio-system", "annotations": odd, "creationTimestamp": account.text}
    cluster, mesh = account.servers["cluster"], account.servers["mesh"]
    cluster.put(
        f"/apis/apps/v1/{place}/deployments/app",
        {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": app, "status": told,
         "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": pod}},
    )  # fmt: skip
    for name in (account.text, "app-1-x"):
        metadata = {"name": name, "namespace": "istio-system", "labels": labels, "ownerReferences": [owner]}
        body = {"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": pod["spec"], "status": told}
        cluster.put(f"/api/v1/{place}/pods/{name}", body)
    mesh.put(
        f"/apis/security.istio.io/v1/{place}/peerauthentications/theirs",
        {"kind": "PeerAuthentication", "apiVersion": "security.istio.io/v1", "metadata": policy, "spec": {"a": odd}},
    )
    chosen = {"clusters": [CLUSTER], "namespace": "istio-system", "namespaces": ["istio-system"], "restart": "always"}
    mesh_spec = {**SPEC["asm_mesh"], "version": "v1.22.6.1-g1-aliyun"}
    spec = {**SPEC, "asm_mesh": mesh_spec, "asm_strict": chosen, "asm_inject": chosen}
    (tmp_path / "mesh.yml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    told_by = {}
    for name in ("strict", "inject", "lanes", "upgrade"):
        played = ansible("ansible-playbook", f"meshops.asm.{name}", "-e", "@mesh.yml", "--check", "--diff", "-v")
        told_by[name] = played.stdout + played.stderr
    assert not (tmp_path / "pwned").exists(), told_by
    assert [name for name, text in told_by.items() if "lookup(" not in text] == []
    assert '"name": "theirs"' in told_by["strict"].partition("TASK [Accept both")[2]
    assert "\x1b" not in str(told_by.values())


def test_the_name_of_an_ordinary_host_is_text(tmp_path: Path) -> None:
    """AWX reads ``ansible-inventory --list``, and takes nothing else for a name."""
    (tmp_path / "asm.yml").write_text("plugin: meshops.asm.asm\n", encoding="utf-8")
    with serving("v1") as served:
        shown = Ansible(tmp_path, served)("ansible-inventory", "-i", "asm.yml", "--list")
    listed = json.loads(shown.stdout)
    names = [name for group in listed.values() for name in group.get("hosts", [])]
    assert names and all(isinstance(name, str) for name in names)
