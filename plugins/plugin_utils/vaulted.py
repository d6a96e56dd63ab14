# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and values that Ansible Vault keeps encrypted, decrypted in memory with the vault secrets of the run.

PRIVATE: this code is for the action plugins of this collection only and may change without notice.
"""

from __future__ import annotations

from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import is_encrypted
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import InvalidInput

_TAGS = ("!vault", "!vault-encrypted")


def decrypted(text: str, place: str, loader: DataLoader) -> str:
    """A text as it is meant: whole or with inline ``!vault`` values decrypted; another one comes back as it is.

    Raises ``InvalidInput`` naming ``place`` and the line for what cannot be decrypted, quoting nothing.
    """
    if is_encrypted(text):
        text = _plain(text, place, loader)
    return _inline(text, place, loader) if "!vault" in text else text


def _plain(ciphertext: str, place: str, loader: DataLoader) -> str:
    try:
        return bytes(loader._vault.decrypt(ciphertext.encode())).decode("utf-8")
    except (AnsibleError, ValueError):
        why = "none of the vault secrets of this run fits" if loader._vault.secrets else "no vault secret was given"
        raise InvalidInput(
            f"{place} is encrypted by Ansible Vault and cannot be decrypted: {why}. "
            "Check --vault-id or --vault-password-file."
        ) from None


def _inline(text: str, place: str, loader: DataLoader) -> str:
    """The documents with each ``!vault`` value in place of its ciphertext; all others keep their types and quotes."""
    reader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = list(yaml.compose_all(text, Loader=reader))
    except (yaml.YAMLError, RecursionError):
        # What is wrong with it is said where documents are read.
        return text
    if not _replace(documents, place, loader):
        return text
    writer = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.serialize_all(documents, Dumper=writer, allow_unicode=True, explicit_start=True))


def _replace(documents: list[Any], place: str, loader: DataLoader) -> bool:
    """Decrypts the values below these nodes in place; says whether there was one."""
    found = False
    seen: set[int] = set()
    waiting = list(documents)
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [inner for pair in node.value for inner in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif node.tag in _TAGS:
            where = f"{place}, line {node.start_mark.line + 1}: the value"
            node.value, node.tag, node.style = _plain(node.value, where, loader), "tag:yaml.org,2002:str", '"'
            found = True
    return found
