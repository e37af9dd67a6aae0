"""Settings of Sphinx. `make docs` builds the site; nothing is fetched from the network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

# The pure core has the same docstrings as the compiled one, and signatures that can be read.
os.environ["WIRESPEED_PURE_PYTHON"] = "1"
sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import wirespeed
import wirespeed.metrics.opentelemetry
import wirespeed.metrics.prometheus
import wirespeed.relay
import wirespeed.testing.pytest_plugin

project = "wirespeed"
author = "The wirespeed authors"
project_copyright = author
release = version = wirespeed.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "public_names",
    "parameters",
    "repository_links",
    "signatures",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = f"wirespeed {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options: dict[str, Any] = {"navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "monokai"

myst_enable_extensions = ["deflist", "attrs_block"]
myst_heading_anchors = 4

add_module_names = False
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 72
toc_object_entries_show_parents = "hide"
# A name between single backticks is a link if it is in the reference, and code otherwise.
default_role = "py:obj"

nitpicky = True
nitpick_ignore_regex = [
    # Any code may stand between single backticks.
    ("py:obj", r".*"),
    # Types of others, type variables, and aliases that describe arguments.
    ("py:(class|exc|data|func|meth|attr)", r"(?!wirespeed\.(?!_)).*"),
]
