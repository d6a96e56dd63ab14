# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The options of OBJECT_OPTIONS (module_utils/module/connection.py)."""

    DOCUMENTATION = r"""
notes:
  - Objects are written by server-side apply with the field manager V(meshops.asm). A field that was applied before and
    is no longer given is removed; fields of other managers stay as they are.
  - Objects that others depend on come first (namespaces, definitions of kinds, configuration, services and destination
    rules, workloads, routes), and go last on removal. When one fails, those that come after it are not sent.
  - YAML and JSON mean what they mean to C(kubectl). A key that is given twice is an error, as is a tag other than those
    of YAML itself. A text may be 16 MiB long, hold 2,000,000 values and 100 levels, and repeat 1 MiB by aliases.
    A C(List) stands for its items, and objects of JSON may follow each other.
  - A field that is null is not there, as to C(kubectl apply). It stays in maps of names to text (labels, selectors),
    where it is empty text, and where a kind takes any content (C(pluginConfig), C(value)).
  - Fields that only the server writes (C(status), C(metadata.resourceVersion) and the like) are left out, so that
    objects can be applied as they were read. So are annotations of controllers (C(deployment.kubernetes.io/) and the
    like) and, of objects that still have the C(uid) of a server, what the cluster chose - addresses of a Service, the
    node of a Pod, the volume that was bound to a claim, and the claim of that volume.
options:
  state:
    description: Whether the objects shall be as given, or gone.
    type: str
    choices: [present, absent]
    default: present
  definition:
    description:
      - One object, a list of objects, or YAML text with any number of documents.
      - At least one of O(definition), O(src) and O(template) is needed; all that are given count.
    type: raw
  src:
    description:
      - Files with objects in YAML (any number of documents) or JSON, or folders, of which all files ending in C(.yml),
        C(.yaml) and C(.json), in any case, are read, also in sub-folders.
      - Links are followed, and what several links reach is read once; a link to what is not there, or a folder that may
        not be read, fails the task. Files and folders whose names begin with a dot are passed over. The result says how
        many files were read and which were passed over, and a warning names those that look like manifests.
      - Files of kustomize and Helm are refused. Apply what their programs build from them.
      - Looked for on the controller like the files of a role or playbook (C(files/)).
      - Files, and single values (C(!vault)), that Ansible Vault has encrypted are decrypted; where that is not possible
        the task fails. This holds for O(definition) and O(template), too.
    type: list
    elements: str
  template:
    description:
      - Jinja2 templates of such files, or folders, of which files ending in C(.j2) are taken too. Each is rendered on
        the controller with the variables of the task.
      - Looked for like the templates of a role or playbook (C(templates/)).
    type: list
    elements: str
  _documents:
    description: Not for playbooks. Here the controller puts what it has read of O(src) and rendered of O(template).
    type: str
  _compare:
    description: Not for playbooks. Here the playbook C(meshops.asm.drift) asks for each field that differs.
    type: bool
    default: false
  namespace:
    description: Namespace of the objects that need one and name none.
    type: str
    default: default
  force_conflicts:
    description:
      - Take over fields that other field managers hold with other values. Without it such a conflict is an error that
        names the manager and the field. After a C(kubectl patch), C(edit) or C(apply) of a described field, this takes
        it back.
    type: bool
    default: false
  validate:
    description:
      - Let the server check all changes in a dry run before the first is written, so that a task with one bad object
        changes nothing. Costs one more request for each object that changes.
      - Without it, C(check_mode) shows objects as they are given, without what the server would make of them.
    type: bool
    default: true
  set:
    description:
      - Name of the set that the objects of this task form, kept in their label C(meshops.asm/set). Needed for O(prune).
    type: str
  prune:
    description:
      - Remove members of O(set) that the task does not list any more, in all namespaces. Only objects that carry the
        label of the set from this field manager are looked at; namespaces, volumes, volume claims, bare pods and
        definitions of kinds are never pruned.
      - An object that moves to another set has to be applied there first; it carries the label of that set then.
      - A kind that the user may not list is not looked at, and a warning says so; one of the task's own kinds, or of
        those that such tasks usually hold, is an error.
      - C(check_mode) shows what would go.
    type: bool
    default: false
  prune_all:
    description: Allow O(prune) to remove everything that is in the set now.
    type: bool
    default: false
  concurrency:
    description: How many requests are under way at the same time, each on a connection that is kept.
    type: int
    default: 32
"""
