"""Contributions to scores: they their sum, what they miss, and a shift that was planted."""

import numpy as np
import pytest
import torch
from tests.conftest import make_jets
from tests.every_model import WRITERS, build

from hepad.config import compose
from hepad.core.batch import Batch, take_rows
from hepad.models import AnomalyModel, DenseAutoencoder, Explaining, Trees, explain_scores
from hepad.models.attribution import integrated_gradients, occlusion
from hepad.models.expectation import Expectation


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a builder of untrained models with what is fitted, and of some entries."""
    directory = tmp_path_factory.mktemp("entries")

    def make(model: str, data: str, *words: str) -> tuple[AnomalyModel, Batch]:
        path = directory / f"{data}.h5"
        if not path.exists():
            WRITERS[data](path, n_events=60, seed=1)
        cfg = compose("train", [f"model={model}", f"data={data}", "paths.run=run", *words])
        cfg.data.bundled, cfg.data.samples, cfg.data.background = False, {"background": str(path)}, "background"
        built, module = build(cfg)
        built.prepare(module.train_entries.batch)
        return built.eval(), take_rows(module.train_entries.batch, slice(5))

    return make


@pytest.mark.parametrize(
    ("model", "data"),
    [("dense_ae", "jets"), ("td_ae", "events"), ("conv_ae", "calo"), ("sparse_ae", "events"), ("denoising_ae", "calo")],
)
def test_terms_of_mean_squared_errors_sum_to_the_score(made, model, data):
    built, batch = made(model, data, "loss=mse")
    found = explain_scores(built, batch)
    assert found.method == "terms"
    assert found.values.shape == batch.x.shape
    assert float((found.remainder.abs() / found.score).max()) < 1e-6
    if batch.mask is not None and built.view(batch).mask is not None:
        assert not found.values[~batch.mask].any()


@pytest.mark.parametrize("words", [("vae", "jets"), ("gmm", "jets"), ("deep_svdd", "jets")])
def test_scores_without_terms_are_explained_all_the_same(made, words):
    built, batch = made(*words)
    found = explain_scores(built, batch)
    assert found.method == "integrated_gradients"
    assert torch.isfinite(found.values).all()
    torch.testing.assert_close(found.score, built.anomaly_score(batch).detach())
    if words[0] == "deep_svdd":
        # Smooth: 32 steps are enough.
        assert float((found.remainder.abs() / (found.score - found.start).abs()).max()) < 0.05


@pytest.mark.parametrize("kind", ["boosting", "isolation_forest"])
def test_what_trees_say_is_divided_without_a_remainder_and_a_shift_that_they_mind_is_what_changes(kind):
    torch.manual_seed(0)
    x = torch.randn(600, 5)
    model = Trees((5,), kind=kind, members=4, max_iter=20, n_trees=60)
    model.prepare(Batch(x, label=(x[:, :3].sum(dim=1) + 0.5 * torch.randn(600) > 0).long()))
    place = torch.arange(600) % 5
    shifted = x.clone()
    shifted[torch.arange(600), place] += 20.0
    before, found = explain_scores(model, Batch(x)), explain_scores(model, Batch(shifted))
    assert found.method == "shapley"
    assert float(found.remainder.abs().max()) < 2e-6 * float(found.score.abs().max())
    raised = found.score - before.score > before.score.std()
    assert int(raised.sum()) >= 50
    # Another number may contribute as much: beyond the last cut all say the same.
    changed = (found.values - before.values).argmax(dim=1)
    assert float((changed == place)[raised].float().mean()) >= 0.95


def test_a_score_from_outside_of_torch_is_explained_by_what_it_changes():
    class Outside(AnomalyModel):
        structures = frozenset({"vector"})

        def score_batch(self, batch: Batch) -> torch.Tensor:
            return torch.from_numpy(batch.x.detach().numpy() @ np.array([1.0, 2.0], dtype=np.float32))

    found = explain_scores(Outside((2,), normalizer="none"), Batch(torch.tensor([[3.0, 1.0]])))
    assert found.method == "occlusion"
    assert found.values.tolist() == [[3.0, 2.0]]


def test_cells_of_a_shower_are_terms_of_its_score(made):
    """Also an empty cell, which has no gradient; other scores of a BIB-AE have no terms."""
    built, batch = made("bib_ae", "showers")
    found = explain_scores(built, batch)
    assert found.method == "terms"
    assert found.values.shape == batch.x.shape
    assert float((found.remainder.abs() / found.score.abs()).max()) < 1e-6
    assert bool(found.values[batch.x == 0].abs().max() > 0)
    assert explain_scores(*made("bib_ae", "showers", "model.score=kl")).method == "integrated_gradients"


def test_a_vae_that_scores_by_reconstruction_has_terms(made):
    built, batch = made("vae", "jets", "model.score=reconstruction", "loss=mse")
    found = explain_scores(built, batch)
    assert found.method == "terms"
    assert float((found.remainder.abs() / found.score).max()) < 1e-6


def test_integrated_gradients_of_a_linear_score_are_its_terms_and_occlusion_agrees():
    weights, x = torch.randn(4, generator=torch.Generator().manual_seed(0)), torch.arange(8.0).reshape(2, 4)

    def linear(batch: Batch) -> torch.Tensor:
        return batch.x @ weights

    baseline = torch.full((4,), 2.0)
    for method in (integrated_gradients, occlusion):
        torch.testing.assert_close(method(linear, Batch(x), baseline), (x - baseline) * weights)


def test_a_test_without_gradients_is_no_hindrance(made):
    built, batch = made("vae", "jets")
    with torch.inference_mode():
        inside = explain_scores(built, batch).values
    torch.testing.assert_close(inside, explain_scores(built, batch).values)


def test_what_explains_says_so(made):
    assert isinstance(made("dense_ae", "jets")[0], Explaining)
    assert not isinstance(made("gmm", "jets")[0], Explaining)


class Copy(DenseAutoencoder):
    """An autoencoder that gives back the mean of all columns: what no other column says is an error."""

    def reconstruct(self, z: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        return 0.1 * z


def test_a_planted_shift_is_the_largest_contribution_and_is_put_into_words():
    """In 95 of 100 entries, with the feature that was shifted named and its σ right."""
    rng = np.random.default_rng(3)
    background = torch.from_numpy(rng.normal(3, 2, (2000, 6)).astype(np.float32))
    model = Copy((6,), loss={"_target_": "hepad.losses.MSE"}).eval()
    model.prepare(Batch(background))
    expectation = Expectation.of(model, Batch(background[:1000]))
    planted = background[1000:1200].clone()
    feature = torch.from_numpy(rng.integers(6, size=200))
    planted[torch.arange(200), feature] += 9 * 2.0
    found = explain_scores(model, Batch(planted))
    assert (found.values.argmax(dim=1) == feature).float().mean() >= 0.95
    pulls = expectation.pulls(model, Batch(planted))
    shift = pulls[torch.arange(200), feature]
    assert float((shift - 9).abs().mean()) < 1.2
    names = ["m_j1", "m_j2", "tau", "pt", "eta", "n"]
    said = expectation.words(names, found.values[0], pulls[0])
    assert said[0].startswith(f"{names[feature[0]]} is ")
    assert said[0].endswith("σ above what the model expects")


@pytest.mark.parametrize(
    ("model", "data", "words"),
    [
        ("dense_ae", "jets", ()),
        ("vae", "jets", ("model.score=reconstruction",)),
        ("conv_ae", "calo", ()),
        ("td_ae", "events", ()),
    ],
)
def test_a_shift_of_one_number_is_the_largest_contribution(made, model, data, words):
    """The feature, the pixel, or the feature of a slot, in 95 of 100 entries."""
    built, batch = made(model, data, "loss=mse", *words)
    rng = np.random.default_rng(0)
    batch = take_rows(batch, torch.from_numpy(rng.integers(len(batch.x), size=100)))
    flat = batch.x.flatten(1).clone()
    if batch.mask is None:
        place = torch.from_numpy(rng.integers(flat.shape[1], size=100))
    else:
        # Of the first jet, where there is one.
        batch = take_rows(batch, batch.mask[:, 0])
        flat = batch.x.flatten(1).clone()
        place = torch.from_numpy(rng.integers(batch.x.shape[2], size=len(flat)))
    spread = built.normalizer.inverse(torch.ones_like(batch.x), batch.x, batch.mask)
    spread = (spread - built.normalizer.inverse(torch.zeros_like(batch.x), batch.x, batch.mask)).flatten(1)
    rows = torch.arange(len(flat))
    flat[rows, place] += 40 * spread[rows, place]
    found = explain_scores(built, batch._replace(x=flat.reshape(batch.x.shape)))
    assert (found.values.flatten(1).argmax(dim=1) == place).float().mean() >= 0.95


def test_weights_and_masks_count_in_what_is_expected():
    jets = torch.from_numpy(make_jets(300, 3.0, 15.0, 0))
    mask = jets[..., 0] > 0

    class Mean(AnomalyModel):
        structures = frozenset({"set"})

        def score_batch(self, batch: Batch) -> torch.Tensor:
            return batch.x.flatten(1).mean(dim=1)

    model = Mean((8, 17))
    model.prepare(Batch(jets, mask))
    weight = torch.arange(300.0)
    found = Expectation.of(model, Batch(jets, mask, weight=weight))
    z = model.normalizer(jets, mask).double()[..., 0, 0]
    real, w = mask[:, 0], weight.double()
    expected = (z[real] * w[real]).sum() / w[real].sum()
    assert float(found.mean[0, 0]) == pytest.approx(float(expected))
    assert not found.of_residuals
