"""Losses of events by their filled slots alone, as an exported `td_ae` computes them."""

from functools import partial
from typing import Final

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.losses import MAE, MAPE, MSE, Huber, LogCosh
from hepad.models.td_ae import TimeDistributedAutoencoder

_BY_NUMBER: Final = (MSE, MAE, MAPE, Huber, LogCosh)


def take_filled_slots(model: TimeDistributedAutoencoder) -> None:
    """Let a model that leaves empty slots out compute nothing of them.

    Unless its normaliser or its loss sees a whole event. Most slots of most events are empty, of zero bias 87%. PyTorch
    passes filled slots alone through the network, but normalises and compares all; ONNX Runtime takes longer for that,
    above all to choose between a slot and zeros.
    """
    if model.mask and model.normalizer.kind != "layer" and type(model.loss) in _BY_NUMBER:
        setattr(model, "losses", partial(filled_losses, model))  # noqa: B010


def filled_losses(model: TimeDistributedAutoencoder, batch: Batch) -> Tensor:
    """Return the `(B,)` losses of events with a mask: means over the numbers of their filled slots.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.models.filled_slots import filled_losses
    >>> from hepad.models import TimeDistributedAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = TimeDistributedAutoencoder((8, 17), loss={"_target_": "hepad.losses.MSE"}).eval()
    >>> batch = Batch(torch.randn(4, 8, 17), torch.arange(8) < torch.tensor([[0], [1], [3], [8]]))
    >>> model.prepare(batch)
    >>> torch.allclose(filled_losses(model, batch), model.losses(batch))
    True
    """
    mask = batch.mask
    assert mask is not None
    filled = mask.flatten().nonzero().squeeze(1)
    # One slot more before them, as batch normalisation must know that there is one.
    rows = torch.cat([filled.new_zeros(1), filled])
    z = model.normalizer(batch.x.flatten(0, 1).index_select(0, rows))
    of_slots = model.loss.elementwise(model.network(z), z)
    assert of_slots is not None
    sums = of_slots.new_zeros(mask.numel()).index_put((filled,), of_slots.sum(dim=1)[1:])
    n_elements = mask.sum(dim=1).clamp(min=1) * batch.x.shape[-1]
    return sums.reshape(mask.shape).sum(dim=1) / n_elements
