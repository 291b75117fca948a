"""Small trainings with a trainer as it is, or with several steps per call: what they leave behind."""

from functools import partial

import lightning as L
import torch

from hepad.callbacks import History
from hepad.data import Batch
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten
from hepad.models import GAN, DenseAutoencoder
from hepad.steps import several_steps

MSE = {"_target_": "hepad.losses.MSE"}


def trainer_of(tmp_path, *callbacks, **settings):
    quieten()
    return L.Trainer(
        **{"max_epochs": 2, "accelerator": "cpu", "deterministic": True, "logger": False} | settings,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        callbacks=[History(tmp_path / "history.csv"), *callbacks],
    )  # fmt: skip


def jets(n=70, weight=False):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(n, 5, generator=generator)
    return Batch(x, weight=torch.rand(n, generator=generator) if weight else None)


fused = partial(torch.optim.Adam, fused=True)


def dense(**settings):
    torch.manual_seed(0)
    model = DenseAutoencoder((5,), loss=MSE, hidden=[6], latent=2, dropout=0.2)
    model.prepare(jets())
    model.optimizer_factory = fused
    for name, value in settings.items():
        setattr(model, name, value)
    return model


def gan(**settings):
    torch.manual_seed(0)
    model = GAN((5,), loss={"_target_": "hepad.losses.NonSaturating"}, latent=3, **settings)
    model.prepare(jets())
    model.optimizer_factory = fused
    return model


def cosine(optimizer):
    return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)


def fit(tmp_path, model, steps, *callbacks, weight=False, graph=None, **settings):
    """Train; `steps` "plain" leaves Lightning's loop as it is. Returns weights, rows of the history, counts."""
    trainer = trainer_of(tmp_path, *callbacks, **settings)
    if steps != "plain":
        several_steps(trainer, steps)
    torch.manual_seed(5)
    train = BatchLoader(jets(weight=weight), 8, shuffle_seed=3)
    val = BatchLoader(jets(20, weight=weight), 16)
    trainer.fit(model, train, val)
    loop = trainer.fit_loop.epoch_loop
    counts = (trainer.global_step, trainer.fit_loop.total_batch_idx, loop._batches_that_stepped, trainer.current_epoch)
    return model.state_dict(), trainer.callbacks[0].rows, counts, torch.rand(1), trainer


def assert_same(found, expected):
    weights, rows, counts, draw, _ = found
    for name, value in expected[0].items():
        assert torch.equal(weights[name], value), name
    assert rows == expected[1]
    assert counts == expected[2]
    assert torch.equal(draw, expected[3])
