"""Signal and background fitted together: number of signal events in a spectrum, and its significance."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import norm

from hepad.stats.fits import BackgroundFit, fit_background
from hepad.stats.functions import SQRT_S
from hepad.stats.goodness import deviance_terms
from hepad.stats.minimising import FitError, minimise
from hepad.stats.significance import Significance
from hepad.stats.spectrum import FloatArray, Spectrum
from hepad.stats.templates import checked_signal

_FLOOR = 1e-9  # Events of a bin below which the likelihood ends.


@dataclass(frozen=True)
class SignalFit:
    """Fit of a signal on a background function to a whole spectrum.

    Attributes:
        background_only: fit without signal.
        template: `(B,)` shares of the signal.
        signal: events of signal; for a deficit the first step towards them, negative.
        signal_error: its standard error.
        expected: `(B,)` background and signal; without signal for a deficit.
        significance: q0, Z and p.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, equal_bins, fit_signal, gaussian_signal
    >>> edges = equal_bins(2600, 6000, 34)
    >>> peak = gaussian_signal(edges, 3500, 100)
    >>> counts = np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400) + 200 * peak)
    >>> found = fit_signal(Spectrum(edges, counts), peak)
    >>> round(found.signal), round(found.signal_error), round(found.significance.z, 1)
    (195, 53, 3.7)
    """

    background_only: BackgroundFit
    template: FloatArray
    signal: float
    signal_error: float
    expected: FloatArray
    significance: Significance


def score_statistic(
    counts: FloatArray, expected: FloatArray, slopes: FloatArray, template: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the slope of ln L by the signal at no signal, and its variance with the background profiled.

    U = Σ s_b (n_b/μ_b − 1), and I = I_ss − I_sθ I_θθ⁻¹ I_θs with the expected information: C. R. Rao, Mathematical
    Proceedings of the Cambridge Philosophical Society 44 (1948) 50.

    Args:
        counts: `(…, B)`.
        expected: `(…, B)` of the fit without signal.
        slopes: `(…, B, K)` its derivatives.
        template: `(B,)`.

    Returns:
        U and I, `(…)` each.
    """
    weighted = slopes / expected[..., None]
    information = np.matmul(np.swapaxes(slopes, -1, -2), weighted)
    mixed = np.matmul(template, weighted)
    explained = (mixed * np.linalg.solve(information, mixed[..., None])[..., 0]).sum(axis=-1)
    u = (template * (counts / expected - 1)).sum(axis=-1)
    return u, (np.square(template) / expected).sum(axis=-1) - explained


def fit_signal(
    spectrum: Spectrum, template: ArrayLike, family: str = "dijet", n_parameters: int = 3, sqrt_s: float = SQRT_S
) -> SignalFit:
    """Fit a background function without and with a signal, and return the significance of the signal.

    q0 = −2 ln L(0, θ̂̂)/L(Ŝ, θ̂) with μ_b = B_b(θ) + S s_b, all bins and the function's parameters in both fits. For a
    deficit q0 = 0, and z is the score statistic U/√I, negative: a fit of a negative signal may have no minimum where
    bins are empty.

    Args:
        spectrum: with the signal region.
        template: `(B,)` share of the signal in each bin (`gaussian_signal`, `window_signal`, or simulated).
        family, n_parameters, sqrt_s: as in `fit_background`.

    Raises:
        UserError: wrong input.
        FitError: one of the fits has no minimum.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, equal_bins, fit_signal, window_signal
    >>> edges = equal_bins(2600, 6000, 34)
    >>> counts = np.rint(4e3 * np.exp(-(edges[:-1] - 2600) / 400))
    >>> counts[8] -= 300
    >>> found = fit_signal(Spectrum(edges, counts), window_signal(edges, (3300, 3600))).significance
    >>> found.q0, found.z < 0, found.p > 0.5
    (0.0, True, True)
    """
    share = checked_signal(template, spectrum.n_bins)
    alone = fit_background(spectrum, None, family, n_parameters, sqrt_s)
    shape, counts = alone.shape, spectrum.counts
    mu, slopes = shape.expected_and_slopes(alone.theta)
    u, information = (float(value) for value in score_statistic(counts, mu, slopes, share))
    if not information > 0:
        raise FitError(f"the fit of {family} with {n_parameters} parameters leaves nothing to a signal: take fewer")
    first, scale = u / information, information**-0.5
    if u <= 0:
        z = u * scale
        return SignalFit(alone, share, first, scale, mu, Significance(first, 0.0, z, float(norm.sf(z))))

    def nll(parameters: FloatArray) -> float:
        total = shape.expected(parameters[:-1]) + scale * parameters[-1] * share
        if (total < _FLOOR).any():
            return 1e6 * (1 - float(total.min()))
        return float(deviance_terms(counts, total).sum() / 2)

    def gradient(parameters: FloatArray) -> FloatArray:
        background, by_theta = shape.expected_and_slopes(parameters[:-1])
        rest = 1 - counts / np.maximum(background + scale * parameters[-1] * share, _FLOOR)
        return np.append(rest @ by_theta, scale * (rest @ share))

    starts = [np.append(alone.theta, part * first / scale) for part in (1.0, 0.3, 0.0)]
    rough = np.diag(np.ones(alone.theta.size + 1))
    rough[:-1, :-1] = alone.theta_covariance
    title = f"the fit of a signal on {family} with {n_parameters} parameters"
    minimum = minimise(nll, gradient, starts, title, rough)
    signal, error = minimum.values[-1] * scale, np.sqrt(minimum.covariance[-1, -1]) * scale
    q0 = max(0.0, alone.deviance - 2 * minimum.value)
    z = float(np.sqrt(q0))
    total = shape.expected(minimum.values[:-1]) + signal * share
    return SignalFit(
        alone, share, float(signal), float(error), total, Significance(float(signal), q0, z, float(norm.sf(z)))
    )
