"""Levels of significance in the docs: those of the code."""

import re
from pathlib import Path

from hepad.metrics.verdict import SIGNIFICANT

DOCS = Path(__file__).parents[3] / "docs"


def test_p_values_in_the_docs_are_the_code_s():
    found = {
        (path.name, level)
        for path in DOCS.rglob("*.md")
        for level in re.findall(r"\bp < (0\.\d+)", path.read_text(encoding="utf-8"))
    }
    assert {name for name, _ in found} >= {"metrics.md", "comparing.md"}
    assert {float(level) for _, level in found} == {SIGNIFICANT}
    assert f"at most {SIGNIFICANT:.0%}" in (DOCS / "comparing.md").read_text(encoding="utf-8")
