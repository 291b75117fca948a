"""Parts of a density that is shown: its objects, and remarks on entries that it was not fitted to."""

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

import torch
from torch import Tensor

from hepad.core.batch import Batch, take_rows
from hepad.core.diagnostics import DensityChecks, Diagnostic, GeneratedEntries, Remark
from hepad.core.gathering import draw_for_batch
from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.flows import SPLINE_BOUND

_WORTH_SAYING = 1e-3
_SHOWN: Final = 2000
_GENERATED: Final = 5000


class DrawnDensity(Protocol):
    """A density of entries in coordinates, that can be drawn from."""

    coordinates: Coordinates
    context: ContextScale

    @property
    def device(self) -> torch.device:
        """The device of its weights."""

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return draws; see `Generative`."""

    def log_prob(self, batch: Batch) -> Tensor:
        """Return ln p; see `Density`."""

    def latent(self, batch: Batch) -> Tensor:
        """Return latent points `(M, F)`, N(0, 1) where the density is right."""


def shown_entries(everything: Batch) -> Batch:
    """Return the entries of the background that draws are shown beside."""
    return take_rows(everything, slice(_SHOWN))


def draws_shown(
    model: DrawnDensity, everything: Batch, title: str, exact: bool = True, n: int = _GENERATED
) -> Iterator[Diagnostic]:
    """Yield draws beside the background, and whether p is calibrated where it can be computed.

    Args:
        model: the density.
        everything: entries of the background, without weights, on the CPU.
        title: what the draws are.
        exact: whether there is a p.
        n: how many draws.
    """
    real, generator = shown_entries(everything), torch.Generator().manual_seed(0)
    if model.context.size:
        context = model.context.checked(everything.context)[:n]
        made = model.sample(context, generator)._replace(context=context)
    else:
        made = model.sample(n, generator)
    yield GeneratedEntries(title, real, made.x, made.mask)
    if not exact:
        return
    # As in training, smeared where there is no density.
    held, drawn = (smeared_entries(model.coordinates, batch, generator, model.device) for batch in (real, made))
    yield DensityChecks(
        real=all_objects(real),
        generated=all_objects(made),
        latent=model.latent(held).float().cpu(),
        log_prob=model.log_prob(held).float().cpu(),
        generated_log_prob=model.log_prob(drawn).float().cpu(),
    )


def range_remarks(coordinates: Coordinates, samples: Mapping[str, Batch], device: torch.device) -> Iterator[Remark]:
    """Yield which values lie outside of the range trained on and are clipped.

    Args:
        coordinates: the map of the columns.
        samples: sample → tested entries, on the CPU.
        device: where the model is.
    """
    for name, batch in samples.items():
        outside = coordinates.outside(batch.x.to(device)).cpu()
        if batch.mask is not None:
            outside &= batch.mask.unsqueeze(-1)
        if n := int(outside.flatten(1).any(dim=1).sum()):
            yield Remark(
                f"{n} of {len(outside)} entries of {name} lie outside of the training range in "
                f"{named_columns(outside.flatten(0, -2).any(dim=0))} and have the density of its edge"
            )


def spline_remarks(coordinates: Coordinates, name: str, objects: Tensor) -> Iterator[Remark]:
    """Yield where many values of a sample `(N, F)`, where the model is, lie beyond what splines change."""
    if not len(objects):
        return
    share = float((coordinates(objects)[0].abs() > SPLINE_BOUND).float().mean())
    if share > _WORTH_SAYING:
        yield Remark(
            f"{share:.1%} of the values of {name} lie beyond ±{SPLINE_BOUND:g} in the flow's coordinates, where "
            "splines change nothing; model.coordinates=rank_gaussian keeps them inside"
        )


def column_remarks(coordinates: Coordinates) -> list[str]:
    """Return what to say of constant columns, and of columns of whole numbers that are not dequantised."""
    found = []
    if constant := named_columns(coordinates.constant):
        found.append(
            f"{constant} never varied in training: its density is that of a made-up width, and any other value is "
            "strange; data.features leaves it out"
        )
    if not coordinates.smear and (whole := named_columns(coordinates.on_grid)):
        found.append(
            f"{whole} holds values of a grid, such as whole numbers, which have no density: −ln p falls without "
            "end as they are learned; model.dequantize=true smears them"
        )
    return found


def fit_objects(coordinates: Coordinates, train: Batch, n_slots: int) -> Tensor:
    """Fit the coordinates to the objects of training sets; returns ln of how often sets have 0, 1, … `n_slots`."""
    mask = filled_mask(train)
    weight = None if train.weight is None else train.weight.unsqueeze(1).expand_as(mask)[mask]
    coordinates.fit(train.x[mask], weight)
    counted = torch.ones(len(mask)) if train.weight is None else train.weight.cpu()
    counts = torch.bincount(mask.sum(dim=1).cpu(), counted.double(), minlength=n_slots + 1) + 0.5
    return (counts / counts.sum()).log()


def smeared_in_training(coordinates: Coordinates, batch: Batch) -> Batch:
    """Return entries that are smeared where they have no density, by numbers drawn for the batch of all processes."""
    if not coordinates.has_width:
        return batch
    x = batch.x
    u = draw_for_batch(lambda shape: torch.rand(shape, device=x.device), x.shape, x.device)
    return batch._replace(x=coordinates.smeared(x, u))


def smeared_entries(coordinates: Coordinates, batch: Batch, generator: torch.Generator, device: torch.device) -> Batch:
    """Return entries as in training, smeared where they have no density, on the device of the model."""
    u = torch.rand(batch.x.shape, generator=generator).to(device)
    mask, context = (None if part is None else part.to(device) for part in (batch.mask, batch.context))
    return Batch(coordinates.smeared(batch.x.to(device), u), mask, context=context)


def too_many_numbers(n_numbers: int, exact_up_to: int) -> str:
    """Return why there is no ln p of entries of so many numbers, and what to use instead."""
    return (
        f"an entry of {n_numbers} numbers is more than model.exact_up_to={exact_up_to}, as ln p costs an "
        "evaluation for each; use model.score=velocity, or norm, or fewer data.features"
    )


def named_columns(chosen: Tensor) -> str:
    """Return `column 3`, or `columns 3, 5 and 2 more`, of a mask; empty for none.

    >>> import torch
    >>> from hepad.models.density_checks import named_columns
    >>> named_columns(torch.tensor([True, False, True]))
    'columns 0, 2'
    """
    numbers = [str(i) for i in torch.nonzero(chosen.cpu()).flatten().tolist()]
    if len(numbers) < 2:
        return f"column {numbers[0]}" if numbers else ""
    more = f" and {len(numbers) - 6} more" if len(numbers) > 6 else ""
    return f"columns {', '.join(numbers[:6])}{more}"


def filled_mask(batch: Batch) -> Tensor:
    """Return which slots `(B, S)` of sets hold an object; all where there is no mask."""
    return torch.ones_like(batch.x[..., 0], dtype=torch.bool) if batch.mask is None else batch.mask


def all_objects(batch: Batch) -> Tensor:
    """Return the vectors `(M, F)`: entries, or the objects of sets."""
    return batch.x.flatten(0, -2) if batch.mask is None else batch.x[batch.mask]
