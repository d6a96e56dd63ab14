# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of all modules of the collection: what a result repeats of the arguments holds no secret.

Ansible itself hides the values of options with ``no_log``, wherever they are in a result. It knows none of a mapping
that came as text, of an option that does not exist, or of what has no schema; and it cannot be told of values that are
too ordinary to be taken out of every text, like those of a header.

PRIVATE: this code is for the modules of this collection only and may change without notice.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meshops.asm.plugins.module_utils.flow.options import without_nulls, wrong_options
from ansible_collections.meshops.asm.plugins.module_utils.flow.text import without_password
from ansible_collections.meshops.asm.plugins.module_utils.module.traces import traces

HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
# Options and keys that hold manifests, credentials, or what is sent with a request, whatever their schema says; and
# certificates, as a file with one often holds its key, too.
_SECRET = re.compile(
    r"ca|certificate|definition|_documents|_objects|headers|body|data|stringData|(?!client_key)(.*_)?(secret|tokens?|keys?|kubeconfigs?|passwords?)",
    re.IGNORECASE,
)

Json = dict[str, Any]


class AsmModule(AnsibleModule):
    """``AnsibleModule``, whose every result (failures of the arguments themselves included) shows ``shown``."""

    # Whether the arguments are what the documentation says.
    _valid = False
    params: Json

    def __init__(self, *args: Any, **more: Any) -> None:
        self._given: Json = {}
        try:
            super().__init__(*args, **more)
        except (TypeError, ValueError):
            # Before ansible-core 2.19 the search for secrets stumbles over text in the place of a mapping.
            message = self._wrong() or "An option has a value of another type than its documentation says."
            error = _as_error(message)
            sys.stdout.write(json.dumps({"failed": True, "changed": False, "msg": message, "error": error}) + "\n")
            raise SystemExit(1) from None
        self._valid = True

    def _load_params(self) -> None:
        super()._load_params()
        # Reading them takes the wrong ones away.
        self._given = dict(self.params)
        self.params = without_nulls(self.params, self.argument_spec)

    def fail_json(self, msg: str, **kwargs: Any) -> NoReturn:
        """While the arguments are being read, a failure names the item, the nearest option and what a value must be."""
        if not self._valid:
            msg = self._wrong() or msg
            kwargs = {"changed": False, "error": _as_error(msg), **kwargs}
        super().fail_json(msg, **kwargs)
        raise AssertionError("fail_json ends the process")

    def _wrong(self) -> str:
        """What is wrong with the arguments as they were given; empty where only their combination is."""
        given = {key: value for key, value in self._given.items() if not key.startswith("_ansible_")}
        return " ".join(wrong_options(given, self.argument_spec))

    def _return_formatted(self, kwargs: Json) -> None:
        kwargs["invocation"] = {"module_args": shown(self.params, self.argument_spec)}
        if kwargs.get("failed"):
            # In the words of whoever refused it, a secret may stand in another way than it was given.
            self.no_log_values |= traces(map(str, self.no_log_values))
            kwargs["msg"] = without_password(str(kwargs.get("msg") or ""))
        super()._return_formatted(kwargs)


def _as_error(message: str) -> Json:
    return {"code": "InvalidInput", "message": message, "request_id": "", "http_status": None}


def shown(given: Any, spec: Mapping[str, Any]) -> Any:
    """The arguments as a result may repeat them. Pure.

    Hidden is what an option is named for, what has ``no_log``, what belongs to no option, and what should be a mapping
    and is none, because nobody can tell what is in it.
    """
    if not isinstance(given, Mapping):
        return HIDDEN
    known = {alias: about for name, about in spec.items() for alias in (name, *about.get("aliases", ()))}
    return {name: _option(name, value, known.get(name)) for name, value in given.items()}


def _option(name: str, value: Any, about: Mapping[str, Any] | None) -> Any:
    if value is None:
        return None
    if about is None or about.get("no_log"):
        return HIDDEN
    inner = about.get("options")
    if inner is not None and about["type"] == "dict":
        return shown(value, inner)
    if inner is not None:
        return [shown(item, inner) for item in value] if isinstance(value, list) else HIDDEN
    if about.get("type") == "dict" and not isinstance(value, Mapping):
        return HIDDEN
    if about.get("elements") == "dict" and not (
        isinstance(value, list) and all(isinstance(item, Mapping) for item in value)
    ):
        return HIDDEN
    return _by_name({name: value})[name]


def _by_name(value: Any) -> Any:
    """A value without schema: its keys say what is secret."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if item is not None and _SECRET.fullmatch(str(key)) else _by_name(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_by_name(item) for item in value]
    return without_password(value) if isinstance(value, str) else value
