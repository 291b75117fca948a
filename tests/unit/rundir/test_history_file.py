"""A run's history, read back whatever became of it."""

import math

from hepad.rundir.history_file import read_history


def test_epochs_without_a_number_are_nan_and_a_run_without_a_history_has_none(tmp_path):
    assert read_history(tmp_path) == {}
    (tmp_path / "history.csv").write_text("epoch,val/loss\n0,0.5\n1,\n2,broken\n3\n")
    columns = read_history(tmp_path)
    assert columns["epoch"] == [0, 1, 2, 3]
    assert columns["val/loss"][0] == 0.5
    assert all(math.isnan(value) for value in columns["val/loss"][1:])
