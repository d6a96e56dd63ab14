# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that users get wrong: one clear message, the key ``error``, and nothing changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from .conftest import Shop
from .labs import NORTH_MESH, REGION, VPC, VSWITCH, Lab
from .playing import EXAMPLE, SPEC, tasks
from .runner import Runner
from .test_resources import route, rule
from .test_workload import deployment

Json = dict[str, Any]


# Who asks.


def test_wrong_secret(run: Runner) -> None:
    key: dict[str, str | None] = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"}
    result = run.refused("asm_mesh_info", "SignatureDoesNotMatch", "access_key_secret", env=key)
    assert result["error"]["http_status"] in (400, 403)
    assert result["error"]["request_id"]


def test_unknown_access_key(run: Runner) -> None:
    nobody = {"access_key_id": "LTAI-nobody", "access_key_secret": "none"}
    result = run.refused("asm_mesh", "InvalidAccessKeyId", "access_key_id", name="x", **nobody)
    assert result["error"]["code"].startswith("InvalidAccessKeyId")


def test_half_of_the_credentials(run: Runner) -> None:
    without = {"ALIBABA_CLOUD_ACCESS_KEY_SECRET": None}
    run.refused("asm_mesh_info", "ALIBABA_CLOUD_ACCESS_KEY_ID is set", "one source has to give all", env=without)


def test_a_key_of_the_options_takes_no_secret_of_the_environment(run: Runner) -> None:
    run.refused("asm_mesh_info", "option access_key_id is set", "access_key_secret is not", access_key_id="LTAI-x")


def test_a_profile_of_the_options_beats_the_key_of_the_environment(lab: Lab, run: Runner) -> None:
    """The example that the rule comes from: a play ran on the account of the environment."""
    denied = lab.control.user("denied")
    profile = {"name": "denied", "mode": "AK", "region_id": "cn-hangzhou"}
    profile |= {key: denied[key] for key in ("access_key_id", "access_key_secret")}
    config = run.folder / "home" / ".aliyun" / "config.json"
    config.parent.mkdir(exist_ok=True)
    config.write_text(json.dumps({"current": "denied", "profiles": [profile]}), encoding="utf-8")
    try:
        result = run.refused("asm_mesh_info", "Forbidden.RAM", profile="denied")
        assert result["account"]["source"] == f"the profile denied of {config}"
        mine = run("asm_mesh_info")["account"]
    finally:
        config.unlink()
    assert mine["source"] == "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"


def test_no_credentials_at_all(run: Runner) -> None:
    without = {"ALIBABA_CLOUD_ACCESS_KEY_ID": None, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": None}
    words = ("No usable credentials", "ALIBABA_CLOUD_ACCESS_KEY_ID", "profile")
    result = run.refused("asm_mesh_info", *words, env=without)
    assert result["error"]["code"] == "MissingCredentials"


def test_user_without_permission(lab: Lab, run: Runner) -> None:
    denied = lab.control.user("denied")
    who = {key: denied[key] for key in ("access_key_id", "access_key_secret")}
    run.refused("asm_mesh_info", "Forbidden.RAM", "RAM policy", "servicemesh:DescribeServiceMeshes", **who)


def test_user_who_may_only_read(lab: Lab, run: Runner, shop: Shop) -> None:
    reader = lab.control.user("reader")
    who = {key: reader[key] for key in ("access_key_id", "access_key_secret")}
    assert run("asm_mesh_info", name=shop.name, **who)["meshes"]
    since = lab.mark()
    result = run.failing("asm_mesh", "UpdateMeshFeature", "RAM policy", name=shop.name, tracing=True, **who)
    assert result["changed"] is False
    assert [entry["code"] for entry in lab.writes(since)] == ["Forbidden.RAM"]


def test_no_region(run: Runner) -> None:
    nowhere = {"ALIBABA_CLOUD_REGION_ID": None}
    run.refused("asm_kubeconfig", "region", "ALIBABA_CLOUD_REGION_ID", cluster="shop-1", env=nowhere)


def test_endpoint_that_does_not_answer(run: Runner) -> None:
    run.refused("asm_mesh_info", "could not be sent", "endpoint", asm_endpoint="http://127.0.0.1:9", api_timeout=1)


# Which mesh, which cluster.


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("asm_cluster", {"clusters": [{"name": "shop-3"}]}),
        ("asm_cluster_info", {}),
        ("asm_extension_provider", {"name": "httpextauth-it", "service": "it", "port": 80}),
        ("asm_gateway", {"clusters": ["shop-1"]}),
        ("asm_gateway_info", {}),
        ("asm_kiali", {}),
        ("asm_kiali_info", {}),
        ("asm_kubeconfig", {"dest": "never.yaml"}),
        ("asm_namespace", {"name": "it"}),
        ("asm_swim_lane", {"group": "it", "name": "it", "label_value": "it"}),
        ("asm_swim_lane_group", {"name": "it", "gateway": "it", "services": ["it/it"]}),
        ("asm_swim_lane_info", {}),
        ("asm_user_permission", {"user": "2460000000000002", "role": "istio-ops"}),
        ("asm_user_permission_info", {}),
        ("istio_resource", {"definition": rule("it")}),
        ("istio_resource_info", {}),
    ],
)
def test_unknown_mesh(run: Runner, shop: Shop, module: str, options: Json) -> None:
    result = run.refused(module, "'it-nowhere'", mesh="it-nowhere", **options)
    assert result["error"]["code"] == "NotFound"
    assert shop.name in result["msg"] or module == "asm_kubeconfig"


def test_ambiguous_mesh(lab: Lab, run: Runner) -> None:
    twin = "c5b0c7a1e0000000000000000000000bb"
    record = {"mesh_id": twin, "name": "north", "region_id": REGION, "vpc_id": VPC, "vswitches": [VSWITCH]}
    more = {"version": "v1.24.6.64-g0b8a1cd2-aliyun", "cluster_spec": "standard", "cheap": True}
    lab.control.add("meshes", **record, **more)
    try:
        nowhere: dict[str, str | None] = {"ALIBABA_CLOUD_REGION_ID": None}
        words = ("2 meshes are named 'north'", NORTH_MESH, twin, "cn-beijing", REGION, "id", "region")
        run.refused("istio_resource", *words, mesh="north", definition=rule("it"), env=nowhere)
        run.refused("asm_mesh", *words, name="north", state="absent", env=nowhere)
        (found,) = run("asm_mesh_info", name="north")["meshes"]
        assert found["id"] == twin
    finally:
        lab.control.remove("meshes", twin)


def test_unknown_cluster(run: Runner, shop: Shop) -> None:
    known = ("'it-nothing'", "shop-1", "shop-3")
    run.refused("asm_cluster", *known, mesh=shop.name, clusters=[{"name": "shop-3"}, {"name": "it-nothing"}])
    run.refused("asm_workload", *known, cluster="it-nothing", definition=deployment("it"))
    run.refused("asm_kubeconfig", *known, cluster="it-nothing")


def test_ambiguous_cluster(run: Runner, shop: Shop) -> None:
    words = ("2 clusters are named 'twin'", "c5b0c7a1e00000000000000000000003a", "cn-beijing", "by its id")
    run.refused("asm_cluster", *words, mesh=shop.name, clusters=[{"name": "twin"}])
    run.refused("asm_workload", *words, cluster="twin", definition=deployment("it"))


# What cannot be.


def test_immutable_options_name_both_values(run: Runner, shop: Shop) -> None:
    run.refused(
        "asm_mesh",
        "vpc_id", VPC, "vpc-lab-branch", "vswitch_ids", VSWITCH, "vsw-lab-branch-h",
        name=shop.name, vpc_id="vpc-lab-branch", vswitch_ids=["vsw-lab-branch-h"], tracing=True,
    )  # fmt: skip


def test_version_that_is_not_offered(run: Runner) -> None:
    run.refused(
        "asm_mesh",
        "v9.9", "not offered", "v1.25.6.41-g9d2f5e71-aliyun",
        name="it-new", vpc_id=VPC, vswitch_ids=[VSWITCH], version="v9.9",
    )  # fmt: skip


def test_a_new_mesh_without_its_network(run: Runner) -> None:
    run.refused("asm_mesh", "'it-new'", "does not exist", "vpc_id", "vswitch_ids", name="it-new", tracing=True)


def test_a_vpc_that_does_not_exist(lab: Lab, run: Runner) -> None:
    """Only the service knows: its refusal is passed on, and no mesh is there."""
    result = run.failing("asm_mesh", "vpc-nothing", name="it-new", vpc_id="vpc-nothing", vswitch_ids=["vsw-nothing"])
    assert result["changed"] is False
    assert result["error"]["code"] == "InvalidVpcId.NotFound"
    assert lab.meshes("it-new") == []


@pytest.mark.parametrize(
    ("cluster", "words"),
    [
        ("island-no-cen", ("another VPC", "CEN", "public")),
        ("shop-not-admin", ("not an administrator", "cluster-admin")),
        ("shop-cidr-conflict", ("overlap", "192.168.64.0/20")),
        ("shop-has-istio", ("istio-system", "ignore_namespace_check")),
        ("shop-stopped", ("unavailable", "running")),
        ("north-in-other-mesh", (NORTH_MESH, "one mesh only", "detach")),
    ],
)
def test_a_cluster_that_cannot_join(run: Runner, shop: Shop, cluster: str, words: tuple[str, ...]) -> None:
    wanted = [{"name": "branch-1"}, {"name": cluster}]
    result = run.refused("asm_cluster", f"'{cluster}'", shop.name, *words, mesh=shop.name, clusters=wanted)
    assert result["error"]["code"] == "Refused"
    assert result["attached"] == []


# What belongs where.


def test_a_workload_aimed_at_the_control_plane(run: Runner, shop: Shop, tmp_path: Path) -> None:
    words = ("Deployment", "data-plane cluster", "asm_workload")
    run.refused("istio_resource", *words, mesh=shop.name, definition=deployment("it"))
    file = tmp_path / "mesh.yaml"
    run("asm_kubeconfig", mesh=shop.name, dest=str(file))
    words = ("deployments", "kubeconfig of a mesh", "data-plane cluster")
    run.refused("asm_workload", *words, kubeconfig=str(file), definition=deployment("it"))


def test_an_istio_kind_aimed_at_a_cluster(run: Runner, shop: Shop, tmp_path: Path) -> None:
    words = ("VirtualService", "control plane", "istio_resource")
    run.refused("asm_workload", *words, cluster="shop-1", definition=[deployment("it"), route("it")])
    file = tmp_path / "cluster.yaml"
    run("asm_kubeconfig", cluster="shop-1", dest=str(file))
    words = ("VirtualService", "no control plane", "mesh")
    run.refused("istio_resource", *words, kubeconfig=str(file), definition=route("it"))


def test_a_namespace_that_is_not_there(run: Runner, shop: Shop) -> None:
    words = ("it-missing", "does not exist", "asm_namespace", "different objects")
    run.refused("istio_resource", *words, mesh=shop.name, namespace="it-missing", definition=rule("it"))


# Manifests.


def write(folder: Path, text: str) -> list[str]:
    file = folder / "broken.yml"
    file.write_text(text, encoding="utf-8")
    return [str(file)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b\nc: d\n  e: f\n", ("line 3", "not valid YAML")),
        ("apiVersion: v1\nkind: X\nkind: Y\n", ("line 3", "'kind'", "twice")),
        ("- just\n- words\n", ("document 1",)),
        ("apiVersion: networking.istio.io/v1\nkind: VirtualService\n", ("document 1", "metadata")),
        ("apiVersion: networking.istio.io/v1\nkind: VirtualServise\nmetadata: {name: it}\n", ("VirtualServise",)),
        ("apiVersion: networking.istio.io/v7\nkind: VirtualService\nmetadata: {name: it}\n", ("v7",)),
    ],
)
def test_a_file_that_is_no_manifest(run: Runner, shop: Shop, tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    result = run.refused("istio_resource", *words, mesh=shop.name, src=write(tmp_path, text))
    assert "broken.yml" in result["msg"] or "API server" in result["msg"]


def test_the_same_object_twice(run: Runner, shop: Shop, tmp_path: Path) -> None:
    text = yaml.safe_dump_all([rule("it"), rule("other"), rule("it")])
    words = ("DestinationRule default/it", "document 1", "document 3")
    run.refused("istio_resource", *words, mesh=shop.name, src=write(tmp_path, text))


def test_a_file_that_does_not_exist(run: Runner, shop: Shop) -> None:
    run.refused("istio_resource", "/it/nothing.yml", mesh=shop.name, src=["/it/nothing.yml"])


def changed(resource: Json, **spec: Any) -> Json:
    return {**resource, "spec": {**resource["spec"], **spec}}


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        # The schema of the kind: an enumeration, a type, a field that does not exist.
        (changed(rule("bad"), trafficPolicy={"loadBalancer": {"simple": "FASTEST"}}), ("simple", "FASTEST")),
        (changed(rule("bad"), host=7), ("host",)),
        (changed(route("bad"), hots=["a"]), ("hots",)),
        # Only istiod knows.
        (changed(route("bad"), http=[{"route": [{"destination": {"host": "a"}, "weight": -5}]}]), ("weight",)),
        (changed(route("bad"), http=[{"match": [{"uri": {"prefix": "/"}}]}]), ("route", "required")),
    ],
)
def test_an_istio_resource_that_the_api_refuses(
    run: Runner, shop: Shop, tmp_path: Path, resource: Json, words: tuple[str, ...]
) -> None:
    text = yaml.safe_dump_all([rule("good"), resource])
    place = (f"{resource['kind']} default/bad", "broken.yml, document 2")
    src = write(tmp_path, text)
    result = run.refused("istio_resource", *place, *words, "Nothing was written", mesh=shop.name, src=src)
    outcomes = {entry["name"]: entry["outcome"] for entry in result["resources"]}
    assert outcomes["bad"] == "failed"


def test_prune_needs_a_set_and_an_empty_one_is_refused(run: Runner, shop: Shop) -> None:
    run.refused("istio_resource", "prune", "set", mesh=shop.name, definition=rule("it"), prune=True)
    run.refused("istio_resource", "empty list", "prune_all", mesh=shop.name, definition=[], prune=True, set="it")


def test_a_kubeconfig_that_is_none(run: Runner, tmp_path: Path) -> None:
    broken = write(tmp_path, "apiVersion: v1\n")[0]
    run.refused("istio_resource", "not a kubeconfig", "kubeconfig", kubeconfig=broken, definition=rule("it"))
    run.refused(
        "istio_resource",
        "names a file that cannot be read",
        "kubeconfig",
        kubeconfig="/it/nothing.yaml",
        definition=rule("it"),
    )


# Gateways.


def test_a_gateway_outside_of_istio_system(run: Runner, shop: Shop) -> None:
    options = {"name": "it-gate", "namespace": "default", "clusters": ["shop-1"]}
    result = run.refused("asm_gateway", "'default'", "istio-system", mesh=shop.name, **options)
    assert result["error"]["code"] == "WrongNamespace"
    manifest = {
        "apiVersion": "istio.alibabacloud.com/v1beta1",
        "kind": "IstioGateway",
        "metadata": {"name": "it-gate", "namespace": "default"},
        "spec": {"gatewayType": "ingress"},
    }
    run.refused("istio_resource", "istio-system", "'default'", mesh=shop.name, definition=manifest)


def test_a_gateway_in_a_cluster_that_is_not_attached(run: Runner, shop: Shop) -> None:
    options = {"name": "it-gate", "clusters": ["shop-1", "shop-3"], "ports": [{"name": "http", "port": 80}]}
    words = ("'shop-3'", "not attached", shop.name, "shop-2", "asm_cluster")
    run.refused("asm_gateway", *words, mesh=shop.name, **options)


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ([{"name": "http", "port": 80, "target_port": 80}], ("port 80", "nothing would listen", "run_as_root")),
        ([{"name": "a", "port": 80}, {"name": "a", "port": 81}], ("name", "a")),
        ([{"name": "a", "port": 80}, {"name": "b", "port": 80}], ("port", "80")),
        ([{"name": "a", "port": 70000}], ("70000", "65535")),
    ],
)
def test_gateway_ports_without_a_listener(run: Runner, shop: Shop, ports: list[Json], words: tuple[str, ...]) -> None:
    options = {"name": "it-gate", "clusters": ["shop-1"], "ports": ports}
    result = run.refused("asm_gateway", "it-gate", *words, mesh=shop.name, **options)
    assert result["error"]["code"] == "InvalidPorts"


def test_a_new_gateway_without_clusters(run: Runner, shop: Shop) -> None:
    run.refused("asm_gateway", "'it-gate'", "does not exist", "clusters", mesh=shop.name, name="it-gate", replicas=2)


# Rollouts that never become ready.


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("it-image", {"image": "registry.invalid/it/nothing:1"}, ("ErrImagePull", "registry.invalid/it/nothing:1")),
        ("it-crash", {"command": ["sh", "-c", "exit 3"]}, ("CrashLoopBackOff", "exit code 3", "BackOff")),
    ],
)
def test_a_rollout_that_never_becomes_ready(
    lab: Lab, run: Runner, shop: Shop, name: str, more: Json, words: tuple[str, ...]
) -> None:
    """The module does not wait for its timeout, and says what the pods and their events say."""
    options = {"cluster": "shop-1", "definition": deployment(name, **more)}
    try:
        title = f"Deployment default/{name}"
        result = run.failing("asm_workload", title, "Event ", *words, wait_timeout=240, **options)
        assert result["changed"] is True
        assert result["error"]["code"] == "WaitFailed"
        # The second run changes nothing, and tells it again.
        again = run.refused("asm_workload", title, *words, wait_timeout=240, **options)
        assert again["error"]["code"] == "WaitFailed"
    finally:
        run("asm_workload", state="absent", **options)


# A whole spec.


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"asm_clusters": [{"name": "shop-1"}, {"name": "it-nothing"}, {"name": "island-no-cen"}]},
            ("it-nothing", "island-no-cen", "CEN", "shop-2"),
        ),
        (
            {
                "asm_gateways": [
                    {"name": "ingressgateway", "clusters": ["shop-1"], "ports": [{"name": "a", "port": 81}]}
                ]
            },
            ("bookinfo-gateway", "80", "ingressgateway", "81"),
        ),
        (
            {"asm_cluster_purge": True, "asm_workloads": [{"name": "w", "clusters": ["shop-9"], "src": "nothing.yml"}]},
            ("asm_cluster_purge", "asm_clusters_purge", "shop-9", "nothing.yml"),
        ),
    ],
    ids=["clusters", "port-without-listener", "names"],
)
def test_a_spec_is_refused_with_all_that_is_wrong_with_it(
    lab: Lab, run: Runner, shop: Shop, change: Json, words: tuple[str, ...]
) -> None:
    """One message by the preflight, before anything is changed."""
    with lab.unwritten():
        played = run.play("meshops.asm.site", *SPEC, cwd=EXAMPLE, **change)
    assert played.code == 2
    assert list(tasks(played.output))[-1] == "preflight : Check the spec"
    message = played.output[played.output.index("The spec of mesh 'bookinfo' has") :]
    assert "Nothing was changed" in message
    missing = [word for word in words if word not in message]
    assert not missing, f"the message does not say {missing}: {message}"


# Options that Ansible itself refuses.


@pytest.mark.parametrize(
    ("module", "options", "word"),
    [
        ("asm_kubeconfig", {"mesh": "a", "cluster": "b"}, "mutually exclusive"),
        ("asm_kubeconfig", {}, "one of the following is required"),
        ("istio_resource", {"mesh": "a"}, "definition"),
        ("asm_mesh", {"name": "a", "cluster_spec": "huge"}, "enterprise"),
        ("asm_mesh", {"name": "a", "pilot": {"tracing": 1}}, "trace_sampling"),
    ],
)
def test_options_that_do_not_go_together(lab: Lab, run: Runner, module: str, options: Json, word: str) -> None:
    with lab.unwritten():
        result = run.start(module, **options).result()
    assert result["failed"]
    assert word in result["msg"]
