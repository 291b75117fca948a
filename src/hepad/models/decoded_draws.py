"""Entries that the decoder of a variational autoencoder makes of draws from its prior."""

from typing import Any

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.float32 import weight_dtype
from hepad.models.base import eval_mode
from hepad.models.capabilities import conditions_to_sample, draw_normal, filled_slots, sampling
from hepad.nn.generators import sort_slots


def decoded_draws(model: Any, n: int | Tensor, generator: torch.Generator) -> Batch:
    """Return `n` entries, or one for each row of a context; see `VariationalAutoencoder.sample`."""
    wanted = conditions_to_sample(model, n, model.context_size)
    n, shape = len(wanted.x), model.latent_network().latent_shape
    mask = filled_slots(n, model.slot_counts, generator) if len(model.entry_shape) == 2 else None
    with sampling(model):
        z = model.decode(draw_normal((n, *shape), generator, model), wanted.context)
        x = model.normalizer.inverse(z).float().cpu()
    if mask is None:
        return Batch(x)
    x = torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x))
    if len(shape) == 2:
        x = sort_slots(torch.cat([x, mask.unsqueeze(-1)], dim=-1))[..., :-1]
    return Batch(x, mask)


def decoded_like(model: Any, like: Batch, seed: int) -> Tensor:
    """Return one entry for each of `like`, of its slots; see `VariationalAutoencoder.sample_prior`."""
    x, mask = (
        like.x.to(model.device, weight_dtype(model.precision)),
        None if like.mask is None else like.mask.to(model.device),
    )
    with eval_mode(model), torch.no_grad():
        mean, _ = model.encode(model.normalizer(x, mask))
        code = torch.randn(mean.shape, generator=torch.Generator().manual_seed(seed)).to(mean)
        context = None if like.context is None else like.context.to(model.device)
        generated: Tensor = model.normalizer.inverse(model.decode(code, context), x, mask).cpu()
    if like.mask is None:
        return generated
    return torch.where(like.mask.unsqueeze(-1), generated, torch.zeros_like(generated))
