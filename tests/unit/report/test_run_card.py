"""What a notebook shows of a run: its numbers and its picture, all text as text, nothing from a network."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from hepad.core.errors import UserError
from hepad.report.picture import Picture, read_picture
from hepad.report.run_card import run_card

PNG = b"\x89PNG\r\n\x1a\n rest"
EVIL = "<script>alert('x')</script>"


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.text = set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_data(self, data):
        self.text += data


def metrics(signal="top", background="qcd"):
    pair = f"{signal}_vs_{background}"
    return {f"test/auc/{pair}": 0.84, f"test/baseline_auc/sum_pt/{pair}": 0.81, "test/auc/top_vs_other": 0.5}


def test_numbers_and_picture():
    page = Page(run_card("vae on jets", "outputs/run", "qcd", metrics(), Picture(Path("roc.png"), PNG)))
    assert all(text in page.text for text in ("vae on jets", "outputs/run", "top", "0.8400", "0.8100", "0.0300"))
    assert "0.5000" not in page.text
    assert len(page.addresses) == 1
    assert page.addresses[0].startswith("data:image/png;base64,")


def test_nothing_of_a_run_becomes_markup():
    card = run_card(EVIL, EVIL, EVIL, metrics(EVIL, EVIL), Picture(Path(EVIL), PNG))
    page = Page(card)
    assert "script" not in page.tags
    assert page.text.count(EVIL) >= 4
    assert "'x'" not in card


def test_a_run_without_signals():
    assert "no signal to compare with" in run_card("vae on jets", "run", "qcd", {}, None)


def test_pictures_by_name(tmp_path):
    plots = tmp_path / "plots"
    with pytest.raises(UserError, match=r"has no figures: evaluation\.plots"):
        read_picture(plots, "roc")
    plots.mkdir()
    (plots / "roc_vs_qcd.png").write_bytes(PNG)
    (plots / "strange.png").write_bytes(b"GIF89a")
    found = read_picture(plots, "roc_vs_qcd")
    assert found._repr_png_() == PNG
    assert found.path == plots / "roc_vs_qcd.png"
    with pytest.raises(UserError, match=r"no figure 'roc_vs_qdc'; did you mean 'roc_vs_qcd'\? There are: roc_vs_qcd"):
        read_picture(plots, "roc_vs_qdc")
    with pytest.raises(UserError, match="not a PNG"):
        read_picture(plots, "strange")
    with pytest.raises(UserError, match="no figure"):
        read_picture(plots, "../plots/strange")
