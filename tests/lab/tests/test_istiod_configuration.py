# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mesh's configuration reaches istiod: by its own reading, or by another istiod when it does not read."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
import urllib3
from conftest import wait_for
from meshlab import istiod, meshconfig
from meshlab.addresses import Addresses
from meshlab.binaries import ensure_binaries
from meshlab.meshplane import MeshPlane
from meshlab.planes import Planes

MESH = "cffffffffffffffffffffffffffffff01"


@pytest.fixture(scope="module")
def planes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planes]:
    workdir = tmp_path_factory.mktemp("lab")
    addresses = Addresses(workdir)
    planes = Planes(workdir, ensure_binaries(print), addresses)
    try:
        planes.start()
        yield planes
    finally:
        planes.stop()
        addresses.close()


@pytest.fixture(scope="module")
def mesh(planes: Planes) -> MeshPlane:
    return planes.mesh(MESH)


def in_force(mesh: MeshPlane) -> str:
    """The mesh configuration that istiod says it has."""
    found = mesh._istiod
    assert found
    answer = urllib3.request("GET", f"http://{found.address}:{istiod.HTTP_PORT}/debug/mesh", timeout=5.0)
    return answer.data.decode()


def pid(planes: Planes) -> int:
    """The process of the mesh's istiod; 0 while there is none."""
    found = planes.processes.running(f"{MESH}-istiod")
    return found[0].pid if found else 0


def test_a_change_is_in_force_when_it_is_done_and_takes_no_new_process(planes: Planes, mesh: MeshPlane) -> None:
    before, process = in_force(mesh), pid(planes)
    assert "ALLOW_ANY" in before
    mesh.configure(meshconfig.configuration({"OutboundTrafficPolicy": "REGISTRY_ONLY"}, {}))
    assert "ALLOW_ANY" not in in_force(mesh)
    mesh.configure(meshconfig.configuration({"OutboundTrafficPolicy": "ALLOW_ANY"}, {}))
    assert in_force(mesh) == before
    assert pid(planes) == process


def test_extension_providers_are_in_force(mesh: MeshPlane) -> None:
    config = {"service": "opa.opa.svc.cluster.local", "port": 9191, "timeout": "1s", "oidc": {"clientID": "me"}}
    rows = [
        {"Name": f"{kind}-opa", "Type": kind, "Config": json.dumps(config)} for kind in ("httpextauth", "grpcextauth")
    ]
    mesh.configure(meshconfig.configuration({}, {"ExtensionProviders": rows}))
    shown = in_force(mesh)
    assert all(word in shown for word in ("httpextauth-opa", "grpcextauth-opa", "opa.opa.svc.cluster.local", "9191"))
    mesh.configure(meshconfig.configuration({}, {}))
    assert "opa" not in in_force(mesh)


def test_discovery_selectors_are_in_force(mesh: MeshPlane) -> None:
    selectors = [{"matchLabels": {"mesh": "shop"}}]
    spec = {"ExtraConfiguration": {"DiscoverySelectors": selectors}}
    mesh.configure(meshconfig.configuration(spec, {}))
    assert "discoverySelectors" in in_force(mesh)
    mesh.configure(meshconfig.configuration({}, {}))
    assert "discoverySelectors" not in in_force(mesh)


def test_an_istiod_that_does_not_follow_is_replaced(planes: Planes, mesh: MeshPlane) -> None:
    process = pid(planes)
    os.kill(process, signal.SIGSTOP)
    mesh.configure(meshconfig.configuration({"OutboundTrafficPolicy": "REGISTRY_ONLY"}, {}))
    wait_for(lambda: pid(planes) not in (0, process), 20)
    wait_for(lambda: answered(mesh) and "ALLOW_ANY" not in in_force(mesh), 30)


def answered(mesh: MeshPlane) -> bool:
    try:
        return bool(in_force(mesh))
    except urllib3.exceptions.HTTPError:
        return False
