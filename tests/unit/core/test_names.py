"""Names of files and directories made from what a user or a stranger wrote."""

import pytest
from matplotlib.figure import Figure

from hepad.core.names import file_name, is_name
from hepad.plots import StandardFigure

TEXTS = [
    "../../escape/evil",
    "..",
    ".",
    ".hidden",
    "",
    "/etc/passwd",
    "a b",
    "é" * 300,
    "a\x00b",
    "-",
    "a/b",
    "a_b",
    "A" * 65,
]


@pytest.mark.parametrize("text", TEXTS)
def test_a_file_name_stays_in_its_directory_whatever_the_text(text, tmp_path):
    name = file_name(text)
    assert is_name(name)
    assert not name.startswith(".")
    path = tmp_path / f"{name}.png"
    path.write_bytes(b"")
    assert path.resolve().parent == tmp_path.resolve()


def test_different_texts_get_different_names():
    assert len({file_name(text) for text in TEXTS}) == len(TEXTS)


@pytest.mark.parametrize("name", ["zero_bias", "Zprime_m3.5", "2018D"])
def test_a_name_stays_as_it_is(name):
    assert file_name(name) == name


def test_a_figure_of_a_strangers_sample_stays_in_its_directory():
    figure = StandardFigure("reconstructions_../../escape/evil", "Examples", "", Figure())
    assert "/" not in figure.name
    assert StandardFigure("roc_vs_zero_bias", "ROC", "", Figure()).name == "roc_vs_zero_bias"
