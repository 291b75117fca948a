"""What a sweep prints at its end."""

from hepad.comparison.rows import Row
from hepad.pipeline.summary import print_summary
from hepad.pipeline.sweep_table import make_table, seed_means

AUC = "test/auc/ttbar_vs_zero_bias"


def job(directory, seed: int) -> Row:
    run_dir = directory / f"seed.{seed}"
    run_dir.mkdir()
    metrics = {"val/loss": 0.5 + seed / 100, AUC: 0.8303, f"{AUC}/low": 0.8283, f"{AUC}/high": 0.8323}
    settings = {"optimizer.lr": "0.0012520653814999472", "seed": str(seed)}
    return Row(run_dir.name, settings, "finished", "", run_dir, metrics, 1.25, 10, 3, 2, "zero_bias")


def printed(capsys, directory, results) -> str:
    table = make_table(results, ["optimizer.lr", "seed"], "val/loss", "minimize")
    print_summary(table, seed_means(table), [], directory)
    return capsys.readouterr().out


def test_numbers_are_short_and_have_their_unit(capsys, tmp_path):
    text = printed(capsys, tmp_path, [job(tmp_path, 1), job(tmp_path, 2)])
    assert "2 runs, best val/loss first" in text
    assert "Time [s]" in text
    assert "0.8303(20)" in text
    assert "0.001252 " in text
    assert "68% interval" in text
    # Mean of 0.51 and 0.52 with their standard deviation.
    assert "0.5150(71)" in text
    assert f" -m hepad.compare {tmp_path}" in text


def test_one_run_is_not_compared(capsys, tmp_path):
    text = printed(capsys, tmp_path, [job(tmp_path, 1), Row("x", {"seed": "3"}, "refused", "[no] such thing")])
    assert "hepad.compare" not in text
    assert "refused x: [no] such thing" in text
    assert "1 run," in printed(capsys, tmp_path, [Row("x", {}, "failed", "")])


def test_a_table_is_titled_by_what_it_holds(capsys, tmp_path):
    plain = Row("a", {"seed": "1"}, "finished", "", None, {"val/loss": 0.5}, 1.0, 10, 3, 2, "zero_bias")
    text = printed(capsys, tmp_path, [plain])
    assert "best val/loss first" in text
    assert "AUC" not in text


def test_runs_without_an_order_have_no_best_on_the_console(capsys, tmp_path):
    results = [job(tmp_path, 2), job(tmp_path, 1)]
    print_summary(make_table(results, ["seed"], "val/loss", "minimize", ordered=False), [], ["why"], tmp_path)
    text = capsys.readouterr().out
    assert "2 runs, in the order of the command; AUC with" in text
    assert not any(line.startswith("best ") for line in text.splitlines())
