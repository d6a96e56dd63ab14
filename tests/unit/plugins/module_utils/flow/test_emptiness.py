# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that are given but empty: every option of every module, those of the list excepted."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible_collections.meshops.asm.plugins.filter.spec_paths import FilterModule
from ansible_collections.meshops.asm.plugins.module_utils.flow import emptiness, errors
from ansible_collections.meshops.asm.plugins.module_utils.flow.emptiness import MAY_BE_EMPTY, NARROWS
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

COLLECTION = Path(errors.__file__).parents[3]
MODULES = sorted(path.stem for path in (COLLECTION / "plugins" / "modules").glob("*.py") if path.stem != "__init__")


class Captured(Exception):
    """Ends a ``main`` where it has said what it wants."""


def module(name: str) -> Any:
    return importlib.import_module(f"ansible_collections.meshops.asm.plugins.modules.{name}")


@cache
def spec_of(name: str) -> dict[str, Any]:
    """The argument spec with which the module's ``main`` makes its ``AnsibleModule``."""
    seen: dict[str, Any] = {}

    def capture(self: Any, **given: Any) -> None:
        seen.update(given["argument_spec"])
        raise Captured

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basic.AnsibleModule, "__init__", capture)
        with pytest.raises(Captured):
            module(name).main()
    return seen


def texts_of(spec: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every option and sub-option that is text or a list of texts."""
    for name, about in spec.items():
        inner = about.get("options")
        kinds = (about.get("type", "str"), about.get("elements"))
        if inner:
            yield from texts_of(inner, (*path, name))
        elif "choices" not in about and (kinds[0] in ("str", "path", "raw") or kinds == ("list", "str")):
            yield (*path, name), about


def holding(spec: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Params that have nothing but one value at a path."""
    if len(path) == 1:
        return {path[0]: value}
    inner = holding(spec[path[0]]["options"], path[1:], value)
    return {path[0]: [inner] if spec[path[0]].get("type") == "list" else inner}


CASES = [(name, path, about) for name in MODULES for path, about in texts_of(spec_of(name))]


@pytest.mark.parametrize(("name", "path", "about"), CASES, ids=lambda value: str(value) if len(str(value)) < 60 else "")
def test_every_option_that_is_empty_is_refused_or_listed(
    name: str, path: tuple[str, ...], about: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in (about.get("fallback") or (None, []))[1]:
        monkeypatch.delenv(variable, raising=False)
    shown = ".".join(path)
    empty = [[], [""], ["a", "  "], [None]] if about.get("type") == "list" else ["", "  ", "\n"]
    for value in empty:
        params = holding(spec_of(name), path, value)
        if shown in MAY_BE_EMPTY or value == about.get("default"):
            emptiness.refuse(params, spec_of(name))
        else:
            with pytest.raises(InvalidInput, match=rf"^{shown}: is empty\. Give it a value, or leave it out"):
                emptiness.refuse(params, spec_of(name))
    emptiness.refuse(holding(spec_of(name), path, None), spec_of(name))
    emptiness.refuse(holding(spec_of(name), path, ["a"] if about.get("type") == "list" else "a"), spec_of(name))


def structures_of(spec: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every option and sub-option that is a mapping, or a list of something else than texts."""
    for name, about in spec.items():
        if about.get("type") == "dict" or (about.get("type") == "list" and about.get("elements") != "str"):
            yield (*path, name), about
        yield from structures_of(about.get("options") or {}, (*path, name))


STRUCTURES = [(name, path, about) for name in MODULES for path, about in structures_of(spec_of(name))]


@pytest.mark.parametrize(
    ("name", "path", "about"), STRUCTURES, ids=lambda value: str(value) if len(str(value)) < 60 else ""
)
def test_a_structure_that_narrows_something_is_refused_when_it_is_empty(
    name: str, path: tuple[str, ...], about: dict[str, Any]
) -> None:
    shown, empty = ".".join(path), {} if about["type"] == "dict" else []
    params = holding(spec_of(name), path, empty)
    if shown in NARROWS and about.get("default") != empty:
        with pytest.raises(InvalidInput, match=rf"^{shown}: is empty\. Give it a value, or leave it out"):
            emptiness.refuse(params, spec_of(name))
    else:
        emptiness.refuse(params, spec_of(name))


def test_every_structure_that_narrows_something_exists() -> None:
    assert {".".join(path) for _name, path, _about in STRUCTURES} >= set(NARROWS)
    # An empty one that chooses meshes or deployments is refused by the modules that read.
    assert {("asm_mesh_info", ("tags",)), ("asm_registry_info", ("labels",))} <= {one[:2] for one in STRUCTURES}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_asks_before_it_does_anything(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ALIBABA_CLOUD_REGION_ID", "ALIBABA_CLOUD_REGION", "ALICLOUD_REGION_ID", "ALICLOUD_REGION"):
        monkeypatch.delenv(variable, raising=False)

    def make(self: Any, argument_spec: dict[str, Any], **_unused: Any) -> None:
        self.argument_spec, self.params, self.check_mode = argument_spec, {"region": "", "cs_endpoint": " "}, False

    def fail(_self: Any, msg: str, **more: Any) -> None:
        raise Captured(msg, more["changed"], more["error"]["code"])

    monkeypatch.setattr(basic.AnsibleModule, "__init__", make)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", fail)
    with pytest.raises(Captured) as caught:
        module(name).main()
    assert caught.value.args[0].startswith("region, cs_endpoint: are empty.")
    assert caught.value.args[1:] == (False, "InvalidInput")


def test_the_list_names_options_that_exist_and_says_why() -> None:
    known = {".".join(path) for _name, path, _about in CASES}
    assert set(MAY_BE_EMPTY) <= known
    assert all(len(reason) > 10 for reason in MAY_BE_EMPTY.values())


def test_an_empty_variable_of_the_environment_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = {"region": {"type": "str", "fallback": (basic.env_fallback, ["SOME_REGION"])}}
    monkeypatch.setenv("SOME_REGION", "")
    emptiness.refuse({"region": ""}, spec)
    monkeypatch.delenv("SOME_REGION")
    with pytest.raises(InvalidInput):
        emptiness.refuse({"region": ""}, spec)


def test_items_of_a_spec_start_from_its_folder(tmp_path: Path) -> None:
    paths = FilterModule().filters()["spec_paths"]
    assert paths("istio/", str(tmp_path)) == [str(tmp_path / "istio")]
    assert paths(["a.yml", "/b.yml"], str(tmp_path)) == [str(tmp_path / "a.yml"), "/b.yml"]
    assert paths("a.yml") == [str(Path.cwd() / "a.yml")]


def test_the_tilde_in_paths_of_a_spec_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    paths = FilterModule().filters()["spec_paths"]
    assert paths(["~/a.yml", "~"], "/specs") == [str(tmp_path / "a.yml"), str(tmp_path)]
    assert paths("a.yml", "~/specs") == [str(tmp_path / "specs" / "a.yml")]
    assert paths("~nobody-of-this-name/a.yml", "/specs") == ["/specs/~nobody-of-this-name/a.yml"]


@pytest.mark.parametrize("value", ["", " ", [], [""], ["a", None], None, ["\t"]])
def test_items_of_a_spec_are_never_the_whole_folder(value: Any) -> None:
    with pytest.raises(InvalidInput, match="src or template is empty"):
        emptiness.paths_below("/specs", value)
    with pytest.raises(InvalidInput, match="src is empty"):
        emptiness.given_paths("src", value)


@pytest.mark.parametrize(
    "address", ["https://example.com/a.yaml", "HTTP://user:word@host/a", "git+ssh://x/y", "oci://x"]
)
def test_an_address_is_no_path(address: str) -> None:
    for given in (address, ["a.yml", address]):
        with pytest.raises(InvalidInput, match=r"no addresses\. Download it first") as told:
            emptiness.paths_below("/specs", given)
        assert address not in told.value.message
        with pytest.raises(InvalidInput, match="src: files and folders of the controller are read"):
            emptiness.given_paths("src", given)
    assert emptiness.given_paths("src", ["a:b.yml", "c:/d.yml"]) == ["a:b.yml", "c:/d.yml"]


@pytest.mark.parametrize("base", ["", " ", None])
def test_the_folder_of_a_spec_is_never_the_working_folder_by_accident(base: Any) -> None:
    with pytest.raises(InvalidInput, match="asm_base_dir is empty"):
        emptiness.paths_below(base, "a.yml")


@pytest.mark.parametrize("base", ["~nobody-of-this-name", "a\0b"])
def test_the_folder_of_a_spec_can_be_one(base: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        emptiness.paths_below(base, "a.yml")
    assert refused.value.message == "asm_base_dir is no path that a folder can have."


def test_no_objects_are_what_is_asked_for() -> None:
    """A list of objects that is empty says that there are none; a name that is empty says nothing."""
    emptiness.refuse({"checks": []}, {"checks": {"type": "list", "elements": "dict"}})


@pytest.mark.parametrize("value", ["", "  ", None, [], {}, [""], ["a", None], {"": "a"}, {"team": "shop", " ": "a"}])
def test_a_choice_that_is_empty_or_has_an_empty_item_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^regions: is empty\. Give it a value, or leave it out"):
        emptiness.refuse_choices({"name": "shop", "regions": value, "revision": ""})


def test_a_choice_of_a_tag_with_any_value_is_one() -> None:
    emptiness.refuse_choices({"tags": {"team": ""}, "names": ["a"], "name": "shop", "count": 0, "revision": ""})


def test_an_address_of_the_web_is_no_path() -> None:
    with pytest.raises(InvalidInput) as refused:
        emptiness.given_paths("src", ["here.yml", "https://example.com/a.yml"])
    assert str(refused.value) == (
        "src: files and folders of the controller are read, no addresses. Download it first, as with "
        "ansible.builtin.get_url, so that it is known what is applied."
    )
