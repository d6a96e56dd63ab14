# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the documentation site into .cache/site/html: the pages of docs/, and one for each module, role and plugin.

Diagrams, policies and the list of error codes are made from the code on the way. Warnings are errors.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import diagrams
import error_codes
import ram_policies
import yaml

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / ".cache" / "site" / "source"
OUTPUT = ROOT / ".cache" / "site" / "html"


def main() -> int:
    for folder in (SOURCE, OUTPUT):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs", SOURCE, ignore=shutil.ignore_patterns("*.md", "site"))
    diagrams.draw(SOURCE / "pictures")
    generated = SOURCE / "generated"
    generated.mkdir()
    (generated / "error-codes.inc").write_text(error_codes.table(), encoding="utf-8")
    (generated / "policies.inc").write_text(policies(), encoding="utf-8")
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    environment = {**os.environ, "MESHOPS_VERSION": str(version)}
    options = ["--use-current", "--squash-hierarchy", "--no-indexes", "--fail-on-error", "--dest-dir"]
    collection = SOURCE / "collection"
    collection.mkdir()
    subprocess.run(["antsibull-docs", "collection", *options, str(collection), "meshops.asm"], check=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", str(SOURCE), str(OUTPUT)]
    subprocess.run(command, env=environment, check=True)
    print(f"the site is in {OUTPUT.relative_to(ROOT)}")
    return 0


def policies() -> str:
    """The policy of every playbook as reStructuredText."""
    parts = []
    for playbook in ram_policies.playbooks():
        text = json.dumps(ram_policies.policy(playbook), indent=2)
        title = f"meshops.asm.{playbook}"
        body = "\n".join(f"   {line}" for line in text.splitlines())
        parts.append(f"{title}\n{'~' * len(title)}\n\n.. code-block:: json\n\n{body}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
