"""Commands on files of their own for training and test, on published files, and with signal among what trains."""

import json

import h5py
import numpy as np
import pytest

from hepad import evaluate, score, train
from hepad.cli.words import quote_values
from tests.conftest import make_table, write_table_file
from tests.layouts import LAYOUTS
from tests.runs.conftest import call

QUICK = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "hydra.run.dir=run"]
TABLE = ["model=dense_ae", "data=table", "data.bundled=false", "data.background=mine"]


def write_parts(directory):
    for seed, (part, n) in enumerate({"train": 200, "test": 80}.items()):
        write_table_file(directory / f"{part}.h5", make_table(n, seed))
    write_table_file(directory / "signal.h5", make_table(150, 3, shift=5.0))


def test_a_run_of_two_files_with_signal_in_one_is_evaluated_on_the_other(tmp_path):
    write_parts(tmp_path)
    words = ["data.samples.mine={train: train.h5, test: test.h5}", "data.samples.signal=signal.h5"]
    words += ["data.contamination={sample: signal, fraction: 0.1}"]
    done = call(train.main, tmp_path, *TABLE, *words, *QUICK)
    assert done.code == 0, done.err
    facts = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert facts["contamination"] == {"sample": "signal", "fraction": 0.1, "trained": 17, "validated": 6}
    assert (facts["trained"], facts["validated"]) == (167, 56)
    assert {name: known["tested"] for name, known in facts["data"].items()} == {"mine": 80, "signal": 30}
    first = json.loads((tmp_path / "run" / "metrics.json").read_text())
    # Paths are kept whole, so that it does not matter from where a run is evaluated.
    (tmp_path / "elsewhere").mkdir()
    again = call(evaluate.main, tmp_path / "elsewhere", "run=../run", "evaluation.plots=false", "name=again")
    assert again.code == 0, again.err
    second = json.loads((tmp_path / "run" / "evaluations" / "again" / "metrics.json").read_text())
    tested = {name: value for name, value in first.items() if name.startswith("test/auc")}
    assert tested
    assert {name: second[name] for name in tested} == tested
    write_table_file(tmp_path / "new.h5", make_table(60, 8, shift=5.0))
    words = ["run=run", "data.samples.signal=new.h5", "evaluation.plots=false", "name=new"]
    assert call(evaluate.main, tmp_path, *words).code == 0


def test_a_published_file_is_trained_on_and_scored(tmp_path):
    LAYOUTS["lhco_features"].write(tmp_path / "features.h5", 1)
    words = ["model=dense_ae", "data=lhco", "data.samples.background=features.h5"]
    done = call(train.main, tmp_path, *words, *QUICK)
    assert done.code == 0, done.err
    config = (tmp_path / "run" / "config.yaml").read_text()
    assert "format: lhco_features" in config
    assert str(tmp_path / "features.h5") in config
    scored = call(score.main, tmp_path, "run=run", "input=features.h5", "output=scores.h5")
    assert scored.code == 0, scored.err
    with h5py.File(tmp_path / "scores.h5") as file:
        assert np.isfinite(file["score"][:]).all()
        assert file["score"].shape == (40,)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("data.samples.mine={train: train.h5}", "a list of one or more files"),
        ("data.samples.mine={train: train.h5, test: none.h5}", "data.samples.mine.test: no file none.h5"),
        ("data.samples.mine={train: train.h5, test: train.h5}", "named for train and for test"),
        ("data.contamination={sample: ttbar, fraction: 0.1}", "ttbar is not a sample"),
        ("data.contamination={sample: signal, fraction: 2}", "data.contamination.fraction=2: a number of at least 0"),
        ("data.contamination={sample: signal, fraction: 0.9}", "needs 1080 entries of signal"),
        ("data.format=none_such", "format=none_such: no such preset"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(word, said, tmp_path):
    write_parts(tmp_path)
    before = sorted(tmp_path.iterdir())
    samples = ["data.samples.mine={train: train.h5, test: test.h5}", "data.samples.signal=signal.h5"]
    words = [given for given in samples if given.split("=")[0] != word.split("=")[0]]
    if "0.9" in word:
        words[0] = "data.samples.mine=train.h5"
    done = call(train.main, tmp_path, *TABLE, *words, word, *QUICK)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert said in done.err
    assert sorted(tmp_path.iterdir()) == before


def test_parts_are_written_within_braces_too():
    (word,) = quote_values(["data.samples={mine:{train:a.h5,test:'b c.h5'}}"], "train", multirun=False)
    assert word == "++data.samples.mine={train:'a.h5',test:'b c.h5'}"
