"""Parts of a density that is shown: its objects, and remarks on entries that it was not fitted to."""

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.diagnostics import Remark
from hepad.nn.context import ContextScale
from hepad.nn.coordinates import Coordinates
from hepad.nn.flows import SPLINE_BOUND

_WORTH_SAYING = 1e-3


def range_remarks(
    coordinates: Coordinates, context: ContextScale, samples: Mapping[str, Batch], device: torch.device
) -> Iterator[Remark]:
    """Yield what lies outside of the range trained on: values that are clipped, and contexts.

    Args:
        coordinates: the map of the columns.
        context: the range of the context.
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
        if context.size and (n := int(context.beyond(context.checked(batch.context).to(device)).sum())):
            yield Remark(
                f"the context of {n} of {len(batch.x)} entries of {name} lies outside of the range trained on: their "
                "density is extrapolated"
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
