# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud without servers, and the official SDK clients that talk to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_cs20151215.client import Client as CsClient
from alibabacloud_servicemesh20200111 import models as asm_models
from alibabacloud_servicemesh20200111.client import Client as AsmClient
from alibabacloud_tea_openapi.models import Config
from doubles import NO_BINARIES, MemoryPlanes

from meshlab import lab as lab_module
from meshlab.account import User
from meshlab.lab import Lab
from meshlab.world import DEFAULT_WORLD


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """A lab whose planes lie in memory, with transitions as fast as they can be."""
    monkeypatch.setattr(lab_module, "Planes", MemoryPlanes)
    lab = Lab(tmp_path, DEFAULT_WORLD, NO_BINARIES, 0.0)
    lab.start(lambda line: None)
    yield lab
    lab.stop()


def config(lab: Lab, product: str, user: User, **more: Any) -> Config:
    """Client configuration of a user of the account."""
    endpoint = lab.urls[product].removeprefix("http://")
    return Config(
        access_key_id=user.access_key_id,
        access_key_secret=more.pop("secret", user.access_key_secret),
        endpoint=endpoint,
        protocol="http",
        region_id="cn-hangzhou",
        **more,
    )


def user_named(lab: Lab, name: str) -> User:
    """A user of the account."""
    return next(user for user in lab.world.users.values() if user.name == name)


@pytest.fixture
def asm(cloud: Lab) -> AsmClient:
    """ASM for the account itself."""
    return AsmClient(config(cloud, "servicemesh", cloud.world.main_user()))


@pytest.fixture
def cs(cloud: Lab) -> CsClient:
    """ACK for the account itself."""
    return CsClient(config(cloud, "cs", cloud.world.main_user()))


def wait_for(check: Callable[[], Any], seconds: float = 5.0) -> Any:
    """The first true value of ``check()``; fails after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def create_mesh(asm: AsmClient, **more: Any) -> str:
    """A mesh in the shop's VPC; its id."""
    parameters = {
        "region_id": "cn-hangzhou",
        "vpc_id": "vpc-lab-shop",
        "v_switches": '["vsw-lab-shop-h"]',
        "name": "shop",
        **more,
    }
    mesh_id: str = asm.create_service_mesh(asm_models.CreateServiceMeshRequest(**parameters)).body.service_mesh_id
    return mesh_id


def mesh_detail(asm: AsmClient, mesh_id: str) -> Any:
    """DescribeServiceMeshDetail as plain data."""
    request = asm_models.DescribeServiceMeshDetailRequest(service_mesh_id=mesh_id)
    return asm.describe_service_mesh_detail(request).body.to_map()["ServiceMesh"]


def wait_state(asm: AsmClient, mesh_id: str, state: str = "running") -> Any:
    """The detail of a mesh once it is in a state."""

    def check() -> Any:
        detail = mesh_detail(asm, mesh_id)
        return detail if detail["ServiceMeshInfo"]["State"] == state else None

    return wait_for(check)
