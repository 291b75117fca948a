"""Numbers that a model expects of an entry, by background that did not train, and contributions in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from hepad.core.batch import Batch, on_device, take_rows
from hepad.models.base import AnomalyModel
from hepad.models.capabilities import Reconstructing

_SPREAD_OF: Final = 2048
_TINY: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Expectation:
    """Mean and spread of the numbers of background entries: of their residuals, or of themselves.

    Attributes:
        mean, spread: `(*entry_shape)`, of normalised numbers.
        of_residuals: they are of differences between entries and their reconstructions.
    """

    mean: Tensor
    spread: Tensor
    of_residuals: bool

    @classmethod
    def of(cls, model: AnomalyModel, background: Batch) -> "Expectation":
        """Return the expectation by background entries that did not train, of many by some thousand of them."""
        step = max(1, len(background.x) // _SPREAD_OF)
        batch = take_rows(background, slice(None, None, step))
        values = _residuals(model, batch).double()
        # An empty slot has nothing to be like.
        weight = torch.ones_like(values) if batch.mask is None else batch.mask.unsqueeze(-1).expand_as(values).double()
        if batch.weight is not None:
            weight = weight * batch.weight.double().reshape(-1, *[1] * (values.ndim - 1))
        total = weight.sum(dim=0).clamp(min=_TINY)
        mean = (weight * values).sum(dim=0) / total
        spread = ((weight * (values - mean).square()).sum(dim=0) / total).sqrt()
        return cls(mean, spread, isinstance(model, Reconstructing))

    def pulls(self, model: AnomalyModel, batch: Batch) -> Tensor:
        """Return how many σ of the background each number of entries is above what is expected, of the shape of `x`."""
        change = _residuals(model, batch).double() - self.mean
        return torch.where(self.spread > _TINY, change / self.spread.clamp(min=_TINY), torch.zeros_like(change))

    def words(self, names: Sequence[str], values: Tensor, pulls: Tensor, most: int = 3) -> list[str]:
        """Return the largest contributions of one entry in words, `pt is 9σ above what the model expects`.

        Args:
            names: of features; none where entries are images.
            values: `(*entry_shape)` contributions.
            pulls: of that shape.
            most: how many.
        """
        order = values.flatten().argsort(descending=True, stable=True)[:most].tolist()
        than = "what the model expects" if self.of_residuals else "the background's mean"
        found = []
        for number in order:
            if float(values.flatten()[number]) <= 0:
                break
            pull = float(pulls.flatten()[number])
            size = f"{abs(pull):.2g}" if abs(pull) < 10 else f"{abs(pull):.0f}"
            side = "above" if pull >= 0 else "below"
            place = tuple(int(i) for i in np.unravel_index(number, tuple(values.shape)))
            found.append(f"{part_name(place, names)} is {size}σ {side} {than}")
        return found


def part_name(place: tuple[int, ...], names: Sequence[str]) -> str:
    """Return the name of a number of an entry: a feature, a feature of an object, a pixel or a cell.

    >>> part_name((1,), ["pt", "mass"]), part_name((2, 0), ["pt", "mass"]), part_name((0, 3, 5), [])
    ('mass', 'pt of object 3', 'pixel (3, 5)')
    >>> part_name((0, 7, 3, 5), [])
    'cell (3, 5) of layer 7'
    """
    if len(place) == 1:
        return names[place[0]] if names else f"number {place[0] + 1}"
    if len(place) == 2:
        return f"{names[place[1]] if names else f'number {place[1] + 1}'} of object {place[0] + 1}"
    what = "pixel" if len(place) == 3 else "cell"
    layer = f" of layer {place[1]}" if len(place) == 4 else ""
    return f"{what} ({place[-2]}, {place[-1]}){layer}" + (f" of channel {place[0] + 1}" if place[0] else "")


@torch.no_grad()
def _residuals(model: AnomalyModel, batch: Batch) -> Tensor:
    """Normalised differences between entries and reconstructions; normalised entries of a model that makes none."""
    batch = on_device(batch, model.device)
    if not isinstance(model, Reconstructing):
        normalised: Tensor = model.normalizer(batch.x, batch.mask)
        return normalised.cpu()
    made = model.reconstruct_raw(batch).to(batch.x)
    if model.normalizer.kind == "layer":
        return (batch.x - made).cpu()
    change: Tensor = model.normalizer(batch.x, batch.mask) - model.normalizer(made, batch.mask)
    return change.cpu()
