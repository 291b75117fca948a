"""The page of a sweep is made of what a comparison of its jobs is made of."""

from tests.fake_runs import fake_scores, write_fake_run

from hepad.comparison import compare, figures
from hepad.comparison.rows import Row
from hepad.comparison.tables import auc_table
from hepad.pipeline.sweep_page import jobs_table, reason_tables, roc_pictures, settings_pictures
from hepad.pipeline.sweep_record import SweepRecord
from hepad.pipeline.sweep_table import SweepTable, make_table, read_results

SIGNALS = ("jet_ht", "ttbar")


def sweep(directory, lrs=("0.0012520653814999472", "0.001")) -> SweepTable:
    """Two finished jobs and one that never began."""
    settings = {f"lr.{i}": {"optimizer.lr": lr} for i, lr in enumerate(lrs)}
    for i, (name, swept) in enumerate(settings.items()):
        words = [f"{key}={value}" for key, value in swept.items()]
        write_fake_run(directory / name, fake_scores(i, 0.3 + i), words, trivial={"distance_to_mean": 0.95})
    record = SweepRecord("lrs", {**settings, "lr.2": {"optimizer.lr": "1"}})
    return make_table(read_results(directory, record), record.swept, "val/loss", "minimize")


def test_aucs_verdicts_and_trivial_scores_are_those_of_a_comparison(tmp_path):
    jobs = jobs_table(sweep(tmp_path))
    found = auc_table(compare([tmp_path]), "zero_bias")
    assert [jobs.header.index(f"AUC {signal}") for signal in SIGNALS] == [6, 7]
    for run, job in (("lr.0", 0), ("lr.1", 1)):
        label = f"{run}"
        (row,) = (row for row in found.rows if row[0] == label)
        shown = dict(zip(jobs.header, jobs.rows[job], strict=True))
        assert shown["Better than trivial"] == row[found.header.index("Better than trivial")]
        assert [shown[f"AUC {signal}"] for signal in SIGNALS] == [row[found.header.index(s)] for s in SIGNALS]
    (best,) = (row for row in found.rows if row[0] == "Best trivial score")
    assert jobs.rows[-1][1] == "best trivial score"
    assert list(jobs.rows[-1][6:8]) == [best[found.header.index(signal)] for signal in SIGNALS]


def test_on_a_terminal_what_is_the_same_for_all_runs_is_left_out(tmp_path):
    table = sweep(tmp_path)
    assert "Status" in jobs_table(table, most=20).header
    done = SweepTable(table.rows[:2], table.swept, table.metric, table.direction)
    shown = jobs_table(done, most=20)
    assert shown.header[:2] == ["", "optimizer.lr"]
    assert shown.rows[-1][1] == "best trivial score"
    assert not {"Parameters", "Run", "Status"} & set(shown.header)
    assert len(jobs_table(table, most=1).rows) == 2


def test_jobs_that_never_began_are_told_apart_from_refused_ones(tmp_path):
    table = sweep(tmp_path)
    (reasons,) = reason_tables(table)
    assert reasons.rows == [["lr.2", "not started", None]]
    refused = Row("lr.3", {}, "refused", "no")
    found = reason_tables(SweepTable([*table.rows, refused], table.swept, "val/loss", "minimize"))
    assert [made.rows for made in found] == [reasons.rows, [["lr.3", "refused", "no"]]]


def test_every_run_has_its_curve_also_where_short_settings_are_the_same(tmp_path, monkeypatch):
    drawn = []

    def keep(curves, aucs, **told):
        drawn.append((sorted(curves), told["signal"]))
        return plot(curves, aucs, **told)

    plot = figures.plot_runs_roc
    monkeypatch.setattr(figures, "plot_runs_roc", keep)
    captions = [caption for caption, _ in roc_pictures(sweep(tmp_path / "a"))]
    assert captions == [f"ROC of the runs trained on zero_bias: {signal} against it." for signal in SIGNALS]
    assert drawn == [(["lr=0.001", "lr=0.001252"], signal) for signal in SIGNALS]
    drawn.clear()
    roc_pictures(sweep(tmp_path / "b", ("0.00125206538", "0.00125206539")))
    assert drawn[0][0] == ["lr.1", "lr=0.001252"]


def test_runs_without_an_order_are_drawn_by_a_signal_that_is_no_reference(tmp_path):
    table = sweep(tmp_path)
    unordered = SweepTable(table.rows, table.swept, table.metric, table.direction, ordered=False)
    assert "the colour is AUC jet_ht" in settings_pictures(unordered)[0][0]
    rows = [
        Row(r.name, r.settings, r.status, metrics={**r.metrics, "test/auc/ttbar_vs_jet_ht": 0.6}) for r in table.rows
    ]
    rows = [Row(**{**vars(r), "background": "zero_bias"}) for r in rows[:2]]
    unordered = SweepTable(rows, table.swept, table.metric, table.direction, ordered=False)
    assert "the colour is AUC ttbar" in settings_pictures(unordered)[0][0]


def test_two_references_of_one_signal_have_titles_of_their_own():
    metrics = {"val/loss": 0.5, "test/auc/top_vs_qcd": 0.8, "test/auc/top_vs_soft": 0.6}
    row = Row("a", {"seed": "1"}, "finished", metrics=metrics, background="qcd")
    table = make_table([row], ["seed"], "test/auc/top_vs_soft", "maximize")
    assert list(table.titles.values()) == ["test/auc/top_vs_soft", "val/loss", "test/auc/top_vs_qcd"]
    shown = jobs_table(table)
    assert [shown.rows[0][shown.header.index(title)] for title in table.titles.values()] == [0.6, 0.5, 0.8]
    assert list(make_table([row], ["seed"], "val/loss", "minimize").titles.values()) == ["val/loss", "AUC top"]
