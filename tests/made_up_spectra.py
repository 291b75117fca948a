"""Spectra of a known background, for the tests of this folder."""

import numpy as np

from hepad.stats import Spectrum, equal_bins
from hepad.stats.shapes import make_shape

EDGES = equal_bins(2600, 6000, 34)
WINDOW = (3300.0, 3700.0)
INSIDE = (EDGES[:-1] >= WINDOW[0]) & (EDGES[1:] <= WINDOW[1])


def dijet_background(n_events: float) -> np.ndarray:
    """Return the expected counts of a dijet function in `EDGES`."""
    shape = make_shape(EDGES, "dijet", 3)
    expected = shape.expected(shape.from_formula([0.0, 9.0, 7.0]))
    return expected * n_events / expected.sum()


def drawn_spectrum(n_events: float, seed: int = 0) -> Spectrum:
    """Return a spectrum drawn from `dijet_background`."""
    return Spectrum(EDGES, np.random.default_rng(seed).poisson(dijet_background(n_events)))
