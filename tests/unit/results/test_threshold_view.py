"""The movable threshold: every number is that of the entries themselves, and curves lose nothing that is seen."""

import numpy as np
import pytest

from hepad.metrics import ScoredSample, evaluate
from hepad.results.threshold_view import thin_curve, threshold_view


def scored(weighted: bool = False) -> dict[str, ScoredSample]:
    rng = np.random.default_rng(1)
    found = {}
    for name, shift in (("qcd", 0.0), ("top", 1.0), ("jet_ht", 0.5)):
        score = rng.lognormal(shift, 1.2, 4000) * (rng.random(4000) > (0.2 if name == "qcd" else 0.01))
        weight = rng.uniform(0.1, 2, 4000) if weighted else None
        found[name] = ScoredSample(name, score, baselines={"sum_pt": rng.normal(shift, 2, 4000)}, weight=weight)
    return found


@pytest.mark.parametrize("weighted", [False, True])
def test_what_a_threshold_accepts_is_counted_among_the_entries(weighted):
    samples = scored(weighted)
    view = threshold_view(evaluate(samples, "qcd", ["qcd", "jet_ht"]))
    assert view is not None
    assert view.weighted == weighted
    assert {line.name for line in view.samples} == set(samples)
    for line in view.samples:
        sample = samples[line.name]
        weight = np.ones(len(sample)) if sample.weight is None else sample.weight
        passed = [sample.score >= threshold for threshold in view.thresholds]
        np.testing.assert_allclose(line.accepted, [weight[p].sum() / weight.sum() for p in passed], rtol=1e-12)
        if not weighted:
            np.testing.assert_allclose(line.selected, [p.sum() for p in passed], rtol=1e-12)
    assert view.samples[0].accepted[view.start] == pytest.approx(0.01, rel=0.2)
    assert view.thresholds.size < 400


def test_zeros_stand_apart_and_every_entry_is_in_a_bin():
    samples = scored()
    view = threshold_view(evaluate(samples, "qcd", ["qcd"]))
    assert view is not None
    assert view.log
    assert view.zeros
    for line in view.samples:
        score = samples[line.name].score
        assert line.shares[0] == pytest.approx((score == 0).mean(), abs=1e-12)
        inner = np.histogram(score, view.edges[1:-1])[0] / score.size
        np.testing.assert_allclose(line.shares[2:-1], inner, atol=2 / score.size)
        assert line.shares.sum() == pytest.approx(1)


def test_a_thin_curve_is_the_curve():
    evaluation = evaluate(scored(), "qcd", ["qcd"])
    for roc in evaluation.rocs.values():
        fpr, tpr = thin_curve(roc)
        assert fpr.size < 500 < roc.fpr.size
        assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (roc.fpr[0], roc.tpr[0], 1.0, 1.0)
        assert np.abs(np.interp(roc.fpr, fpr, tpr) - np.interp(roc.fpr, roc.fpr, roc.tpr)).max() < 0.01
        tail = (roc.fpr > 0) & (roc.fpr < 0.01)
        assert np.abs(np.interp(roc.fpr[tail], fpr, tpr) - roc.tpr[tail]).max() < 0.01


def test_without_a_signal_there_is_nothing_to_move():
    assert threshold_view(evaluate({"qcd": scored()["qcd"]}, "qcd", ["qcd"])) is None
