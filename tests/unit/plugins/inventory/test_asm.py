# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as Ansible calls it, with an account that is made up."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible_collections.meshops.asm.plugins.inventory import asm
from ansible_collections.meshops.asm.plugins.module_utils.cloud.credentials import CLOUD_OPTIONS, ENVIRONMENT
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError

NAME = "meshops.asm.asm"
SECRET = "-".join(["hush", "hush"])
MESH = {"id": "c1", "name": "shop", "region": "cn-hangzhou", "state": "running", "tags": {"team": "a"}}
MESH["version"] = "v1.22.6.1-g1-aliyun"
GATEWAY = {"name": "in", "status": "Running", "addresses": {"shop-1": ["203.0.113.10"]}}


class Account:
    """Counts how often it is read."""

    def __init__(self) -> None:
        self.reads: list[dict[str, Any]] = []
        self.warnings: list[str] = []

    def read(self, options: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        self.reads.append({**options, **wanted})
        return {"meshes": [{"mesh": MESH, "clusters": [], "gateways": [GATEWAY]}], "warnings": self.warnings}


@pytest.fixture(scope="module", autouse=True)
def _documented_options() -> None:
    """Tells Ansible the plugin's options, as its loader does; the loader itself wants to import everything first."""
    options = documented()
    for fragment in (constructed, inventory_cache):
        options.update(yaml.safe_load(fragment.ModuleDocFragment.DOCUMENTATION)["options"])
    C.config.initialize_plugin_configuration_definitions("inventory", NAME, options)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    for variable in itertools.chain(*ENVIRONMENT.values()):
        monkeypatch.delenv(variable, raising=False)
    fake = Account()
    monkeypatch.setattr(asm, "read_account", fake.read)
    return fake


def parse(tmp_path: Path, **options: Any) -> Any:
    file = tmp_path / "asm.yml"
    file.write_text(yaml.safe_dump({"plugin": "meshops.asm.asm", **options}), encoding="utf-8")
    inventory = InventoryData()
    plugin = asm.InventoryModule()
    plugin._load_name = plugin.ansible_name = NAME
    plugin._redirected_names = [NAME]
    plugin.parse(inventory, DataLoader(), str(file), cache=True)
    if plugin.get_option("cache"):
        plugin.update_cache_if_changed()
    return inventory


def documented() -> dict[str, Any]:
    options: dict[str, Any] = yaml.safe_load(asm.DOCUMENTATION)["options"]
    return options


@pytest.mark.parametrize("option", [name for name in CLOUD_OPTIONS if name != "cs_endpoint"])
def test_the_environment_is_that_of_the_modules(option: str) -> None:
    about = documented()[option]
    assert [entry["name"] for entry in about.get("env", [])] == ENVIRONMENT[option]
    assert about.get("default") == CLOUD_OPTIONS[option].get("default")


@pytest.mark.parametrize(("name", "taken"), [("asm.yml", True), ("prod.asm.yaml", True), ("hosts.yml", False)])
def test_files_are_known_by_their_names(tmp_path: Path, name: str, taken: bool) -> None:
    (tmp_path / name).touch()
    assert asm.InventoryModule().verify_file(str(tmp_path / name)) is taken


def test_hosts_groups_and_variables(tmp_path: Path, account: Account) -> None:
    inventory = parse(tmp_path)
    assert set(inventory.hosts) == {"shop", "shop.gateway.in"}
    assert {"meshes", "gateways", "tag_team_a", "version_v1_22_6"} <= set(inventory.groups)
    assert inventory.hosts["shop.gateway.in"].vars["gateway"] == GATEWAY


def test_composed_variables_and_groups(tmp_path: Path, account: Account) -> None:
    inventory = parse(
        tmp_path,
        kinds=["gateway"],
        strict=True,
        compose={"entrance": "gateway.addresses['shop-1'][0]"},
        groups={"busy": "mesh.state != 'running'", "calm": "mesh.state == 'running'"},
        keyed_groups=[{"key": "gateway.status", "prefix": "gw"}],
    )
    assert inventory.hosts["shop.gateway.in"].vars["entrance"] == "203.0.113.10"
    assert set(inventory.groups) >= {"calm", "gw_Running"}
    assert "busy" not in inventory.groups


def test_strict_fails_where_an_expression_does(tmp_path: Path, account: Account) -> None:
    assert "size" not in parse(tmp_path, compose={"size": "mesh.no_such_key"}).hosts["shop"].vars
    with pytest.raises(AnsibleError, match="no_such_key"):
        parse(tmp_path, strict=True, compose={"size": "mesh.no_such_key"})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("regions", value) for value in ([], [""], ["cn-hangzhou", " "], [None])),
        *(("mesh_tags", value) for value in ({}, {"": "a"})),
        ("kinds", []),
        *((option, value) for option in ("profile", "region", "role_arn", "asm_endpoint") for value in ("", " ")),
    ],
)
def test_what_is_empty_chooses_nothing_and_so_is_refused(
    tmp_path: Path, account: Account, option: str, value: Any
) -> None:
    with pytest.raises(AnsibleParserError, match=rf"{option}: is empty\. Give it a value, or leave it out"):
        parse(tmp_path, **{option: value})
    assert account.reads == []


def test_what_is_not_given_is_not_empty(tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "")
    parse(tmp_path, security_token="", mesh_tags={"team": ""}, group_by=[])
    assert len(account.reads) == 1


def test_credentials_of_the_environment_are_no_options(
    tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They count as a whole, by the rule of the modules: one by one they would mix with those of the file."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "the-id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)
    monkeypatch.setenv("ALIBABA_CLOUD_REGION_ID", "cn-env")
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_SESSION_NAME", "deploy")
    inventory = parse(tmp_path, profile="shop")
    (read,) = account.reads
    assert [read[name] for name in ("access_key_id", "access_key_secret", "region")] == [None, None, None]
    assert (read["profile"], read["role_session_name"]) == ("shop", "deploy")
    assert SECRET not in str([host.vars for host in inventory.hosts.values()])


def test_a_cache_belongs_to_the_identity_that_filled_it(
    tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    for number, key in enumerate(("one", "two", "one", "two")):
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", key)
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", SECRET)
        parse(tmp_path, **cache)
        assert len(account.reads) == min(number + 1, 2)


def test_a_cached_account_is_not_read_again(tmp_path: Path, account: Account) -> None:
    cache = {"cache": True, "cache_plugin": "jsonfile", "cache_connection": str(tmp_path / "cache")}
    first = parse(tmp_path, **cache, access_key_id="a", access_key_secret=SECRET)
    again = parse(tmp_path, **cache, access_key_id="a", access_key_secret=SECRET)
    assert len(account.reads) == 1
    assert set(again.hosts) == set(first.hosts)
    assert SECRET not in "".join(file.read_text() for file in (tmp_path / "cache").iterdir())
    # Another account, or another choice of meshes, is another answer.
    parse(tmp_path, **cache, access_key_id="b", access_key_secret=SECRET)
    parse(tmp_path, **cache, access_key_id="a", access_key_secret=SECRET, mesh_tags={"team": "b"})
    assert len(account.reads) == 3


def test_a_failure_names_its_code(tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(options: dict[str, Any], **wanted: Any) -> dict[str, Any]:
        raise AsmError("Not allowed.", code="Forbidden.RAM")

    monkeypatch.setattr(asm, "read_account", refuse)
    with pytest.raises(AnsibleParserError, match=r"Not allowed\. \(Forbidden\.RAM\)"):
        parse(tmp_path)
