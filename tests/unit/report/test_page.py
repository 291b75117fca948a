"""The page: one file that loads nothing, shows everything as text, and is valid enough to be parsed."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from hepad.report import (
    Answer,
    Report,
    RocLines,
    SampleLine,
    Section,
    Table,
    ThresholdView,
    render_report,
    write_report,
)

VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Tags with their attributes, the text, and whether every tag is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_tag_is_closed_and_every_link_leads_somewhere(report: Report):
    page = Page(render_report(report))
    assert page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    links = [attributes["href"] for attributes in page.all("a")]
    assert links
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_nothing_is_loaded_from_anywhere(report: Report):
    html = render_report(report)
    page = Page(html)
    for tag, attributes in page.tags:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            if attributes.get(name):
                assert attributes[name].startswith(("data:", "#")), (tag, attributes[name])
    assert not re.search(r"https?://|@import|url\(", html)


def test_the_policy_allows_only_the_page_s_own_script_and_style(report: Report):
    html = render_report(report)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', html)
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.S)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_everything_of_the_report_is_on_the_page(report: Report):
    text = " ".join(Page(render_report(report)).text)
    for expected in (
        "dense_ae on jets",
        "Trained on zero_bias",
        "AUC, ttbar",
        "0.8710(20)",
        "A baseline beats the model.",
        "On the test split.",
        "ROC against zero_bias.",
        "name: dense_ae",
        "versions.torch",
        "a, b",
    ):
        assert expected in text


def test_the_summary_comes_first(report: Report):
    sections = [attributes.get("id") for attributes in Page(render_report(report)).all("section")]
    assert sections == ["summary", "section-1", "config", "provenance"]


def test_pictures_are_in_the_page_and_described(report: Report, png: bytes):
    (picture,) = [attributes for attributes in Page(render_report(report)).all("img") if attributes.get("src")]
    assert base64.b64decode(picture["src"].removeprefix("data:image/png;base64,")) == png
    assert picture["alt"] == "ROC against zero_bias."


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "</style></pre></script><b>",
    "javascript:alert(1)",
    "' onclick='alert(1)",
    "a\u202eb<!--",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_from_files_stay_text_wherever_they_stand(report: Report, png: bytes, name: str):
    clean, table = Page(render_report(report)), Table([name], [[name]], name)
    hostile = Report(
        title=name,
        subtitle=name,
        key_figures=[(name, name)],
        summary=[table],
        sections=[Section(name, [(name, png)], [table], [name])],
        config=name,
        provenance={name: name},
        warnings=[name],
    )
    page = Page(render_report(hostile))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in clean.tags}
    assert len(page.all("script")) == 1
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert sum(name in text for text in page.text) >= 9
    # 7 · 7 was not computed.
    assert "49" not in "".join(page.text[-20:])


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_samples_stay_text_in_an_answer_and_in_pictures(name: str):
    share = np.array([0.5, 0.5])
    lines = [SampleLine(each, "#717581", "", 100.0, share, share, 100 * share) for each in (name, "b")]
    rocs = [RocLines("b", 100.0, [(name, share, share)], [(name, name, share, share)])]
    view = ThresholdView(np.array([0.0, 1.0, 2.0]), False, False, np.array([0.0, 1.0]), 1, lines, rocs)
    answer = Answer(name, "mixed", [name], Table([name], [[name]], name), [name])
    html = render_report(Report("mine", answer=answer, thresholds=view))
    page = Page(html)
    assert "b" not in {tag for tag, _ in page.tags}
    assert not [attributes for attributes in page.all("img") if attributes.get("src")]
    assert len(page.all("script")) == 1
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)
    assert sum(name in text for text in page.text) >= 6
    (panel,) = [attributes for attributes in page.all("div") if attributes.get("id") == "thresholds"]
    assert json.loads(panel["data-view"] or "")["samples"][0]["name"] == name


def test_a_colour_that_is_none_is_refused():
    line = SampleLine("a", "red; } body { display: none", "", 1.0, np.ones(1), np.ones(1), np.ones(1))
    view = ThresholdView(np.array([0.0, 1.0]), False, False, np.zeros(1), 0, [line], [])
    with pytest.raises(ValueError, match="the colour of a is not #rrggbb"):
        render_report(Report("mine", thresholds=view))


def test_an_empty_report_is_a_page(tmp_path: Path):
    page = Page(write_report(tmp_path / "report.html", Report("Nothing yet")).read_text(encoding="utf-8"))
    assert page.open == []
    assert [attributes["href"] for attributes in page.all("a")] == ["#summary"]


def test_the_file_is_written_whole(report: Report, tmp_path: Path):
    path = write_report(tmp_path / "report.html", report)
    assert path.read_text(encoding="utf-8") == render_report(report)
    bad = replace(report, sections=[Section("x", [("not a picture", b"GIF89a")])])
    with pytest.raises(ValueError, match="not a PNG"):
        write_report(path, bad)
    assert path.read_text(encoding="utf-8") == render_report(report)


def test_figures_can_be_paths(report: Report, png: bytes, tmp_path: Path):
    (tmp_path / "roc.png").write_bytes(png)
    from_path = replace(report, sections=[Section("Separation", [("ROC", tmp_path / "roc.png")])])
    from_bytes = replace(report, sections=[Section("Separation", [("ROC", png)])])
    assert render_report(from_path) == render_report(from_bytes)


def test_a_row_must_fit_its_header():
    with pytest.raises(ValueError, match="a row of 1 cells under 2 titles"):
        Table(["a", "b"], [["x"]])
