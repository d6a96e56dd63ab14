# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module, broken at its first request: one failure that can be read, whatever it is that breaks."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible.module_utils import basic
from ansible_collections.meshops.asm.plugins import modules
from ansible_collections.meshops.asm.plugins.module_utils.cloud.client import Cloud
from ansible_collections.meshops.asm.plugins.module_utils.probe import rounds

MODULES = sorted(path.stem for path in Path(modules.__path__[0]).glob("*.py") if path.stem != "__init__")
MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
ROUTE = {
    "apiVersion": "networking.istio.io/v1",
    "kind": "Gateway",
    "metadata": {"name": "a"},
    "spec": {"servers": []},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "asm_cluster": {"mesh": "shop", "clusters": [{"name": "shop-1"}]},
    "asm_cluster_info": {"mesh": "shop"},
    "asm_extension_provider": {"mesh": "shop", "name": "httpextauth-ours", "state": "absent"},
    "asm_gateway": {"mesh": "shop", "clusters": ["shop-1"]},
    "asm_gateway_imported_services": {"mesh": "shop", "namespace": "a", "services": ["b"]},
    "asm_gateway_imported_services_info": {"mesh": "shop"},
    "asm_gateway_info": {"mesh": "shop"},
    "asm_gateway_domain": {"mesh": "shop", "name": "http", "state": "absent"},
    "asm_gateway_domain_info": {"mesh": "shop"},
    "asm_gateway_route": {"mesh": "shop", "name": "page", "state": "absent"},
    "asm_gateway_route_info": {"mesh": "shop"},
    "asm_gateway_secret": {"mesh": "shop", "name": "tls", "state": "absent"},
    "asm_gateway_secret_info": {"mesh": "shop"},
    "asm_host_config": {
        "mesh": "shop",
        "cluster": "shop-1",
        "namespace": "web",
        "group": "stock",
        "name": "stock-1",
        "address": "192.0.2.20",
    },
    "asm_kiali": {"mesh": "shop"},
    "asm_kiali_info": {"mesh": "shop"},
    "asm_kubeconfig": {"mesh": "shop"},
    "asm_mesh": {"name": "shop"},
    "asm_mesh_info": {"name": "shop"},
    "asm_namespace": {"name": "shop", "mesh": "shop"},
    "asm_preflight": {"mesh": {"name": "shop"}},
    "asm_probe": {"address": ["127.0.0.1"], "count": 1},
    "asm_registry_info": {"mesh": "shop"},
    "asm_baseline": {"clusters": ["shop-1"], "namespace": "web", "deployment": "v1", "service": "web", "like": "v2"},
    "asm_restart": {"mesh": "shop", "clusters": ["shop-1"], "namespace": "web"},
    "asm_sidecar_config": {"mesh": "shop", "name": "web", "concurrency": 2},
    "asm_sidecar_config_info": {"mesh": "shop", "names": ["web"]},
    "asm_swim_lane": {"mesh": "shop", "group": "features", "name": "gray", "state": "absent"},
    "asm_swim_lane_group": {"mesh": "shop", "name": "features", "state": "absent"},
    "asm_swim_lane_info": {"mesh": "shop"},
    "asm_user_permission": {"mesh": "shop", "user": "1001", "state": "absent"},
    "asm_user_permission_info": {"mesh": "shop"},
    "asm_verify": {"mesh": "shop"},
    "asm_waypoint": {"mesh": "shop", "cluster": "shop-1", "namespace": "a"},
    "asm_waypoint_info": {"mesh": "shop"},
    "asm_workload": {"cluster": "shop-1", "definition": MANIFEST},
    "asm_workload_info": {"clusters": ["shop-1"], "namespaces": ["web"]},
    "istio_resource": {"mesh": "shop", "definition": ROUTE},
    "istio_resource_info": {"mesh": "shop"},
}
ACCOUNT = {"access_key_id": "AK", "access_key_secret": "of-the-account", "region": "cn-hangzhou"}
HIDDEN = "the-private-key"
KINDS = [ValueError, SystemExit, KeyboardInterrupt, MemoryError, RecursionError, UnicodeDecodeError]


def broken(kind: type[BaseException]) -> BaseException:
    return UnicodeDecodeError(HIDDEN, b"x", 0, 1, HIDDEN) if kind is UnicodeDecodeError else kind(HIDDEN)


def test_every_module_is_here() -> None:
    assert sorted(OPTIONS) == MODULES


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", MODULES)
def test_one_failure_without_any_text_of_what_broke(
    name: str, kind: type[BaseException], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(*args: Any, **more: Any) -> Any:
        raise broken(kind)

    for target, method in ((Cloud, "_call"), (Cloud, "_client"), (rounds, "observe")):
        monkeypatch.setattr(target, method, breaks)
    given = {
        "access_key_id": "AK",
        "access_key_secret": "of-the-account",
        "region": "cn-hangzhou",
        "meshops_debug": True,
    }
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**given, **OPTIONS[name]}}).encode()
    module = importlib.import_module(f"{modules.__name__}.{name}")
    arguments_of = mock.patch.multiple(basic, create=True, _ANSIBLE_ARGS=arguments, _ANSIBLE_PROFILE="legacy")
    with arguments_of, pytest.raises(SystemExit) as ended:
        module.main()
    result = json.loads(capsys.readouterr().out)
    assert (ended.value.code, result["failed"], result["changed"]) == (1, True, False)
    assert result["error"]["code"] in ("Unexpected", "Interrupted", "OutOfMemory")
    assert result["debug"]["exceptions"][0]["type"] == kind.__name__
    assert HIDDEN not in json.dumps(result)
    assert "exception" not in result
