"""An order of the objects of a set that depends on the objects alone."""

import torch
from torch import Tensor


def in_order(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Return objects `(B, S, F)` by falling first feature, equal ones by the next, and empty slots last; and the mask.

    As events by falling pT are already, and whatever order they come in.

    >>> import torch
    >>> from hepad.nn.set_order import in_order
    >>> x, mask = torch.tensor([[[1.0, 5.0], [0.0, 0.0], [2.0, 3.0], [2.0, 4.0]]]), torch.ones(1, 4, dtype=torch.bool)
    >>> in_order(x, mask & (x[..., 0] > 0))[0].tolist()
    [[[2.0, 4.0], [2.0, 3.0], [1.0, 5.0], [0.0, 0.0]]]
    """
    order = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    keys = [*x.detach().unbind(dim=-1)[::-1], mask.to(torch.uint8)]
    for key in keys:
        # From the least to the first: what is equal keeps the order that it had.
        place = torch.take_along_dim(key, order, dim=1).argsort(dim=1, descending=True, stable=True)
        order = torch.take_along_dim(order, place, dim=1)
    return torch.take_along_dim(x, order.unsqueeze(-1), dim=1), torch.take_along_dim(mask, order, dim=1)
