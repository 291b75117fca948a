"""Pretrained scorers loaded as runs, and asked whether they score here as they did where they were trained."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset, text_attributes
from hepad.run.loading import Run, load_run
from hepad.run.provenance import PACKAGES
from hepad.rundir.pretrained import find_pretrained

REFERENCE: Final = "reference.h5"
"""File of a pretrained scorer with a few entries and the scores that they had where it was trained."""

TOLERANCE: Final = 1e-4
"""Largest difference of a score that is rounding, as a share of the largest of the kept scores."""

_MOST: Final = 1_000


@dataclass(frozen=True, eq=False)
class ReferenceScores:
    """Entries that a scorer was tested on, and their scores.

    Attributes:
        entries: `(n, *entry_shape)` in raw units.
        mask: `(n, S)` bool, which slots are real; None where entries have none.
        score: `(n,)`.
        sample: `(n,)`, names of bundled samples.
        index: `(n,)`, rows in their files.
        slot: `(n,)`, of single jets; None else.
    """

    entries: NDArray[np.float32]
    mask: NDArray[np.bool_] | None
    score: NDArray[np.float32]
    sample: list[str]
    index: NDArray[np.int64]
    slot: NDArray[np.int64] | None


def load_pretrained(name: str) -> Run:
    """Load a scorer that ships with hepad, as `load_run` loads a run; `hepad.list_pretrained()` has their names.

    The directory is read as a stranger's is: nothing in it names code, and weights are read with `weights_only=True`.
    Then a few kept entries are scored, and a warning says where their scores are others than they were.

    Raises:
        UserError: no such name, weights that are not those that shipped, or a package that the model needs is missing.

    >>> import hepad
    >>> run = hepad.load_pretrained("conv_ae/calo")
    >>> run.entry_shape, run.background
    ((1, 18, 14), 'zero_bias')
    """
    found = find_pretrained(name)
    run = load_run(found.directory)
    if run.checkpoint_sha256 != found.checkpoint_sha256:
        raise UserError(f"{found.directory}: the weights are not those that hepad ships for {name}; install it again")
    reference = read_reference(found.directory)
    scores = run.score(reference.entries, mask=reference.mask, device="cpu")
    if (shift := largest_shift(scores, reference.score)) > TOLERANCE:
        warnings.warn(
            f"{name} scores by up to {shift:.2g} of the largest score otherwise here than where it was trained"
            f"{_other_versions(run)}; its card's metrics and thresholds may not hold, train it again",
            UserWarning,
            stacklevel=2,
        )
    return run


def largest_shift(scores: NDArray[np.float32], kept: NDArray[np.float32]) -> float:
    """Return the largest difference of two arrays of scores `(n,)`, as a share of the largest kept score.

    >>> import numpy as np
    >>> from hepad.run.pretrained import largest_shift
    >>> round(largest_shift(np.float32([1, 2]), np.float32([1, 4])), 3)
    0.5
    """
    apart = np.abs(scores.astype(np.float64) - kept)
    return float(np.max(apart) / np.max(np.abs(kept))) if np.isfinite(apart).all() else np.inf


def read_reference(directory: Path) -> ReferenceScores:
    """Read the kept entries of a pretrained scorer.

    Raises:
        UserError: the file is missing or damaged.
    """
    with open_hdf5(directory / REFERENCE) as file:
        columns = {
            column: read_rows(safe_dataset(file, column))
            for column in ("entries", "mask", "score", "sample", "index", "slot")
            if column in file
        }
        names = text_attributes(file, "samples")
    lengths = {len(column) for column in columns.values()}
    if (
        not columns.keys() >= {"entries", "score", "sample", "index"}
        or len(lengths) > 1
        or not 0 < min(lengths) <= _MOST
    ):
        raise UserError(f"{directory / REFERENCE} is damaged; install hepad again")
    rows: dict[str, Any] = {"mask": None, "slot": None, **columns}
    return ReferenceScores(
        **rows | {"sample": [names[number] for number in columns["sample"].clip(max=len(names) - 1)]}
    )


def _other_versions(run: Run) -> str:
    # Imported here: reading the metadata of packages takes time, and is needed where something is wrong.
    import importlib.metadata

    trained = run.facts.get("packages", {})
    here = {package: importlib.metadata.version(package) for package in PACKAGES if package in trained}
    told = [f"{package} {trained[package]}, here {now}" for package, now in here.items() if now != trained[package]]
    return f" ({'; '.join(told)})" if told else ""
