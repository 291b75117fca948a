"""The verdict: better than the best trivial score, and by what counts as better."""

import numpy as np
import pytest

from hepad.metrics import ScoredSample, auc, auc_difference, evaluate, pair_result, read_verdict
from hepad.metrics.evaluation_notes import is_below_half
from hepad.metrics.verdict import judged_signals, verdict_sentence
from hepad.report import matched_table


def scored(name, score, **baselines):
    return ScoredSample(name, score, {}, baselines)


def normal(shift, n=4000, seed=0):
    return np.random.default_rng([seed, n, round(10 * shift) + 100]).normal(shift, 1, n)


def test_the_verdict_counts_signals_and_names_the_best_trivial_score():
    samples = {
        "b": scored("b", normal(0), sum_pt=normal(0, seed=1), multiplicity=normal(0, seed=2)),
        "found": scored("found", normal(2), sum_pt=normal(1, seed=1), multiplicity=normal(0.5, seed=2)),
        "missed": scored("missed", normal(0.5), sum_pt=normal(0.2, seed=1), multiplicity=normal(1, seed=2)),
    }
    result = evaluate(samples, "b", ["b"])
    verdict = read_verdict(result.metrics, "b")
    assert (verdict.signals, verdict.better, verdict.significant, verdict.short) == (2, 1, 1, "1 of 2 (1)")
    assert verdict_sentence(result.metrics, "b").startswith(
        "Better than the best trivial score on 1 of 2 signals against b (significantly on 1); at equal Σ pT on"
    )
    found = pair_result(result.metrics, "found", "b")
    assert (found.trivial, found.better, found.worse) == ("sum_pt", True, False)
    b, s = samples["b"], samples["found"]
    expected = auc_difference(b.score, s.score, b.baselines["sum_pt"], s.baselines["sum_pt"])
    assert (found.difference, found.error, found.p_value) == pytest.approx(
        (expected.difference, expected.standard_error, expected.p_value)
    )
    missed = pair_result(result.metrics, "missed", "b")
    assert (missed.trivial, missed.better, missed.worse) == ("multiplicity", False, True)
    assert missed.trivial_auc == auc(b.baselines["multiplicity"], samples["missed"].baselines["multiplicity"])
    by_how_much = auc(b.score, samples["missed"].score) - missed.trivial_auc
    assert result.metrics["test/verdict/vs_b/mean_difference"] == pytest.approx((expected.difference + by_how_much) / 2)
    assert [key[0] for key in result.baseline_rocs] == ["sum_pt", "multiplicity"]
    assert any("multiplicity alone separates better than the model: missed" in note for note in result.warnings)


@pytest.mark.parametrize(("ahead", "told"), [(0.0015, False), (0.02, True)])
def test_a_trivial_score_ahead_by_less_than_a_thousandth_is_level(ahead, told):
    b, s = normal(0, 20_000), normal(1, 20_000)
    # The same ranks but for a shift: a difference far beyond chance, however small.
    samples = {"b": scored("b", b, sum_pt=b), "s": scored("s", s, sum_pt=s + ahead)}
    result = evaluate(samples, "b", ["b"])
    found = pair_result(result.metrics, "s", "b")
    assert found.p_value < 1e-4
    assert found.difference < 0
    assert found.worse == told
    assert any("alone separates better" in note for note in result.warnings) == told
    # The same the other way around.
    samples = {"b": scored("b", b, sum_pt=b), "s": scored("s", s + ahead, sum_pt=s)}
    assert evaluate(samples, "b", ["b"]).metrics["test/verdict/vs_b/better"] == told


def test_a_score_below_one_half_is_no_better_than_a_trivial_score_that_is_lower_still():
    samples = {
        "b": scored("b", normal(0), sum_pt=normal(0, seed=1)),
        "s": scored("s", normal(-0.5), sum_pt=normal(-2, seed=1)),
    }
    found = pair_result(evaluate(samples, "b", ["b"]).metrics, "s", "b")
    assert found.difference > 0.1
    assert not found.better
    assert not found.significantly_better


@pytest.mark.parametrize(("sigmas", "below"), [(2.45, False), (2.7, True), (-2.7, False)])
def test_an_auc_is_below_one_half_by_a_two_sided_test(sigmas, below):
    # One-sided, p < 0.01 is beyond 2.33 standard deviations; two-sided beyond 2.58.
    assert is_below_half({"a": 0.5 - sigmas * 0.01, "a/high": 0.51 - sigmas * 0.01}, "a") == below


def test_signals_that_are_references_are_not_judged():
    assert judged_signals(["soft_qcd", "ttbar"], ["zero_bias", "soft_qcd"]) == ["ttbar"]
    assert judged_signals(["soft_qcd"], ["zero_bias", "soft_qcd"]) == ["soft_qcd"]


def test_without_trivial_scores_there_is_no_verdict():
    result = evaluate({"b": scored("b", normal(0)), "s": scored("s", normal(1))}, "b", ["b"])
    assert read_verdict(result.metrics, "b") is None
    assert verdict_sentence(result.metrics, "b") is None


@pytest.mark.parametrize(
    ("observable", "title"), [("pt", "Σ pT"), ("total_et", "Σ E_T"), ("deposited_energy", "visible energy"), ("q", "q")]
)
def test_what_is_equal_is_named_as_what_it_is(observable, title):
    rng = np.random.default_rng(0)
    samples = {}
    for name, louder in (("b", 1.0), ("s", 1.1)):
        energy = louder * rng.exponential(30, 3000)
        seen = {"other": rng.normal(size=3000), observable: energy}
        samples[name] = ScoredSample(name, rng.normal(size=3000), seen, {"sum_pt": energy})
    found = evaluate(samples, "b", references=["b"])
    assert found.loudness == title
    sentence = verdict_sentence(found.metrics, "b", found.loudness)
    assert f"; at equal {title} on" in sentence
    shown = matched_table(found)
    assert f"at equal {title}," in shown.caption
    assert ("Σ pT" in sentence) == (observable == "pt")
