"""Capabilities of models: whatever has one keeps its promise; models are found by asking, not by name."""

import math
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from tests.conftest import write_jet_file
from tests.every_model import CASES, CLASSES, WRITERS, build
from tests.left_out import covering
from torch import Tensor

from hepad.config import compose
from hepad.core.batch import Batch, take_rows
from hepad.core.errors import UserError
from hepad.models import (
    GAN,
    AnomalyModel,
    Density,
    Generative,
    Reconstructing,
    Searchable,
    VariationalAutoencoder,
)
from hepad.models.capabilities import is_histogram

PROTOCOLS = (Density, Generative, Searchable, Reconstructing)


def able(capability: type) -> list[tuple[str, ...]]:
    return [case for case in CASES if issubclass(CLASSES[case[0]], capability)]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a builder of models on made-up entries, and these; each kind is written once."""
    directory = tmp_path_factory.mktemp("entries")

    @cache
    def make(model: str, data: str, *words: str) -> tuple[AnomalyModel, Batch]:
        path = directory / f"{data}.h5"
        if not path.exists():
            WRITERS[data](path, n_events=120, seed=1)
        return build_on(path, model, data, *words)

    return make


def build_on(path: Path, model: str, data: str, *words: str) -> tuple[AnomalyModel, Batch]:
    cfg: DictConfig = compose("train", [f"model={model}", f"data={data}", "paths.run=run", "data.context=null", *words])
    cfg.data.bundled, cfg.data.samples, cfg.data.background = False, {"background": str(path)}, "background"
    built, module = build(cfg)
    return built.train(), module.train_entries.batch


def of(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_table_in_the_docs_names_the_models_that_are_found():
    docs = (Path(__file__).parents[3] / "docs" / "architecture.md").read_text(encoding="utf-8")
    for capability in PROTOCOLS:
        row = next(line for line in docs.splitlines() if line.startswith(f"| `{capability.__name__}` |"))
        told = {word.strip(" `") for word in row.split("|")[3].split(",")} - {"none yet"}
        assert told == {case[0] for case in able(capability)}


@pytest.mark.parametrize("case", covering(able(Generative)))
def test_samples_are_finite_entries_and_come_from_the_generator_alone(made, case):
    model, entries = made(*case)
    modes = [part.training for part in model.modules()]
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        states.append((model.sample(50, of(7)), before, torch.get_rng_state()))
    first, again = states[0][0], states[1][0]
    assert all(torch.equal(before, after) for _, before, after in states)
    assert [part.training for part in model.modules()] == modes
    assert torch.equal(first.x, again.x)
    assert not torch.equal(first.x, model.sample(50, of(8)).x)
    assert first.x.shape == (50, *model.entry_shape)
    assert first.x.dtype == torch.float32
    assert torch.isfinite(first.x).all()
    if len(model.entry_shape) != 2:
        assert first.mask is None
        return
    assert first.mask is not None
    assert first.mask.shape == entries.mask[:50].shape
    assert first.mask.dtype == torch.bool
    assert torch.equal(first.mask, again.mask)
    assert (first.x[~first.mask] == 0).all()
    # As in the data, the empty slots are the last ones.
    assert (first.mask[:, :-1] >= first.mask[:, 1:]).all()


@pytest.mark.parametrize("case", covering(able(Generative)))
def test_a_generator_goes_on_where_it_was(made, case):
    model, _ = made(*case)
    generator = of(3)
    first, second = model.sample(20, generator), model.sample(20, generator)
    assert not torch.equal(first.x, second.x)


@pytest.mark.parametrize("case", covering(able(Generative)))
def test_what_cannot_be_sampled_is_refused(made, case):
    model, _ = made(*case)
    with pytest.raises(ValueError, match="conditioned on nothing"):
        model.sample(torch.zeros(3, 1), of(0))
    with pytest.raises(ValueError, match="at least 1"):
        model.sample(0, of(0))
    if "normalizer" not in model.hparams:
        return
    without_way_back, _ = made(*case, "model.normalizer=layer")
    with pytest.raises(UserError, match="normalizer=layer"):
        without_way_back.sample(3, of(0))


def short_training(model: AnomalyModel, entries: Batch, steps: int = 150) -> None:
    model.log = lambda *_, **__: None
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for step in range(steps):
        rows = torch.randint(0, len(entries.x), (128,), generator=of(step))
        optimizer.zero_grad()
        model.training_step(take_rows(entries, rows), 0).backward()
        optimizer.step()


@pytest.mark.parametrize("data", ["jets", "events"])
def test_samples_of_a_trained_model_are_in_raw_units(tmp_path, data):
    path = write_jet_file(tmp_path / "background.h5", n_events=3000, mean_pt=60.0)
    model, entries = build_on(path, "vae", data, "model.beta=0.1")
    short_training(model, entries)
    sampled = model.sample(3000, of(0))
    real, found = (batch.x if batch.mask is None else batch.x[batch.mask] for batch in (entries, sampled))
    spread = real.std(dim=0)
    # pT of tens of GeV and constituents by the dozen, beside features of order one.
    assert spread.max() > 30 * spread.min()
    assert ((found.mean(dim=0) - real.mean(dim=0)).abs() < 0.3 * spread).all()
    if data == "events":
        n_real, n_found = (batch.mask.sum(dim=1).float().mean() for batch in (entries, sampled))
        assert abs(n_found - n_real) < 0.15


def test_slots_are_filled_as_often_as_their_events_weigh():
    x = torch.randn(4, 3, 2)
    mask = torch.tensor([[1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0]], dtype=torch.bool)
    model = VariationalAutoencoder([3, 2], {"_target_": "hepad.losses.MSE"})
    model.prepare(Batch(x, mask, weight=torch.tensor([2.0, 1.0, 1.0, 0.0])))
    counts = model.sample(4000, of(0)).mask.sum(dim=1).bincount(minlength=4)
    assert counts[0] == counts[3] == 0
    assert abs(int(counts[1]) - 2000) < 150


@pytest.mark.parametrize("stored", [[1.0], [1.0, -1.0, 0.0, 0.0], [0, 0, 0, 0], ["a"] * 4, [math.nan] * 4, {"a": 1}])
def test_a_checkpoint_with_other_numbers_of_slots_is_refused(stored):
    assert not is_histogram(stored, 4)
    model = VariationalAutoencoder([3, 2], {"_target_": "hepad.losses.MSE"})
    with pytest.raises(UserError, match="slot_counts"):
        model.on_load_checkpoint({"slot_counts": stored})


def test_a_checkpoint_from_before_slots_were_counted_says_so():
    model = VariationalAutoencoder([3, 2], {"_target_": "hepad.losses.MSE"})
    model.on_load_checkpoint({})
    with pytest.raises(UserError, match="older hepad"):
        model.sample(3, of(0))


@pytest.mark.parametrize("case", covering(able(Searchable)))
def test_a_search_has_codes_a_network_and_what_to_compare_with(made, case):
    model, entries = made(*case)
    batch = take_rows(entries, slice(12))
    network = model.latent_network()
    target, mask = model.latent_target(batch)
    assert target.shape == batch.x.shape
    assert mask is None or mask.shape == batch.x.shape[:2]
    code = model.encode_batch(batch)
    assert code is not None
    assert code.shape == (12, *network.latent_shape)
    with torch.no_grad():
        assert network.network.eval()(code).shape == target.shape
        # Each code stands for its own entry.
        alone = model.encode_batch(take_rows(batch, slice(3, 4)))
    torch.testing.assert_close(alone, code[3:4], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", covering(able(Reconstructing)))
def test_reconstructions_are_entries_in_raw_units_each_of_its_own(made, case):
    model, entries = made(*case)
    batch = take_rows(entries, slice(30))
    order = torch.randperm(30, generator=of(0))
    with torch.no_grad():
        raw = model.reconstruct_raw(batch)
        shuffled = model.reconstruct_raw(take_rows(batch, order))
    assert raw.shape == batch.x.shape
    assert torch.isfinite(raw).all()
    scale = batch.x.std()
    torch.testing.assert_close(shuffled / scale, raw[order] / scale, rtol=1e-3, atol=1e-4)


UNIT = 1024.0
"""A change of units that rounds nothing."""


@pytest.mark.parametrize("case", covering(able(Reconstructing)))
def test_reconstructions_have_the_units_of_what_the_model_was_prepared_with(made, case):
    model, entries = made(*case)
    other = deepcopy(model)
    other.prepare(entries._replace(x=UNIT * entries.x))
    batch = take_rows(entries, slice(30))
    with torch.no_grad():
        raw = model.reconstruct_raw(batch)
        scaled = other.reconstruct_raw(batch._replace(x=UNIT * batch.x))
    size = raw.abs().max()
    assert size > 0
    torch.testing.assert_close(scaled / UNIT / size, raw / size, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", covering(able(Generative)))
def test_samples_have_the_units_of_what_the_model_was_prepared_with(made, case):
    model, entries = made(*case)
    other = deepcopy(model)
    other.prepare(entries._replace(x=UNIT * entries.x))
    one, thousand = model.sample(30, of(0)).x, other.sample(30, of(0)).x
    size = one.abs().max()
    assert size > 0
    torch.testing.assert_close(thousand / UNIT / size, one / size, rtol=1e-4, atol=1e-5)


class NormalDensity(AnomalyModel):
    """A density that can be written down: independent normal features."""

    structures = frozenset({"vector"})

    def score_batch(self, batch: Batch) -> Tensor:
        return -self.log_prob(batch)

    def log_prob(self, batch: Batch) -> Tensor:
        z = self.normalizer(batch.x)
        return (-0.5 * z.square() - 0.5 * math.log(2 * math.pi) - self.normalizer.scale.log()).sum(dim=1)


def densities() -> list[AnomalyModel]:
    """Every density on two features of very different size, and one that can be written down."""
    names = [name for name, found in CLASSES.items() if issubclass(found, Density) and "vector" in found.structures]
    settings = {name: dict(compose("train", [f"model={name}"]).model) for name in names}
    # The same weights whatever was imported before: some make densities that the grid below is too coarse for.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = [
            CLASSES[name]([2], **{key: settings[name][key] for key in settings[name] if key != "_target_"})
            for name in names
        ]
    return [NormalDensity([2]), *made]


@pytest.mark.parametrize("model", densities(), ids=lambda model: type(model).__name__)
def test_a_density_integrates_to_one_in_raw_units(model):
    center, spread = torch.tensor([50.0, 0.0]), torch.tensor([20.0, 0.1])
    x = center + spread * torch.randn(5000, 2, generator=of(0))
    model.prepare(Batch(x))
    assert isinstance(model, Density)
    # On a grid that holds nearly all of it.
    steps = np.linspace(-8, 8, 129)
    grid = torch.tensor(np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2), dtype=torch.float32)
    with torch.no_grad():
        log_prob = model.log_prob(Batch(center + spread * grid))
        likely, unlikely = (model.log_prob(Batch(found)).mean() for found in (x[:500], x[:500] + 5 * spread))
    assert log_prob.shape == (len(grid),)
    cell = float(spread.prod()) * (steps[1] - steps[0]) ** 2
    assert float(log_prob.double().exp().sum()) * cell == pytest.approx(1, abs=0.02)
    assert likely > unlikely


def test_a_capability_is_told_by_the_methods():
    class NoLonger(GAN):
        sample = None

    assert isinstance(GAN([4], {"_target_": "hepad.losses.Hinge"}), Generative)
    assert not isinstance(NoLonger([4], {"_target_": "hepad.losses.Hinge"}), Generative)
    assert not isinstance(NormalDensity([2]), Searchable)
