# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of CONNECTION_OPTIONS (module_utils/module/connection.py) and what they need on the target."""

    DOCUMENTATION = r"""
requirements:
  - urllib3
  - PyYAML
  - kubernetes (only for kubeconfigs that log in by an exec plugin or an auth provider)
options:
  kubeconfig:
    description:
      - A kubeconfig to use instead of the one that the cloud hands out, as a path or as its content (YAML, JSON, or
        either in Base64). Neither credentials of the cloud nor the SDKs are needed then.
      - A path is looked for on the controller first, then on the host that runs the module. On the controller, a file
        or values that Ansible Vault has encrypted are decrypted.
      - It is read as kubectl reads it. Line breaks at the end of a field, as a YAML block has them, are none of it.
        Messages about it name the field, and neither its value nor a path.
    type: str
  context:
    description: Context of O(kubeconfig) to use. Unset means its current one.
    type: str
"""
