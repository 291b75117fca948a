"""Number of parameters of a background function, chosen by tests of one more."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import numpy as np
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import f as f_distribution

from hepad.core.errors import UserError
from hepad.stats.fits import BackgroundFit, fit_background
from hepad.stats.functions import SQRT_S, find_family
from hepad.stats.goodness import deviance_terms, join_bins
from hepad.stats.minimising import FitError
from hepad.stats.spectrum import Spectrum
from hepad.stats.windows import Window

OrderTestName: TypeAlias = Literal["f", "likelihood_ratio"]
LEVEL: Final = 0.05
"""p-value below which one more parameter is taken."""


@dataclass(frozen=True)
class OrderTest:
    """Test whether a function needs one more parameter.

    Attributes:
        n_parameters: of the larger function.
        statistic: F, or −2 ln of the ratio of likelihoods; NaN where the larger fit has no result.
        p_value: of the smaller function being enough.
        reason: why there is no number, empty where there is one.

    >>> from hepad.stats import OrderTest
    >>> OrderTest(4, 0.3, 0.59).reason
    ''
    """

    n_parameters: int
    statistic: float
    p_value: float
    reason: str = ""


@dataclass(frozen=True)
class OrderChoice:
    """Function with the number of parameters that the tests ask for.

    Attributes:
        fit: with that number.
        tests: in the order in which they were made; the last one asked for no more, or could not be made.

    >>> from hepad.stats import OrderChoice
    >>> OrderChoice.__match_args__
    ('fit', 'tests')
    """

    fit: BackgroundFit
    tests: tuple[OrderTest, ...]


def choose_order(
    spectrum: Spectrum,
    window: Window | None = None,
    family: str = "dijet",
    sqrt_s: float = SQRT_S,
    test: OrderTestName = "f",
    level: float = LEVEL,
) -> OrderChoice:
    """Fit functions of more and more parameters until one more is not needed.

    `f` is Fisher's test, F = (D₁ − D₂)/(D₂/(n − K₂)) with D the deviance over n joined bins and K₂ = K₁ + 1: how CMS
    chooses (JHEP 05 (2020) 033, arXiv:1911.03947). `likelihood_ratio` is Wilks' test, −2 ln λ against χ² with one
    degree of freedom, as ATLAS does (Physical Review D 96 (2017) 052004, arXiv:1703.09127). F forgives a spread of the
    counts that is larger than Poisson's; the ratio is sharper, and better with few events.

    Args:
        spectrum, window, family, sqrt_s: as in `fit_background`. With a window nothing is chosen by what is in it.
        test: which of the two.
        level: p-value below which one more parameter is taken.

    Raises:
        UserError, FitError: of the fit with the fewest parameters.

    >>> import numpy as np
    >>> from hepad.stats import Spectrum, choose_order, equal_bins
    >>> edges = equal_bins(2600, 6000, 34)
    >>> counts = np.random.default_rng(1).poisson(4e3 * np.exp(-(edges[:-1] - 2600) / 400))
    >>> choice = choose_order(Spectrum(edges, counts), family="power")
    >>> choice.fit.n_parameters, choice.tests[0].p_value < 1e-6
    (3, True)
    """
    if test not in get_args(OrderTestName):
        raise UserError(f"no test is called {test!r}: there are {', '.join(get_args(OrderTestName))}")
    functions = find_family(family)
    fit = fit_background(spectrum, window, family, functions.fewest, sqrt_s)
    tests = []
    for n_parameters in range(functions.fewest + 1, functions.most + 1):
        try:
            larger = fit_background(spectrum, window, family, n_parameters, sqrt_s)
        except (FitError, UserError) as error:
            tests.append(OrderTest(n_parameters, float("nan"), float("nan"), str(error)))
            break
        tests.append(_test_f(fit, larger) if test == "f" else _test_ratio(fit, larger))
        if not tests[-1].p_value < level:
            break
        fit = larger
    return OrderChoice(fit, tuple(tests))


def _test_f(smaller: BackgroundFit, larger: BackgroundFit) -> OrderTest:
    fitted = smaller.fitted
    joined = join_bins(smaller.expected[fitted])
    counts = np.bincount(joined, weights=smaller.spectrum.counts[fitted])
    first, second = (
        float(deviance_terms(counts, np.bincount(joined, weights=fit.expected[fitted])).sum())
        for fit in (smaller, larger)
    )
    ndf = counts.size - larger.n_parameters
    if ndf < 1:
        reason = f"{counts.size} bins with enough events are too few to test {larger.n_parameters} parameters"
        return OrderTest(larger.n_parameters, float("nan"), float("nan"), reason)
    statistic = max(0.0, first - second) / max(second / ndf, 1e-300)
    return OrderTest(larger.n_parameters, statistic, float(f_distribution.sf(statistic, 1, ndf)))


def _test_ratio(smaller: BackgroundFit, larger: BackgroundFit) -> OrderTest:
    statistic = max(0.0, smaller.deviance - larger.deviance)
    return OrderTest(larger.n_parameters, statistic, float(chi2_distribution.sf(statistic, 1)))
