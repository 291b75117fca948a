"""Detectors of pyod: an entry's score is its own, a checkpoint holds no foreign code, and names are checked first."""

import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pyod.models.copod import COPOD
from pyod.models.ecod import ECOD
from pyod.utils import stat_models

from hepad.config import detectors
from hepad.config.detectors import find_detector
from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.models import PyodDetector, pyod_detector
from hepad.models.tail_probabilities import tail_scores


def entries(n=300, seed=0):
    return Batch(torch.randn(n, 4, generator=torch.Generator().manual_seed(seed)).exp())


def prepared(detector, train=None, **settings):
    torch.manual_seed(0)
    model = PyodDetector((4,), detector=detector, **settings)
    model.prepare(entries() if train is None else train)
    return model


@pytest.mark.parametrize("kind", [ECOD, COPOD])
def test_tail_scores_are_those_of_pyod_for_batches_of_one(monkeypatch, kind):
    # The same function, not compiled first.
    monkeypatch.setattr(stat_models, "ecdf_terminate_equals_inplace", stat_models.ecdf_terminate_equals_inplace.py_func)
    rng = np.random.default_rng(0)
    train = np.c_[rng.gamma(2, size=60), -rng.gamma(2, size=60), rng.integers(0, 3, 60), np.ones(60)]
    x = np.r_[train[:5], rng.normal(size=(10, 4))]
    with warnings.catch_warnings():
        # Of the skewness of a constant column.
        warnings.simplefilter("ignore")
        fitted = kind().fit(train)
        expected = [fitted.decision_function(row[None]).item() for row in x]
    np.testing.assert_allclose(tail_scores(train, x, kind.__name__), expected, rtol=1e-12)


@pytest.mark.parametrize("detector", ["ECOD", "KNN", "LODA", "IForest"])
def test_a_loaded_model_gives_the_same_bits_whatever_the_random_numbers(detector):
    parameters = {"IForest": {"n_estimators": 10}}.get(detector)
    model, batch = prepared(detector, parameters=parameters), entries(20, 1)
    found = model.anomaly_score(batch)
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    loaded = PyodDetector(**model.hparams)
    loaded.load_state_dict(model.state_dict())
    assert torch.equal(loaded.anomaly_score(batch), found)
    assert found.std() > 0
    # Nothing but plain tensors.
    assert all(isinstance(value, torch.Tensor) for value in model.state_dict().values())


@pytest.mark.parametrize("detector", ["ECOD", "COPOD", "PCA"])
def test_a_score_is_of_the_entry_alone(detector):
    model, batch = prepared(detector), entries(9, 2)
    together = model.anomaly_score(batch)
    alone = torch.cat([model.anomaly_score(Batch(row[None])) for row in batch.x])
    torch.testing.assert_close(together, alone)


class OfTheBatch:
    """A detector that says how far an entry is from the mean of its batch and of what it was fitted to."""

    def fit(self, x):
        self.x = x

    def decision_function(self, x):
        return np.abs(x - np.concatenate([self.x, x]).mean(axis=0)).sum(axis=1)


class AmongTheBatch(OfTheBatch):
    """One that compares the entries of a batch with each other."""

    def decision_function(self, x):
        return np.abs(x - x.mean(axis=0)).sum(axis=1)


class OfLuck(OfTheBatch):
    """One that draws its scores."""

    def decision_function(self, x):
        return np.random.random(len(x))  # noqa: NPY002


class OfNothing(OfTheBatch):
    """One that fails."""

    def fit(self, x):
        raise ZeroDivisionError("no neighbours\nat all")


def with_knn(monkeypatch, kind):
    monkeypatch.setattr(pyod_detector, "import_module", lambda name: SimpleNamespace(KNN=kind))


def test_what_depends_on_the_batch_is_scored_one_by_one(monkeypatch):
    with_knn(monkeypatch, OfTheBatch)
    model, batch = prepared("KNN"), entries(6, 3)
    assert "scored alone" in model.remarks()[0]
    scores = model.anomaly_score(batch)
    other = Batch(torch.cat([batch.x[3:], 100 * batch.x[:3]]))
    assert torch.equal(model.anomaly_score(other)[:3], scores[3:])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (AmongTheBatch, "only by comparison with others of its batch"),
        (OfLuck, "differently each time"),
        (OfNothing, r"^model.detector=KNN does not take 300 entries of 4 columns: ZeroDivisionError: no neighbours"),
    ],
)
def test_what_scores_no_entry_alone_is_refused(monkeypatch, kind, said):
    with_knn(monkeypatch, kind)
    with pytest.raises(UserError, match=said):
        prepared("KNN")


def test_a_bounded_part_of_the_entries_is_kept_and_no_random_number_is_lost():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    model = prepared("PCA", max_entries=50)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    assert model.fitted_to.entries.shape == (50, 4)
    known = {tuple(row) for row in model.normalizer(entries().x).double().tolist()}
    assert all(tuple(row) in known for row in model.fitted_to.entries.tolist())
    assert model.remarks() == ["PCA is fitted to 50 of 300 training entries (model.max_entries)"]
    drawn = torch.rand(1)
    prepared("PCA", max_entries=50)
    assert torch.equal(torch.rand(1), drawn)
    others = prepared("PCA", max_entries=50, train=entries(300, 5))
    assert not torch.equal(others.fitted_to.entries, model.fitted_to.entries)


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("ECODD", {}, r"no such detector; did you mean ECOD"),
        ("CoLA", {}, r"takes graphs, not a table"),
        ("XGBOD", {}, r"takes labelled outliers"),
        (
            "KNN",
            {"neighbours": 3},
            r"model\.parameters\.neighbours: KNN has no such argument; did you mean 'n_neighbors'",
        ),
    ],
)
def test_names_are_checked_without_importing_pyod(name, parameters, said):
    with pytest.raises(UserError, match=said):
        find_detector(name, parameters)
    assert find_detector("auto_encoder".replace("_", ""), {}).name == "AutoEncoder"
    assert find_detector("ecod", {}).name == "ECOD"


def test_without_pyod_one_line_says_how_to_get_it(monkeypatch):
    detectors._detectors.cache_clear()
    monkeypatch.setitem(sys.modules, "pyod", None)
    monkeypatch.setattr(detectors.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'^model=pyod needs pyod: pip install "hepad\[pyod\]"$'):
        find_detector("ECOD", {})
