# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples laid out as somebody has them, and what the collection makes of each without any server."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.meshops.asm.plugins.module_utils.flow.errors import AsmError
from ansible_collections.meshops.asm.plugins.module_utils.kube import documents
from ansible_collections.meshops.asm.plugins.module_utils.kube.files import SUFFIXES, files_of
from ansible_collections.meshops.asm.plugins.module_utils.kube.kubeconfig import load, read_kubeconfig
from ansible_collections.meshops.asm.plugins.module_utils.kube.planning import Wishes, make_items

HERE = Path(__file__).parent
INPUTS = HERE / "inputs"
SAMPLES: dict[str, list[dict[str, Any]]] = yaml.safe_load((HERE / "samples.yml").read_text(encoding="utf-8"))

# What an input's own name is followed by: text, and bytes that are no text.
ENDINGS = (".txt", ".bin")

Json = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """Whether a sample is taken, and the objects (``Kind name``, as in the messages) or the reason."""

    accepted: bool
    says: str


def inputs(folder: Path = INPUTS) -> list[Path]:
    """The files of samples below a folder."""
    return sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS)


def laid_out(sample: Json, folder: Path, below: str = "") -> Path:
    """The sample under its own names in ``folder``, with its links."""
    source = INPUTS / below / sample["input"]
    source = next(
        (one for one in (source.with_name(f"{source.name}{end}") for end in ENDINGS) if one.is_file()), source
    )
    # A kubeconfig may name files beside it.
    beside = source.parent if source.is_file() and source.parent not in (INPUTS, INPUTS / "kubeconfigs") else None
    for path in [source] if source.is_file() and not beside else inputs(beside or source):
        place = folder / path.relative_to(INPUTS / below).with_suffix("")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    made = folder / sample["input"] / sample.get("root", "")
    for name, target in sample.get("links", {}).items():
        (made / name).symlink_to(target)
    if "program" in sample:
        (made.parent / sample["program"]).chmod(0o700)
    return made


def read_manifests(sample: Json, folder: Path) -> Verdict:
    """What a task that names this file or folder would apply, or why it would not."""
    path = laid_out(sample, folder)
    try:
        found = files_of(path, SUFFIXES)
        read = [one for file in found.read for one in documents.parse(_text(file), _shown(file, folder))]
        absent = sample.get("state") == "absent"
        items = make_items(Wishes(sample["target"], read, absent=absent), None)
    except AsmError as error:
        return Verdict(False, error.message.replace(f"{folder}/", ""))
    told = ", ".join(item.short for item in items)
    if found.passed_over:
        told += f"; passed over: {', '.join(_shown(file, folder) for file in found.passed_over)}"
    return Verdict(True, told)


def read_kubeconfigs(sample: Json, folder: Path) -> Verdict:
    """Where a kubeconfig leads and how it logs in, or why it cannot be used."""
    path = laid_out(sample, folder, "kubeconfigs")
    try:
        text, base = read_kubeconfig(path.read_text(encoding="utf-8") if sample.get("content") else str(path))
        endpoint = load(text, folder=base)
    except AsmError as error:
        return Verdict(False, error.message)
    trust = ", with an authority" if endpoint.ca_pem else ""
    return Verdict(True, f"{endpoint.server}{trust}, by {endpoint.authorization.partition(' ')[0].lower() or 'nobody'}")


def _text(file: Path) -> str:
    return documents.read_text(file)


def _shown(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder))
