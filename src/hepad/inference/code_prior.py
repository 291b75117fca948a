"""Starts of a latent search: the codes of an entry, or random codes that depend on nothing but who asks for them."""

from collections.abc import Sequence
from math import prod
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from hepad.core.batch import Batch, on_device, take_rows
from hepad.models import AnomalyModel, Searchable

STARTS: Final = ("prior", "encoder")

NEAR: Final = 0.1
"""Distance from an entry's own code at which further restarts begin, in spreads of the prior: docs/latent_search.md."""

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
    assert isinstance(model, Searchable)
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


def start_codes(drawn: Tensor, own: Tensor | None, prior: CodePrior) -> Tensor:
    """Return `(E, n_seed, *latent_shape)` codes to start from.

    Without codes of the entries' own these are draws from the prior. Else the first restart starts at the own code and
    the others near it. From draws they would end elsewhere, and a mean of what lies near and far from E(x) tells
    entries apart less well than either.

    Args:
        drawn: `(E, n_seed, *latent_shape)` from N(0, 1).
        own: `(E, *latent_shape)` the codes E(x); None to start from the prior.
        prior: of the codes.
    """
    if own is None:
        return prior.mean + prior.spread * drawn
    codes = own.unsqueeze(1) + NEAR * prior.spread * drawn
    codes[:, 0] = own
    return codes


def describe_starts(own: bool) -> str:
    """Return where restarts start from, in a few words: at own codes or from the prior."""
    return "the first from E(x), the others near it" if own else "each from a draw of the prior"


SEEDS: Final = 2**128
"""Number of seeds of the stream of codes: they are 0 to one less."""


def draw_codes(seed: int, rows: ArrayLike, n_seed: int, latent_shape: Sequence[int]) -> NDArray[np.float64]:
    """Return one code from N(0, 1) per entry and restart, `(N, n_seed, *latent_shape)`.

    The numbers are those of a counter-based stream (Philox: Salmon et al., SC11) whose key is `seed` and whose counter
    starts at (entry, restart). So neither chunks nor order, neither other entries nor the number of restarts change
    them.

    Args:
        seed: key of the stream, from 0 to below 2¹²⁸.
        rows: `(N,)` the entry's row in its file, or `(N, 2)` row and slot.
        n_seed: restarts.
        latent_shape: shape of one code.

    >>> from hepad.inference import draw_codes
    >>> codes = draw_codes(seed=0, rows=[3, 8], n_seed=2, latent_shape=(4,))
    >>> codes.shape
    (2, 2, 4)
    >>> bool((codes[1] == draw_codes(seed=0, rows=[8], n_seed=2, latent_shape=(4,))[0]).all())
    True
    """
    identities = np.asarray(rows, dtype=np.uint64).reshape(len(np.asarray(rows)), -1)
    columns = [[int(number) for number in identity] for identity in identities]
    codes = np.empty((len(columns), n_seed, prod(latent_shape)))
    for i, (row, *slot) in enumerate(columns):
        for restart in range(n_seed):
            # The first of the four words counts what is drawn.
            stream = np.random.Philox(key=seed, counter=[0, restart, row, *(slot or (0,))])
            codes[i, restart] = np.random.Generator(stream).standard_normal(codes.shape[2])
    return codes.reshape(len(columns), n_seed, *latent_shape)
