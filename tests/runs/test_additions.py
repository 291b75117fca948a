"""Additions to hepad: one source file and one YAML each, in a package of the user's own, and no file of hepad."""

import json
import sys

import h5py
import numpy as np
import pytest

from hepad import load_run, score, train
from tests.runs.conftest import call

QUICK = ["logger=none", "evaluation.plots=false", "hydra.run.dir=run"]
COLUMNS = ["m_jj", "m_1", "tau"]

LOSS = '''
"""The mean fourth power of the difference."""

from hepad.losses.base import ElementwiseLoss


class Quartic(ElementwiseLoss):
    """Mean of (x_hat - x)^4."""

    def elementwise(self, x_hat, x):
        return (x_hat - x) ** 4
'''

DENSITY = '''
"""A Gaussian whose mean and width are linear in the context."""

import math

import torch
from torch import nn

from hepad.models import AnomalyModel


class LinearGaussian(AnomalyModel):
    """p(x | c) with independent columns; the score is -ln p."""

    structures = frozenset({"vector"})
    context_use = "condition"
    signed_score = True

    def __init__(self, entry_shape, context_size, normalizer="none", width=1.0):
        super().__init__(entry_shape, normalizer)
        self.save_hyperparameters()
        n = self.entry_shape[0]
        self.mean, self.log_width = nn.Linear(context_size, n), nn.Linear(context_size, n)
        nn.init.constant_(self.log_width.bias, math.log(width))
        self.register_buffer("center", torch.zeros(context_size))
        self.register_buffer("scale", torch.ones(context_size))

    def prepare(self, train):
        super().prepare(train)
        self.center.copy_(train.context.mean(0))
        self.scale.copy_(train.context.std(0))

    def log_prob(self, batch):
        c = (batch.context - self.center) / self.scale
        normal = torch.distributions.Normal(self.mean(c), self.log_width(c).exp())
        return normal.log_prob(batch.x).sum(1)

    def losses(self, batch):
        return -self.log_prob(batch)

    def score_batch(self, batch):
        return -self.log_prob(batch)
'''

DATA = '''
"""Points in a plane, from files of a layout of their own, which say of each whether it is signal."""

import numpy as np
import torch

from hepad.core.hdf5 import read_rows, safe_dataset
from hepad.data import AnomalyDataModule, Batch, Entries
from hepad.data.trivial_scores import DistanceToMean


class Points(AnomalyDataModule):
    """The data set `points` (N, 2)."""

    kind = "points"
    structure = "vector"
    datasets = ("points",)
    feature_names = ("x", "y")
    entry_definition = {"features": ["x", "y"]}

    def source(self, file):
        return safe_dataset(file, "points")

    def read(self, file, sample, limit, rows=None):
        first, last = (0, limit) if rows is None else (rows.start, rows.stop)
        x = read_rows(self.source(file), first, last).astype("f4")
        return Entries(Batch(torch.from_numpy(x)), index=first + np.arange(len(x)))

    def baselines(self, entries):
        distance = DistanceToMean(self.baseline_entries.batch.x)
        return {"distance_to_mean": distance(entries.batch.x)}
'''

CLASSIFIER = '''
"""A classifier of two samples: logistic regression on hidden features."""

from torch import nn

from hepad.models import AnomalyModel


class TwoSamples(AnomalyModel):
    """Tells label 1 from label 0 of `data.train`; the score is the logit."""

    structures = frozenset({"vector"})
    signed_score = True

    def __init__(self, entry_shape, normalizer="standard", hidden=16):
        super().__init__(entry_shape, normalizer)
        self.save_hyperparameters()
        self.network = nn.Sequential(nn.Linear(self.entry_shape[0], hidden), nn.ReLU(), nn.Linear(hidden, 1))

    def score_batch(self, batch):
        return self.network(self.normalizer(batch.x))[:, 0]

    def losses(self, batch):
        return nn.functional.binary_cross_entropy_with_logits(
            self.score_batch(batch), batch.label.to(batch.x.dtype), reduction="none"
        )
'''

CONTENT = {
    "loss": ("quartic", LOSS, "# @package model.loss\n_target_: additions.quartic.Quartic\n"),
    "density": (
        "linear_gaussian",
        DENSITY,
        "# @package _global_\ndefaults:\n  - override /data: table\n  - override /loss: null\n\n"
        "model:\n  _target_: additions.linear_gaussian.LinearGaussian\n  width: 1.0 # at the start\n",
    ),
    "data": (
        "points",
        DATA,
        "_target_: additions.points.Points\nbundled: false\nsamples: {}\nbackground: mixed\n"
        "truth: is_signal # a data set\nbatch_size: 256\nlimit: null\nseed: ${seed}\n",
    ),
    "classifier": (
        "two_samples",
        CLASSIFIER,
        "# @package _global_\ndefaults:\n  - override /data: table\n  - override /loss: null\n\n"
        "model:\n  _target_: additions.two_samples.TwoSamples\n  hidden: 16 # units\n",
    ),
}


def dijets(path, n, n_signal=0, seed=1):
    """Write a table of smooth background with a resonance at 3500 in it, and which rows are which."""
    rng = np.random.default_rng(seed)
    signal = np.arange(n) < n_signal
    m_jj = np.where(signal, rng.normal(3500, 60, n), 2500 + rng.exponential(900, n))
    m_1 = np.where(signal, rng.normal(500, 20, n), rng.normal(0.1, 0.03, n) * m_jj)
    tau = np.where(signal, rng.normal(0.2, 0.05, n), rng.normal(0.6, 0.15, n))
    order = rng.permutation(n)
    with h5py.File(path, "w") as file:
        file["table"] = np.stack([m_jj, m_1, tau], 1)[order].astype("f4")
        file["table"].attrs["features"] = COLUMNS
        if n_signal:
            file["label"] = signal[order].astype("u1")
    return path


@pytest.fixture
def add(tmp_path, monkeypatch):
    """A function that adds something to a package: one source file and one YAML; returns the words that find it."""
    package = tmp_path / "additions"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def added(what):
        name, source, config = CONTENT[what]
        group = {"density": "model", "classifier": "model"}.get(what, what)
        (package / f"{name}.py").write_text(source)
        (tmp_path / "configs" / group).mkdir(parents=True)
        (tmp_path / "configs" / group / f"{name}.yaml").write_text(config)
        (target,) = (line.split()[1] for line in config.splitlines() if "_target_" in line)
        monkeypatch.setenv("HEPAD_TRUST", target)
        return ["--config-dir", "configs", f"{group}={name}"]

    yield added
    for name in [name for name in sys.modules if name.partition(".")[0] == "additions"]:
        del sys.modules[name]


def finished(directory, *words):
    done = call(train.main, directory, *words, "data.bundled=false", *QUICK)
    assert done.code == 0, done.err
    return json.loads((directory / "run/metrics.json").read_text())


def test_a_loss(add, tmp_path):
    words = add("loss")
    dijets(tmp_path / "mc.h5", 500)
    dijets(tmp_path / "signal.h5", 200, n_signal=199, seed=2)
    samples = ["data=table", "data.background=mc", "data.samples.mc=mc.h5", "data.samples.other=signal.h5"]
    metrics = finished(tmp_path, *words, "model=dense_ae", *samples, "trainer.max_epochs=2")
    assert metrics["test/auc/other_signal_vs_mc"] > 0.5
    assert load_run(tmp_path / "run").config.model.loss["_target_"] == "additions.quartic.Quartic"


def test_a_conditional_density(add, tmp_path):
    words = add("density")
    dijets(tmp_path / "data.h5", 4000, n_signal=40)
    regions = "{sidebands: {m_jj: [[null, 3300], [3700, null]]}}"
    roles = ["data.train=[{sample: data, region: sidebands}]", f"data.regions={regions}", "data.context=[m_jj]"]
    samples = ["data.background=data", "data.samples.data=data.h5", "optimizer.lr=0.02", "trainer.max_epochs=30"]
    metrics = finished(tmp_path, *words, *roles, *samples)
    # What happens in the signal region is interpolated: the columns follow the mass, the resonance does not.
    assert metrics["test/auc/data_signal_vs_data"] > 0.9
    run = load_run(tmp_path / "run")
    assert run.features == ("m_1", "tau")
    assert run.model.hparams["context_size"] == 1
    likely, unlikely = run.score(np.array([[350, 0.6], [500, 0.2]]), context=np.array([[3500.0], [3500.0]]))
    assert likely < unlikely
    done = call(score.main, tmp_path, "run=run", "input=data.h5", "output=scores.h5")
    assert done.code == 0, done.err


def test_a_data_set_with_truth_per_row(add, tmp_path):
    words = add("data")
    rng = np.random.default_rng(1)
    truth = rng.random(2000) < 0.1
    with h5py.File(tmp_path / "mixed.h5", "w") as file:
        file["points"] = np.where(truth[:, None], rng.normal(3, 0.5, (2000, 2)), rng.normal(0, 1, (2000, 2))).astype(
            "f4"
        )
        file["is_signal"] = truth
    words += ["model=dense_ae", "model.latent=1", "data.samples.mixed=mixed.h5", "trainer.max_epochs=2"]
    metrics = finished(tmp_path, *words)
    # Of any score that grows with the distance, trained or not; it says that the truth is the right rows'.
    assert metrics["test/baseline_auc/distance_to_mean/mixed_signal_vs_mixed"] > 0.95
    assert 0 <= metrics["test/auc/mixed_signal_vs_mixed"] <= 1
    with h5py.File(tmp_path / "run/scores.h5") as file:
        assert file.attrs["kind"] == "points"
        assert truth[file["mixed_signal/index"][:]].all()
        assert not truth[file["mixed/index"][:]].any()
        assert len(file["mixed/score"]) + len(file["mixed_signal/score"]) == 400
    assert load_run(tmp_path / "run").features == ("x", "y")


def test_a_classifier_of_two_samples(add, tmp_path):
    words = add("classifier")
    dijets(tmp_path / "data.h5", 6000, n_signal=300)
    regions = "{signal: {m_jj: [3300, 3700]}, sidebands: {m_jj: [[2900, 3300], [3700, 4500]]}}"
    roles = "[{sample: data, region: signal, label: 1}, {sample: data, region: sidebands, label: 0}]"
    samples = ["data.background=data", "data.samples.data=data.h5", "data.features=[m_1,tau]"]
    more = ["optimizer.lr=0.01", "trainer.max_epochs=15"]
    metrics = finished(tmp_path, *words, f"data.train={roles}", f"data.regions={regions}", *samples, *more)
    # Classification without labels (CWoLa): told to tell regions apart, it tells the resonance.
    assert metrics["test/auc/data_signal_vs_data"] > 0.8
