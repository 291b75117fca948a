"""Splitting entries into training, validation and test, reproducibly."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from hepad.errors import UserError

TEST_SEED: Final = 42
VALIDATION_SEED: Final = 123
_MIN_ENTRIES = 10


@dataclass(frozen=True)
class Split:
    """Row numbers (int64) of the three disjoint parts that together hold every entry."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(n_entries: int) -> Split:
    """Split `n_entries` rows 60 / 20 / 20 as the AD4HEP workshop did.

    A test fifth is taken with scikit-learn's `train_test_split(random_state=42)`, then a quarter of the rest for
    validation with `random_state=123`. The split depends on the number of entries alone, not on the run's seed,
    so that runs with different seeds are tested on the same entries.

    Raises:
        UserError: fewer than ten entries.
    """
    if n_entries < _MIN_ENTRIES:
        raise UserError(f"{n_entries} background entries are too few to split; at least {_MIN_ENTRIES} are needed")
    rest, test = train_test_split(np.arange(n_entries), test_size=0.2, random_state=TEST_SEED)
    train, val = train_test_split(rest, test_size=0.25, random_state=VALIDATION_SEED)
    return Split(train=train, val=val, test=test)
