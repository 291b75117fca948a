"""Background from a template: sums over folds, and its significance."""

import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.stats import TemplateCount, count_fold, counting_significance, template_background, template_significance

FOLDS = [TemplateCount(36, 2000, 200, 20000), TemplateCount(38, 3000, 100, 20000)]


def test_the_background_is_a_sum_over_folds():
    found = template_background(FOLDS)
    assert found.count == pytest.approx(2000 * 0.01 + 3000 * 0.005)
    assert found.error / found.count == pytest.approx(1 / np.sqrt(300))


def test_bias_and_systematic():
    found = template_background(FOLDS, bias=-0.2, systematic=0.1)
    assert found.count == pytest.approx(0.8 * 35)
    assert found.error / found.count == pytest.approx(np.hypot(0.1, 1 / np.sqrt(300)))
    plain = template_significance(FOLDS)
    assert plain.z == pytest.approx(counting_significance(74, 35.0, 35 / np.sqrt(300), "gamma").z)
    assert template_significance(FOLDS, 0.2, 0.1).z < plain.z


def test_cuts_are_quantiles_of_the_template_of_each_fold():
    rng = np.random.default_rng(0)
    template, data = rng.normal(size=20000), rng.normal(size=5000)
    found = count_fold(data, template, 0.01)
    assert found.efficiency == pytest.approx(0.01, abs=1e-4)
    assert found.passed == (data > np.quantile(template, 0.99)).sum()
    # Another classifier's scale changes nothing.
    assert count_fold(np.exp(data), np.exp(template), 0.01).template_passed == found.template_passed


def test_ties_are_counted_with_the_share_that_passes():
    found = count_fold([0.0, 1.0, 1.0], [0.0] * 95 + [1.0] * 5, 0.1)
    assert (found.passed, found.efficiency) == (2, 0.05)


def test_significances_of_a_good_template_are_normal():
    rng = np.random.default_rng(1)
    z = []
    for _ in range(300):
        folds = [count_fold(rng.normal(size=500), rng.normal(size=2000), 0.08) for _ in range(2)]
        z.append(template_significance(folds).z)
    assert abs(np.mean(z)) < 0.25
    assert np.std(z) == pytest.approx(1, abs=0.13)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TemplateCount(5, 3, 1, 10), "more entries above a cut than there are"),
        (lambda: TemplateCount(1, 3, 0, 0), "no template entries"),
        (lambda: TemplateCount(-1, 3, 1, 10), "none negative"),
        (lambda: template_background([TemplateCount(1, 3, 0, 10)]), "no template entry passes"),
        (lambda: template_background(FOLDS, bias=-1.0), "bias above -1"),
        (lambda: count_fold([0.5], [0.1, 0.2], 1.0), "efficiency is between 0 and 1"),
        (lambda: count_fold([np.nan], [0.1, 0.2], 0.5), "NaN"),
        (lambda: count_fold([0.5], [], 0.5), "no template entries"),
    ],
)
def test_counts_that_are_none_are_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
