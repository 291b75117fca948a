"""Where a latent search may start: the codes of an entry, or draws from the prior."""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from hepad.batch import Batch, on_device, take_rows
from hepad.models import AnomalyModel

STARTS: Final = ("auto", "prior", "encoder")

_CHUNK: Final = 4096
_FITTED: Final = 20_000


class CodePrior(NamedTuple):
    """A normal distribution of codes.

    Attributes:
        mean, spread: of each number of a code; shared by the slots of an event.
    """

    mean: Tensor
    spread: Tensor


UNIT_NORMAL: Final = CodePrior(torch.zeros(()), torch.ones(()))


@torch.no_grad()
def fitted_prior(model: AnomalyModel, background: Batch) -> CodePrior:
    """Return mean and spread of the codes of background entries.

    A plain autoencoder promises no distribution of its codes; a normal distribution fitted to them afterwards stands in
    for one (Ghosh et al., arXiv:1903.12436).

    Args:
        model: one with an encoder.
        background: entries in raw units; the first 20,000 are used.
    """
    codes, masks = [], []
    for start in range(0, min(len(background.x), _FITTED), _CHUNK):
        batch = on_device(take_rows(background, slice(start, start + _CHUNK)), model.device)
        code = model.encode_batch(batch)
        assert code is not None
        codes.append(code.cpu())
        if batch.mask is not None and code.ndim == 3:
            masks.append(batch.mask.cpu())
    values = torch.cat(codes)
    values = values[torch.cat(masks)] if masks else values.flatten(0, -2)
    return CodePrior(values.mean(dim=0), values.std(dim=0, correction=0))
