# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a probe, which are also those of a check in a spec.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

REQUEST_OPTIONS: dict[str, Any] = {
    "host": {"type": "str"},
    "path": {"type": "str", "default": "/"},
    "method": {"type": "str", "default": "GET"},
    "headers": {"type": "dict", "default": {}},
    "body": {"type": "str"},
}

BALANCING_OPTIONS: dict[str, Any] = {
    "policy": {"type": "str", "required": True, "choices": ["ROUND_ROBIN", "RANDOM", "LEAST_REQUEST"]},
    "slow": {"type": "str"},
    "window": {"type": "int", "default": 60},
}

EXPECT_OPTIONS: dict[str, Any] = {
    "split": {"type": "dict"},
    "even": {"type": "list", "elements": "str"},
    "tolerance": {"type": "float", "default": 5.0},
    "confidence": {"type": "float", "default": 99.9},
    "status": {"type": "list", "elements": "int"},
    "failed": {"type": "float", "default": 0.0},
    "latency": {
        "type": "dict",
        "options": {name: {"type": "float"} for name in ("mean", "p50", "p90", "p95", "p99", "max")},
    },
    "balancing": {"type": "dict", "options": BALANCING_OPTIONS},
}

PROBE_OPTIONS: dict[str, Any] = {
    "gateway": {"type": "str"},
    "cluster": {"type": "str"},
    "address": {"type": "list", "elements": "str"},
    "port": {"type": "int"},
    "tls": {
        "type": "dict",
        "options": {
            "server_name": {"type": "str"},
            "ca": {"type": "str"},
            "verify": {"type": "bool", "default": True},
            "client_cert": {"type": "path"},
            "client_key": {"type": "path"},
        },
    },
    **REQUEST_OPTIONS,
    "requests": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str"},
            **{name: {"type": about["type"]} for name, about in REQUEST_OPTIONS.items()},
        },
    },
    "count": {"type": "int"},
    "rate": {"type": "float"},
    "concurrency": {"type": "int", "default": 8},
    "duration": {"type": "float"},
    "timeout": {"type": "float", "default": 10.0},
    "retries": {"type": "int", "default": 0},
    "retry_statuses": {"type": "list", "elements": "int", "default": []},
    "by": {
        "type": "dict",
        "options": {
            "header": {"type": "str"},
            "regex": {"type": "str"},
            "jmespath": {"type": "str"},
            "status": {"type": "bool"},
            "slower_than": {"type": "float"},
        },
    },
    "expect": {
        "type": "dict",
        "options": EXPECT_OPTIONS,
        "mutually_exclusive": [("split", "even")],
    },
    "wait_timeout": {"type": "float", "default": 0.0},
}
COMPARE_OPTIONS: dict[str, Any] = {
    "canary": {"type": "str", "required": True},
    "stable": {"type": "str", "required": True},
    "share": {"type": "float", "required": True},
    "baseline": {"type": "float"},
    "margin": {"type": "float", "default": 1.0},
    "latency": {"type": "dict", "options": {name: {"type": "float"} for name in ("p50", "p90", "p95", "p99")}},
    "false_rollback": {"type": "float", "default": 5.0},
    "false_promotion": {"type": "float", "default": 5.0},
    "expected": {"type": "float", "default": 0.1},
}
PROBE_RULES: dict[str, Any] = {"mutually_exclusive": [("gateway", "address"), ("cluster", "address")]}
