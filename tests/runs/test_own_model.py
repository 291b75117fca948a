"""A model and a loss of the user's own: their YAML through --config-dir, their names through HEPAD_TRUST."""

import sys

import pytest

from hepad import load_run, train
from tests.conftest import make_jets
from tests.runs.conftest import call, two_samples

MODEL = '''
from hepad.models import DenseAutoencoder


class Narrow(DenseAutoencoder):
    """The dense autoencoder with a knob of its own."""

    def __init__(self, entry_shape, loss, normalizer="standard", squeeze=2):
        super().__init__(entry_shape, loss, normalizer, latent=squeeze)
        self.save_hyperparameters(ignore=["latent", "hidden", "dropout", "activation"])
'''
LOSS = '''
from hepad.losses.base import ElementwiseLoss


class Cubic(ElementwiseLoss):
    """Mean of |x_hat - x|^3."""

    def elementwise(self, x_hat, x):
        return (x_hat - x).abs() ** 3
'''
TRUST = "own_package.models.Narrow,own_package.losses.Cubic"


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The words that choose the user's own model and loss, from a directory with everything in it."""
    package = tmp_path / "own_package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "models.py").write_text(MODEL)
    (package / "losses.py").write_text(LOSS)
    for group in ("model", "loss"):
        (tmp_path / "configs" / group).mkdir(parents=True)
    (tmp_path / "configs/model/narrow.yaml").write_text(
        "defaults:\n  - override /data@_global_.data: jets\n\n"
        "_target_: own_package.models.Narrow\nsqueeze: 2 # width of the code\n"
    )
    (tmp_path / "configs/loss/cubic.yaml").write_text("# @package model.loss\n_target_: own_package.losses.Cubic\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("HEPAD_TRUST", TRUST)
    yield ["--config-dir", "configs", "model=narrow", "loss=cubic", "logger=none", "evaluation.plots=false"]
    for name in [name for name in sys.modules if name.startswith("own_package")]:
        del sys.modules[name]


def test_it_trains_with_files_named_from_where_the_user_stands_and_is_loaded_again(own, tmp_path, monkeypatch):
    two_samples(tmp_path)
    samples = ["data.bundled=false", "data.background=2018D", "data.samples.2018D=background.h5"]
    # Relative names, while Hydra changes to the run's directory.
    words = [*own, *samples, "data.samples.Zprime_m3.5=signal.h5", "hydra.job.chdir=true", "trainer.max_epochs=1"]
    done = call(train.main, tmp_path, *words, "model.squeeze=3")
    assert done.code == 0, done.err
    (run_dir,) = (tmp_path / "outputs").glob("*/*_narrow_jets")
    assert "test/auc/Zprime_m3.5_vs_2018D" in (run_dir / "metrics.json").read_text()
    run = load_run(run_dir)
    assert run.model.hparams["squeeze"] == 3
    assert run.score(make_jets(20, 8, 20, seed=1).reshape(-1, 17)[:5]).shape == (5,)
    monkeypatch.delenv("HEPAD_TRUST")
    with pytest.raises(ValueError, match="export HEPAD_TRUST=own_package"):
        load_run(run_dir)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model.squeeze=wide"], "model.squeeze=wide: an integer is needed, such as 2"),
        (["model.squeze=3"], "did you mean 'squeeze'?"),
        (["model=narow"], "did you mean 'narrow'?"),
        (["-m", "model.squeeze=1,wide"], "model.squeeze=wide: an integer is needed"),
    ],
)
def test_a_wrong_word_is_named_as_with_a_model_that_is_shipped(own, tmp_path, words, said):
    done = call(train.main, tmp_path, *own, *words)
    assert done.code == 2, done.err
    assert said in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "outputs").exists()


def test_help_explains_its_keys(own, tmp_path):
    done = call(train.main, tmp_path, *own, "--help")
    assert done.code == 0, done.err
    assert "narrow" in done.out
    assert any("model.squeeze=2" in line and "width of the code" in line for line in done.out.splitlines())


def test_without_trust_nothing_of_it_is_imported(own, tmp_path, monkeypatch):
    monkeypatch.delenv("HEPAD_TRUST")
    (tmp_path / "own_package/models.py").write_text("raise SystemExit('imported')")
    done = call(train.main, tmp_path, *own)
    assert done.code == 2, done.err
    assert "export HEPAD_TRUST=own_package." in done.err


def test_a_name_that_leads_nowhere_is_one_line(own, tmp_path, monkeypatch):
    monkeypatch.setenv("HEPAD_TRUST", f"{TRUST},own_package.gone.Model")
    samples = two_samples(tmp_path)
    done = call(train.main, tmp_path, *own, *samples, "model._target_=own_package.gone.Model")
    assert done.code == 2, done.err
    assert "PYTHONPATH" in done.err
    assert done.err.count("\n") == 1
