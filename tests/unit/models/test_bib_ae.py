"""BIB-AE: showers whose energy is that of the data, steps of four optimisers, contexts that it is conditioned on."""

import lightning as L
import pytest
import torch

from hepad.core.batch import Batch, take_rows
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten
from hepad.models import BIBAE
from hepad.nn.cell_shares import totals

SHAPE = (1, 5, 4, 3)


def showers(n: int = 256, seed: int = 0) -> Batch:
    """Return showers of 3% of their energy, give or take a tenth, with cells of which half are empty."""
    generator = torch.Generator().manual_seed(seed)
    energy = 10 + 90 * torch.rand(n, 1, generator=generator)
    cells = torch.rand(n, *SHAPE, generator=generator) ** 3 * (torch.rand(n, *SHAPE, generator=generator) < 0.5)
    visible = 30 * energy[:, 0] * (1 + 0.1 * torch.randn(n, generator=generator))
    return Batch(cells * (visible / totals(cells)).view(-1, 1, 1, 1, 1), context=energy)


@pytest.fixture
def model() -> BIBAE:
    torch.manual_seed(0)
    built = BIBAE(SHAPE, context_size=1, latent=4, generator=[16], discriminator=[4], warm_up=1)
    built.prepare(showers(2000))
    return built


def fit(model: BIBAE, epochs: int = 2) -> None:
    quieten()
    loader = BatchLoader(showers(64), batch_size=16)
    trainer = L.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    trainer.fit(model, loader, loader)


def test_visible_energy_has_mean_and_width_of_the_data_before_anything_is_trained(model):
    real = showers(4000, seed=1)
    assert real.context is not None
    made = model.sample(real.context, torch.Generator().manual_seed(2))
    for low, high in ((10, 40), (40, 70), (70, 100)):
        within = (real.context[:, 0] >= low) & (real.context[:, 0] < high)
        found, expected = ((totals(x) / real.context[:, 0])[within] for x in (made.x, real.x))
        assert float(found.mean() / expected.mean()) == pytest.approx(1, abs=0.02)
        assert float(found.std() / expected.std()) == pytest.approx(1, abs=0.1)
    assert bool((made.x >= 0).all())


def test_every_network_and_every_term_takes_part(model):
    parts = {
        "encoder": model.maker.encoder,
        "decoder": model.maker.decoder,
        "correction": model.maker.correction,
        "critic": model.critic,
        "codes": model.maker.codes,
        "latent_critic": model.latent_critic,
        "average": model.average.network,
    }
    before = {name: [weight.clone() for weight in part.parameters()] for name, part in parts.items()}
    fit(model)
    for name, part in parts.items():
        moved = [not torch.equal(old, new) for old, new in zip(before[name], part.parameters(), strict=True)]
        assert any(moved), name
    logged = {name.removeprefix("train/loss_") for name in model.trainer.callback_metrics if name.startswith("train/")}
    assert logged == {
        "critic", "latent_critic", "autoencoder", "kl", "latent_mmd", "reconstruction", "codes", "correction",
    }  # fmt: skip
    for name in ("val/loss", "val/distance"):
        assert torch.isfinite(model.trainer.callback_metrics[name])


def test_the_correction_learns_to_change_nothing_before_it_compares_cells(model):
    model.warm_up = 100
    cells = model.represent(showers(64))
    changed = (model.maker.correct(*cells) - cells.roots).square().mean()
    fit(model, epochs=8)
    assert (model.maker.correct(*cells) - cells.roots).square().mean() < changed


def test_critics_take_their_turn_every_so_many_batches(model):
    model.critic_every = 4
    fit(model, epochs=1)
    steps = [next(iter(optimizer.state.values()))["step"] for optimizer in model.trainer.optimizers]
    assert [int(step) for step in steps] == [4, 1, 1, 1]


def test_a_reconstruction_keeps_the_energy_of_its_shower(model):
    batch = showers(20)
    raw = model.reconstruct_raw(batch)
    torch.testing.assert_close(totals(raw), totals(batch.x))


def test_a_shower_of_unusual_energy_is_unusual(model):
    batch = showers(50)
    total = model.score_parts(batch)["total"]
    louder = model.score_parts(batch._replace(x=2 * batch.x))["total"]
    assert bool((louder > total).all())


def test_it_works_without_a_context():
    torch.manual_seed(0)
    model = BIBAE(SHAPE, latent=4, generator=[16], discriminator=[4])
    batch = showers()._replace(context=None)
    model.prepare(batch)
    made = model.sample(2000, torch.Generator().manual_seed(0))
    assert float(totals(made.x).mean() / totals(batch.x).mean()) == pytest.approx(1, abs=0.1)
    assert model.anomaly_score(take_rows(batch, slice(3))).shape == (3,)


def test_it_is_built_for_thirty_cells_a_side():
    model = BIBAE((1, 30, 30, 30), context_size=1)
    model.prepare(Batch(torch.rand(8, 1, 30, 30, 30), context=torch.linspace(10, 100, 8).unsqueeze(1)))
    made = model.sample(torch.tensor([[50.0]]), torch.Generator().manual_seed(0))
    assert made.x.shape == (1, 1, 30, 30, 30)


@pytest.mark.parametrize(
    "settings",
    [{"score": "loud"}, {"critic": -1.0}, {"critic_every": 0}, {"discriminator_lr": 0.0}, {"generator": [0]}],
    ids=str,
)
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        BIBAE(SHAPE, **settings)
