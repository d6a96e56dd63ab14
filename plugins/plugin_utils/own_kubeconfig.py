# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option kubeconfig on the controller: a file that is there, perhaps encrypted by Ansible Vault, becomes its text.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube import given
from ansible_collections.meshops.asm.plugins.module_utils.kube.documents import read_text
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import self_contained
from ansible_collections.meshops.asm.plugins.plugin_utils.untrusted import untrusted
from ansible_collections.meshops.asm.plugins.plugin_utils.vaulted import decrypted


def module_args(action: ActionBase) -> dict[str, Any]:
    """The options of the task as its module gets them."""
    args: dict[str, Any] = dict(action._task.args)
    if args.get("kubeconfig") is not None:
        try:
            args["kubeconfig"] = content(args["kubeconfig"], action)
        except AsmError as error:
            raise AnsibleActionFail(untrusted(error.message)) from None
    return args


def content(value: Any, action: ActionBase) -> str:
    """The text of a kubeconfig or of its file on the controller; anything else is left to the module."""
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    value = str(value)
    text = given.text_of(value)
    if text is not None:
        return decrypted(text, "kubeconfig", action._loader)
    path = given.path_of(value)
    if path is None or not path.is_file():
        return value
    # The option is never logged, so its value, and with it the path, would be masked in a message.
    read = decrypted(read_text(path), f"The kubeconfig file {path.name}", action._loader)
    return self_contained(read, path.parent)
