# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of Sphinx; tools/site_docs.py builds the site."""

from __future__ import annotations

import os

project = "meshops.asm"
author = "the meshops.asm authors"
project_copyright = "2026, the meshops.asm authors"
release = os.environ.get("MESHOPS_VERSION", "")
extensions = ["sphinx_antsibull_ext"]
exclude_patterns = ["generated"]
html_theme = "sphinx_ansible_theme"
html_title = f"meshops.asm {release}"
html_show_sphinx = False
html_theme_options = {
    "display_version": False,
    "documentation_home_url": "index.html",
    "topbar_links": {},
}
html_context = {"display_github": False}
highlight_language = "yaml+jinja"
pygments_style = "ansible"
# Pages of ansible-core are not fetched, so what refers to them stays plain text.
nitpicky = False
suppress_warnings = ["ref.ref", "ref.any"]
