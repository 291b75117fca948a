"""Background of a count from a template: the share of template entries above a cut, times all events before it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hepad.core.errors import UserError
from hepad.stats.fits import Prediction
from hepad.stats.significance import Constraint, Significance, counting_significance


@dataclass(frozen=True)
class TemplateCount:
    """Counts of one fold: data and template, all and above the cut.

    Attributes:
        passed, events: data above the cut, and all.
        template_passed, template_events: template entries above it, and all.

    >>> from hepad.stats import TemplateCount
    >>> TemplateCount(130, 10000, 1000, 100000).efficiency
    0.01
    """

    passed: int
    events: int
    template_passed: int
    template_events: int

    def __post_init__(self) -> None:
        numbers = (self.passed, self.events, self.template_passed, self.template_events)
        if not np.isfinite(numbers).all() or min(numbers) < 0:
            raise UserError(f"counts of a fold must be numbers, none negative: {numbers}")
        if self.passed > self.events or self.template_passed > self.template_events:
            raise UserError(f"more entries above a cut than there are: {numbers}")
        if self.template_events == 0:
            raise UserError("a fold has no template entries")

    @property
    def efficiency(self) -> float:
        """Share ε of the template above the cut."""
        return self.template_passed / self.template_events


def count_fold(scores: ArrayLike, template_scores: ArrayLike, efficiency: float) -> TemplateCount:
    """Count what passes the cut that a share of a template passes.

    Args:
        scores: `(N,)` of data; higher is more anomalous.
        template_scores: `(M,)` of template entries, by the same classifier.
        efficiency: ε wanted; the cut is a quantile of the template, whose share above it is what is counted with.

    Raises:
        UserError: NaN, no template, or an efficiency that is none.

    >>> import numpy as np
    >>> from hepad.stats import count_fold
    >>> found = count_fold(np.linspace(0, 1, 501), np.linspace(0, 1, 1001), 0.1)
    >>> found.passed, found.template_passed
    (50, 100)
    """
    s, t = (np.asarray(values, dtype=np.float64).ravel() for values in (scores, template_scores))
    if not 0 < efficiency < 1:
        raise UserError(f"a background efficiency is between 0 and 1, not {efficiency}")
    if not t.size:
        raise UserError("a fold has no template entries")
    if not (np.isfinite(s).all() and np.isfinite(t).all()):
        raise UserError("scores hold NaN or inf")
    cut = np.quantile(t, 1 - efficiency)
    return TemplateCount(int((s > cut).sum()), s.size, int((t > cut).sum()), t.size)


def template_background(folds: Sequence[TemplateCount], bias: float = 0.0, systematic: float = 0.0) -> Prediction:
    """Return the background above a cut, Σ_folds ε N (1 + δ), and its standard error.

    N are the events of the window before the cut, nearly all background; δ is a bias of the template known from
    elsewhere, such as from a signal-free mass window. The relative error is √(1/n_template + σ_δ²) with n_template the
    template entries above the cut in all folds: R. Das et al., "Resonant searches as cut
    and count experiments", github.com/mariehein/bumphunt_paper. A bias left out makes an excess of every window.

    Args:
        folds: counts of each; sums are taken over folds.
        bias: δ.
        systematic: σ_δ, relative.

    Raises:
        UserError: no template entry passes, or numbers that are none.

    >>> from hepad.stats import TemplateCount, template_background
    >>> folds = [TemplateCount(30, 2000, 200, 20000), TemplateCount(24, 2000, 200, 20000)]
    >>> found = template_background(folds, bias=0.1, systematic=0.05)
    >>> round(found.count, 1), round(found.error, 2)
    (44.0, 3.11)
    """
    if not (np.isfinite(bias) and np.isfinite(systematic)) or bias <= -1 or systematic < 0:
        raise UserError(f"a template needs a bias above -1 and an error of 0 or more, not {bias} and {systematic}")
    passed = sum(fold.template_passed for fold in folds)
    if not passed:
        raise UserError("no template entry passes the cut: loosen it, or draw more entries")
    count = (1 + bias) * sum(fold.efficiency * fold.events for fold in folds)
    return Prediction(count, count * float(np.sqrt(1 / passed + systematic**2)))


def template_significance(
    folds: Sequence[TemplateCount], bias: float = 0.0, systematic: float = 0.0, constraint: Constraint = "gamma"
) -> Significance:
    """Return the significance of what passes in all folds above the background of the template.

    The template's entries are a count, so the constraint is `gamma`, which is the formula of Li and Ma.

    Args:
        folds, bias, systematic: as in `template_background`.
        constraint: as in `counting_significance`.

    >>> from hepad.stats import TemplateCount, template_significance
    >>> folds = [TemplateCount(36, 2000, 200, 20000), TemplateCount(38, 2000, 200, 20000)]
    >>> round(template_significance(folds).z, 2), round(template_significance(folds, 0.1, 0.1).z, 2)
    (4.53, 3.19)
    """
    background = template_background(folds, bias, systematic)
    return counting_significance(sum(fold.passed for fold in folds), background.count, background.error, constraint)
