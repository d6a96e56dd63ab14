# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With every boolean and number given as text, as by -e key=value and surveys, a role does what it does with real ones.

So do the playbooks that have variables of their own. On the oldest and the newest ansible-core; on all of them with
MESHOPS_AWX_PAIRS=all. That nothing decides by a text is the matter of tests/unit/test_text_variables.py.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from awx.environments import CORES, ENDS, RUNNERS, Pair, environment

from .conftest import Shop
from .labs import Lab
from .playing import EXAMPLE
from .runner import ROOT, Runner

#: Texts are the matter of ansible-core alone, whatever ansible-runner gives them to it.
PAIRS = [Pair(core, RUNNERS[-1]) for core in CORES] if os.environ.get("MESHOPS_AWX_PAIRS") == "all" else ENDS
#: Those with variables of their own; the role spec runs with all of them.
ROLES = sorted(file.parents[1].name for file in (ROOT / "roles").glob("*/meta/argument_specs.yml"))
#: Texts for "no" in turn: not one of them is empty, and Python takes every one for true.
NO = ("false", "no", "0", "False", "off")
#: What a role needs besides the example's spec. The canary would need traffic: the role is run up to its first step.
NEEDED: dict[str, dict[str, Any]] = {
    "remove": {"asm_remove": "bookinfo", "asm_remove_workloads": False},
    "upgrade": {},
    # There is no sidecar here to start; test_hosts.py starts one with texts.
    "host": {"asm_host": {"cluster": "shop-1", "namespace": "bookinfo", "group": "stock", "state": "absent"}},
    "canary": {
        "asm_canary": {
            "virtual_service": "reviews",
            "namespace": "bookinfo",
            "stable": "v1",
            "canary": "v3",
            "steps": [100],
            "pause": 1,
        }
    },
}
PROBE = {
    "gateway": "ingressgateway",
    "path": "/",
    "port": 80,
    "rate": 50,
    "concurrency": 4,
    "duration": 60,
    "timeout": 5,
}
FEWER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fewer", "namespace": "texts"}, "data": {}}
#: The variables of playbooks that are no role's, with every boolean and number that the playbook passes on.
PLAYBOOKS: dict[str, dict[str, Any]] = {
    "drain": {
        "asm_drain": {
            "workloads": [
                {"name": "fewer", "clusters": ["shop-1"], "definition": [FEWER], "force_conflicts": False},
            ],
            "clusters": [{"name": "shop-2"}],
            "reserve_namespace": False,
            "hold": 1,
            "probe": PROBE,
        },
        "asm_release_gateways": False,
        "asm_wait_timeout": 300,
    },
    "inject": {
        "asm_inject": {
            "namespace": "texts",
            "clusters": ["shop-1"],
            "restart": "always",
            "hold": 1,
            "probe": PROBE,
        },
        "asm_wait_timeout": 300,
    },
    "strict": {
        "asm_strict": {
            "namespaces": ["texts"],
            "callers": [],
            "clusters": ["shop-1"],
            "force_conflicts": False,
            "proxies_settle": 1,
            "hold": 1,
            "probe": PROBE,
        },
    },
}


#: What the playbooks have to do with: no pod of it has to run.
WORKLOAD = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "texts"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "texts"}},
        "template": {
            "metadata": {"labels": {"app": "texts"}},
            "spec": {"containers": [{"name": "texts", "image": "registry.example.com/texts:1"}]},
        },
    },
}


def options_of(role: str) -> dict[str, Any]:
    text = (ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    return found


def whole(options: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """``given`` with every boolean and number of the argument spec that has a default, at any depth."""
    found = dict(given)
    for name, option in options.items():
        inner = option.get("options")
        if name in given and inner and isinstance(given[name], dict):
            found[name] = whole(inner, given[name])
        elif name in given and inner and isinstance(given[name], list):
            found[name] = [whole(inner, one) for one in given[name]]
        elif name not in given and option["type"] in ("bool", "int", "float") and "default" in option:
            found[name] = option["default"]
    return found


def as_texts(options: dict[str, Any], given: dict[str, Any], no: Iterator[str]) -> dict[str, Any]:
    """``given`` with its booleans and numbers as texts."""
    found = dict(given)
    for name, value in given.items():
        option = options.get(name, {})
        inner = option.get("options")
        if isinstance(value, dict) and inner:
            found[name] = as_texts(inner, value, no)
        elif isinstance(value, list) and inner:
            found[name] = [as_texts(inner, one, no) for one in value]
        elif isinstance(value, list) and option.get("elements") in ("int", "float"):
            found[name] = [str(one) for one in value]
        elif option.get("type") == "bool":
            found[name] = "yes" if value else next(no)
        elif option.get("type") in ("int", "float"):
            found[name] = str(value)
    return found


def given_to(role: str, version: str) -> dict[str, Any]:
    """The example as variables of one role, with all booleans and numbers."""
    spec = yaml.safe_load((EXAMPLE / "mesh.yml").read_text(encoding="utf-8"))
    spec["asm_mesh"]["version"] = version
    options = options_of(role)
    known = {name: value for name, value in {**spec, **NEEDED.get(role, {})}.items() if name in options}
    return (
        {**whole(options, known), "asm_wait_timeout": 300} if "asm_wait_timeout" in options else whole(options, known)
    )


def all_texts(value: Any, no: Iterator[str]) -> Any:
    """``value`` with all booleans and numbers in it as texts: for variables without an argument spec."""
    if isinstance(value, dict):
        return {name: inner if name == "definition" else all_texts(inner, no) for name, inner in value.items()}
    if isinstance(value, list):
        return [all_texts(inner, no) for inner in value]
    if isinstance(value, bool):
        return "yes" if value else next(no)
    return str(value) if isinstance(value, (int, float)) else value


def play_role(run: Runner, pair: Pair, folder: Path, role: str, variables: dict[str, Any]) -> list[str]:
    """What ``play`` returns, of one role."""
    (folder / "play.yml").write_text(
        yaml.safe_dump(
            [
                {
                    "hosts": "localhost",
                    "connection": "local",
                    "gather_facts": False,
                    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                    "roles": [{"role": f"meshops.asm.{role}"}],
                }
            ]
        ),
        encoding="utf-8",
    )
    return play(run, pair, folder, str(folder / "play.yml"), variables)


def play(run: Runner, pair: Pair, folder: Path, playbook: str, variables: dict[str, Any]) -> list[str]:
    """The tasks with their results, and the recap, of a playbook in check mode."""
    (folder / "given.json").write_text(json.dumps({**variables, "asm_base_dir": str(EXAMPLE)}), encoding="utf-8")
    path = {"PATH": f"{environment(pair)}{os.pathsep}{os.environ['PATH']}"}
    words = ["ansible-playbook", playbook, "--check", "--diff", "-e", f"@{folder / 'given.json'}"]
    done = run.ansible(*words, cwd=folder, env={**path, "ANSIBLE_DEPRECATION_WARNINGS": "False"}).ok()
    # The time of a release is that of its run.
    output = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "now", done.output)
    return [line for line in output.splitlines() if re.match(r"TASK|ok|changed|skipping|localhost|[-+]", line)]


@pytest.fixture(scope="session")
def example(run: Runner) -> None:
    """All of the example is there, as these tests may be the first of a run."""
    run.play("meshops.asm.site", "-e", f"@{EXAMPLE}/mesh.yml", "-e", '{"asm_checks": []}', cwd=EXAMPLE).ok()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.core)
@pytest.mark.parametrize("role", ROLES)
def test_a_role_takes_texts_for_what_they_say(
    lab: Lab, run: Runner, example: None, shop: Shop, tmp_path: Path, role: str, pair: Pair
) -> None:
    given = given_to(role, lab.meshes(shop.name)[0]["version"])
    options = options_of(role)
    texts = as_texts(options, given, iter(NO * 100))
    assert json.dumps(texts) != json.dumps(given)
    with lab.unwritten():
        real = play_role(run, pair, tmp_path, role, given)
        assert play_role(run, pair, tmp_path, role, texts) == real
    assert len(real) > 2
    if role == "remove":
        assert "skipping" in real[real.index(next(line for line in real if "Remove the workloads" in line)) + 1]


@pytest.fixture(scope="module")
def idle(lab: Lab, shop: Shop) -> Iterator[None]:
    """A namespace of the mesh with a workload that has no pods."""
    planes = [lab.kube(shop.id), lab.kube(shop.one)]
    for kube in planes:
        kube.apply("/api/v1/namespaces/texts", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "texts"}})
    planes[1].apply("/apis/apps/v1/namespaces/texts/deployments/texts", WORKLOAD)
    yield
    for kube in planes:
        kube.delete("/api/v1/namespaces/texts")


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.core)
@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_takes_texts_for_what_they_say(
    lab: Lab, run: Runner, shop: Shop, idle: None, tmp_path: Path, playbook: str, pair: Pair
) -> None:
    given = PLAYBOOKS[playbook]
    texts = all_texts(given, iter(NO * 100))
    assert not re.search(r"[:\[,] (\d|true|false)", json.dumps(texts))
    mesh = {"asm_mesh": {"name": shop.name}}
    with lab.unwritten():
        real = play(run, pair, tmp_path, f"meshops.asm.{playbook}", {**mesh, **given})
        assert play(run, pair, tmp_path, f"meshops.asm.{playbook}", {**mesh, **texts}) == real
    assert any(line.startswith("changed") for line in real)


def test_the_playbooks_with_variables_of_their_own_are_known() -> None:
    named = {file.stem: file.read_text(encoding="utf-8") for file in (ROOT / "playbooks").glob("*.yml")}
    own = {name for name, text in named.items() if f"asm_{name}." in text}
    # Failover cuts a cluster off, which check mode does not; its numbers go where those of the others go.
    assert own == {*PLAYBOOKS, "failover"}


def test_the_texts_are_texts() -> None:
    options = {"a": {"type": "bool"}, "b": {"type": "list", "options": {"c": {"type": "int"}, "d": {"type": "str"}}}}
    assert as_texts(options, {"a": False, "b": [{"c": 5, "d": "x"}]}, iter(NO)) == {
        "a": "false",
        "b": [{"c": "5", "d": "x"}],
    }
