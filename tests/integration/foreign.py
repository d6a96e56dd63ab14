# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alibaba's own SDK for the lab: how others ask the service."""

from __future__ import annotations

from alibabacloud_servicemesh20200111.client import Client
from alibabacloud_tea_openapi.models import Config

from .labs import REGION, Lab


def config(lab: Lab, endpoint: str, **more: str) -> Config:
    """For a client of the endpoint that this variable names."""
    given = lab.control.environment()
    protocol, host = given[endpoint].split("://")
    settings = {
        "access_key_id": given["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        "access_key_secret": given["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        "region_id": REGION,
    }
    return Config(endpoint=host, protocol=protocol, **{**settings, **more})


def foreign_client(lab: Lab, **more: str) -> Client:
    """A client of Service Mesh (ASM)."""
    return Client(config(lab, "MESHOPS_ASM_ENDPOINT", **more))
