"""Evaluation: the agreed names, the right pairs, and warnings that help."""

import subprocess
import sys

import numpy as np
import pytest

from hepad.metrics import BASELINES, ScoredSample, auc, evaluate, fpr_name
from hepad.metrics.working_points import max_sic

VERDICT = ("signals", "better", "significant", "mean_difference")


def sample(name, shift, n=2000, seed=0, baseline_shift=0.0):
    rng = np.random.default_rng([seed, n, sum(map(ord, name))])
    score = rng.normal(shift, 1, n)
    return ScoredSample(
        name,
        score,
        {"pt": score + rng.normal(size=n), "nMuons": np.round(rng.normal(size=n)), "constant": np.ones(n)},
        {b: rng.normal(baseline_shift, 1, n) for b in BASELINES},
    )


@pytest.fixture
def samples():
    return {s.name: s for s in (sample("zero_bias", 0), sample("jet_ht", 1), sample("ttbar", 1.5, n=1500))}


def test_the_names_are_exactly_those_of_the_contract(samples):
    metrics = evaluate(samples, "zero_bias", ["zero_bias", "jet_ht"]).metrics
    expected = set()
    for pair in ("jet_ht_vs_zero_bias", "ttbar_vs_zero_bias", "ttbar_vs_jet_ht"):
        expected |= {f"test/auc/{pair}", f"test/auc/{pair}/low", f"test/auc/{pair}/high"}
        # 2000 reference entries: 20 beyond 1e-2, but only 2 beyond 1e-3.
        expected |= {f"test/tpr_at_fpr_1e-2/{pair}", f"test/sic_max/{pair}"}
        expected |= {f"test/baseline_auc/{b}/{pair}" for b in BASELINES}
        expected |= {f"test/over_trivial/{pair}{end}" for end in ("", "/error", "/p_value")}
        expected |= {f"test/matched_auc/{pair}", f"test/matched_auc/{pair}/low", f"test/matched_auc/{pair}/high"}
        expected |= {f"test/matched_baseline_auc/{b}/{pair}" for b in BASELINES}
        expected |= {f"test/matched_over_trivial/{pair}{end}" for end in ("", "/error", "/p_value")}
        expected |= {f"test/matched_overlap/{pair}", f"test/matched_entries/{pair}"}
    for reference in ("zero_bias", "jet_ht"):
        for verdict in ("verdict", "matched_verdict"):
            expected |= {f"test/{verdict}/vs_{reference}/{what}" for what in VERDICT}
    for feature in ("pt", "nMuons"):
        expected |= {f"test/pearson/{feature}", f"test/spearman/{feature}"}
    assert set(metrics) == expected


def test_numbers_are_plain_finite_floats(samples):
    for value in evaluate(samples, "zero_bias", ["zero_bias"]).metrics.values():
        assert type(value) is float
        assert np.isfinite(value)


def test_the_training_background_is_a_signal_nowhere(samples):
    result = evaluate(samples, "zero_bias", ["jet_ht", "ttbar", "zero_bias"])
    assert set(result.rocs) == {
        ("ttbar", "jet_ht"),
        ("jet_ht", "ttbar"),
        ("jet_ht", "zero_bias"),
        ("ttbar", "zero_bias"),
    }


def test_a_reference_named_twice_counts_once(samples):
    once = evaluate(samples, "zero_bias", ["zero_bias"])
    twice = evaluate(samples, "zero_bias", ["zero_bias", "zero_bias"])
    assert once.metrics == twice.metrics
    assert once.warnings == twice.warnings


def test_numbers_are_those_of_the_single_functions(samples):
    result = evaluate(samples, "zero_bias", ["zero_bias"])
    background, signal = samples["zero_bias"], samples["ttbar"]
    assert result.metrics["test/auc/ttbar_vs_zero_bias"] == auc(background.score, signal.score)
    assert result.metrics["test/sic_max/ttbar_vs_zero_bias"] == max_sic(result.rocs["ttbar", "zero_bias"])
    assert result.metrics["test/baseline_auc/sum_pt/ttbar_vs_zero_bias"] == auc(
        background.baselines["sum_pt"], signal.baselines["sum_pt"]
    )


def test_the_same_input_gives_the_same_output(samples):
    first, second = (evaluate(samples, "zero_bias", ["zero_bias", "jet_ht"]) for _ in range(2))
    assert first.metrics == second.metrics
    assert list(first.metrics) == list(second.metrics)
    assert (first.pearson, first.distance, first.warnings) == (second.pearson, second.distance, second.warnings)


def test_correlations_are_kept_for_every_sample_and_named_for_the_background(samples):
    result = evaluate(samples, "zero_bias", ["zero_bias"])
    assert set(result.pearson) == set(result.spearman) == set(samples)
    assert result.metrics["test/pearson/pt"] == result.pearson["zero_bias"]["pt"]
    assert result.metrics["test/spearman/pt"] == pytest.approx(1 / np.sqrt(2), abs=0.05)
    assert set(result.distance) == {"pt", "nMuons"}


def test_constant_features_are_left_out_and_said_so(samples):
    result = evaluate(samples, "zero_bias", ["zero_bias"])
    assert not any("constant" in name for name in result.metrics)
    assert any("no correlation with constant" in told for told in result.small_print)
    assert not any("no correlation" in warning for warning in result.warnings)


def test_too_few_entries_for_a_rate_are_said_once(samples):
    told = evaluate(samples, "zero_bias", ["zero_bias"]).small_print
    assert sum("zero_bias has 2000 entries" in sentence and "1e-3, 1e-4" in sentence for sentence in told) == 1
    assert not any("1e-2" in sentence for sentence in told)


def test_an_auc_below_one_half_comes_with_its_likely_reason():
    samples = {"b": sample("b", 0), "easy": sample("easy", -1)}
    warnings = evaluate(samples, "b", ["b"], reconstructs=True).warnings
    assert any("against b: easy (0." in warning and "simpler than the background" in warning for warning in warnings)
    warnings = evaluate(samples, "b", ["b"]).warnings
    assert any("against b: easy (0." in warning and "easier to reconstruct" not in warning for warning in warnings)


def test_an_auc_below_one_half_by_chance_is_not_explained():
    # 0.5 by construction, a little above or below by chance.
    told = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        scored = {
            name: ScoredSample(name=name, score=rng.normal(size=200), features={}, baselines={}) for name in ("b", "s")
        }
        told += any("below 0.5" in warning for warning in evaluate(scored, "b", ["b"]).warnings)
    # At one standard deviation it would be 16.
    assert told <= 3


def test_an_auc_below_one_half_is_told_against_every_reference():
    samples = {"b": sample("b", 0), "strange": sample("strange", 4), "signal": sample("signal", 1)}
    result = evaluate(samples, "b", ["b", "strange"], reconstructs=True)
    assert result.metrics["test/auc/signal_vs_strange"] < 0.1
    (note,) = [warning for warning in result.warnings if "below 0.5" in warning]
    assert note.startswith("AUC below 0.5 against strange: signal (0.0")
    assert "trained on b" in note


def test_a_baseline_that_beats_the_model_is_named():
    b, s = sample("b", 0), sample("s", 0.2, baseline_shift=1.0)
    samples = {one.name: ScoredSample(one.name, one.score, {}, {"sum_pt": one.baselines["sum_pt"]}) for one in (b, s)}
    warnings = evaluate(samples, "b", ["b"]).warnings
    assert any("Σ pT alone separates better than the model: s (AUC 0.7" in warning for warning in warnings)


def test_a_good_model_needs_no_warning_about_baselines():
    warnings = evaluate({"b": sample("b", 0), "s": sample("s", 2)}, "b", ["b"]).warnings
    assert not any("alone" in warning or "below 0.5" in warning for warning in warnings)


def test_a_baseline_with_holes_is_left_out_and_said_so():
    b, s = sample("b", 0), sample("s", 2)
    holes = ScoredSample("s", s.score, {}, {"sum_pt": np.where(s.score > 3, np.nan, 1.0)})
    result = evaluate({"b": b, "s": holes}, "b", ["b"])
    assert not any("baseline_auc" in name for name in result.metrics)
    assert any("baseline sum_pt" in warning and "left out" in warning for warning in result.warnings)


def test_a_single_entry_has_an_auc_but_no_interval():
    samples = {"b": sample("b", 0), "s": ScoredSample("s", np.array([3.0]))}
    result = evaluate(samples, "b", ["b"])
    assert "test/auc/s_vs_b" in result.metrics
    assert "test/auc/s_vs_b/low" not in result.metrics
    assert any("too few entries" in warning for warning in result.warnings)


def test_unknown_samples_are_named(samples):
    with pytest.raises(ValueError, match=r"no sample 'soft_qcd'.*zero_bias, jet_ht, ttbar"):
        evaluate(samples, "zero_bias", ["soft_qcd"])


@pytest.mark.parametrize(
    ("fpr", "name"), [(1e-2, "1e-2"), (0.001, "1e-3"), (1e-4, "1e-4"), (0.0025, "2.5e-3"), (0.1, "1e-1")]
)
def test_rates_are_spelled_as_in_the_contract(fpr, name):
    assert fpr_name(fpr) == name


def test_a_sample_checks_itself():
    with pytest.raises(ValueError, match="scores of s: 1 of 2 values are NaN"):
        ScoredSample("s", np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="3 values of pt for 2 scores"):
        ScoredSample("s", np.array([1.0, 2.0]), {"pt": np.zeros(3)})
    assert ScoredSample("s", np.array([1, 2], dtype=np.float32)).score.dtype == np.float64


def test_the_room_needs_neither_torch_nor_matplotlib():
    code = "import sys, hepad.metrics; print([m for m in ('torch', 'matplotlib', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
