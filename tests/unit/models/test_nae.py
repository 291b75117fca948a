"""The normalised autoencoder: chains of the energy, phases, the distance that chooses, and what a checkpoint keeps."""

import copy
import itertools
from functools import partial

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from tests.stepping import trainer_of

from hepad.core.batch import Batch
from hepad.core.errors import JobError, UserError
from hepad.data.loader import BatchLoader
from hepad.models import NormalizedAutoencoder
from hepad.models.decorrelation import Decorrelation
from hepad.models.energy_chains import ChainSettings, EnergyChains
from hepad.models.transport import smoothed_wasserstein, wasserstein
from hepad.nn.blur import GaussianBlur
from hepad.nn.langevin import langevin

SMALL = {"hidden": [8], "latent": 3, "chains": 40, "latent_steps": 2, "entry_steps": 2}


def entries(n=80, seed=1):
    return Batch(torch.randn(n, 5, generator=torch.Generator().manual_seed(seed)))


def prepared(shape=(5,), batch=None, **settings):
    torch.manual_seed(0)
    model = NormalizedAutoencoder(shape, **SMALL | settings)
    model.prepare(entries() if batch is None else batch)
    model.optimizer_factory = partial(torch.optim.Adam, lr=0.01)
    return model


def fit(tmp_path, model, epochs, batch=None):
    trainer = trainer_of(tmp_path, max_epochs=epochs)
    loader = BatchLoader(entries() if batch is None else batch, 20, shuffle_seed=3)
    trainer.fit(model, loader, BatchLoader(entries(30, 2), 20))
    return trainer


def test_langevin_steps_draw_from_the_density_of_their_energy():
    torch.manual_seed(0)
    rate, noise = 0.2, 0.6
    with torch.inference_mode():
        found = langevin(
            lambda x: 0.5 * x.square().sum(dim=1), torch.zeros(4000, 2), 40, rate,
            lambda step: noise * torch.randn(4000, 2), lambda x: x,
        )  # fmt: skip
    # The stationary variance of x ← (1 − rate) x + noise.
    assert float(found.var()) == pytest.approx(noise**2 / (2 * rate - rate**2), rel=0.05)
    bounded = langevin(
        lambda x: x.sum(dim=1), torch.zeros(3, 2), 50, 1.0, lambda step: torch.zeros(3, 2), lambda x: x.clamp(-1, 1)
    )
    assert torch.equal(bounded, -torch.ones(3, 2))


def test_steps_that_are_followed_have_the_gradient_of_the_weights_behind_the_energy():
    start = torch.tensor([[1.0, 2.0]], dtype=torch.float64)

    def end(weight):
        return langevin(
            lambda x: weight * x.pow(4).sum(dim=1), start, 3, 0.01, lambda step: torch.zeros(1, 2), lambda x: x, True
        ).sum()

    weight = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(end, (weight,))


@pytest.mark.parametrize("circular", [True, False])
def test_blur_is_that_of_scipy(circular):
    x = torch.rand(2, 3, 18, 14)
    modes = ("wrap" if circular else "constant", "constant")
    expected = gaussian_filter(x.numpy(), (0, 0, 1.3, 1.3), truncate=4 / 1.3, mode=("constant", "constant", *modes))
    np.testing.assert_allclose(GaussianBlur(1.3, circular)(x).numpy(), expected, atol=1e-6)


def test_the_distance_is_that_of_the_best_pairing():
    one, other = torch.rand(2, 5, 3, generator=torch.Generator().manual_seed(0))
    best = min(
        float((one - other[list(order)]).square().sum(dim=1).mean()) / 3 for order in itertools.permutations(range(5))
    )
    assert wasserstein(one, other) == pytest.approx(best, rel=1e-4)
    assert float(smoothed_wasserstein(one, other)) == pytest.approx(best, rel=0.1)
    moving = other.clone().requires_grad_()
    smoothed_wasserstein(one, moving).backward()
    with torch.no_grad():
        assert wasserstein(one, other - 0.1 * moving.grad) < best


@pytest.mark.parametrize("spherical", [True, False])
def test_codes_walk_in_turn_and_stay_where_codes_may_be(spherical):
    torch.manual_seed(0)
    chains = EnergyChains(ChainSettings(0.9, 3, 1.0, 0.5, 2, 0.1, 0.1), 7, 2, (4,), spherical)
    z = torch.randn(50, 4)
    chains.fit(z)
    chains.look_at(torch.rand(20, 2))
    chains.restart()
    weights = torch.randn(2, 4)
    before, moved = chains.codes.clone(), []
    for _ in range(3):
        made = chains.step(3, lambda x: (x - 1).square().mean(dim=1), lambda u: u @ weights, torch.ones(()))
        assert (made >= z.amin(dim=0)).all()
        assert (made <= z.amax(dim=0)).all()
        moved.append((chains.codes != before).any(dim=1).nonzero().flatten().tolist())
        before = chains.codes.clone()
    assert moved == [[0, 1, 2], [3, 4, 5], [0, 1, 6]]
    if spherical:
        torch.testing.assert_close(chains.codes.norm(dim=1), torch.ones(7))
    else:
        assert ((chains.codes >= chains.lowest) & (chains.codes <= chains.highest)).all()


def test_looking_at_the_chain_moves_neither_it_nor_the_random_numbers():
    model = prepared()
    state, random = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    with torch.inference_mode():
        made = model.made(6)
    assert torch.equal(made, model.made(6))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_it_begins_as_a_plain_autoencoder_and_goes_on_slower(tmp_path):
    model = prepared(pretrain=2, lr_factor=0.1)
    trainer = fit(tmp_path, model, 4)
    rows = trainer.callbacks[0].rows
    assert [row["train/lr"] for row in rows] == pytest.approx([0.01, 0.01, 0.001, 0.001])
    assert [row["train/loss"] == row["train/energy"] for row in rows] == [True, True, False, False]
    assert ["train/energy_of_chain" in row for row in rows] == [False, False, True, True]
    # So that the best epoch is none of the first.
    assert [row["val/loss"] >= 1 for row in rows] == [True, True, False, False]
    assert rows[-1]["val/loss"] == pytest.approx(rows[-1]["val/wasserstein"] / (1 + rows[-1]["val/wasserstein"]))
    # 2 × 4 batches of 20, each of as many of the 40 codes.
    assert int(model.chains.turn) == 0
    assert float(model.chains.codes.norm(dim=1).mean()) == pytest.approx(1)


@pytest.mark.parametrize("pretrain", [1, 0])
def test_the_chosen_epoch_knows_the_penalty(tmp_path, pretrain):
    """Whatever it adds, no epoch of the plain autoencoder is chosen before one with the chain."""
    found = []
    for weight in (0.0, 50.0):
        model = prepared(pretrain=pretrain, batch=with_mass(entries()))
        model.optimizer_factory = partial(torch.optim.SGD, lr=1e-12)
        model.decorrelation = Decorrelation("mass", weight)
        trainer = trainer_of(tmp_path, max_epochs=1)
        trainer.fit(model, BatchLoader(with_mass(entries()), 20), BatchLoader(with_mass(entries(30, 2)), 15))
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        value = metrics["val/loss"]
        found.append(value - 1 if pretrain else value / (1 - value))
        assert (value >= 1) == bool(pretrain)
    added = 50 * metrics["val/distance_correlation2"]
    assert added > 0.1
    assert found[1] == pytest.approx(found[0] + added, rel=1e-3)


def with_mass(batch):
    return batch._replace(protected=batch.x[:, 0].exp())


@pytest.mark.parametrize("objective", ["energy", "wasserstein"])
def test_a_state_dict_is_all_that_a_step_goes_on_from(objective):
    model = prepared(objective=objective, pretrain=0)
    model.chains.restart()
    model.log = lambda *args, **options: None
    torch.manual_seed(3)
    model.training_step(entries(20), 0)
    other = prepared(objective=objective, pretrain=0)
    other.log = model.log
    other.load_state_dict(model.state_dict())
    found = []
    for each in (model, other):
        torch.manual_seed(4)
        loss = each.training_step(entries(20), 1)
        loss.backward()
        found.append([loss, each.chains.codes, *(weights.grad for weights in each.parameters())])
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))
    assert all(float(gradient.abs().sum()) > 0 for gradient in found[0][2:])


def test_what_the_chain_finds_is_unlearned():
    x = entries(100)
    model = prepared(pretrain=0)
    model.log = lambda *args, **options: None
    z, optimizer = model.normalizer(x.x), torch.optim.Adam(model.parameters(), lr=0.01)

    def contrast(made):
        with torch.no_grad():
            return float(model.energy(made).mean() / model.energy(z).mean())

    for _ in range(60):
        optimizer.zero_grad()
        model.energy(z).mean().backward()
        optimizer.step()
    model.chains.restart()
    found = model.made_of(100, 0)
    before = contrast(found)
    assert before < 0.5
    for _ in range(40):
        optimizer.zero_grad()
        model.training_step(Batch(x.x[:20]), 0).backward()
        optimizer.step()
    assert contrast(found) > 2 * before


def test_energies_that_are_no_numbers_end_the_training_with_what_to_lower(tmp_path):
    model = prepared(pretrain=0)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(JobError, match=r"energies of model=nae are nan after epoch 1: lower optimizer\.lr"):
        fit(tmp_path, model, 1)


def test_images_are_scored_as_they_look_blurred():
    images = Batch(torch.rand(40, 1, 16, 16, generator=torch.Generator().manual_seed(0)) ** 8)
    model = prepared((1, 16, 16), images, blur=0.1, network="dense")
    blurred = Batch(model.blur(images.x))
    sharp = prepared((1, 16, 16), blurred, network="dense")
    sharp.load_state_dict(model.state_dict())
    torch.testing.assert_close(model.anomaly_score(images), sharp.anomaly_score(blurred))
    assert model.made(3).shape == (3, 1, 16, 16)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"objective": "both"}, "allowed: energy, wasserstein"),
        ({"blur": 0.5}, "a width from 0 to 0.3"),
        ({"latent": 1}, "two points; choose 2"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        prepared(**settings)


def test_fewer_codes_than_entries_of_a_batch_are_refused():
    model = prepared(pretrain=0, chains=10)
    model.log = lambda *args, **options: None
    with pytest.raises(UserError, match=r"data\.batch_size=20 is above model\.chains=10.*choose model\.chains=20"):
        model.training_step(entries(20), 0)
