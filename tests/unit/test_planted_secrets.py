# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret in any message, log or file that is not meant for it: every module, what is right and each kind of mistake.

One play at the highest verbosity, with Ansible's own debugging, a log, both formats of results and ``async``, is
searched for a text that stands in every place for a secret.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.loggers import NAMES

from .account import CLUSTER, MESH, ROOT, Account, Ansible, serving
from .pem import pair
from .plugins.module_utils.kube.conftest import status
from .wording import WORDS

pytestmark = pytest.mark.playbooks

# All digits, so that it can stand where a number is not expected, and nothing else is like it.
MARKER = "90817263544536271809"
CODED = base64.b64encode(MARKER.encode()).decode()
PEM = f"-----BEGIN PRIVATE KEY-----\n{CODED}\n-----END PRIVATE KEY-----\n"
PAIR = pair()
QUOTED = {"Authorization": f"Bearer {MARKER}", "Cookie": MARKER}
NOBODY = "http://127.0.0.1:9"
SERVER = "http://address-of-the-cluster"


def secret(**parts: Any) -> dict[str, Any]:
    metadata = {"name": "login", "namespace": "istio-system"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **parts}


def kubeconfig(user: Any, **cluster: Any) -> str:
    return yaml.safe_dump(
        {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": SERVER, **cluster}}],
            "users": [{"name": "u", "user": user}],
        }
    )


KUBECONFIGS = {
    "with a token in a block": kubeconfig({"token": f"{MARKER}\n"}),
    "with a number": kubeconfig({"token": int(MARKER)}),
    "with two lines": kubeconfig({"token": f"{MARKER}\n{MARKER}"}),
    "with a key that is none": kubeconfig({"client-key-data": MARKER, "client-certificate-data": CODED}),
    "with a key for a path": kubeconfig({"client-key": PEM, "client-certificate-data": CODED}),
    "with a strange server": kubeconfig({}, server=f"ftp://{MARKER}"),
    "with a proxy": kubeconfig({"token": MARKER}, **{"proxy-url": f"socks5://u:{MARKER}@h"}),
    "that is cut": f"users:\n- {{token: {MARKER}, x: [",
    "that is no kubeconfig": f"token: {MARKER}\n",
    "with a key twice": f"token: a\n'{MARKER}': b\n'{MARKER}': b\n",
    "with a program": kubeconfig({"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": MARKER}}),
}
URL = f"https://reader:{MARKER}@example.com:9090/api"
CLOUD = {"access_key_secret": MARKER, "security_token": MARKER, "access_key_id": "AK"}
AUTHORITIES = {
    "as it should be": {"type": "1", "cert": "Y2VydA==", "key": MARKER, "root_key": MARKER},
    "as JSON": json.dumps({"type": "1", "key": MARKER}),
    "as text": PEM,
    "as assignments": f"type=1 key={MARKER}",
    "as a list": [PEM],
    "with a misspelt option": {"type": "1", "kye": MARKER},
    "with a key of another type": {"type": "1", "key": [PEM]},
    "with an unknown type": {"type": "9", "key": MARKER},
}
TOKENS = {
    "as it should be": {"c1": MARKER},
    "as JSON": json.dumps({"c1": MARKER}),
    "as text": PEM,
    "with a number": {"c1": int(MARKER)},
    "with a list": {"c1": [MARKER]},
}
CLUSTERS = {
    "as it should be": [{"name": "garage", "kubeconfig": KUBECONFIGS["with a token in a block"]}],
    "as text": PEM,
    "as a mapping": {"garage": {"kubeconfig": PEM}},
    "as texts": [PEM],
    "with a misspelt option": [{"name": "garage", "kubeconfg": PEM}],
    "with a kubeconfig of another type": [{"name": "garage", "kubeconfig": {"users": [{"token": MARKER}]}}],
}
PAIRS = {
    "with a key that is none": {"certificate": "-----BEGIN CERTIFICATE-----", "private_key": PEM},
    "with a key for a certificate": {"certificate": PEM, "private_key": MARKER},
    "with a list of keys": {"certificate": "x", "private_key": [PEM, MARKER]},
    "with a mapping for a key": {"certificate": "x", "private_key": {"p": MARKER}},
    "with a misspelt option": {"certificate": "x", "privat_key": PEM},
}
LOGINS = {
    "as it should be": {"client_id": "a", "client_secret": MARKER, "issuer_uri": "https://b", "cookie_secret": CODED},
    "with a list for a secret": {"client_id": "a", "client_secret": [MARKER], "issuer_uri": "https://b"},
    "with a misspelt option": {"client_id": "a", "client_secrt": MARKER},
    "as text": f"client_secret: {MARKER}",
    "as a list": [{"client_secret": MARKER}],
    "without the rest": {"client_secret": MARKER},
}
SECRETS = {
    "as it should be": secret(stringData={"p": MARKER}),
    "with a number": secret(data={"p": int(MARKER)}),
    "with a list": secret(data={"z": [MARKER]}),
    "with a list of data": secret(data=[MARKER]),
    "with text for data": secret(data=MARKER, stringData={"p": "x"}),
    "with a misspelt field": secret(strngData={"p": MARKER}),
    "that the server refuses": {**secret(data={"p": CODED}), "metadata": {"name": "refused", "namespace": "default"}},
}
BODIES = [{"name": "w", "clusters": [CLUSTER], "definition": [SECRETS["with a number"]]}]
FILES = {
    "good.yml": yaml.safe_dump(secret(stringData={"p": f"{MARKER}"})),
    "number.yml": yaml.safe_dump(secret(data={"p": int(MARKER)})),
    "cut.yml": f"kind: Secret\ndata: {{p: {MARKER}, x: [",
    "number.json": json.dumps(secret(data={"p": int(MARKER)})),
}


def authorities(folder: Path) -> Iterator[dict[str, Any]]:
    for title, ca in AUTHORITIES.items():
        yield task("asm_mesh", title, name="new", vpc_id="vpc-1", vswitch_ids=["vsw-1"], ca=ca, wait=False)
    for title, tokens in TOKENS.items():
        kiali = {"arms_auth_tokens": tokens}
        yield task("asm_mesh", title, name="new", vpc_id="vpc-1", vswitch_ids=["vsw-1"], kiali=kiali, wait=False)
        yield task("asm_mesh", title, name=MESH, kiali=kiali, resend=["kiali"], wait=False)
    yield task("asm_mesh", "a URL", name="new", vpc_id="vpc-1", vswitch_ids=["vsw-1"], prometheus_url=URL, wait=False)
    yield task("asm_mesh", "a URL of a mesh that is there", name=MESH, prometheus_url=URL, wait=False)
    yield task("asm_verify", "a URL", mesh=MESH, mesh_options={"name": MESH, "prometheus_url": URL})
    spec = {"name": "new", "vpc_id": "vpc-1", "vswitch_ids": ["vsw-1"], "ca": AUTHORITIES["as it should be"]}
    spec["prometheus_url"] = URL
    yield task("asm_preflight", "all", mesh=spec, clusters=CLUSTERS["as it should be"], workloads=BODIES)


def clusters(folder: Path) -> Iterator[dict[str, Any]]:
    for title, listed in CLUSTERS.items():
        yield task("asm_cluster", title, mesh=MESH, clusters=listed, wait=False)
    for title, options in PAIRS.items():
        yield task("asm_gateway_secret", title, mesh=MESH, gateway="in", name="tls", **options)
    listed = [{"name": "tls", "gateway": "in", **options} for options in PAIRS.values()]
    yield task("asm_verify", "certificates", mesh=MESH, gateway_secrets=listed)
    yield task("asm_preflight", "certificates", mesh={"name": MESH}, gateway_secrets=listed)


def logins(folder: Path) -> Iterator[dict[str, Any]]:
    named = {"name": "httpextauth-in", "service": "a", "port": 80}
    for title, login in LOGINS.items():
        yield task("asm_extension_provider", title, mesh=MESH, **named, oidc=login, wait=False)
        if not isinstance(login, dict) or "cookie_secret" not in login:
            yield task("asm_kiali", title, mesh=MESH, openid=login, wait=False)
    for tokens in ({"c1": MARKER}, MARKER, [MARKER], {"c1": {"a": MARKER}}):
        yield task("asm_kiali", "tokens", mesh=MESH, prometheus_tokens=tokens, wait=False)
    login = {"client_id": "a", "client_secret": MARKER, "issuer_uri": URL}
    yield task("asm_kiali", "a URL", mesh=MESH, auth_strategy="openid", openid=login, prometheus_url=URL, wait=False)
    listed = [{**named, "oidc": login} for login in LOGINS.values()]
    yield task("asm_verify", "logins", mesh=MESH, extension_providers=listed)
    yield task("asm_preflight", "logins", mesh={"name": MESH}, extension_providers=listed)


def kubeconfigs(folder: Path) -> Iterator[dict[str, Any]]:
    for number, (title, text) in enumerate(KUBECONFIGS.items()):
        reading = task("istio_resource_info", title, kubeconfig=text, kind="Gateway")
        yield reading if number % 2 else task("asm_workload", title, kubeconfig=text, definition=secret())
    (folder / "kubeconfig").write_text(KUBECONFIGS["with two lines"], encoding="utf-8")
    for module in ("istio_resource_info", "asm_namespace", "istio_resource"):
        yield task(module, "a file", kubeconfig=f"{folder}/kubeconfig", **EXTRA.get(module, {}))
    yield task("asm_kubeconfig", "kept", cluster=CLUSTER, dest=f"{folder}/kept")


def manifests(folder: Path) -> Iterator[dict[str, Any]]:
    for title, body in SECRETS.items():
        yield task("asm_workload", title, clusters=[CLUSTER], definition=body)
    wrong = SECRETS["with a misspelt field"]
    yield task("asm_workload", "unvalidated", clusters=[CLUSTER], definition=wrong, validate=False)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
        yield task("asm_workload", name, clusters=[CLUSTER], src=f"{folder}/{name}")
    yield task("asm_workload", "template", clusters=[CLUSTER], template=f"{folder}/cut.yml")
    yield task("asm_verify", "all", mesh=MESH, workloads=BODIES)


def requests(folder: Path) -> Iterator[dict[str, Any]]:
    for headers in (QUOTED, MARKER):
        one = {"address": ["127.0.0.1"], "port": 9, "count": 1, "headers": headers, "body": MARKER, "wait_timeout": 0}
        yield task("asm_probe", "headers", **one)
        yield task("asm_verify", "headers", mesh=MESH, checks=[{"name": "a", **one}])


def modules(folder: Path) -> Iterator[dict[str, Any]]:
    for module in sorted(file.stem for file in (ROOT / "plugins/modules").glob("*.py")):
        yield task(module, "keys", **EXTRA.get(module, {}), **CLOUD)
    for module in ("asm_mesh", "asm_gateway_info", "asm_probe"):
        yield task(module, "an unknown option", **EXTRA.get(module, {}), **CLOUD, passwrd=MARKER)


def later(folder: Path) -> Iterator[dict[str, Any]]:
    (folder / "number.yml").write_text(FILES["number.yml"], encoding="utf-8")
    given = [
        task("asm_mesh", "later", name="new", ca=AUTHORITIES["as it should be"], wait=False),
        task("asm_mesh", "later, wrong", name="new", ca=PEM),
        task("asm_workload", "later", clusters=[CLUSTER], src=f"{folder}/number.yml"),
        task("asm_workload", "later, right", clusters=[CLUSTER], definition=SECRETS["as it should be"]),
    ]
    # Ansible gives a job 2.5 seconds to begin and looks for it after ``poll`` more, whether it has begun or not.
    yield from ({**one, "async": 600, "poll": 3} for one in given)


EXTRA: dict[str, dict[str, Any]] = {
    "asm_mesh": {"name": MESH, "wait": False},
    "asm_cluster": {"mesh": MESH, "clusters": [], "wait": False},
    "asm_cluster_info": {"mesh": MESH},
    "asm_extension_provider": {"mesh": MESH, "name": "httpextauth-in", "service": "a", "port": 80},
    "asm_gateway": {
        "mesh": MESH,
        "name": "in",
        "clusters": [CLUSTER],
        "ports": [{"name": "http", "port": 80}],
        "wait": False,
    },
    "asm_gateway_imported_services": {"mesh": MESH, "namespace": "a", "services": ["b"], "state": "absent"},
    "asm_gateway_imported_services_info": {"mesh": MESH},
    "asm_gateway_info": {"mesh": MESH},
    "asm_gateway_domain": {"mesh": MESH, "name": "http", "state": "absent"},
    "asm_gateway_domain_info": {"mesh": MESH},
    "asm_gateway_route": {"mesh": MESH, "name": "page", "state": "absent"},
    "asm_gateway_route_info": {"mesh": MESH},
    "asm_gateway_secret": {"mesh": MESH, "gateway": "in", "name": "tls", "certificate": PEM, "private_key": PEM},
    "asm_gateway_secret_info": {"mesh": MESH},
    "asm_host_config": {
        "mesh": MESH,
        "cluster": CLUSTER,
        "namespace": "istio-system",
        "group": "stock",
        "name": "stock-1",
        "address": "192.0.2.20",
        "token": PEM,
    },
    "asm_kiali": {"mesh": MESH},
    "asm_kiali_info": {"mesh": MESH},
    "asm_kubeconfig": {"mesh": MESH},
    "asm_namespace": {"name": "istio-system"},
    "asm_preflight": {"mesh": {"name": MESH}},
    "asm_registry_info": {"mesh": MESH},
    "asm_sidecar_config": {"mesh": MESH, "name": "istio-system"},
    "asm_sidecar_config_info": {"mesh": MESH, "names": ["istio-system"]},
    "asm_swim_lane": {"mesh": MESH, "group": "features", "name": "gray", "label_value": "gray"},
    "asm_swim_lane_group": {
        "mesh": MESH,
        "name": "features",
        "gateway": "in",
        "services": ["shop/cart"],
        "wait": False,
    },
    "asm_swim_lane_info": {"mesh": MESH},
    "asm_user_permission": {"mesh": MESH, "user": "1", "role": "istio-ops", "wait": False},
    "asm_verify": {"mesh": MESH},
    "asm_waypoint": {"mesh": MESH, "cluster": CLUSTER, "namespace": "a", "state": "absent"},
    "asm_waypoint_info": {"mesh": MESH},
    "asm_probe": {"address": ["127.0.0.1"], "port": 9, "count": 1},
    "asm_baseline": {
        "clusters": [CLUSTER],
        "namespace": "istio-system",
        "deployment": "a",
        "service": "a",
        "state": "absent",
    },
    "asm_restart": {"mesh": MESH, "clusters": [CLUSTER], "namespace": "istio-system", "wait": False},
    "istio_resource": {"definition": []},
    "asm_workload": {"definition": []},
    "asm_workload_info": {"clusters": [CLUSTER], "namespaces": ["istio-system"]},
}


def task(module: str, title: str, **options: Any) -> dict[str, Any]:
    return {"name": f"{module}: {title}", f"meshops.asm.{module}": options, "ignore_errors": True}


def by_variables(planned: list[dict[str, Any]]) -> dict[str, Any]:
    """Puts secrets into variables, which it returns: Ansible shows the lines of a play about which it complains."""
    variables: dict[str, Any] = {}
    for options in [value for one in planned for value in one.values() if isinstance(value, dict)]:
        for name, value in options.items():
            if any(secret in str(value) for secret in (MARKER, CODED)):
                variables[f"v{len(variables)}"] = value
                options[name] = f"{{{{ v{len(variables) - 1} }}}}"
    return variables


def refuse_one(account: Account) -> None:
    """The server's own words about one of the Secrets, in its dry run and in the write."""
    words = f".data.p: expected string, got &value.valueUnstructured{{Value:{MARKER}}}"
    account.servers["cluster"].fail_next(*status(500, "", words), times=99, only="secrets/refused")


# With ``python`` modules run in a child of the controller, with another name of it as Ansible itself runs them.
@pytest.mark.parametrize(
    ("group", "python", "style"),
    [
        (authorities, "python", "json"),
        (clusters, "python3", "yaml"),
        (logins, "python", "json"),
        (kubeconfigs, "python", "yaml"),
        (manifests, "python", "json"),
        (requests, "python3", "json"),
        (modules, "python", "yaml"),
        (later, "python3", "json"),
    ],
)
def test_no_secret_is_told(
    tmp_path: Path, group: Callable[[Path], Iterator[dict[str, Any]]], python: str, style: str
) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    planned = list(group(inputs))
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"include_tasks": f"{inputs}/tasks.yml"}]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    with serving("text") as account:
        variables = json.dumps(by_variables(planned)).replace(SERVER, f"{account.url}/cluster")
        (inputs / "variables.json").write_text(variables, encoding="utf-8")
        (inputs / "tasks.yml").write_text(yaml.safe_dump(planned), encoding="utf-8")
        refuse_one(account)
        ansible = Ansible(tmp_path, account)
        played = ansible(
            "ansible-playbook", "-vvvv", "--diff", "play.yml", "-e", f"@{inputs}/variables.json",
            "-e", f"ansible_python_interpreter={Path(sys.executable).with_name(python)}",
            ANSIBLE_DEBUG="1", ANSIBLE_LOG_PATH=str(tmp_path / "log"), ANSIBLE_CALLBACK_RESULT_FORMAT=style,
            ANSIBLE_KEEP_REMOTE_FILES="0", ANSIBLE_CALLBACKS_ENABLED="meshops.asm.summary",
        )  # fmt: skip
        told = str([server.requests for server in account.servers.values()])
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    assert played.stdout.count("TASK [asm_") + played.stdout.count("TASK [istio_") == len(planned)
    # What was right has been done, with the secret.
    assert group not in (manifests, later) or CODED in told, played.stdout[-6000:]
    kept = [file for file in tmp_path.rglob("*") if file.is_file() and inputs not in file.parents]
    assert any(".ansible_async" in str(file) for file in kept) is (group is later)
    seen = {str(file): file.read_text(encoding="utf-8", errors="replace") for file in kept}
    seen.update({"standard output": played.stdout, "standard error": played.stderr})
    found = {
        f"{place}: {text[max(0, match.start() - 300) : match.end() + 40]}"
        for place, text in seen.items()
        for match in re.finditer(f"{MARKER}|{CODED[4:-4]}", text)
    }
    assert not found, "\n\n".join(sorted(found)[:5])
    assert "Traceback" not in played.stdout, played.stdout[played.stdout.index("Traceback") - 2000 :][:6000]


#: A secret in every place of a spec that has one.
SPEC: dict[str, Any] = {
    "asm_mesh": {
        "name": MESH,
        "region": "cn-hangzhou",
        "vpc_id": "vpc-1",
        "vswitch_ids": ["vsw-1"],
        "ca": AUTHORITIES["as it should be"],
        "kiali": {"arms_auth_tokens": TOKENS["as it should be"]},
        "prometheus_url": URL,
    },
    "asm_clusters": [{"name": CLUSTER}],
    "asm_gateways": [{"name": "in", "clusters": [CLUSTER], "ports": [{"name": "http", "port": 80}]}],
    "asm_gateway_secrets": [{"name": "tls", "gateway": "in", **PAIR.options()}],
    "asm_extension_providers": [
        {"name": "httpextauth-in", "service": "a", "port": 80, "oidc": LOGINS["as it should be"]}
    ],
    "asm_workloads": [{"name": "w", "clusters": [CLUSTER], "definition": [SECRETS["as it should be"]]}],
    "asm_checks": [{"name": "a", "address": ["127.0.0.1"], "port": 9, "headers": QUOTED, "body": MARKER}],
}


def test_no_secret_of_a_spec_is_told(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs/mesh.yml").write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    with serving("text") as account:
        played = Ansible(tmp_path, account)(
            "ansible-playbook", "meshops.asm.site", "meshops.asm.verify", "meshops.asm.remove", "-vvvv", "--check",
            "--diff", "-e", "@inputs/mesh.yml", "-e", f"asm_remove={MESH}", ANSIBLE_DEBUG="1",
            ANSIBLE_LOG_PATH=str(tmp_path / "log"), ANSIBLE_CALLBACKS_ENABLED="meshops.asm.summary",
        )  # fmt: skip
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    assert played.stdout.count("TASK [meshops.asm.") > 30
    seen = played.stdout + played.stderr + (tmp_path / "log").read_text(encoding="utf-8")
    found = re.search("|".join(map(re.escape, (MARKER, CODED[4:-4], *PAIR.traces()))), seen)
    assert not found, seen[max(0, found.start() - 600) :][:700]


# What no text has as it is when it is written in another way.
ODD = f'a"b\\c {MARKER}\u00e9\n'


def quoted() -> Iterator[dict[str, Any]]:
    """Every option with a secret that is sent to the service, in a write that it refuses."""
    login = {"client_id": "a", "client_secret": ODD, "issuer_uri": "https://b"}
    named = {"mesh": MESH, "name": "httpextauth-in", "service": "a", "port": 80}
    key = {"type": "1", "cert": "Y2VydA==", "key": ODD, "root_key": ODD}
    yield task("asm_extension_provider", "oidc", **named, oidc={**login, "cookie_secret": ODD}, wait=False)
    yield task("asm_kiali", "openid", mesh=MESH, auth_strategy="openid", openid=login, wait=False)
    yield task("asm_kiali", "tokens", mesh=MESH, prometheus_tokens={"c1": ODD}, wait=False)
    yield task("asm_mesh", "ca", name="new", vpc_id="vpc-1", vswitch_ids=["vsw-1"], ca=key, wait=False)
    yield task("asm_mesh", "kiali", name=MESH, kiali={"arms_auth_tokens": {"c1": ODD}}, resend=["kiali"], wait=False)
    yield task("asm_gateway_secret", "key", mesh=MESH, gateway="in", name="tls", **PAIR.options())


@pytest.mark.parametrize("words", ["as JSON in JSON", "in Base64"])
def test_a_service_that_quotes_what_it_was_sent_is_not_repeated(tmp_path: Path, words: str) -> None:
    planned = list(quoted())
    variables = by_variables(planned)
    variables["key"] = PAIR.key
    planned[-1]["meshops.asm.asm_gateway_secret"]["private_key"] = "{{ key }}"
    play = [{"hosts": "localhost", "gather_facts": False, "tasks": [*planned]}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    told = tmp_path / "inputs.json"
    told.write_text(json.dumps(variables), encoding="utf-8")
    with serving("text") as account:
        account.words = WORDS[words]
        played = Ansible(tmp_path, account)(
            "ansible-playbook", "-vvvv", "--diff", "play.yml", "-e", f"@{told}",
            ANSIBLE_DEBUG="1", ANSIBLE_LOG_PATH=str(tmp_path / "log"),
        )  # fmt: skip
        refused = [one for one in account.calls if not one.startswith(("Describe", "Get", "List"))]
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    # Each of them got as far as that.
    assert len(refused) >= len(planned), refused
    seen = played.stdout + played.stderr + (tmp_path / "log").read_text(encoding="utf-8")
    for trace in (MARKER, *PAIR.traces(), base64.b64encode(ODD.encode()).decode()):
        assert trace not in seen, seen[max(0, seen.index(trace) - 600) :][:900]


def test_the_inventory_tells_no_signed_request(tmp_path: Path) -> None:
    """The SDK prints its requests, with key, token and signature, as soon as one of them fails."""
    (tmp_path / "asm.yml").write_text("plugin: meshops.asm.asm\nrole_arn: acs:ram::1:role/x\n", encoding="utf-8")
    with serving("text") as account:
        ansible = Ansible(tmp_path, account)
        ansible.environment.update(
            ALIBABA_CLOUD_SECURITY_TOKEN=MARKER,
            ALIBABA_CLOUD_ACCESS_KEY_SECRET=CODED, HTTPS_PROXY=NOBODY, HTTP_PROXY=NOBODY, NO_PROXY="127.0.0.1",
        )  # fmt: skip
        plain = ansible("ansible-inventory", "-i", "asm.yml", "--list")
        loud = ansible(
            "ansible-inventory", "-vvvv", "-i", "asm.yml", "--list",
            ANSIBLE_DEBUG="1", ANSIBLE_LOG_PATH=str(tmp_path / "log"),
        )  # fmt: skip
    log = (tmp_path / "log").read_text(encoding="utf-8")
    told = [plain.stdout, plain.stderr, loud.stdout, loud.stderr, log]
    assert "Failed to parse" in plain.stderr
    assert not any(one in text for one in (MARKER, CODED, "Signature", "AccessKeyId=") for text in told)
    assert len(plain.stderr.splitlines()) < 60
    assert not any(f"n={name}" in log for name in NAMES)
