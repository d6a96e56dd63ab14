# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of a mesh's attributes held against the models of the official SDK, which know what the API knows."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from alibabacloud_servicemesh20200111 import models
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.flow.table import (
    Attribute,
    argument_spec,
    create_parameters,
    put,
)
from ansible_collections.meshops.asm.plugins.module_utils.mesh.attributes import MESH_ATTRIBUTES
from ansible_collections.meshops.asm.plugins.modules import asm_cluster
from ansible_collections.meshops.asm.tests.unit.left_out import PARAMETERS

# A value of each type of row, as it stands in a module's options.
SAMPLES: dict[str, Any] = {
    "bool": True,
    "int": 7,
    "float": 2.5,
    "str": "text",
    "url": "https://text",
    "quantity": "500m",
    "csv": ["a", "b"],
    "list": ["a", "b"],
    "json": {"failover": [{"from": "a", "to": "b"}]},
    "objects": [{"matchLabels": {"a": "b"}}],
}
# Actions whose parameters are options of asm_mesh, by rows.
_OF_ROWS = ("CreateServiceMesh", "UpdateMeshFeature", "UpdateControlPlaneLogConfig", "UpdateMeshCRAggregation")


def fields(model: Any) -> dict[str, str]:
    """The wire names of an SDK model with the Python types of its constructor: ``{"VpcId": "<class 'str'>"}``."""
    source = inspect.getsource(model.to_map)
    annotations = {name: str(kind.annotation) for name, kind in inspect.signature(model).parameters.items()}
    # A list of models starts as an empty list; every other field is set when its attribute is.
    lists = re.findall(r"result\['(\w+)'\] = \[\]", source)
    attributes = re.findall(r"if self\.(\w+) is not None:\s+result\['(\w+)'\]", source)
    return {**dict.fromkeys(lists, "list of models"), **{wire: annotations[name] for name, wire in attributes}}


def sub_model(model: type, field: str) -> type | None:
    """The model of a nested field, by the SDK's rule ``Outer`` + ``Field``."""
    return getattr(models, model.__name__ + field, None)


def rows(predicate: str) -> list[Any]:
    return [pytest.param(row, id=row.option) for row in MESH_ATTRIBUTES if getattr(row, predicate) is not None]


CREATE = fields(models.CreateServiceMeshRequest)


def test_the_models_can_be_read_at_all() -> None:
    assert "bool" in CREATE["ApiServerPublicEip"]
    assert "float" in CREATE["TraceSampling"]
    assert len(CREATE) > 70


@pytest.mark.parametrize("row", rows("create"))
def test_every_create_parameter_is_one_of_the_api_and_of_its_type(row: Attribute) -> None:
    assert row.create in CREATE
    ours = {"bool": "bool", "int": "int", "float": "float"}.get(row.type, "str")
    assert ours in CREATE[str(row.create)]


@pytest.mark.parametrize("row", rows("create"))
def test_every_create_parameter_survives_the_sdk_model(row: Attribute) -> None:
    params: dict[str, Any] = {}
    put(params, row.option, SAMPLES[row.type])
    sent = create_parameters(MESH_ATTRIBUTES, params)
    assert models.CreateServiceMeshRequest().from_map(sent).to_map() == {**sent, "Tag": []}
    assert list(sent) == [row.create]


@pytest.mark.parametrize("row", rows("change"))
def test_every_change_is_an_action_and_a_parameter_of_the_api(row: Attribute) -> None:
    action, parameter = str(row.change).split(".")
    known = fields(getattr(models, f"{action}Request"))
    assert parameter in known
    assert "ServiceMeshId" in known
    ours = {"bool": "bool", "int": "int", "float": "float"}.get(row.type, "str")
    assert ours in known[parameter]


@pytest.mark.parametrize("row", rows("read"))
def test_every_read_path_exists_in_the_described_mesh(row: Attribute) -> None:
    model: type | None = models.DescribeServiceMeshDetailResponseBodyServiceMesh
    *groups, leaf = str(row.read).split(".")
    for group in groups:
        assert model is not None
        assert group in fields(model), f"{model.__name__} has no {group}"
        model = sub_model(model, group)
    assert model is not None
    assert leaf in fields(model), f"{model.__name__} has no {leaf}"


@pytest.mark.parametrize("row", rows("read"))
def test_every_read_value_has_the_type_of_its_row(row: Attribute) -> None:
    if row.decode is not None:
        assert row.current({}) == {}
        return
    *groups, leaf = str(row.read).split(".")
    model: type = models.DescribeServiceMeshDetailResponseBodyServiceMesh
    for group in groups:
        model = sub_model(model, group) or object
    shown = fields(model)[leaf]
    expected = {"bool": "bool", "int": "int", "float": "float", "list": "List[str]", "objects": "List[typing.Dict"}
    assert expected.get(row.type, "str") in shown


def test_no_two_rows_share_an_option_or_a_parameter() -> None:
    for kind in ("option", "create", "change"):
        used = [getattr(row, kind) for row in MESH_ATTRIBUTES if getattr(row, kind)]
        assert sorted(used) == sorted(set(used)), kind


def test_an_option_is_either_a_group_or_a_value() -> None:
    options = {row.option for row in MESH_ATTRIBUTES}
    groups = {option.rsplit(".", depth)[0] for option in options for depth in range(1, option.count(".") + 1)}
    assert not options & groups


def test_every_row_can_be_set_somehow() -> None:
    assert all(row.create or row.change for row in MESH_ATTRIBUTES)


def test_what_can_be_read_is_read() -> None:
    """Of a parameter that is never shown no place in the description has the name, but for the log level of OPA."""
    shown: set[str] = set()

    def collect(model: type) -> None:
        for name in fields(model):
            shown.add(name)
            inner = sub_model(model, name)
            if inner:
                collect(inner)

    collect(models.DescribeServiceMeshDetailResponseBodyServiceMeshSpecMeshConfig)
    unseen = {str(row.change).partition(".")[2] for row in MESH_ATTRIBUTES if row.change and not row.read}
    assert len(shown) > 100 and len(unseen) > 20
    assert unseen & shown == {"LogLevel"}


def offered(action: str) -> set[str]:
    """The parameters of an action that rows send."""
    changes = [str(row.change).split(".") for row in MESH_ATTRIBUTES if row.change]
    created = {str(row.create) for row in MESH_ATTRIBUTES if row.create}
    return created if action == "CreateServiceMesh" else {name for of, name in changes if of == action}


@pytest.mark.parametrize("action", _OF_ROWS)
def test_every_parameter_is_an_option_or_left_out_for_a_reason(action: str) -> None:
    assert set(fields(getattr(models, f"{action}Request"))) - offered(action) == set(PARAMETERS[action])


def test_every_parameter_of_adding_a_cluster_is_an_option_or_left_out_for_a_reason() -> None:
    source = inspect.getsource(asm_cluster)
    known = set(fields(models.AddClusterIntoServiceMeshRequest))
    assert {name for name in known if f"{name}=" in source} == known - set(PARAMETERS["AddClusterIntoServiceMesh"])


def test_what_is_left_out_has_a_reason() -> None:
    for action, parameters in PARAMETERS.items():
        assert set(parameters) <= set(fields(getattr(models, f"{action}Request"))), action
        assert list(parameters) == sorted(parameters), action
        assert all(reason.endswith(".") for reason in parameters.values()), action


def test_private_keys_are_secret_and_never_read_back() -> None:
    keys = [row for row in MESH_ATTRIBUTES if row.option.endswith("key")]
    assert {row.option for row in keys} == {"ca.key", "ca.root_key"}
    secrets = {row.option for row in MESH_ATTRIBUTES if row.no_log}
    assert secrets == {"ca.key", "ca.root_key", "kiali.arms_auth_tokens"}
    assert all(row.no_log and row.read is None for row in keys)


@pytest.mark.parametrize("option", ["vpc_id", "vswitch_ids", "version", "cluster_domain"])
def test_what_the_service_cannot_change_is_immutable(option: str) -> None:
    row = next(row for row in MESH_ATTRIBUTES if row.option == option)
    assert row.change is None
    assert row.read is not None


def test_a_version_that_differs_points_to_the_upgrade() -> None:
    row = next(row for row in MESH_ATTRIBUTES if row.option == "version")
    assert "upgrade" in row.advice


def test_no_option_has_a_default_so_that_unset_leaves_the_mesh_alone() -> None:
    def check(options: dict[str, Any]) -> None:
        for name, option in options.items():
            assert "default" not in option, name
            assert not option.get("required"), name
            check(option.get("options", {}))

    check(argument_spec(MESH_ATTRIBUTES))


def test_locality_settings_read_back_in_the_form_in_which_they_are_sent() -> None:
    row = next(row for row in MESH_ATTRIBUTES if row.option == "locality_lb.config")
    failover = [{"from": "cn-beijing", "to": "cn-hangzhou"}]
    shown = {"Enabled": True, "Failover": failover, "Distribute": None, "FailoverPriority": {}}
    described: dict[str, Any] = {}
    put(described, str(row.read), shown)
    assert row.current(described) == {"failover": failover}
    assert not row.differs({"failover": failover}, row.current(described))
    assert row.differs({"failover": []}, row.current(described))


def _row(option: str) -> Attribute:
    return next(row for row in MESH_ATTRIBUTES if row.option == option)


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (
            {"failover": [{"from": "cn-beijing", "to": "cn-hangzhou"}, {"from": "cn-hangzhou", "to": "cn-beijing"}]},
            {"Failover": {"cn-hangzhou": "cn-beijing", "cn-beijing": "cn-hangzhou"}},
        ),
        (
            {"distribute": [{"from": "cn-beijing", "to": {"cn-beijing": 70, "cn-hangzhou": 30}}]},
            {"Distribute": {"cn-beijing": {"cn-beijing": "70", "cn-hangzhou": 30.0}}},
        ),
        (
            {"distribute": [{"from": "cn-beijing", "to": {"cn-beijing": 100}}]},
            '{"Distribute": "[{\\"from\\": \\"cn-beijing\\", \\"to\\": {\\"cn-beijing\\": 100}}]"}',
        ),
        ({"failoverPriority": ["topology.istio.io/network"]}, {"FailoverPriority": {"0": "topology.istio.io/network"}}),
        ({"failoverPriority": ["a", "b"]}, {"FailoverPriority": ["a", "b"]}),
        ({"failover": []}, {}),
        ({"failover": []}, {"Failover": None, "Distribute": {}}),
        ({}, None),
    ],
)
def test_locality_settings_are_the_same_as_a_list_and_as_a_map(wanted: Any, shown: Any) -> None:
    row = _row("locality_lb.config")
    described: dict[str, Any] = {}
    put(described, str(row.read), {"Enabled": True, **shown} if isinstance(shown, dict) else shown)
    assert not row.differs(wanted, row.current(described))


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ({"failover": [{"from": "cn-beijing", "to": "cn-hangzhou"}]}, {"Failover": {"cn-beijing": "cn-shanghai"}}),
        ({"failover": [{"from": "cn-beijing", "to": "cn-hangzhou"}]}, {"Failover": {}}),
        ({"distribute": [{"from": "a", "to": {"a": 70}}]}, {"Distribute": {"a": {"a": 71}}}),
        ({"failoverPriority": ["a", "b"]}, {"FailoverPriority": ["b", "a"]}),
        ({"failover": []}, {"Failover": {"a": "b"}}),
    ],
)
def test_other_locality_settings_differ(wanted: Any, shown: Any) -> None:
    row = _row("locality_lb.config")
    described: dict[str, Any] = {}
    put(described, str(row.read), shown)
    assert row.differs(wanted, row.current(described))


def test_locality_settings_are_seen_as_they_are_written() -> None:
    row = _row("locality_lb.config")
    described: dict[str, Any] = {}
    shown = {"Failover": '{"b": "c", "a": "b"}', "FailoverPriority": {"1": "two", "0": "one"}, "Distribute": None}
    put(described, str(row.read), shown)
    assert row.current(described) == {
        "failover": [{"from": "a", "to": "b"}, {"from": "b", "to": "c"}],
        "failoverPriority": ["one", "two"],
    }


@pytest.mark.parametrize(
    ("wanted", "there", "same"),
    [
        ("v1.25.6", "v1.25.6.41-g2adf45be-aliyun", True),
        ("v1.25.6.41", "v1.25.6.41-g2adf45be-aliyun", True),
        ("1.25.6", "v1.25.6.41-g2adf45be-aliyun", True),
        ("v1.25.6.41-g2adf45be-aliyun", "v1.25.6.41-g2adf45be-aliyun", True),
        ("v1.25.6", "v1.25.60.1-aliyun", False),
        ("v1.25.6.4", "v1.25.6.41-aliyun", False),
        ("v1.25.6.41-g1-aliyun", "v1.25.6.41-g2-aliyun", False),
        ("v1.25.6.41-g1-aliyun", "v1.25.6.41", False),
        ("v1", "v1.25.6.41-aliyun", False),
        ("latest", "v1.25.6.41-aliyun", True),
        ("newest", "v1.25.6.41-aliyun", False),
    ],
)
def test_a_version_may_be_named_without_its_build(wanted: str, there: str, same: bool) -> None:
    assert _row("version").differs(wanted, there) is not same


@pytest.mark.parametrize(
    ("wanted", "there", "same"),
    [
        ("cluster.local", "", True),
        ("Cluster.Local.", "cluster.local", True),
        ("mesh.example", "mesh.example.", True),
        ("mesh.example", "", False),
        ("mesh.example", "cluster.local", False),
    ],
)
def test_domains_are_names_of_dns(wanted: str, there: str, same: bool) -> None:
    assert _row("cluster_domain").differs(wanted, there) is not same


def test_a_part_of_the_description_may_be_json_text() -> None:
    described = {"Spec": '{"Network": "{\\"VpcId\\": \\"vpc-1\\"}"}'}
    assert _row("vpc_id").current(described) == "vpc-1"
    with pytest.raises(AsmError, match=r"Spec\.Network\.VpcId"):
        _row("vpc_id").current({"Spec": [7]})
