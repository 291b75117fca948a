"""Scan of windows over a spectrum: background fit, q0 and Z in each, for one spectrum or many at once."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from hepad.core.errors import UserError
from hepad.stats.fits import fitted_bins
from hepad.stats.functions import SQRT_S
from hepad.stats.refits import refit
from hepad.stats.shapes import Shape, make_shape
from hepad.stats.signal_fits import score_statistic
from hepad.stats.significance import Constraint, check_constraint, signed_z
from hepad.stats.spectrum import FloatArray, Spectrum, checked_edges
from hepad.stats.templates import checked_signal, gaussian_signal
from hepad.stats.windows import Window, check_side_bands, window_bins

Form: TypeAlias = Literal["counting", "spectrum"]


@dataclass(frozen=True)
class BumpHunt:
    """Procedure of a scan, the same for data and toys.

    `counting` fits the side bands of each window, and compares the count in it with the prediction and its error.
    `spectrum` fits the whole spectrum without and with a signal. The number of parameters is fixed here: choose it once
    (`choose_order`), not in each window.

    Attributes:
        edges: `(B + 1,)`.
        windows: lower and upper ends, on edges.
        family, n_parameters, sqrt_s: the background function, as in `fit_background`.
        form: `counting` or `spectrum`.
        constraint: of the prediction in the counting form.
        templates: `(W, B)` shares of the signal for the spectrum form; by default a Gaussian in the middle of each
            window, whose ends are 2 σ from it.

    Raises:
        UserError: wrong input.

    >>> import numpy as np
    >>> from hepad.stats import BumpHunt, equal_bins
    >>> hunt = BumpHunt(equal_bins(2600, 6000, 34), ((3100, 3500), (3300, 3700)))
    >>> hunt.inside.sum(axis=1)
    array([4, 4])
    """

    edges: FloatArray
    windows: tuple[Window, ...]
    family: str = "dijet"
    n_parameters: int = 3
    sqrt_s: float = SQRT_S
    form: Form = "counting"
    constraint: Constraint = "gaussian"
    templates: FloatArray | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", checked_edges(self.edges))
        object.__setattr__(self, "windows", tuple((float(low), float(high)) for low, high in self.windows))
        if self.form not in get_args(Form):
            raise UserError(f"no form of a scan is called {self.form!r}: there are {', '.join(get_args(Form))}")
        check_constraint(self.constraint)
        if not self.windows:
            raise UserError("a scan needs a window")
        for window in self.windows:
            check_side_bands(self.edges, window)
        fewest = int((~self.inside).sum(axis=1).min())
        if fewest <= self.n_parameters:
            raise UserError(f"{fewest} bins for a function of {self.n_parameters} parameters: take more bins")
        if self.templates is None:
            shares = [gaussian_signal(self.edges, (low + high) / 2, (high - low) / 4) for low, high in self.windows]
        else:
            if len(self.templates) != len(self.windows):
                raise UserError(f"{len(self.templates)} signals for {len(self.windows)} windows")
            shares = [checked_signal(share, self.edges.size - 1) for share in self.templates]
        object.__setattr__(self, "templates", np.stack(shares))

    @cached_property
    def shape(self) -> Shape:
        """The background function on the bins."""
        return make_shape(self.edges, self.family, self.n_parameters, self.sqrt_s)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        """`(W, B)`, true for bins in a window."""
        return np.stack([window_bins(self.edges, window) for window in self.windows])


@dataclass(frozen=True)
class ScanArrays:
    """Scans of T spectra; numbers of a window whose fit did not converge are NaN.

    Attributes:
        z: `(T, W)`, negative for deficits.
        signal: `(T, W)` events above the background.
        predicted: `(T, W)` background in the window; in the spectrum form that of the fit with signal.
        error: `(T, W)` its standard error; in the spectrum form of the fit without signal.

    >>> from hepad.stats import ScanArrays
    >>> ScanArrays.__match_args__
    ('z', 'signal', 'predicted', 'error')
    """

    z: FloatArray
    signal: FloatArray
    predicted: FloatArray
    error: FloatArray


@dataclass(frozen=True)
class WindowResult:
    """Result of one window.

    Attributes:
        window: its ends.
        observed: events in it.
        predicted, error: background expected in it, and the standard error.
        signal: events above the background.
        z, p: significance, and local p-value 1 − Φ(z).
        reason: why there are no numbers (they are NaN), empty where there are.

    >>> from hepad.stats import WindowResult
    >>> WindowResult((3300, 3700), 120, 100.0, 4.0, 20.0, 1.8, 0.036).reason
    ''
    """

    window: Window
    observed: int
    predicted: float
    error: float
    signal: float
    z: float
    p: float
    reason: str = ""


def scan_spectrum(hunt: BumpHunt, spectrum: Spectrum) -> list[WindowResult]:
    """Return the significance in each window of a spectrum.

    Raises:
        UserError: other bins than the procedure's, too few events.

    >>> import numpy as np
    >>> from hepad.stats import BumpHunt, Spectrum, equal_bins, scan_spectrum
    >>> edges = equal_bins(2600, 6000, 34)
    >>> counts = np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))
    >>> counts[9] += 200
    >>> hunt = BumpHunt(edges, ((3000, 3400), (3300, 3700)))
    >>> [round(result.z, 1) for result in scan_spectrum(hunt, Spectrum(edges, counts))]
    [-2.0, 3.4]
    """
    if not np.array_equal(spectrum.edges, hunt.edges):
        raise UserError("the spectrum has other bins than the scan")
    for window in hunt.windows:
        fitted_bins(spectrum, window, hunt.n_parameters)
    found = scan_many(hunt, spectrum.counts[None])
    results = []
    for i, window in enumerate(hunt.windows):
        numbers = np.array([values[0, i] for values in (found.predicted, found.error, found.signal, found.z)])
        reason = "" if np.isfinite(numbers).all() else f"the fit of {hunt.family} did not converge"
        predicted, error, signal, z = np.where(reason == "", numbers, np.nan).tolist()
        observed = int(spectrum.counts[hunt.inside[i]].sum())
        results.append(WindowResult(window, observed, predicted, error, signal, z, float(norm.sf(z)), reason))
    return results


def scan_many(hunt: BumpHunt, counts: FloatArray) -> ScanArrays:
    """Scan many spectra.

    Args:
        hunt: the procedure.
        counts: `(T, B)`.

    >>> import numpy as np
    >>> from hepad.stats import BumpHunt, equal_bins, scan_many
    >>> edges = equal_bins(2600, 6000, 34)
    >>> toys = np.random.default_rng(0).poisson(4e3 * np.exp(-(edges[:-1] - 2600) / 400), size=(100, 34))
    >>> scan_many(BumpHunt(edges, ((3300, 3700),)), toys).z.shape
    (100, 1)
    """
    counts = np.asarray(counts, dtype=np.float64)
    return _scan_counts(hunt, counts) if hunt.form == "counting" else _scan_shapes(hunt, counts)


def _scan_counts(hunt: BumpHunt, counts: FloatArray) -> ScanArrays:
    found = []
    for inside in hunt.inside:
        fits = refit(hunt.shape, counts, ~inside)
        slopes = fits.slopes[:, inside].sum(axis=1)
        predicted = fits.expected[:, inside].sum(axis=1)
        error = np.sqrt(np.einsum("tk,tkl,tl->t", slopes, fits.covariance, slopes))
        observed = counts[:, inside].sum(axis=1)
        found.append((signed_z(observed, predicted, error, hunt.constraint), observed - predicted, predicted, error))
    return ScanArrays(*(np.stack(columns, axis=1) for columns in zip(*found, strict=True)))


def _scan_shapes(hunt: BumpHunt, counts: FloatArray) -> ScanArrays:
    everything = np.ones(counts.shape[1], dtype=bool)
    alone = refit(hunt.shape, counts, everything)
    assert hunt.templates is not None
    found = []
    for inside, share in zip(hunt.inside, hunt.templates, strict=True):
        z, signal = np.full((2, len(counts)), np.nan)
        usable = np.flatnonzero(alone.converged)
        u, information = score_statistic(counts[usable], alone.expected[usable], alone.slopes[usable], share)
        with np.errstate(divide="ignore", invalid="ignore"):
            z[usable], signal[usable] = u / np.sqrt(information), u / information
        predicted = alone.expected[:, inside].sum(axis=1)
        slopes = alone.slopes[:, inside].sum(axis=1)
        error = np.sqrt(np.einsum("tk,tkl,tl->t", slopes, alone.covariance, slopes))
        rows = np.flatnonzero(z > 0)
        if rows.size:
            # One unit of signal is its typical error, and the first step is the score's.
            unit = float(np.median(signal[rows] / z[rows]))
            start = np.column_stack([alone.theta[rows], 0.5 * signal[rows] / unit])
            both = refit(hunt.shape, counts[rows], everything, share * unit, start)
            z[rows] = np.sqrt(np.maximum(alone.deviance[rows] - both.deviance, 0.0))
            signal[rows] = both.theta[:, -1] * unit
            predicted[rows] = both.expected[:, inside].sum(axis=1) - signal[rows] * share[inside].sum()
        found.append((z, signal, predicted, error))
    return ScanArrays(*(np.stack(columns, axis=1) for columns in zip(*found, strict=True)))
