"""Planing: weights that spread an observable evenly over training entries, so that nothing is learned of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.errors import UserError
from hepad.data.entries import Entries
from hepad.data.training_roles import RoleEntries

_MOST_BINS: Final = 50
_ENTRIES_PER_BIN: Final = 50
_TAIL: Final = 0.005
LARGEST_FACTOR: Final = 100.0
"""By which a weight grows at most, over that of the fullest bin: a few entries of a long tail would rule otherwise."""


@dataclass(frozen=True, eq=False)
class Planing:
    """Factors of weights by bins of an observable.

    Attributes:
        edges: `(K + 1,)` rising; what lies beyond belongs to the first or the last bin.
        factors: label → `(K,)` of entries of this label; None for entries without one.
    """

    edges: NDArray[np.float64]
    factors: dict[int | None, NDArray[np.float64]]

    def planed(self, entries: Entries, label: int | None, variable: str) -> Entries:
        """Return entries with their weights multiplied by the factors of their bins."""
        factor = self.factors[label][_bins(entries.observables[variable], self.edges)]
        weight = _weights(entries) * factor
        return replace(entries, batch=entries.batch._replace(weight=torch.from_numpy(weight.astype(np.float32))))


def fit_planing(roles: Sequence[RoleEntries], variable: str) -> Planing:
    """Return factors that make the distribution of an observable flat over the training entries of each label.

    The bins lie between the 0.5% and the 99.5% quantile of all training entries, at most 50 and with 50 entries on
    average at least. The sum of the weights of a label stays what it is. Planing: S. Chang, T. Cohen, B. Ostdiek,
    Physical Review D 97 (2018) 056009 (arXiv:1709.10106).

    Args:
        roles: what is trained on.
        variable: an observable of its entries.

    Raises:
        UserError: it is the same for nearly all entries.
    """
    everything = np.concatenate([found.train.observables[variable] for found in roles])
    low, high = np.quantile(everything, [_TAIL, 1 - _TAIL])
    if not low < high:
        raise UserError(
            f"decorrelate.planing: {variable} is {low:g} for nearly all training entries; there is nothing to spread"
        )
    n_bins = max(2, min(_MOST_BINS, everything.size // _ENTRIES_PER_BIN))
    edges = np.linspace(low, high, n_bins + 1)
    factors = {}
    for label in {found.role.label for found in roles}:
        parts = [found.train for found in roles if found.role.label == label]
        bins = np.concatenate([_bins(part.observables[variable], edges) for part in parts])
        weight = np.concatenate([_weights(part) for part in parts])
        held = np.bincount(bins, weight, n_bins)
        # A bin that no entry of training lies in may hold one of validation.
        factor = held.max() / np.maximum(held, held.max() / LARGEST_FACTOR)
        factors[label] = factor * weight.sum() / (weight * factor[bins]).sum()
    return Planing(edges, factors)


def planed_roles(roles: Sequence[RoleEntries], variable: str) -> list[RoleEntries]:
    """Return roles whose training and validation entries have weights that make an observable flat.

    Raises:
        UserError: it is the same for nearly all entries.
    """
    planing = fit_planing(roles, variable)
    return [
        replace(
            found,
            train=planing.planed(found.train, found.role.label, variable),
            val=planing.planed(found.val, found.role.label, variable),
        )
        for found in roles
    ]


def _bins(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)


def _weights(entries: Entries) -> NDArray[np.float64]:
    weight: Tensor | None = entries.batch.weight
    return np.ones(len(entries)) if weight is None else np.asarray(weight.double().numpy())
