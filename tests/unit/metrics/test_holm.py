"""Holm's correction, against the definition and what it promises."""

import numpy as np
import pytest

from hepad.metrics import auc_components, auc_variance, compare_aucs, holm


def test_a_worked_example():
    # Ranked: 0.005·4, 0.01·3, 0.03·2, 0.04·1, none below the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_never_smaller_and_at_most_one():
    p = np.random.default_rng(0).uniform(size=50)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert adjusted.max() <= 1
    assert holm([]).size == 0


def test_one_false_claim_in_twenty_families_at_most():
    rng = np.random.default_rng(1)
    wrong = np.mean([(holm(rng.uniform(size=20)) < 0.05).any() for _ in range(2000)])
    assert wrong < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_independent_aucs_add_their_variances():
    rng = np.random.default_rng(2)
    samples = [(rng.normal(0, 1, n), rng.normal(1, 1, n + 5)) for n in (80, 120)]
    a, b = (auc_components(*sample) for sample in samples)
    found = compare_aucs(a, b, paired=False)
    assert found.standard_error == pytest.approx(np.sqrt(sum(auc_variance(*sample) for sample in samples)))
    with pytest.raises(ValueError, match="80 entries scored by one model and 120"):
        compare_aucs(a, b)
