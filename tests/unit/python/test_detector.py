"""The detector: scikit-learn's signs, tools and inputs around the scores of a run."""

import pickle

import awkward as ak
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import hepad
from hepad.core.errors import UserError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
FAR = np.array([[8.0, -8.0, 8.0], [0.0, 9.0, -9.0]], dtype=np.float32)


def quick(**settings):
    return hepad.Detector("dense_ae", **{"max_epochs": 1, **settings})


@pytest.fixture(scope="module")
def fitted():
    return quick(max_epochs=3, contamination=0.1).fit(X)


def test_signs(fitted):
    scores = fitted.score_samples(X)
    np.testing.assert_array_equal(scores, -fitted.run_.score(X).astype(float))
    np.testing.assert_array_equal(fitted.anomaly_score(X), -scores)
    np.testing.assert_array_equal(fitted.decision_function(X), scores - fitted.offset_)
    np.testing.assert_array_equal(fitted.predict(X) == -1, scores < fitted.offset_)
    assert (fitted.predict(X) == -1).sum() == 12
    assert fitted.predict(FAR).tolist() == [-1, -1]
    assert (fitted.anomaly_score(FAR) > fitted.anomaly_score(X).max()).all()


def test_a_run_of_the_same_words_scores_the_same(tmp_path, fitted):
    whole = quick(max_epochs=3, contamination=0.1, run_dir=tmp_path / "run", evaluation__plots=False).fit(X)
    np.testing.assert_array_equal(whole.score_samples(X), fitted.score_samples(X))
    run = hepad.load_run(tmp_path / "run")
    np.testing.assert_array_equal(run.score(X), whole.anomaly_score(X).astype(np.float32))
    assert run.metrics
    with pytest.raises(UserError, match="already holds a run"):
        whole.fit(X)
    with pytest.raises(UserError, match="is gone, and with it the numbers"):
        _ = fitted.run_.metrics


def test_parameters_and_clones():
    detector = quick(model__latent=2, loss="huber")
    copy = clone(detector)
    assert copy.get_params() == detector.get_params()
    assert copy.set_params(optimizer__lr=1e-2, contamination=0.2).get_params()["optimizer__lr"] == 1e-2
    assert "optimizer__lr" not in detector.get_params()
    with pytest.raises(UserError, match="Detector has no parameter 'contaminatoin'"):
        copy.set_params(contaminatoin=0.1)
    fitted = copy.fit(X).run_
    assert fitted.settings.optimizer["lr"] == 1e-2
    assert fitted.settings.model["loss"]["_target_"] == "hepad.losses.Huber"
    assert fitted.encode(X).shape == (120, 2)


def test_pipelines_and_searches():
    y = np.repeat([1, 0], [len(X), 40])
    both = np.concatenate([X, X[:40] + 6])
    pipe = make_pipeline(StandardScaler(), quick())
    assert pipe.fit(X).predict(FAR).tolist() == [-1, -1]
    folds = KFold(2, shuffle=True, random_state=0)
    search = GridSearchCV(pipe, {"detector__model__latent": [1, 2]}, scoring="roc_auc", cv=folds).fit(both, y)
    assert search.best_params_["detector__model__latent"] in (1, 2)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_fitted_detector_goes_through_pickle(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.score_samples(X), fitted.score_samples(X))
    assert again.run_.feature_names == ("x0", "x1", "x2")


def test_weights_train():
    x = np.concatenate([X, X + 5])
    weight = np.repeat([1.0, 0.0], len(X))
    plain, weighted = quick().fit(x), quick().fit(x, sample_weight=weight)
    centre = weighted.run_.model.normalizer.center
    assert torch.allclose(centre, torch.zeros(3), atol=0.4)
    assert (plain.run_.model.normalizer.center > 1.5).all()
    with pytest.raises(ValueError, match="Negative values"):
        quick().fit(x, sample_weight=-weight)


def test_random_generators_are_left_alone_and_seeds_are_used():
    np.random.seed(3)  # noqa: NPY002
    torch.manual_seed(3)
    expected = np.random.get_state()[1][:5].tolist(), torch.get_rng_state()  # noqa: NPY002
    strictness = torch.get_deterministic_debug_mode()
    one, other = (quick(random_state=seed).fit(X).score_samples(FAR) for seed in (1, 2))
    assert (one != other).any()
    assert np.random.get_state()[1][:5].tolist() == expected[0]  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), expected[1])
    assert torch.get_deterministic_debug_mode() == strictness


def test_tensors_and_ragged_jets(fitted):
    np.testing.assert_array_equal(fitted.score_samples(torch.from_numpy(FAR)), fitted.score_samples(FAR))
    counts = RNG.integers(1, 4, 60)
    pt, eta = (ak.unflatten(RNG.random(counts.sum()) + 20, counts) for _ in range(2))
    jets = ak.zip({"pt": pt, "eta": eta})
    detector = hepad.Detector("td_ae", max_epochs=1).fit(jets)
    assert (detector.n_features_in_, detector.feature_names_in_.tolist()) == (2, ["pt", "eta"])
    np.testing.assert_array_equal(detector.score_samples(jets[:7]), -detector.run_.score(jets[:7]).astype(float))
    with pytest.raises(UserError, match=r"no column pt; did you mean Jet_pt for pt\?"):
        detector.predict(ak.zip({"Jet_pt": pt, "eta": eta}))


def test_columns_by_name_and_their_weights():
    columns = {name: X[:, i] for i, name in enumerate(("mass", "tau21", "pt"))}
    weight = np.linspace(0.5, 2, len(X))
    detector = quick().fit(columns, sample_weight=weight)
    assert (detector.n_features_in_, detector.feature_names_in_.tolist()) == (3, ["mass", "tau21", "pt"])
    turned = dict(reversed(columns.items()))
    np.testing.assert_array_equal(detector.score_samples(turned), quick().fit(X, sample_weight=weight).score_samples(X))


@pytest.mark.parametrize(
    ("settings", "entries", "said"),
    [
        ({"contamination": 0.7}, X, r"contamination=0\.7: a share"),
        ({}, X[:9], "9 entries; 10 or more are needed"),
        ({"model__latnt": 2}, X, "no key 'latnt' in model; did you mean 'latent'"),
        ({}, np.where(X > 2, np.nan, X), "contains NaN"),
    ],
)
def test_what_cannot_be_fitted_is_told(settings, entries, said):
    with pytest.raises(ValueError, match=said):
        quick(**settings).fit(entries)
