"""Several runs side by side: the same numbers as an independent computation, and nothing claimed that is not shared."""

import json

import h5py
import numpy as np
import pytest
from scipy import stats
from tests.fake_runs import fake_scores, write_fake_run

from hepad.comparison import compare, read_record, write_comparison
from hepad.comparison.page import comparison_table, print_comparison
from hepad.comparison.scores import read_trivial
from hepad.comparison.seeds import seed_groups, seed_tables, spreads_beside
from hepad.comparison.tables import auc_table
from hepad.core.errors import UserError
from hepad.metrics import auc, auc_difference, auc_variance
from hepad.report import Named


@pytest.fixture
def three(tmp_path):
    for name, (seed, noise, words) in {
        "a": (1, 0.3, ()),
        "b": (2, 0.3, ("seed=2",)),
        "c": (3, 2.0, ("model=vae", "loss=huber")),
    }.items():
        write_fake_run(tmp_path / name, fake_scores(seed, noise), words, references=("zero_bias", "jet_ht"))
    return tmp_path


def test_differences_are_delong_s_on_the_same_entries(three):
    found = compare([three])
    a, c = (fake_scores(seed, noise) for seed, noise in ((1, 0.3), (3, 2.0)))
    pair_auc = found.pair_auc("c", "ttbar", "zero_bias")
    expected = auc_difference(c["zero_bias"], c["ttbar"], a["zero_bias"], a["ttbar"])
    assert pair_auc.difference.difference == pytest.approx(expected.difference, abs=1e-12)
    assert pair_auc.difference.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    assert pair_auc.difference.p_value == pytest.approx(expected.p_value, rel=1e-6)
    assert pair_auc.paired is True
    assert pair_auc.auc == auc(c["zero_bias"], c["ttbar"])
    assert pair_auc.p_holm >= pair_auc.difference.p_value
    assert found.pair_auc("a", "ttbar", "zero_bias").difference is None
    # Noise of 2 drowns what the others see; two runs with the same noise do not differ.
    assert pair_auc.p_holm < 0.01
    assert found.pair_auc("b", "ttbar", "zero_bias").p_holm > 0.05


def test_order_of_the_entries_in_a_file_does_not_matter(three):
    scores = fake_scores(2, 0.3)
    orders = {name: np.random.default_rng(9).permutation(len(values)) for name, values in scores.items()}
    shuffled = {name: values[orders[name]] for name, values in scores.items()}
    write_fake_run(three / "d", shuffled, index=orders, references=("zero_bias",))
    found = compare([three / "a", three / "b", three / "d"])
    b, d = (found.pair_auc(run, "ttbar", "zero_bias") for run in "bd")
    assert d.paired
    assert d.difference == b.difference
    assert found.correlations["ttbar"].spearman[1, 2] == pytest.approx(1.0)


def test_other_entries_are_unpaired_and_said_to_be(three):
    write_fake_run(three / "d", fake_scores(1, 0.3), hashes={"ttbar": "other"})
    found = compare([three / "a", three / "d"])
    pair_auc = found.pair_auc("d", "ttbar", "zero_bias")
    assert pair_auc.paired is False
    a = fake_scores(1, 0.3)
    # The same numbers, taken for independent: the difference is 0, the error is that of two independent AUCs.
    assert pair_auc.difference.difference == 0
    assert pair_auc.difference.standard_error == pytest.approx(
        np.sqrt(2 * auc_variance(a["zero_bias"], a["ttbar"])), rel=1e-9
    )
    assert found.pair_auc("d", "jet_ht", "zero_bias").paired
    assert any("d was not tested on the entries of a in ttbar (another file)" in note for note in found.notes)
    assert "ttbar" not in found.correlations


def test_entries_in_common_are_correlated(three):
    scores = {name: values[:200] for name, values in fake_scores(2, 0.3).items()}
    write_fake_run(three / "d", scores)
    found = compare([three / "a", three / "d"])
    a, scores = ({k: v[:200].astype(float) for k, v in fake_scores(seed, 0.3).items()} for seed in (1, 2))
    agreement = found.correlations["ttbar"]
    assert agreement.entries == 200
    assert agreement.pearson[0, 1] == pytest.approx(stats.pearsonr(a["ttbar"], scores["ttbar"]).statistic, abs=1e-9)
    assert agreement.spearman[1, 0] == pytest.approx(stats.spearmanr(a["ttbar"], scores["ttbar"]).statistic, abs=1e-9)
    # One sentence, however many samples it is about.
    assert [note for note in found.notes if "d was not" in note] == [
        "d was not tested on the entries of a in zero_bias, jet_ht, ttbar (other entries of the same file); "
        "these differences are unpaired, and mix model and data."
    ]


def test_correlations_are_scipy_s(three):
    found = compare([three]).correlations["jet_ht"]
    columns = [fake_scores(seed, noise)["jet_ht"] for seed, noise in ((1, 0.3), (2, 0.3), (3, 2.0))]
    np.testing.assert_allclose(found.pearson, np.corrcoef(np.asarray(columns, dtype=np.float64)), atol=1e-9)
    np.testing.assert_allclose(found.spearman, stats.spearmanr(np.transpose(columns)).statistic, atol=1e-9)


def test_runs_differ_in_what_the_command_line_changed(three):
    found = compare([three])
    assert found.settings["a"] == {"model": "dense_ae", "loss": "mse", "seed": "42"}
    assert found.settings["c"] == {"model": "vae", "loss": "huber", "seed": "42"}


def test_jobs_of_a_sweep_are_named_by_their_settings(tmp_path):
    for i, loss in enumerate(("mse", "huber")):
        write_fake_run(tmp_path / str(i), fake_scores(i, 0.3), (f"loss={loss}",))
    assert list(compare([tmp_path]).records) == ["0: loss=mse", "1: loss=huber"]


def test_runs_of_one_name_are_told_apart(three):
    write_fake_run(three / "other/a", fake_scores(5, 0.3))
    found = compare([three / "a", three / "other/a"])
    assert [label.split("/")[-2:] for label in found.records] == [[three.name, "a"], ["other", "a"]]


def test_the_baseline_can_be_chosen_by_name_or_directory(three):
    assert compare([three], baseline="c").baseline == "c"
    assert compare([three], baseline=str(three / "b")).baseline == "b"
    with pytest.raises(UserError, match="baseline=x is not among the runs; allowed: a, b, c"):
        compare([three], baseline="x")


def test_failed_jobs_are_left_out_with_their_reason(three):
    failed = write_fake_run(three / "z", fake_scores(1, 1.0), status="failed", reason="RuntimeError: no")
    (failed / "scores.h5").unlink()
    found = compare([three])
    assert [out.name for out in found.left_out] == ["z"]
    assert "RuntimeError: no" in found.left_out[0].reason
    with pytest.raises(UserError, match=r"no scores.h5 \(status: failed, RuntimeError: no\)"):
        compare([three / "a", failed])


def test_nothing_in_common(three):
    write_fake_run(three / "d", fake_scores(1, 1.0, samples={"x": 0.0, "y": 1.0}), references=("x",), background="x")
    with pytest.raises(UserError, match=r"no two of these runs share a signal and a reference \(a: ttbar vs jet_ht"):
        compare([three / "a", three / "d"])
    with pytest.raises(UserError, match="at least two runs"):
        compare([three / "a"])


def test_the_files_hold_every_number(three, tmp_path):
    (three / "a" / "history.csv").unlink()
    page = write_comparison(compare([three]), tmp_path / "out")
    written = json.loads((tmp_path / "out/comparison.json").read_text())
    assert len(written["auc"]) == 9
    assert written["runs"]["c"]["differs_in"] == {"model": "vae", "loss": "huber", "seed": "42"}
    assert written["correlations"]["ttbar"]["spearman"][0][0] == pytest.approx(1)
    rows = (tmp_path / "out/comparison.csv").read_text().splitlines()
    assert rows[0].startswith("run,signal,reference,auc,low,high,difference")
    assert len(rows) == 10
    text = page.read_text()
    for expected in ("Comparison of 3 runs", "Σ pT alone", "0.7500", "ROC of every run, ttbar against jet_ht; dotted"):
        assert expected in text
    assert {path.stem for path in (tmp_path / "out/comparison_plots").iterdir()} == {
        *(f"auc_vs_{reference}" for reference in ("zero_bias", "jet_ht")),
        *(f"roc_{pair}" for pair in ("jet_ht_vs_zero_bias", "ttbar_vs_zero_bias", "ttbar_vs_jet_ht")),
        *(f"correlation_{sample}" for sample in ("zero_bias", "jet_ht", "ttbar")),
        "learning_curves",
    }


def test_settings_that_change_no_number_are_no_difference(tmp_path):
    write_fake_run(tmp_path / "a", fake_scores(0, 0.3), ("sweep.job=a", "model=gan"))
    write_fake_run(tmp_path / "b", fake_scores(1, 0.3), ("sweep.job=b", "model=gan", "inference=latent_search"))
    settings = compare([tmp_path]).settings
    assert settings["a"] == {}
    assert {key.split(".")[0] for key in settings["b"]} == {"inference"}


def test_long_numbers_are_short_among_the_settings(tmp_path):
    for i, lr in enumerate((0.0012520653814999472, 1e-3)):
        write_fake_run(tmp_path / str(i), fake_scores(i, 0.3), (f"optimizer.lr={lr}",))
    assert list(compare([tmp_path]).records) == ["0: lr=0.001252", "1: lr=0.001"]


def test_what_is_a_reference_itself_does_not_enter_the_mean(three):
    found = compare([three])
    assert found.signals("zero_bias") == ["jet_ht", "ttbar"]
    assert found.averaged("zero_bias") == ["ttbar"]
    assert found.mean_auc("a", "zero_bias") == found.pair_auc("a", "ttbar", "zero_bias").auc
    assert auc_table(found, "zero_bias").caption.endswith(
        "ordered by the mean over ttbar; ± is the spread between seeds; trivial scores below."
    )


def test_where_every_signal_is_a_reference_all_enter_the_mean(tmp_path):
    samples = {"zero_bias": 0.0, "jet_ht": 0.8}
    for i in range(2):
        write_fake_run(tmp_path / str(i), fake_scores(i, 0.3, samples=samples), references=("zero_bias", "jet_ht"))
    assert compare([tmp_path]).averaged("zero_bias") == ["jet_ht"]


def test_runs_that_differ_in_the_seed_alone_are_summed_up(tmp_path):
    name = "test/auc/ttbar_vs_zero_bias"
    for i, (model, noise) in enumerate(
        (("dense_ae", 0.3), ("dense_ae", 0.4), ("vae", 2.0), ("vae", 2.2), ("vae", 2.4))
    ):
        write_fake_run(tmp_path / f"r{i}", fake_scores(i, noise), (f"model={model}", f"seed={i}"))
    found = compare([tmp_path])
    dense, vae = seed_groups(found)
    assert (list(dense.runs), list(vae.runs)) == (["r0", "r1"], ["r2", "r3", "r4"])
    assert (dense.name, vae.name) == ("model=dense_ae", "model=vae")
    a, b = ([found.pair_auc(run, "ttbar", "zero_bias").auc for run in group.runs] for group in (dense, vae))
    assert vae.means[name] == pytest.approx(np.mean(b))
    assert vae.spreads[name] == pytest.approx(np.std(b, ddof=1))
    means, differences = seed_tables(found, [dense, vae])
    assert [row[:2] for row in means.rows] == [["model=dense_ae", 2], ["model=vae", 3]]
    ((name_of, _, cell),) = differences.rows
    assert name_of == "model=vae"
    # Welch's standard error, independently.
    expected = stats.ttest_ind(b, a, equal_var=False)
    assert cell.value / cell.error == pytest.approx(expected.statistic)


def test_the_spread_between_seeds_stands_beside_the_intervals(tmp_path):
    for i in (1, 2, 3):
        write_fake_run(tmp_path / f"r{i}", fake_scores(i, 0.3), ("model=dense_ae", f"seed={i}"))
    write_fake_run(tmp_path / "vae", fake_scores(9, 0.3), ("model=vae", "seed=1"))
    found = compare([tmp_path])
    reference, signals = found.references[0], found.signals(found.references[0])
    name = "± over 3 seeds, model=dense_ae"
    expected = []
    for signal in signals:
        aucs = [pair_auc.auc for pair_auc in found.aucs if (pair_auc.signal, pair_auc.reference) == (signal, reference)]
        expected.append(np.std([a for a, run in zip(aucs, found.records, strict=True) if run != "vae"], ddof=1))
    row = next(row for row in auc_table(found, reference).rows if row[0] == name)
    assert row[-len(signals) :] == pytest.approx(expected)
    printed = comparison_table(found)
    assert name in list(printed.columns[0].cells)
    assert spreads_beside(compare([tmp_path / "r1", tmp_path / "vae"]), reference) == {}


def test_without_two_seeds_of_one_kind_there_is_nothing_over_seeds(three):
    assert seed_groups(compare([three / "a", three / "c"])) == []
    assert len(seed_groups(compare([three]))) == 2


def beaten_runs(directory):
    """Three runs in the order of the alphabet, the last one started first, all behind ‖x − mean‖²."""
    for i, (name, noise) in enumerate((("a", 1.0), ("b", 1.5), ("c", 2.0))):
        started = f"2026-01-0{3 - i}T00:00:00+00:00"
        write_fake_run(directory / name, fake_scores(i, noise), started=started, trivial={"distance_to_mean": 0.95})
    return directory


def test_a_trivial_score_that_beats_all_runs_stands_in_every_table_and_note(tmp_path, capsys):
    found = compare([beaten_runs(tmp_path / "runs")])
    (note,) = [note for note in found.notes if "trivial" in note]
    assert note.startswith(
        "Against zero_bias no run is better than the best trivial score on 2 of 2 signals: jet_ht (‖x − mean‖² 0.9500"
    )
    table = auc_table(found, "zero_bias")
    assert table.header == ["Run", "Mean", "Better than trivial", "jet_ht", "ttbar"]
    assert [row[2] for row in table.rows[:3]] == ["0 of 2 (0)"] * 3
    best = next(row for row in table.rows if row[0] == "Best trivial score")
    assert best[1] == pytest.approx(0.95)
    assert best[3:] == [Named(0.95, "‖x − mean‖²")] * 2
    assert ["‖x − mean‖² alone", None, None, 0.95, 0.95] in table.rows
    page = write_comparison(found, tmp_path / "out")
    print_comparison(found, page)
    console = capsys.readouterr().out
    assert "best trivial score" in console
    assert "‖x − mean‖² 0.9500" in console
    assert "no run is better than the best trivial score" in console
    written = json.loads((tmp_path / "out/comparison.json").read_text())
    assert (written["auc"][0]["best_trivial"], written["auc"][0]["best_trivial_auc"]) == ("distance_to_mean", 0.95)


def test_runs_on_other_entries_have_trivial_scores_of_their_own(tmp_path):
    write_fake_run(tmp_path / "a", fake_scores(0, 1.0), trivial={"distance_to_mean": 0.95})
    write_fake_run(tmp_path / "b", fake_scores(1, 1.0), trivial={"distance_to_mean": 0.6})
    found = compare([tmp_path])
    rows = {row[0]: row for row in auc_table(found, "zero_bias").rows}
    assert rows["Best trivial score of a"][-1] == Named(0.95, "‖x − mean‖²")
    # Σ pT, the same in both, is ahead where ‖x − mean‖² is low.
    assert rows["Best trivial score of b"][-1] == Named(0.75, "Σ pT")


def test_the_default_baseline_is_the_first_run_named_or_of_a_directory_the_first_started(tmp_path):
    runs = beaten_runs(tmp_path)
    assert compare([runs]).baseline == "c"
    assert compare([runs / "b", runs / "a", runs]).baseline == "b"
    assert compare([str(runs / "[ab]"), runs]).baseline == "b"


def test_a_trivial_score_that_was_kept_is_drawn_in_the_order_of_the_scores(three):
    orders = {name: np.random.default_rng(9).permutation(600) for name in fake_scores(1, 0.3)}
    run = write_fake_run(three / "d", fake_scores(1, 0.3), index=orders)
    with h5py.File(run / "scores.h5", "a") as file:
        file["ttbar/trivial_sum_pt"] = orders["ttbar"].astype(np.float32)
    record = read_record(run)
    np.testing.assert_array_equal(read_trivial(record, "ttbar", "sum_pt"), np.arange(600))
    assert read_trivial(record, "jet_ht", "sum_pt") is None
    with h5py.File(run / "scores.h5", "a") as file:
        del file["ttbar/trivial_sum_pt"]
        file["ttbar/trivial_sum_pt"] = np.zeros(7)
    assert read_trivial(record, "ttbar", "sum_pt") is None
