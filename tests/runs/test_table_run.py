"""A run on a table of one's own columns: trained, scored, loaded back, and a wrong word refused."""

import json

import h5py
import numpy as np
import pytest

from hepad import load_run, score, train
from tests.conftest import TABLE_COLUMNS, make_table, write_table_file
from tests.runs.conftest import call

QUICK = ["trainer.max_epochs=1", "logger=none", "hydra.run.dir=run"]
# A pT of 0 or less is a number like any other here, no empty slot.
NAMES = ["pt", *TABLE_COLUMNS[1:]]


def write(path, table):
    write_table_file(path, table)
    with h5py.File(path, "r+") as file:
        file["table"].attrs["features"] = NAMES
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with a background, a signal and a finished run on four of their columns."""
    directory = tmp_path_factory.mktemp("table")
    table = make_table(400, seed=1)
    table[::3, 0] = -1
    write(directory / "mine.h5", table)
    write(directory / "signal.h5", make_table(200, seed=2, shift=1.0))
    done = call(train.main, directory, *words(directory), "data.features=[ratio,pt,angle,count]", *QUICK)
    assert done.code == 0, done.err
    return directory


def words(directory):
    samples = [f"data.samples.{name}={directory / name}.h5" for name in ("mine", "signal")]
    return ["model=dense_ae", "data=table", "data.bundled=false", "data.background=mine", *samples]


def test_it_is_evaluated_with_the_trivial_scores_of_a_table(place):
    metrics = json.loads((place / "run/metrics.json").read_text())
    assert 0 <= metrics["test/auc/signal_vs_mine"] <= 1
    trivial = {name.split("/")[2] for name in metrics if name.startswith("test/baseline_auc/")}
    assert trivial == {"distance_to_mean", "mahalanobis", "isolation_forest"}
    assert not [name for name in metrics if "matched" in name]
    # Also with columns that are no features.
    assert "test/spearman/mass" in metrics
    report = (place / "run/report.html").read_text(encoding="utf-8")
    assert "entries of mine (table)" in report
    with h5py.File(place / "run/scores.h5") as file:
        assert file.attrs["kind"] == "table"


def test_a_file_and_an_array_are_scored_alike(place, tmp_path):
    run = load_run(place / "run")
    assert run.features == ("ratio", "pt", "angle", "count")
    table = make_table(50, seed=3)
    table[:5, 0] = 0
    expected = run.score(table, features=NAMES)
    assert np.isfinite(expected).all()
    # A data set for each column, and more of them than the run knows.
    with h5py.File(tmp_path / "new.h5", "w") as file:
        for i, name in enumerate(NAMES):
            file[name] = table[:, i]
    done = call(score.main, tmp_path, f"run={place / 'run'}", "input=new.h5", "output=scores.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "scores.h5") as file:
        np.testing.assert_array_equal(file["score"], expected)
    records = np.zeros(50, dtype=[(name, "f4") for name in reversed(NAMES)])
    for i, name in enumerate(NAMES):
        records[name] = table[:, i]
    np.testing.assert_array_equal(run.score(records), expected)
    np.testing.assert_array_equal(run.score(table[:, [3, 0, 2, 4]]), expected)
    with h5py.File(tmp_path / "lacking.h5", "w") as file:
        file["pt"] = table[:, 0]
    done = call(score.main, tmp_path, f"run={place / 'run'}", "input=lacking.h5", "output=other.h5")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "has no feature ratio, angle, count; it has: pt" in done.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["data.loudness=ht"], "data.loudness=ht is no column of"),
        (["data.features=[pt,charge]"], "has no feature charge"),
        (
            ["model=td_ae"],
            "takes sets, not the vectors of data=table; choose data=constituents or data=events or another model",
        ),
        (["model=vae", "loss=ssim"], "SSIM is defined for images, not for the vectors of data=table"),
    ],
)
def test_a_wrong_word_is_one_line(place, tmp_path, more, said):
    done = call(train.main, tmp_path, *words(place), *more, *QUICK)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert said in done.err
    assert not (tmp_path / "run").exists()
