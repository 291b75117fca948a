"""Random codes that depend on nothing but who asks for them."""

from collections.abc import Sequence
from math import prod
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

SEEDS: Final = 2**128
"""How many seeds the stream of codes has: they are 0 to one less."""


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
