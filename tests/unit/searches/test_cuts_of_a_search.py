"""Cuts of a search: counts, the background of fits and templates, and reasons where there is no p-value."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from tests.searching import falling

from hepad.searches.common_scale import FoldScores, background_shares
from hepad.searches.cuts import Passed, fitted_cut, template_cut, with_limits
from hepad.searches.record import WindowResult
from hepad.searches.settings import FitSettings
from hepad.searches.toys import WindowFindings, with_toys
from hepad.searches.windows import Scan, bin_edges, scan_windows

MASS = falling(20_000, 4)[:, -1].astype(np.float64)
SCAN = Scan(range=(2600.0, 4400.0))
WINDOW = scan_windows(SCAN)[0]
EDGES = bin_edges(WINDOW, SCAN)


def passed(efficiency: float = 1.0, passes: np.ndarray | None = None, mass: np.ndarray = MASS) -> Passed:
    return Passed(efficiency, mass, np.ones(len(mass), bool) if passes is None else passes, WINDOW, EDGES)


def test_a_background_alone_is_expected_and_a_bump_is_not():
    cut, fit = fitted_cut(passed(), FitSettings())
    assert fit is not None
    assert abs(cut.z) < 3
    assert cut.observed == ((MASS >= 3300) & (MASS < 3700)).sum() == sum(cut.spectrum.counts[7:11])
    assert cut.spectrum.ndf > 5
    more = np.concatenate([MASS, np.full(600, 3500.0)])
    found, _ = fitted_cut(passed(mass=more), FitSettings())
    assert found.z > cut.z + 5
    # What is in the window was not fitted.
    assert found.expected == cut.expected


def test_limits_are_above_what_was_expected_without_a_signal_where_there_is_an_excess():
    more = np.concatenate([MASS, np.full(600, 3500.0)])
    plain, excess = (with_limits(fitted_cut(passed(mass=mass), FitSettings())[0]) for mass in (MASS, more))
    assert plain.limits["-2"] < plain.limits["-1"] < plain.limits["median"] < plain.limits["1"] < plain.limits["2"]
    assert excess.limits["observed"] > plain.limits["observed"] + 400


def test_few_entries_have_no_p_value_but_a_reason():
    chosen = np.zeros(len(MASS), bool)
    chosen[:9] = True
    cut, fit = fitted_cut(passed(0.001, chosen), FitSettings())
    assert fit is None
    assert (cut.p, cut.z, cut.expected) == (None, None, None)
    assert cut.failure == cut.spectrum.failure == "9 entries beyond the cut; at least 10 are needed for a p-value"
    assert with_limits(cut).limits == {}
    toys = with_toys([WindowFindings(WindowResult("w0", [cut]), {})], FitSettings(), 10, 0)
    assert (toys.p_global, toys.toys) == (None, 0)


def test_nothing_beside_the_window_is_no_background_of_nothing():
    chosen = np.zeros(len(MASS), bool)
    chosen[np.flatnonzero(passed().inside)[:30]] = True
    chosen[np.flatnonzero(~passed().inside)[:9]] = True
    cut, fit = fitted_cut(passed(0.001, chosen), FitSettings())
    assert (cut.observed, cut.p, fit) == (30, None, None)
    assert cut.failure.startswith("9 entries beyond the cut beside the window; at least 10")


def test_a_fit_that_fails_is_named():
    cut, fit = fitted_cut(passed(), FitSettings(function="dijet", sqrt_s=3000.0))
    assert fit is None
    assert cut.p is None
    assert cut.failure


def test_a_function_that_does_not_describe_the_spectrum_expects_nothing():
    # As at the end of what a simulation generates: no entry beyond 4100 but for a few.
    ends = MASS[(MASS < 4100) | (np.arange(len(MASS)) % 20 == 0)]
    cut, fit = fitted_cut(passed(mass=ends), FitSettings())
    assert (fit, cut.p, cut.expected) == (None, None, None)
    assert "does not describe the spectrum beside the window" in cut.failure
    assert cut.spectrum.failure == cut.failure
    assert fitted_cut(passed(), FitSettings())[0].p is not None


def test_a_template_gives_the_number_and_its_error():
    rng = np.random.default_rng(0)
    passes, reference = rng.random(len(MASS)) < 0.1, rng.random(10_000) < 0.1
    cut = template_cut(passed(0.1, passes), reference, 1, 0.05)
    n, share = int(passed().inside.sum()), reference.mean()
    assert cut.expected == pytest.approx(n * share, rel=1e-3)
    assert cut.error == pytest.approx(n * np.sqrt(share * (1 - share) / 10_000 + (0.05 * share) ** 2), rel=1e-3)
    assert abs(cut.z) < 3
    few = template_cut(passed(0.1, passes), reference[:50], 1, 0.0)
    assert few.p is None
    assert "entries of the template beyond the cut" in few.failure
    assert template_cut(passed(1.0), np.ones(100, bool), 1, 0.0).p is None


def test_without_a_signal_a_template_expects_what_passes_the_quantiles_of_its_folds():
    rng = np.random.default_rng(2)
    inside, folds, size = int(passed().inside.sum()), 5, 400
    ratios = []
    for _ in range(200):
        template = FoldScores(np.arange(folds * size), np.repeat(np.arange(folds), size), rng.normal(size=folds * size))
        references = {fold: template.score[template.fold == fold] for fold in range(folds)}
        data = FoldScores(np.arange(inside), np.arange(inside) % folds, rng.normal(size=inside))
        passes = np.zeros(len(MASS), bool)
        passes[np.flatnonzero(passed().inside)] = background_shares(data, references) <= 0.01
        cut = template_cut(passed(0.01, passes), background_shares(template, references) <= 0.01, folds, 0.0)
        ratios.append(cut.observed / cut.expected)
    # 4 of 400 in each fold pass, and 5 of 401 of all others: a quarter more.
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) / len(ratios) ** 0.5)
    assert 4 * np.std(ratios) / len(ratios) ** 0.5 < 0.1


def test_sculpting_is_the_distance_of_the_two_spectra_beside_the_window():
    rng = np.random.default_rng(1)
    blind, sculpts = rng.random(len(MASS)) < 0.2, MASS > 3900
    assert passed(0.2, blind).sculpting < 0.1 < 0.5 < passed(0.2, sculpts).sculpting
    beside = ~passed().inside
    bins = np.unique(np.quantile(MASS[beside], np.linspace(0, 1, 13)[1:-1]))
    shapes = [np.bincount(np.searchsorted(bins, MASS[beside & side]), minlength=12) for side in (blind, ~blind)]
    assert passed(0.2, blind).sculpting == pytest.approx(jensenshannon(*shapes, base=2))


def test_toys_of_background_alone_are_as_usual_as_the_data():
    cut, fit = fitted_cut(passed(), FitSettings())
    found = with_toys([WindowFindings(WindowResult("w0", [cut]), {1.0: fit})], FitSettings(), 400, 1)
    assert found.toys == 400
    assert found.windows[0].cuts[0].p_toys == pytest.approx(cut.p, abs=0.1)
    assert found.p_global == pytest.approx(found.windows[0].cuts[0].p_toys)
    # Two windows are two chances.
    twice = [WindowFindings(WindowResult(name, [cut]), {1.0: fit}) for name in ("w0", "w1")]
    assert with_toys(twice, FitSettings(), 400, 1).p_global > found.p_global
    counted = with_toys([WindowFindings(WindowResult("w0", [cut]), {})], FitSettings(), 4000, 1)
    assert counted.windows[0].cuts[0].p_toys == pytest.approx(cut.p, abs=0.05)


def test_toys_have_the_error_of_a_fit_of_their_own():
    cut, fit = fitted_cut(passed(), FitSettings())
    assert cut.error > 0.6 * np.sqrt(cut.expected)
    found = with_toys([WindowFindings(WindowResult("w0", [replace(cut, z=2.0)]), {1.0: fit})], FitSettings(), 2000, 1)
    assert found.p_global == pytest.approx(0.023, abs=0.01)


def test_cuts_of_a_window_share_their_events_in_toys():
    cut, fit = fitted_cut(passed(), FitSettings())
    same = [cut, replace(cut, efficiency=0.9)]
    found = with_toys([WindowFindings(WindowResult("w0", same), {1.0: fit, 0.9: fit})], FitSettings(), 200, 1)
    assert found.p_global == found.windows[0].cuts[0].p_toys == found.windows[0].cuts[1].p_toys
