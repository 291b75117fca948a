"""Event weights of a file: one number per row that says how many events it stands for."""

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.errors import UserError
from hepad.core.hdf5 import is_named, read_rows, safe_dataset
from hepad.core.schema import WEIGHT_DATASET


def read_weights(file: h5py.File, n_rows: int, index: NDArray[np.int64]) -> Tensor | None:
    """Return the weights `(N,)` float32 of entries; None where the file has none.

    Each jet of an event has the weight of the event.

    Args:
        file: an open file.
        n_rows: rows of the data set that the entries were made of.
        index: `(N,)` row of each entry, rising.

    Raises:
        UserError: weights that are not one finite number from 0 for each row.
    """
    # A link is no data set, and is refused rather than taken for a file without weights.
    if not is_named(file, WEIGHT_DATASET):
        return None
    dataset = safe_dataset(file, WEIGHT_DATASET)
    where = f"{file.filename}:/{WEIGHT_DATASET}"
    if dataset.shape != (n_rows,):
        raise UserError(f"{where} has shape {dataset.shape} for {n_rows} rows; one weight per row is needed")
    if not len(index):
        return torch.empty(0)
    first, last = int(index[0]), int(index[-1])
    weight = _float32(read_rows(dataset, first, last + 1))
    for is_bad, what in ((~np.isfinite(weight), "NaN or infinite"), (weight < 0, "negative")):
        if n_bad := int(is_bad.sum()):
            raise UserError(
                f"{n_bad} of {len(weight)} weights in {where} are {what}, first that of row {first + is_bad.argmax()}; "
                "finite numbers from 0 are needed"
            )
    return torch.from_numpy(weight[index - first])


def refuse_weightless(weight: Tensor | None, what: str, path: object) -> None:
    """Raise `UserError` where all weights of some entries are 0, so that nothing of them would count."""
    if weight is not None and not bool(weight.any()):
        raise UserError(f"all {len(weight)} weights of {what} are 0 ({path}); some must be above 0")


def mean_and_spread(x: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation `(…)` over the first axis of `x` `(N, …)`, entries counted by weight `(N,)`.

    Without weights n − 1 stands in the denominator of the variance, with them Σw.
    """
    if weight is None:
        return x.mean(dim=0), x.std(dim=0)
    share = (weight.to(x) / weight.to(x).sum()).reshape(-1, *[1] * (x.ndim - 1))
    mean = (share * x).sum(dim=0)
    return mean, (share * (x - mean).square()).sum(dim=0).sqrt()


def mean_and_scale(x: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation as `mean_and_spread` does; what does not vary has the scale 1."""
    mean, spread = mean_and_spread(x, weight)
    return mean, torch.where(spread > 0, spread, torch.ones_like(spread))


def _float32(values: NDArray[np.generic]) -> NDArray[np.float32]:
    # Beyond the range of float32 is infinite, and refused as such.
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
