"""Background fits: a function fitted to a spectrum or to its side bands, and what it predicts in a window."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hepad.core.errors import UserError
from hepad.stats.functions import SQRT_S
from hepad.stats.goodness import Goodness, deviance_terms, goodness_of_fit, signed_pulls
from hepad.stats.minimising import minimise
from hepad.stats.shapes import Shape, shape_of, start_parameters
from hepad.stats.spectrum import BoolArray, FloatArray, Spectrum, check_events
from hepad.stats.windows import Window, check_side_bands, window_bins


@dataclass(frozen=True)
class Prediction:
    """Events expected in a window.

    Attributes:
        count: expected.
        error: its standard error, from the covariance of the fit.

    >>> from hepad.stats import Prediction
    >>> Prediction(42.0, 3.1).error
    3.1
    """

    count: float
    error: float


@dataclass(frozen=True)
class BackgroundFit:
    """Function fitted to a spectrum. One that did not converge is a `FitError`, never an object of this class.

    Attributes:
        spectrum: what was fitted.
        window: window left out, or none.
        shape: the function on the bins.
        theta: `(K,)` parameters inside (`Shape`).
        theta_covariance: `(K, K)`.
        fitted: `(B,)`, true for bins that were fitted.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, equal_bins, fit_background
    >>> edges = equal_bins(2600, 6000, 34)
    >>> counts = np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))
    >>> fit = fit_background(Spectrum(edges, counts), (3300, 3700))
    >>> prediction = fit.predict((3300, 3700))
    >>> round(prediction.count), round(counts[7:11].sum()), round(prediction.error)
    (1992, 1986, 34)
    """

    spectrum: Spectrum
    window: Window | None
    shape: Shape
    theta: FloatArray
    theta_covariance: FloatArray
    fitted: BoolArray

    @property
    def n_parameters(self) -> int:
        """Number of parameters."""
        return self.shape.n_parameters

    @property
    def parameters(self) -> FloatArray:
        """`(K,)` parameters of the formula; the first is ln p0."""
        return self.shape.to_formula @ self.theta

    @property
    def covariance(self) -> FloatArray:
        """`(K, K)` covariance of the formula's parameters."""
        return self.shape.to_formula @ self.theta_covariance @ self.shape.to_formula.T

    @cached_property
    def expected(self) -> FloatArray:
        """`(B,)` expected counts of all bins."""
        return self.shape.expected(self.theta)

    @property
    def expected_errors(self) -> FloatArray:
        """`(B,)` standard errors of the expected counts."""
        return np.sqrt(np.diag(self.expected_covariance))

    @property
    def expected_covariance(self) -> FloatArray:
        """`(B, B)` covariance of the expected counts."""
        slopes = self.shape.expected_and_slopes(self.theta)[1]
        return np.asarray(slopes @ self.theta_covariance @ slopes.T)

    @property
    def pulls(self) -> FloatArray:
        """`(B,)` pulls of the counts (`signed_pulls`), also of bins that were left out."""
        return signed_pulls(self.spectrum.counts, self.expected)

    @property
    def deviance(self) -> float:
        """−2 ln L of the fitted bins above that of a function through all of them."""
        return float(deviance_terms(self.spectrum.counts, self.expected)[self.fitted].sum())

    @property
    def goodness(self) -> Goodness:
        """χ², degrees of freedom and p-value of the fitted bins."""
        return goodness_of_fit(self.spectrum.counts[self.fitted], self.expected[self.fitted], self.n_parameters)

    def predict(self, window: Window) -> Prediction:
        """Return the count that the fit expects in a window, and its error √(gᵀ C g), g its slopes."""
        inside = window_bins(self.spectrum.edges, window)
        slope = self.shape.expected_and_slopes(self.theta)[1][inside].sum(axis=0)
        error = np.sqrt(slope @ self.theta_covariance @ slope)
        return Prediction(float(self.expected[inside].sum()), float(error))


def fitted_bins(spectrum: Spectrum, window: Window | None, n_parameters: int) -> BoolArray:
    """Return which bins a fit takes: all, or those outside a window.

    Raises:
        UserError: too few events, a window without side bands, not more bins than parameters.
    """
    check_events(spectrum)
    fitted = np.ones(spectrum.n_bins, dtype=bool)
    if window is not None:
        check_side_bands(spectrum.edges, window)
        fitted = ~window_bins(spectrum.edges, window)
    if fitted.sum() <= n_parameters:
        raise UserError(f"{fitted.sum()} bins for a function of {n_parameters} parameters: take more bins")
    if spectrum.counts[fitted].sum() < n_parameters:
        raise UserError(
            f"{int(spectrum.counts[fitted].sum())} events outside the window for {n_parameters} parameters: "
            "loosen the cut"
        )
    return fitted


def fit_background(
    spectrum: Spectrum,
    window: Window | None = None,
    family: str = "dijet",
    n_parameters: int = 3,
    sqrt_s: float = SQRT_S,
) -> BackgroundFit:
    """Fit a function to a spectrum by the Poisson likelihood of its bins, −ln L = Σ (μ_b − n_b ln μ_b).

    μ_b is the integral of the function over a bin, not its value in the middle.

    Args:
        spectrum: counts in bins.
        window: bins left out, for a fit of the side bands.
        family: key of `FAMILIES`.
        n_parameters: of the function.
        sqrt_s: √s in the unit of the mass.

    Raises:
        UserError: too few bins, events or side bands, or a function that is not defined there.
        FitError: no minimum was found.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, equal_bins, fit_background
    >>> edges = equal_bins(2600, 6000, 34)
    >>> counts = np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))
    >>> fit = fit_background(Spectrum(edges, counts), family="exponential", n_parameters=2)
    >>> round(13000 / fit.parameters[1]), fit.goodness.ndf
    (400, 27)
    """
    shape = shape_of(spectrum, family, n_parameters, sqrt_s)
    fitted = fitted_bins(spectrum, window, n_parameters)
    counts = spectrum.counts

    def nll(theta: FloatArray) -> float:
        return float(deviance_terms(counts[fitted], shape.expected(theta)[fitted]).sum() / 2)

    def gradient(theta: FloatArray) -> FloatArray:
        mu, slopes = shape.expected_and_slopes(theta)
        return np.asarray((1 - counts[fitted] / mu[fitted]) @ slopes[fitted])

    starts = starts_of(shape, counts, fitted)
    title = f"the fit of {family} with {n_parameters} parameters"
    minimum = minimise(nll, gradient, starts, title, rough_covariance(shape, starts[0], fitted))
    return BackgroundFit(spectrum, window, shape, minimum.values, minimum.covariance, fitted)


def rough_covariance(shape: Shape, theta: FloatArray, fitted: BoolArray) -> FloatArray:
    """Return the inverse of the expected information `(K, K)`, with a little added so that it exists."""
    mu, slopes = shape.expected_and_slopes(theta)
    information = slopes[fitted].T @ (slopes[fitted] / np.maximum(mu[fitted], 1e-300)[:, None])
    return np.linalg.inv(information + 1e-6 * np.trace(information) * np.eye(theta.size))


def starts_of(shape: Shape, counts: FloatArray, fitted: BoolArray) -> list[FloatArray]:
    """Return places from which a fit begins: least squares, and two beside it that are less and more curved."""
    first = start_parameters(shape, counts, fitted)
    return [
        first,
        first * np.where(np.arange(first.size) > 1, 0.3, 1.0),
        first * np.where(np.arange(first.size) > 0, 1.2, 1.0),
    ]
