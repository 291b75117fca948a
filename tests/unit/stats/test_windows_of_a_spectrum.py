"""Windows: the bins inside, and side bands."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.stats import align_edges, check_side_bands, growing_bins, window_bins

EDGES = [2600, 3000, 3300, 3700, 4100, 5000]


def test_a_window_holds_the_bins_between_its_ends():
    assert window_bins(EDGES, (3000, 3700)).tolist() == [False, True, True, False, False]


def test_a_window_that_cuts_a_bin_names_its_edge_and_aligning_helps():
    with pytest.raises(UserError, match="ends at 3350 inside a bin, whose edge is 3300"):
        window_bins(EDGES, (3350, 3700))
    aligned = align_edges(EDGES, (3350, 3700))
    assert aligned.tolist() == [2600, 3000, 3350, 3700, 4100, 5000]
    assert window_bins(aligned, (3350, 3700)).sum() == 1


def test_overlapping_windows_are_aligned_together():
    edges = growing_bins(2600, 6000, 0.03)
    windows = [(3000 + 100 * i, 3400 + 100 * i) for i in range(9)]
    aligned = align_edges(edges, *windows)
    assert (aligned[0], aligned[-1]) == (2600, 6000)
    assert abs(aligned.size - edges.size) < 4
    for window in windows:
        inside = window_bins(aligned, window)
        assert aligned[:-1][inside][0] == window[0]
        assert aligned[1:][inside][-1] == window[1]
    # No bin is left that is much narrower than those around it.
    assert np.diff(aligned).min() > 0.45 * np.diff(edges).min()


def test_edges_that_fit_stay_as_they_are():
    assert align_edges(EDGES, (3000, 3700)).tolist() == EDGES
    assert align_edges(EDGES).tolist() == EDGES


def test_a_window_without_side_bands_is_refused():
    with pytest.raises(UserError, match="has 0 bins below it, and a side band needs 2"):
        check_side_bands(EDGES, (2600, 3000))
    with pytest.raises(UserError, match="has 1 bins above it"):
        check_side_bands(EDGES, (3300, 4100))
    check_side_bands(EDGES, (3300, 3700))


def test_a_window_elsewhere_names_units_only_where_they_look_wrong():
    with pytest.raises(UserError, match=r"window 3300 to 3700 is not inside the spectrum, 2.6 to 5 \(TeV/GeV\?\)"):
        window_bins([2.6, 3.0, 5.0], (3300, 3700))
    with pytest.raises(UserError, match="not inside") as refused:
        window_bins(EDGES, (4100, 6000))
    assert "TeV" not in str(refused.value)


@pytest.mark.parametrize("window", [(3700, 3300), (3300, float("nan")), (3300, 3300)])
def test_a_window_goes_up(window):
    with pytest.raises(UserError, match="from a lower to a higher mass"):
        window_bins(EDGES, window)
