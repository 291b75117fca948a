"""`python -m hepad.compare DIR…` from end to end, and what it refuses."""

import h5py
import numpy as np
import pytest

from hepad import compare
from tests.fake_runs import fake_scores, write_fake_run
from tests.runs.conftest import call


@pytest.fixture
def runs(tmp_path):
    for i in range(2):
        write_fake_run(tmp_path / f"runs/r{i}", fake_scores(i, 0.5), references=("zero_bias",))
    return tmp_path


@pytest.fixture
def refused(runs):
    def run(*words: str) -> str:
        before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
        done = call(compare.main, runs, *words)
        assert done.code == 2, done.err
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before
        assert not (runs / "out").exists()
        return done.err

    return run


def test_bare_words_are_runs_whatever_their_names_hold(runs):
    odd = runs / "loss=mse, it's \\' [odd]"
    (runs / "runs/r0").rename(odd)
    done = call(compare.main, runs, odd.name, "runs/r1", "output=out", "baseline=r1", "formats=[svg]")
    assert done.code == 0, done.err
    assert "AUC vs zero_bias" in done.out
    assert {path.name for path in (runs / "out").iterdir()} == {
        "comparison.html",
        "comparison.json",
        "comparison.csv",
        "comparison_plots",
    }
    assert (runs / "out/comparison_plots/roc_ttbar_vs_zero_bias.svg").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "which runs?"),
        (["nothing"], "no directory nothing"),
        (["runs/r0"], "at least two runs"),
        (["runs", "baseline=r7"], "allowed: r0, r1"),
        (["runs", "formats=[gif]"], "allowed: png, pdf, svg"),
        (["runs", "output=runs/r0/config.yaml"], "is a file"),
        (["runs", "bsaeline=r0"], "did you mean 'baseline'?"),
    ],
)
def test_wrong_words(refused, words, said):
    assert said in refused(*words)


def test_damaged_scores(refused, runs):
    path = runs / "runs/r1/scores.h5"
    path.write_bytes(path.read_bytes()[:500])
    assert "scores.h5" in refused("runs/r0", "runs/r1")


@pytest.mark.parametrize("kind", ["link", "nan", "words", "lengths"])
def test_hostile_scores(refused, runs, kind):
    with h5py.File(runs / "runs/r1/scores.h5", "r+") as file:
        if kind == "link":
            file["stolen"] = h5py.ExternalLink("/etc/passwd", "/")
        if kind == "nan":
            file["ttbar/score"][3] = np.nan
        if kind == "words":
            del file["ttbar/score"]
            file["ttbar/score"] = ["a"] * 600
        if kind == "lengths":
            del file["ttbar/index"]
            file["ttbar/index"] = np.arange(3)
    assert "scores.h5" in refused("runs/r0", "runs/r1")
