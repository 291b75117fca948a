"""Model of a whole spectrum, with a signal on a background function, for upper limits."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from hepad.stats.fits import fit_background
from hepad.stats.functions import SQRT_S
from hepad.stats.profiling import far_too_many, profile
from hepad.stats.shapes import make_shape, start_parameters
from hepad.stats.spectrum import FloatArray, Spectrum
from hepad.stats.templates import checked_signal


@dataclass(frozen=True)
class SpectrumModel:
    """Spectrum with a signal on a background function whose parameters are free, as in `fit_signal`.

    Attributes:
        spectrum: all bins.
        signal: `(B,)` share of a signal event in each bin.
        family, n_parameters, sqrt_s: as in `fit_background`.
        expected: `(B,)` counts in place of the spectrum's, for Asimov data.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, SpectrumModel, equal_bins, gaussian_signal
    >>> edges = equal_bins(2600, 6000, 34)
    >>> counts = np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))
    >>> model = SpectrumModel(Spectrum(edges, counts), gaussian_signal(edges, 3500, 100))
    >>> bool(model.deviance(0.0) < model.deviance(300.0))
    True
    """

    spectrum: Spectrum
    signal: FloatArray
    family: str = "dijet"
    n_parameters: int = 3
    sqrt_s: float = SQRT_S
    expected: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "signal", checked_signal(self.signal, self.spectrum.n_bins))
        self._start  # noqa: B018 - the fit fails here, not in the middle of a limit

    @cached_property
    def _start(self) -> FloatArray:
        if self.expected is None:
            return fit_background(self.spectrum, None, self.family, self.n_parameters, self.sqrt_s).theta
        shape = make_shape(self.spectrum.edges, self.family, self.n_parameters, self.sqrt_s)
        return start_parameters(shape, self.expected, np.ones(self.expected.size, dtype=bool))

    def deviance(self, events: float) -> float:
        """Return −2 ln L for a number of signal events."""
        return self._profile(events)[0]

    def asimov(self) -> Self:
        """Return the model with the data expected without a signal."""
        shape = make_shape(self.spectrum.edges, self.family, self.n_parameters, self.sqrt_s)
        return replace(self, expected=shape.expected(self._profile(0.0)[1]))

    @property
    def largest(self) -> float:
        """A number of signal events that is far too many."""
        counts = self._counts
        return far_too_many(counts, counts, self.signal, np.sqrt(counts))

    @property
    def _counts(self) -> FloatArray:
        return self.spectrum.counts if self.expected is None else self.expected

    def _profile(self, events: float) -> tuple[float, FloatArray]:
        shape = make_shape(self.spectrum.edges, self.family, self.n_parameters, self.sqrt_s)
        return profile(shape.expected_and_slopes, self._counts, events * self.signal, self._start)
