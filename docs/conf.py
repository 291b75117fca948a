"""Settings of Sphinx; `make site` (scripts/site) calls it."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import hepad  # noqa: E402

project = "hepad"
author = "The hepad developers"
project_copyright = author
version = release = hepad.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "scripts.site.accessible",
    "scripts.site.docstrings",
    "scripts.site.mentions",
]
myst_enable_extensions = ["deflist", "linkify"]
# `metrics.md` is a page here, not an address in Moldova.
myst_linkify_fuzzy_links = False
myst_heading_anchors = 3
# Texts are shown as they are: `--help` is no dash.
smartquotes = False

napoleon_use_ivar = True
napoleon_attr_annotations = False
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_display_short_literal_types = True

html_theme = "furo"
html_title = f"hepad {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
# Excerpts of what is found would be fetched, which a page opened from disk may not.
html_show_search_summary = False
# A command is copied without what is not typed.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
