"""Searches without a signal: their entries are like those of dijets, and the table says what is uniform."""

import numpy as np
from scripts.search_null import DENSITY, SMALL, TREES, draw_masses, print_row, source_words
from tests.searching import search_config

from hepad.bundled import bundled_files
from hepad.config import RunConfig, compose
from hepad.search import readable
from hepad.searches.sample_tables import read_table
from hepad.searches.settings import read_settings


def test_masses_are_spread_as_those_of_the_bundled_background():
    table, names = read_table(bundled_files()["qcd_dijet"])
    mass = table[:, names.index("m_jj")]
    mass = mass[(mass >= 2900) & (mass < 4600)]
    drawn = draw_masses(200_000, np.random.default_rng(0))
    wanted = [0.1, 0.3, 0.5, 0.7, 0.9]
    np.testing.assert_allclose(np.quantile(drawn, wanted), np.quantile(mass, wanted), atol=15)


def test_words_compose(tmp_path):
    source = RunConfig.of(compose("train", readable(source_words(tmp_path))))
    assert source.data["train"] == [{"sample": "qcd_dijet", "region": "all"}]
    assert source.model["kind"] == "realnvp"
    words = [f"methods.cathode.density={DENSITY}", f"methods.cathode.classifier={TREES}"]
    settings = read_settings(search_config(*SMALL, *words))
    assert settings.cuts == (1.0, 0.1, 0.01)
    assert settings.methods[0].classifier == ("model=trees", "model.members=1", "model.max_iter=50")


def test_a_row_counts_what_has_a_p_value_and_judges_it(capsys):
    print_row("a", [None, *np.linspace(0.005, 0.995, 100)], np.array([1.0, -1.0]))
    print_row("b", np.linspace(0, 0.2, 100).tolist(), None)
    print_row("c", [None, 0.5], None)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "| a | 100 | 5.0% | 10.0% | 1.000 | yes | +0.00 | 1.41 |"
    assert "| 0.000 | no |" in second
    assert third.startswith("| c | 1 |")
