# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""asm_kiali on the shared mesh: on, changed, off, and what it needs."""

from __future__ import annotations

import json

from .conftest import Shop
from .labs import Lab
from .runner import Runner

MODULE = "asm_kiali"
OPENID = {"client_id": "kiali", "client_secret": "hush-kiali", "issuer_uri": "https://id.example.com"}


def test_kiali_from_off_to_off(lab: Lab, run: Runner, shop: Shop) -> None:
    run.refused(MODULE, "telemetry=true of asm_mesh", mesh=shop.name)
    run("asm_mesh", name=shop.name, telemetry=True)
    try:
        login = {"auth_strategy": "openid", "openid": OPENID}
        done = run.converge(MODULE, mesh=shop.name, server={"fqdn": "kiali.example.com", "port": 443}, **login)
        assert done["kiali"]["addresses"]["gateway"].startswith("http://kiali.")
        changed = run(MODULE, mesh=shop.name, server={"port": 8443}, openid=OPENID)
        assert changed["diff"]["after"]["server"]["fqdn"] == "kiali.example.com"
        found = run("asm_kiali_info", mesh=shop.name)["kiali"]
        assert (found["server"]["port"], found["openid"]["client_id"]) == (8443, "kiali")
        assert "hush" not in json.dumps([done, changed, found])
        run.refused(MODULE, "prometheus_url must be a URL", mesh=shop.name, prometheus_url="x")
        assert run.converge(MODULE, mesh=shop.name, state="absent")["kiali"] is None
    finally:
        run(MODULE, mesh=shop.name, state="absent")
        run("asm_mesh", name=shop.name, telemetry=False)


def test_bad_input(run: Runner, shop: Shop) -> None:
    run.refused(MODULE, "'it-nowhere'", mesh="it-nowhere")
    run.refused(MODULE, "auth_strategy must be one of", mesh=shop.name, auth_strategy="password")
