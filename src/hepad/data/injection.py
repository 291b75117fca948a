"""Rows of a search: signal injected into background that stands for data, more background, and signal to test on."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError

_BACKGROUND_STREAM: Final = 1
_SIGNAL_STREAM: Final = 2


@dataclass(frozen=True)
class SearchRows:
    """Rows (int64, rising) of a file of background and of one of signal; each row of a file has exactly one use.

    Attributes:
        data: rows of the background that stand for data.
        extra: its other rows, background that is known as such: of supervised and idealised methods.
        injected: rows of the signal that are among the data.
        held_out: its other rows, to test with.
    """

    data: NDArray[np.int64]
    extra: NDArray[np.int64]
    injected: NDArray[np.int64]
    held_out: NDArray[np.int64]


def split_search_rows(
    n_background: int, n_signal: int, injected: int, seed: int, data_fraction: float = 0.5
) -> SearchRows:
    """Deal out the rows of a background and of a signal for a search.

    Whole files are drawn from, before any region or window is cut: of the injected events some are in a window, and
    their number there fluctuates as it would. The background's rows depend on the seed, their number and the fraction
    alone, so that they are the same for every amount of signal; the signal's on the seed and their number, and a larger
    amount holds the events of a smaller one.

    Args:
        n_background: rows of the file of background.
        n_signal: rows of the file of signal.
        injected: how many of these are put among the data; 0 for a search in which there is nothing.
        seed: of both draws.
        data_fraction: share of the background that stands for data; 1 leaves no extra background.

    Raises:
        UserError: no data, more signal than there is, or none left to test with.

    >>> from hepad.data.injection import split_search_rows
    >>> rows = split_search_rows(1000, 100, injected=20, seed=1, data_fraction=0.6)
    >>> len(rows.data), len(rows.extra), len(rows.injected), len(rows.held_out)
    (600, 400, 20, 80)
    """
    if not 0 < data_fraction <= 1 or (n_data := round(data_fraction * n_background)) < 1:
        raise UserError(
            f"{data_fraction:g} of {n_background} rows of background are no data; a fraction above 0 and up to 1, and "
            "at least one row are needed"
        )
    if not 0 <= injected < n_signal:
        raise UserError(
            f"{injected} events of signal cannot be injected: from 0 to {max(n_signal - 1, 0)} are possible, since "
            f"the file has {n_signal} and the others are tested on"
        )
    background = shuffled_rows(n_background, seed, _BACKGROUND_STREAM)
    signal = shuffled_rows(n_signal, seed, _SIGNAL_STREAM)
    return SearchRows(
        data=np.sort(background[:n_data]),
        extra=np.sort(background[n_data:]),
        injected=np.sort(signal[:injected]),
        held_out=np.sort(signal[injected:]),
    )


def shuffled_rows(n: int, seed: int, stream: int) -> NDArray[np.int64]:
    """Return the rows 0 to n − 1 in a random order, another one for each stream of a seed."""
    if seed < 0:
        raise UserError(f"seed={seed}: a whole number of at least 0 is needed")
    # Sorted random numbers: NumPy promises the stream of a bit generator, not that of its permutations.
    drawn = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(stream,))).random_raw(n)
    return np.argsort(drawn, kind="stable").astype(np.int64)
