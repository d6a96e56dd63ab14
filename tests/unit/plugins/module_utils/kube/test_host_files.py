# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is told, out of its WorkloadGroup; and when it needs another token."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from typing import Any

import pytest
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput
from ansible_collections.meshops.asm.plugins.module_utils.kube import host_files
from ansible_collections.meshops.asm.plugins.module_utils.kube.host_files import Group, Host, Pilot
from ansible_collections.meshops.asm.plugins.module_utils.kube.host_reading import is_place

Json = dict[str, Any]

HOST = Host("stock-1", "192.0.2.20", "c1")
PILOT = Pilot("istiod-default.istio-system.svc", "192.0.2.1", 15012, "PEM\n")
ACCOUNT = {"metadata": {"uid": "u-1"}}
NOW = 1_000_000.0


def group(annotations: Json | None = None, **spec: Any) -> Group:
    template = {"serviceAccount": "stock", "ports": {"http": 8080, "admin": 9000}, "network": "", "weight": 3}
    given = {"metadata": {"labels": {"app": "stock"}}, "template": template, **spec}
    return host_files.read_group({"metadata": {"annotations": annotations}, "spec": given}, "shop", "stock")


def told(of: Group, domain: str = "svc.cluster.local") -> tuple[dict[str, str], Json]:
    """``(variables, the proxy's configuration)``."""
    env, config, root = host_files.files_of(of, HOST, PILOT, domain)
    assert root == {"path": "/etc/istio/config/root-cert.pem", "content": "PEM\n"}
    assert (env["path"], config["path"]) == ("/var/lib/istio/envoy/cluster.env", "/etc/istio/config/mesh")
    pairs = (line.partition("=") for line in env["content"].splitlines())
    variables = {name: "".join(shlex.split(value)) for name, _equals, value in pairs}
    return variables, json.loads(config["content"])["defaultConfig"]


def test_what_a_host_is_told() -> None:
    env, config = told(group())
    assert config["discoveryAddress"] == env["CA_ADDR"] == "istiod-default.istio-system.svc:15012"
    assert "readinessProbe" not in config
    metadata = config["proxyMetadata"]
    assert metadata["ISTIO_META_CLUSTER_ID"] == "c1"
    assert json.loads(metadata["ISTIO_METAJSON_LABELS"]) == {
        "app": "stock",
        "service.istio.io/canonical-name": "stock",
        "service.istio.io/canonical-revision": "latest",
    }
    assert json.loads(metadata["ISTIO_META_POD_PORTS"])[0] == {"name": "admin", "containerPort": 9000}
    assert "ISTIO_META_WORKLOAD_ENTRY" not in metadata
    assert env == {
        **metadata,
        "CA_ADDR": env["CA_ADDR"],
        "ISTIO_INBOUND_PORTS": "8080,9000",
        "ISTIO_LOCAL_EXCLUDE_PORTS": "22,15090,15021,15020",
        "ISTIO_NAMESPACE": "shop",
        "ISTIO_SERVICE": "stock.shop",
        "ISTIO_SERVICE_CIDR": "*",
        "ISTIO_SVC_IP": "192.0.2.20",
        "POD_NAME": "stock-1",
        "CA_ROOT_CA": "/etc/istio/config/root-cert.pem",
        "XDS_ROOT_CA": "/etc/istio/config/root-cert.pem",
    }


def test_a_group_that_says_nothing() -> None:
    found = host_files.read_group({"metadata": {"name": "bare"}}, "shop", "bare")
    env, config = told(found)
    assert (env["ISTIO_INBOUND_PORTS"], env["SERVICE_ACCOUNT"]) == ("*", "default")
    assert config["proxyMetadata"]["CANONICAL_SERVICE"] == "bare"
    assert host_files.entry_of(found, HOST)["spec"] == {"address": "192.0.2.20", "serviceAccount": "default"}


def test_the_entry_has_what_the_group_says_of_its_hosts() -> None:
    entry = host_files.entry_of(group(), HOST)
    assert entry["metadata"] == {"name": "stock-1", "namespace": "shop"}
    assert entry["spec"] == {
        "address": "192.0.2.20",
        "labels": {"app": "stock"},
        "ports": {"http": 8080, "admin": 9000},
        "serviceAccount": "stock",
        "weight": 3,
    }


def test_a_probe_is_carried_out_by_the_sidecar_and_heeded_by_the_mesh() -> None:
    probed = group(probe={"httpGet": {"port": 8080}})
    _env, config = told(probed)
    assert config["readinessProbe"] == {"httpGet": {"port": 8080}}
    assert config["proxyMetadata"]["ISTIO_META_WORKLOAD_ENTRY"] == "stock-1"
    annotations = host_files.entry_of(probed, HOST)["metadata"]["annotations"]
    assert annotations == {"proxy.istio.io/health-checks-enabled": "true"}


def test_the_group_adds_to_the_configuration_of_its_proxies() -> None:
    inner = {"labels": {}, "annotations": {"proxy.istio.io/config": "proxyMetadata: {B: inner, C: 'x y'}"}}
    given = {"proxy.istio.io/config": "concurrency: 4\nproxyMetadata: {A: '1', B: outer}"}
    config = told(group(given, metadata=inner))[1]
    assert config["concurrency"] == 4
    assert {name: config["proxyMetadata"][name] for name in "ABC"} == {"A": "1", "B": "inner", "C": "x y"}


def test_what_a_shell_reads_has_only_what_proxies_tell() -> None:
    """It runs as root, while who may write a WorkloadGroup need not be root anywhere."""
    wicked = ("PATH", "ISTIO_BIN_BASE", "EXEC_USER", "ISTIO_META_A=1; id; B", "ISTIO_META_A\nB", "A B")
    plain = told(group())[0]
    given = {"ISTIO_META_TEAM": "$(id) `id` 'x'\n", **dict.fromkeys(wicked, "/home/mine"), "ISTIO_SVC_IP": "192.0.2.9"}
    noted = {"proxy.istio.io/config": json.dumps({"proxyMetadata": given})}
    content = host_files.files_of(group(noted), HOST, PILOT)[0]["content"]
    script = f'set -eu\n{content}\nprintf %s "$ISTIO_META_TEAM$ISTIO_SVC_IP"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={})
    assert done.stdout == f"{given['ISTIO_META_TEAM']}192.0.2.20"
    names = {line.partition("=")[0] for line in content.splitlines() if "=" in line}
    assert names - {"ISTIO_META_TEAM"} == set(plain)


@pytest.mark.parametrize("given", ["[1]", "{", "proxyMetadata: {A: {}}", "proxyMetadata: 5"])
def test_a_configuration_that_is_none(given: str) -> None:
    with pytest.raises(InvalidInput, match=r"WorkloadGroup shop/stock"):
        group({"proxy.istio.io/config": given})


def test_a_mesh_of_another_domain() -> None:
    assert told(group(), "svc.corp.local")[0]["ISTIO_AGENT_FLAGS"] == "--domain=shop.svc.corp.local"
    assert "ISTIO_AGENT_FLAGS" not in told(group())[0]
    with pytest.raises(InvalidInput, match="end with"):
        told(group(), "svc.x;reboot")


def token(**claims: Any) -> str:
    sound = {
        "sub": "system:serviceaccount:shop:stock",
        "aud": ["istio-ca"],
        "iat": NOW - 600,
        "exp": NOW + 3000,
        "kubernetes.io": {"serviceaccount": {"uid": "u-1"}},
    }
    payload = base64.urlsafe_b64encode(json.dumps({**sound, **claims}).encode()).decode().rstrip("=")
    return f"e30.{payload}.sig"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (token(), ""),
        (token(exp=NOW + 1801), ""),
        (token(exp=NOW + 1799), "less than half of its time is left"),
        (token(exp=NOW - 1), "less than half of its time is left"),
        (token(sub="system:serviceaccount:shop:other"), "it is of another service account"),
        (token(**{"kubernetes.io": {"serviceaccount": {"uid": "u-0"}}}), "it is of another service account"),
        (token(aud=["api"]), "it is not for the mesh"),
        (token(exp="never"), "it is not readable"),
        ("", "there is none"),
        ("rubbish", "it is not readable"),
        ("a.b.c", "it is not readable"),
        (f"e30.{base64.urlsafe_b64encode(b'[' * 100000).decode()}.x", "it is not readable"),
    ],
)
def test_when_a_new_token_is_needed(given: str, why: str) -> None:
    assert host_files.why_new_token(given, group(), ACCOUNT, minutes=60, now=NOW) == why


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("192.0.2.1:15012", True),
        ("[2001:db8::1]:15012", True),
        ("2001:db8::1:15012", False),
        ("[192.0.2.1]:15012", False),
        ("192.0.2.1", False),
        ("192.0.2.1:", False),
        ("192.0.2.1:65536", False),
        ("pilot.example:15012", False),
    ],
)
def test_an_address_with_its_port(text: str, fits: bool) -> None:
    assert is_place(text) is fits
