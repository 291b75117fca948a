"""`hepad.train(…)` beside `hepad train …`: the same numbers, and the same line for wrong input."""

import json
import os
import sys

import numpy as np
import pytest
import torch

import hepad
from hepad import train as command
from hepad.core.errors import UserError
from tests.conftest import make_jets
from tests.runs.conftest import call, two_samples

SHORT = ["trainer.max_epochs=2", "evaluation.plots=false", "model.latent=3"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("python")


@pytest.fixture(scope="module")
def run(place):
    """A run made in Python, its data a mapping of files."""
    two_samples(place)
    files = {name: place / f"{name}.h5" for name in ("background", "signal")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return hepad.train("vae", *SHORT, data=files, loss="huber", run_dir="mine")


def test_the_same_words_give_the_same_numbers(run, place):
    words = ["model=vae", "loss=huber", *SHORT, *two_samples(place), "logger=none", "hydra.run.dir=theirs"]
    done = call(command.main, place, *words)
    assert done.code == 0, done.err
    theirs = hepad.load_run(place / "theirs")
    assert json.loads((place / "mine" / "metrics.json").read_text()) == theirs.metrics == run.metrics
    assert all(torch.equal(a, b) for a, b in zip(run.model.parameters(), theirs.model.parameters(), strict=True))
    mine, other = run.settings.changed({"paths": {}}).plain(), theirs.settings.changed({"paths": {}}).plain()
    assert str(mine).replace("/mine", "/theirs") == str(other)


def test_a_run_in_python(run, place, capsys):
    assert repr(run) == f"Run(vae on jets, {place / 'mine'})"
    assert run.feature_names == run.features
    assert run.background == "background"
    assert "model=vae" in run.facts["command"]
    jets = make_jets(10, 3.0, 15.0, seed=5).reshape(-1, 17)
    empty = jets[:, 0] == 0
    codes, again = run.encode(jets), run.reconstruct(jets)
    assert (codes.shape, again.shape) == ((80, 3), (80, 17))
    np.testing.assert_array_equal(np.isnan(codes).all(axis=1), empty)
    from hepad.core.batch import Batch

    batch = Batch(torch.from_numpy(jets[~empty]))
    with torch.no_grad():
        np.testing.assert_allclose(codes[~empty], run.model.encode_batch(batch), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(again[~empty], run.model.reconstruct_raw(batch), rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(run.score(torch.from_numpy(jets)), run.score(jets))
    made = run.generate(7, seed=3)
    np.testing.assert_array_equal(made, run.generate(7, seed=3))
    assert made.shape == (7, 17)
    top = run.top(3)
    assert len(repr(top).splitlines()) == len(top.entries) == 3
    np.testing.assert_allclose(run.score(top.batch.x), [entry.score for entry in top.entries], rtol=1e-5)
    assert "No AUC" not in run._repr_html_()
    assert "<img" not in run._repr_html_()
    for wrong, said in [
        (lambda: run.generate(), "the number of entries is needed"),
        (lambda: run.generate(1, context=[1.0]), "conditioned on nothing"),
        (lambda: run.top(0), "one entry or more"),
        (lambda: run.plot("roc"), "has no figures"),
        (lambda: run.encode(np.ones((2, 3))), r"entries of shape \(3,\)"),
    ]:
        with pytest.raises(UserError, match=said):
            wrong()
    assert capsys.readouterr().out == ""


def test_a_model_without_a_code_says_which_have_one(place):
    table = np.random.default_rng(0).normal(size=(60, 3))
    run = hepad.train("gmm", data=table, run_dir=place / "gmm", evaluation__plots=False, trainer__max_epochs=1)
    with pytest.raises(UserError, match=r"gmm: GaussianMixture has no code; runs of .*vae can"):
        run.encode(table)
    with pytest.raises(UserError, match=r"reconstructs nothing; runs of .*dense_ae"):
        run.reconstruct(table)
    assert run.generate(5).shape == (5, 3)


@pytest.mark.parametrize(
    ("words", "in_python"),
    [
        (["loss=hubert"], {"loss": "hubert"}),
        (["trainer.max_epochs=many"], {"trainer": {"max_epochs": "many"}}),
        (["model=td_ae", "data=jets"], {"model": "td_ae", "data": "jets"}),
        (["data.samples.mine=no_such.h5"], {"data.samples.mine": "no_such.h5"}),
        (["model=no_such"], {"model": "no_such"}),
    ],
)
def test_the_same_line_for_wrong_input(words, in_python, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call(command.main, tmp_path, *words)
    assert done.code == 2
    with pytest.raises(UserError) as error:
        hepad.train(**in_python)
    assert f"error: {error.value}\n" == done.err
    assert not list(tmp_path.rglob("*.yaml"))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"resume": "outputs/run"}, "hepad train resume=DIR"),
        ({"data.folds": 3}, "hepad train data.folds=K"),
        ({"loss": lambda a, b: a}, "the name of a loss"),
        ({"data": [[1.0], [2.0, 3.0]]}, "lists of different lengths"),
    ],
)
def test_what_python_alone_refuses(settings, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        hepad.train("dense_ae", **settings)
    assert not list(tmp_path.iterdir())


def test_a_model_is_named_and_not_given():
    with pytest.raises(UserError, match="the name of a model is needed, not int"):
        hepad.train(3)


def test_nothing_heavy_comes_with_the_package():
    code = "import sys, hepad; hepad.train; print(*{'torch', 'sklearn', 'lightning'} & sys.modules.keys())"
    import subprocess

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert found.stdout.strip() == ""
