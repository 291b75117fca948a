"""The table of a sweep: its order, its mean over seeds, its CSV."""

import csv
import math
import statistics
from dataclasses import replace

import pytest

from hepad.comparison.rows import Row
from hepad.comparison.trivial import verdict_cell
from hepad.pipeline.sweep_page import jobs_table
from hepad.pipeline.sweep_table import OWN_AUC, make_table, seed_means, to_csv, trivial_scores
from hepad.report import Named

AUC = "test/auc/top_vs_qcd"


def result(model: str, seed: int, loss: float | None, area: float = 0.7) -> Row:
    name = f"model.{model}-seed.{seed}"
    settings = {"model": model, "seed": str(seed)}
    if loss is None:
        return Row(name, settings, "failed", 'out of "memory", sorry')
    metrics = {"val/loss": loss, AUC: area, f"{AUC}/low": area - 0.1, f"{AUC}/high": area + 0.1, "test/auc/a_vs_b": 0.1}
    return Row(name, settings, "finished", metrics=metrics, background="qcd")


RESULTS = [
    result("a", 1, 0.5, 0.6),
    result("a", 2, 0.7, 0.9),
    result("b", 1, math.nan),
    result("b", 2, 0.1, 0.5),
    result("c", 1, None),
]


def order(metric: str, direction: str) -> list[str]:
    return [row.name for row in make_table(RESULTS, ["model", "seed"], metric, direction).rows]


def test_the_best_comes_first_and_what_has_no_number_last():
    unknown = ["model.b-seed.1", "model.c-seed.1"]
    assert order("val/loss", "minimize") == ["model.b-seed.2", "model.a-seed.1", "model.a-seed.2", *unknown]
    # NaN of val/loss: this run does have an AUC.
    assert order(AUC, "maximize")[:2] == ["model.a-seed.2", "model.b-seed.1"]


def test_only_areas_against_the_background_are_shown():
    assert make_table(RESULTS, ["model"], "val/loss", "minimize").aucs == [AUC]


def test_there_is_no_best_where_nothing_finished():
    assert make_table(RESULTS[-1:], ["model"], "val/loss", "minimize").best is None


def test_seeds_are_summed_up_over_the_runs_that_have_a_number():
    best, worse = seed_means(make_table(RESULTS, ["model", "seed"], "val/loss", "minimize"))
    assert (best.settings, best.n, best.means["val/loss"]) == ({"model": "b"}, 1, 0.1)
    assert best.spreads == {}
    assert (worse.settings, worse.n) == ({"model": "a"}, 2)
    assert worse.means["val/loss"] == pytest.approx(0.6)
    assert worse.spreads["val/loss"] == pytest.approx(statistics.stdev([0.5, 0.7]))
    assert worse.means[AUC] == pytest.approx(0.75)


def test_one_run_per_setting_has_no_mean():
    assert seed_means(make_table(RESULTS[::2], ["model", "seed"], "val/loss", "minimize")) == []
    assert seed_means(make_table(RESULTS, ["model"], "val/loss", "minimize")) == []


def test_the_csv_holds_the_numbers_in_full():
    rows = list(csv.DictReader(to_csv(make_table(RESULTS, ["model", "seed"], "val/loss", "minimize")).splitlines()))
    assert [row["job"] for row in rows] == order("val/loss", "minimize")
    assert float(rows[0]["val/loss"]) == 0.1
    assert float(rows[0][f"{AUC}/low"]) == 0.5 - 0.1
    assert rows[-1]["reason"] == 'out of "memory", sorry'
    assert rows[-1]["val/loss"] == ""


def test_runs_of_different_backgrounds_have_no_best_and_their_own_aucs():
    forward = Row("f", {"data.background": "qcd"}, "finished", metrics={"val/loss": 0.9, AUC: 0.8}, background="qcd")
    reverse = Row(
        "r",
        {"data.background": "top"},
        "finished",
        metrics={"val/loss": 0.1, "test/auc/qcd_vs_top": 0.2, "test/auc/qcd_vs_top/low": 0.1, AUC: 0.5},
        background="top",
    )
    table = make_table([forward, reverse], ["data.background"], "val/loss", "minimize")
    assert table.best is None
    assert [row.name for row in table.rows] == ["f", "r"]
    assert table.numbers == [OWN_AUC]
    assert [row.value(OWN_AUC) for row in table.rows] == [0.8, 0.2]
    assert table.rows[1].metrics[f"{OWN_AUC}/low"] == 0.1
    two = replace(forward, metrics={AUC: 0.8, "test/auc/soft_vs_qcd": 0.6})
    table = make_table([two, reverse], ["data.background"], "val/loss", "minimize")
    assert table.numbers == [OWN_AUC, "test/auc/qcd_vs_own", "test/auc/soft_vs_own", "test/auc/top_vs_own"]
    assert table.rows[0].value(OWN_AUC) == pytest.approx(0.7)
    # One background: the order and the best are as ever.
    assert make_table([forward], ["data.background"], "val/loss", "minimize").best is forward


def test_runs_without_an_order_stay_as_they_were_asked_for_and_none_is_the_best():
    table = make_table(RESULTS, ["model", "seed"], "val/loss", "minimize", ordered=False)
    assert [row.name for row in table.rows] == [row.name for row in RESULTS]
    assert table.best is None
    assert table.aucs == [AUC]
    # Neither are the means over seeds ordered.
    assert [mean.settings["model"] for mean in seed_means(table)] == ["a", "b"]


def judged(name, area, trivial):
    metrics = {
        AUC: area,
        "test/baseline_auc/sum_pt/top_vs_qcd": 0.6,
        "test/baseline_auc/distance_to_mean/top_vs_qcd": trivial,
        **{
            f"test/verdict/vs_qcd/{what}": n
            for what, n in (("signals", 1), ("better", area > trivial), ("significant", 0))
        },
    }
    return Row(name, {"model": name}, "finished", metrics=metrics, background="qcd")


def test_the_best_trivial_score_stands_below_the_runs_by_name():
    table = make_table([judged("a", 0.7, 0.8), judged("b", 0.9, 0.8)], ["model"], AUC, "maximize")
    ((title, cells),) = trivial_scores(table)
    assert title == "best trivial score"
    assert cells == {AUC: Named(0.8, "‖x − mean‖²")}
    assert [verdict_cell(row.metrics, row.background) for row in table.rows] == ["1 of 1 (0)", "0 of 1 (0)"]
    shown = jobs_table(table)
    assert shown.header[-2:] == ["Better than trivial", "Run"]
    assert shown.rows[-1][1] == "best trivial score"
    assert Named(0.8, "‖x − mean‖²") in shown.rows[-1]
    # Runs on other entries have trivial scores of their own.
    other = make_table([judged("a", 0.7, 0.8), judged("b", 0.9, 0.7)], ["model"], AUC, "maximize")
    assert [title for title, _ in trivial_scores(other)] == ["best trivial score of b", "best trivial score of a"]
    # Without any, neither row nor column.
    plain = make_table(RESULTS, ["model", "seed"], "val/loss", "minimize")
    assert trivial_scores(plain) == []
    assert "Better than trivial" not in jobs_table(plain).header
