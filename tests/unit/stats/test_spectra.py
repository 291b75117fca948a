"""Spectra: counting in bins, and what is refused."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.stats import Spectrum, check_events, enough_events, equal_bins, fill_spectrum, growing_bins


def test_every_event_is_counted_once():
    rng = np.random.default_rng(0)
    mass = rng.uniform(2000, 7000, 1000)
    edges = growing_bins(2600, 6000, 0.04)
    spectrum = fill_spectrum(mass, edges)
    assert spectrum.total == ((mass >= 2600) & (mass <= 6000)).sum()
    assert spectrum.counts[3] == ((mass >= edges[3]) & (mass < edges[4])).sum()
    assert np.array_equal(fill_spectrum(rng.permutation(mass), edges).counts, spectrum.counts)


def test_the_last_bin_holds_its_upper_edge():
    assert fill_spectrum([1.0, 2.0, 3.0], [1, 2, 3]).counts.tolist() == [1, 2]


def test_bins_grow_with_the_mass_and_end_where_they_should():
    edges = growing_bins(2600, 6000, 0.05)
    assert (edges[0], edges[-1]) == (2600, 6000)
    assert np.diff(edges) / edges[:-1] == pytest.approx(np.full(edges.size - 1, 0.05), rel=0.05)
    assert np.diff(equal_bins(0, 1, 7)) == pytest.approx(np.full(7, 1 / 7))


def test_equal_weights_count_events():
    mass, edges = [2700.0, 2800.0], [2600, 3000, 3500]
    assert fill_spectrum(mass, edges, [0.5, 0.5]).counts.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        ([1.0, -1.0], "1 of 2 weights are negative"),
        ([1.0, 2.0], "different weights"),
        ([1.0, np.nan], "NaN"),
        ([1.0], "1 weights for 2 masses"),
    ],
)
def test_weights_that_are_no_counts_are_refused(weight, message):
    with pytest.raises(UserError, match=message):
        fill_spectrum([2700.0, 2800.0], [2600, 3000], weight)


def test_masses_that_are_no_numbers_are_refused():
    with pytest.raises(UserError, match="1 of 2 masses are NaN"):
        fill_spectrum([2700.0, np.nan], [2600, 3000])


def test_masses_in_another_unit_are_named():
    with pytest.raises(UserError, match=r"none of 3 events .* between 2.7 and 5.1 \(TeV/GeV\?\)"):
        fill_spectrum([2.7, 3.5, 5.1], [2600, 3000, 3500])
    with pytest.raises(UserError, match="none of 2 events") as refused:
        fill_spectrum([100.0, 120.0], [200, 300])
    assert "TeV" not in str(refused.value)
    with pytest.raises(UserError, match="none of 0 events"):
        fill_spectrum([], [2600, 3000])


@pytest.mark.parametrize("edges", [[1.0], [1, 1], [2, 1], [1, np.inf], [[1, 2], [3, 4]]])
def test_edges_must_rise(edges):
    with pytest.raises(UserError, match="edges of bins"):
        fill_spectrum([1.0], edges)


@pytest.mark.parametrize(
    ("counts", "message"),
    [([1, -1], "none negative"), ([1.5, 2], "whole numbers"), ([1, np.nan], "NaN"), ([1], "1 counts for 2 bins")],
)
def test_counts_are_whole_numbers(counts, message):
    with pytest.raises(UserError, match=message):
        Spectrum([1, 2, 3], counts)


def test_too_few_events_are_told_and_refused_where_asked():
    assert not enough_events(9)
    assert enough_events(9, minimum=5)
    with pytest.raises(UserError, match="empty"):
        check_events(Spectrum([1, 2, 3], [0, 0]))
    with pytest.raises(UserError, match="9 events in the spectrum, fewer than 10"):
        check_events(Spectrum([1, 2, 3], [9, 0]))
