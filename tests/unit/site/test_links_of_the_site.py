"""Links that lead nowhere, and what a page would fetch from elsewhere, are found in HTML."""

from scripts.site.links import problems

PAGE = """<html><head><link rel="stylesheet" href="style.css"><script src="{script}"></script></head>
<body><h2 id="here">Here</h2><a href="{link}">there</a><a href="https://example.org/nowhere">elsewhere</a></body></html>"""


def write(site, link="other.html#here", script="data:text/javascript,0"):
    (site / "style.css").write_text("")
    (site / "sub").mkdir(exist_ok=True)
    (site / "index.html").write_text(PAGE.format(link=link, script=script))
    (site / "other.html").write_text(PAGE.format(link="sub/page.html#here", script=script))
    page = PAGE.format(link="../index.html", script="../style.css").replace('"style', '"../style')
    (site / "sub/page.html").write_text(page)


def test_a_whole_site_has_none(tmp_path):
    write(tmp_path)
    assert problems(tmp_path) == []


def test_pages_and_anchors_that_are_not_there(tmp_path):
    write(tmp_path, link="other.html#there")
    assert problems(tmp_path) == ["index.html: leads to other.html#there, an anchor that is not there"]
    write(tmp_path, link="missing.html")
    assert problems(tmp_path) == ["index.html: leads to missing.html, which is not there"]


def test_what_comes_from_elsewhere(tmp_path):
    write(tmp_path, script="https://cdn.example.org/x.js")
    assert problems(tmp_path) == [
        "index.html: fetches https://cdn.example.org/x.js",
        "other.html: fetches https://cdn.example.org/x.js",
    ]
