"""Windows of a scan: where they lie, their side bands and bins, and windows that cannot be searched."""

from dataclasses import replace

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.searches.windows import Scan, bin_edges, placed_scan, scan_windows

MASS = np.linspace(2613.0, 4391.0, 50)


def test_the_spectrum_begins_where_it_falls_and_ends_where_little_is_left():
    rng = np.random.default_rng(0)
    mass = 2600 + rng.exponential(400, 20_000)
    rising = rng.uniform(2400, 2600, 500)
    found = placed_scan(Scan(), np.concatenate([mass, rising]), "m_jj")
    assert found.range[0] == 2600.0
    assert abs(found.range[1] - np.quantile(mass, 0.999)) < 150
    assert found.range[1] % 100 == 0
    assert placed_scan(Scan(range=(2800.0, 4000.0)), MASS, "m_jj").range == (2800.0, 4000.0)


def test_windows_without_a_width_overlap_by_a_half():
    found = placed_scan(Scan(windows=9, center=None, width=None, range=(2600.0, 4400.0)), MASS, "m_jj")
    windows = scan_windows(found)
    assert found.width == 300.0
    assert np.allclose(np.diff([window.low for window in windows]), 150.0 * 4 / 4, atol=40)


def test_windows_are_spread_with_a_side_band_on_either_side_or_stand_at_a_step():
    spread = scan_windows(Scan(windows=9, center=None, range=(2600.0, 4600.0)))
    assert len(spread) == 9
    assert (spread[0].low, spread[-1].high) == (2800.0, 4400.0)
    assert np.allclose(np.diff([window.low for window in spread]), 150.0)
    stepped = scan_windows(Scan(windows=3, center=3500.0, step=100.0, range=(2600.0, 4600.0)))
    assert [window.low for window in stepped] == [3200.0, 3300.0, 3400.0]
    assert all(window.sidebands == ((2600.0, window.low), (window.high, 4600.0)) for window in spread + stepped)


@pytest.mark.parametrize("bins", [1, 4])
def test_no_bin_is_cut_by_a_window_and_none_ends_outside(bins):
    scan = Scan(bins=bins, range=(2650.0, 4390.0))
    window = scan_windows(scan)[0]
    edges = np.array(bin_edges(window, scan))
    assert {window.low, window.high} <= set(edges)
    assert np.allclose(np.diff(edges), 400.0 / bins)
    assert edges[0] >= 2650.0
    assert edges[-1] <= 4390.0
    assert edges[0] - 2650.0 < 400.0 / bins


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (Scan(center=2800.0), "no side band below it"),
        (Scan(center=4300.0), "no side band above it"),
        (Scan(windows=9, center=3500.0, step=200.0), "no side band below it"),
        (Scan(windows=2, center=None, width=1200.0), "there is no room for a window 1200 wide"),
    ],
)
def test_a_window_without_a_side_band_is_refused(scan, said):
    with pytest.raises(UserError, match=said):
        scan_windows(replace(scan, range=(2600.0, 4400.0)))


@pytest.mark.parametrize("scan", [Scan(), Scan(center=None)])
def test_windows_in_another_unit_than_the_data_are_refused(scan):
    with pytest.raises(UserError, match=r"reaches from 2.613 to 4.391, .* are the units the same\?"):
        placed_scan(scan, MASS / 1000, "m_jj")


def test_the_only_window_has_to_be_named():
    with pytest.raises(UserError, match="where is the window"):
        placed_scan(Scan(center=None, width=None), MASS, "m_jj")
