"""Splitting entries into training, validation and test, reproducibly."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.roles import check_folds

TRAINING_SEED: Final = 42
TEST_SEED: Final = 123
HALVING_SEED: Final = 321
FOLD_SEED: Final = 777
HALVES: Final = ("first", "second")
_MIN_ENTRIES = 10


@dataclass(frozen=True)
class Split:
    """Row numbers (int64) of three disjoint parts; together they hold every entry, unless only half is trained on."""

    train: NDArray[np.int64]
    val: NDArray[np.int64]
    test: NDArray[np.int64]


def split_rows(n_entries: int, half: str | None = None, folds: int | None = None, fold: int | None = None) -> Split:
    """Split `n_entries` rows 60 / 20 / 20 as the AD4HEP workshop did.

    Row by row what scikit-learn gives for

        train, rest = train_test_split(rows, test_size=0.4, random_state=42)
        val, test = train_test_split(rest, test_size=0.5, random_state=123)

    The split depends on the number of entries alone, not on the run's seed, so that runs with different seeds are
    tested on the same entries.

    Two runs of which one learns from the other must share no entry that they train on: for them the training part is
    halved with `random_state=321`. Validation and test stay what they are, so both halves and ordinary runs are tested
    on the same entries.

    With folds the test part is one of them: every row is in exactly one of the K (`fold_numbers`), and a quarter of the
    rest validates.

    Args:
        n_entries: how many entries there are.
        half: the `first` or the `second` half of the training part; None for all of it.
        folds: K; None for the split above.
        fold: which of them is tested.

    Raises:
        UserError: fewer than ten entries, or fewer in a fold, or an unknown half or fold.
    """
    check_half(half)
    check_folds(folds, fold)
    if n_entries < _MIN_ENTRIES:
        raise UserError(f"{n_entries} background entries are too few to split; at least {_MIN_ENTRIES} are needed")
    if folds is None:
        train, rest = _drawn_apart(np.arange(n_entries), 0.4, TRAINING_SEED)
        val, test = _drawn_apart(rest, 0.5, TEST_SEED)
    else:
        number = fold_numbers(n_entries, folds)
        test = np.flatnonzero(number == fold)
        train, val = _drawn_apart(np.flatnonzero(number != fold), 0.25, TRAINING_SEED)
    if half is not None:
        train = _drawn_apart(train, 0.5, HALVING_SEED)[HALVES.index(half)]
    return Split(train=train, val=val, test=test)


def _drawn_apart(rows: NDArray[np.int64], share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rest, and a random `share` of the rows, as scikit-learn's `train_test_split`."""
    order = np.random.RandomState(seed).permutation(len(rows))
    drawn = math.ceil(share * len(rows))
    return rows[order[drawn:]], rows[order[:drawn]]


def fold_numbers(n_entries: int, folds: int) -> NDArray[np.int64]:
    """Return the fold of each row, `(n_entries,)` from 0 to K − 1: a random deal that depends on the two numbers alone.

    The folds differ in size by one row at most.

    Raises:
        UserError: fewer than ten rows in a fold.

    >>> import numpy as np
    >>> from hepad.data.split import fold_numbers
    >>> np.bincount(fold_numbers(53, 5))
    array([11, 11, 11, 10, 10])
    """
    if n_entries < folds * _MIN_ENTRIES:
        raise UserError(
            f"data.folds={folds}: folds of {n_entries // folds} of {n_entries} entries are too small; at least "
            f"{_MIN_ENTRIES} in each are needed"
        )
    number = np.empty(n_entries, dtype=np.int64)
    number[np.random.RandomState(FOLD_SEED).permutation(n_entries)] = np.arange(n_entries) % folds
    return number


def split_groups(
    group: NDArray[np.int64], half: str | None = None, folds: int | None = None, fold: int | None = None
) -> Split:
    """Split entries so that those of one group, such as the jets of one event, are in one part.

    The groups are split as `split_rows` splits rows; each part holds their entries in the order of its groups.

    Args:
        group: `(N,)` the group of each entry, rising.
        half, folds, fold: as in `split_rows`.

    Raises:
        UserError: as `split_rows` of the groups.
    """
    _, first, counts = np.unique(group, return_index=True, return_counts=True)
    groups = split_rows(len(first), half, folds, fold)

    def rows_of(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        entries: NDArray[np.int64] = np.concatenate([np.arange(first[i], first[i] + counts[i]) for i in chosen])
        return entries

    return Split(train=rows_of(groups.train), val=rows_of(groups.val), test=rows_of(groups.test))


def split_parts(part: NDArray[np.uint8], group: NDArray[np.int64], half: str | None = None) -> Split:
    """Split entries as their files say; those that train are in a random order, as in every split.

    Args:
        part: `(N,)` 0 for entries that train, 1 validate, 2 test. Where none validates, a quarter of those that train
            does.
        group: `(N,)` the group of each entry, rising; those of one group stay together.
        half: as in `split_rows`.

    Raises:
        UserError: fewer than ten groups that train, or none that test.
    """
    check_half(half)
    _, first, counts = np.unique(group, return_index=True, return_counts=True)
    train, val, test = (np.flatnonzero(part[first] == number) for number in range(3))
    if len(train) < _MIN_ENTRIES or not len(test):
        raise UserError(
            f"{len(train)} entries to train and {len(test)} to test on are too few; at least {_MIN_ENTRIES} and 1 are "
            "needed"
        )
    if len(val):
        train = train[np.random.RandomState(TRAINING_SEED).permutation(len(train))]
    else:
        train, val = _drawn_apart(train, 0.25, TRAINING_SEED)
    if half is not None:
        train = _drawn_apart(train, 0.5, HALVING_SEED)[HALVES.index(half)]

    def rows_of(chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.concatenate([np.arange(first[i], first[i] + counts[i]) for i in chosen])

    return Split(train=rows_of(train), val=rows_of(val), test=rows_of(test))


def check_half(half: str | None) -> None:
    """Raise `UserError` for a half of the training part that there is not."""
    if half not in (None, *HALVES):
        raise UserError(f"data.half={half}; allowed: null, {', '.join(HALVES)}")


def rows_sha256(rows: NDArray[np.int64] | Iterable[NDArray[np.int64]]) -> str:
    """Return the SHA-256 of row numbers in their order, to tell whether two runs used the same entries.

    Args:
        rows: their numbers, or parts of them one after the other.
    """
    found = hashlib.sha256()
    for part in (rows,) if isinstance(rows, np.ndarray) else rows:
        found.update(part.astype("<i8").tobytes())
    return found.hexdigest()
