"""Small GANs and BiGANs, the entries they see, and a training of them: what several tests start from."""

from functools import partial

import lightning as L
import torch

from hepad.core.batch import Batch, take_rows
from hepad.data.loader import BatchLoader
from hepad.logging.loggers import quieten
from hepad.models import GAN, BiGAN

HINGE = {"_target_": "hepad.losses.Hinge"}
LOSSES = ("Hinge", "NonSaturating")
SMALL = {"generator": [8], "discriminator": [8], "latent": 3}


def entries(n: int = 160) -> Batch:
    x = torch.randn(n, 4, generator=torch.Generator().manual_seed(0))
    return Batch(x * torch.tensor([1.0, 5.0, 0.2, 30.0]) + 10)


def build(kind: type[GAN] | type[BiGAN] = GAN, **settings) -> GAN | BiGAN:
    torch.manual_seed(1)
    model = kind([4], HINGE, **(SMALL | settings))
    model.prepare(entries())
    model.optimizer_factory = partial(torch.optim.Adam, lr=2e-3, betas=(0.0, 0.9))
    return model


def bigan(loss: str, data: Batch, **settings) -> BiGAN:
    torch.manual_seed(1)
    model = BiGAN(data.x.shape[1:], {"_target_": f"hepad.losses.{loss}"}, **settings)
    model.prepare(data)
    model.optimizer_factory = partial(torch.optim.Adam, lr=5e-3, betas=(0.0, 0.9))
    return model


def fit(model, max_epochs: int = 1, ckpt_path=None, callbacks=(), data: Batch | None = None) -> L.Trainer:
    quieten()
    trainer = L.Trainer(
        max_epochs=max_epochs, accelerator="cpu", logger=False, enable_checkpointing=False, callbacks=list(callbacks),
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
    )  # fmt: skip
    data = entries() if data is None else data
    loaders = BatchLoader(data, 16, shuffle_seed=0), BatchLoader(take_rows(data, slice(40)), 64)
    trainer.fit(model, *loaders, ckpt_path=ckpt_path, weights_only=True)
    return trainer


def weights(module) -> list[torch.Tensor]:
    return [weight.detach().clone() for weight in module.parameters()]


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
