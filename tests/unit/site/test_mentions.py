"""Mentions in plain words become links, in a small site of pages that there are."""

import doctest
import importlib
import io
import re
from html import unescape
from pathlib import Path

import pytest
from scripts.site.places import BESIDE_DOCS, DOCS, document_of
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

INDEX = """# First

{text}

```{{toctree}}
metrics
models/vae
reference/config/model
```
"""
PAGES = {
    "metrics.md": "# Metrics, figures and the report\n\n## Levels\n\nText.\n",
    "models/vae.md": "# The VAE\n\nMore of it: gan.md is no page here; vae.md is this one.\n",
    "reference/config/model.md": "# model\n\n## vae\n\nText.\n\n## dense_ae\n\nText.\n",
}
MODULES = ("accessible", "places", "config_pages", "api_pages", "docstrings")


def build(place: Path, text: str) -> tuple[str, str]:
    """Build a site whose first page has a text; return that page's HTML and the warnings."""
    for name, page in {**PAGES, "index.md": INDEX.format(text=text)}.items():
        (place / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "source" / name).write_text(page, encoding="utf-8")
    warnings = io.StringIO()
    settings = {
        "extensions": ["myst_parser", "scripts.site.mentions"],
        "html_theme": "basic",
        "smartquotes": False,
        "html_copy_source": False,
    }
    with patch_docutils(), docutils_namespace():
        Sphinx(
            place / "source", None, place / "site", place / "trees", "html", settings, None, warnings, freshenv=True
        ).build()
    return (place / "site/index.html").read_text(encoding="utf-8"), warnings.getvalue()


def links(html: str) -> dict[str, str]:
    """Return what is linked → where to, in the body of a page."""
    body = html[html.index('<div class="body"') : html.index('<div class="toctree-wrapper')]
    found = re.findall(r'<a class="reference [^"]*" href="([^"]*)">(.*?)</a>', body)
    return {unescape(re.sub("<.*?>", "", said)): to for to, said in found}


def test_pages_sections_options_and_papers(tmp_path):
    html, warnings = build(
        tmp_path,
        'See docs/metrics.md, `docs/models/vae.md` and docs/metrics.md, "Levels"; take `model=vae`, not '
        "`model=nothing`. Not hepad/docs/metrics.md nor docs/nothing.md; arXiv:1312.6114 and README."
        "\n\n    docs/metrics.md in code",
    )
    assert warnings == ""
    assert links(html) == {
        "docs/metrics.md": "metrics.html",
        "docs/models/vae.md": "models/vae.html",
        'docs/metrics.md, "Levels"': "metrics.html#levels",
        "model=vae": "reference/config/model.html#vae",
        "arXiv:1312.6114": "https://arxiv.org/abs/1312.6114",
    }


def test_a_section_that_is_not_there_is_a_warning(tmp_path):
    _, warnings = build(tmp_path, 'See docs/metrics.md, "Heights".')
    assert 'metrics has no section "Heights"' in warnings


def test_every_page_beside_docs_is_there():
    assert all((DOCS.parent / path).is_file() for path in BESIDE_DOCS)
    assert document_of("docs/models/vae.md") == "models/vae"


@pytest.mark.parametrize("module", [*(f"scripts.site.{name}" for name in MODULES), "scripts.tutorials.notebooks"])
def test_examples(module):
    tried = doctest.testmod(importlib.import_module(module))
    assert tried.attempted > 0
    assert tried.failed == 0
