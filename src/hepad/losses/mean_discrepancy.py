"""Maximum mean discrepancy: a distance of two samples with gradients, of codes and of the cells of showers."""

from collections.abc import Sequence

import torch
from torch import Tensor


def mean_discrepancy(one: Tensor, other: Tensor, widths: Sequence[float]) -> Tensor:
    """Return the unbiased squared maximum mean discrepancy of two samples, `()`, with kernels Σ exp(−α ‖x − y‖²).

    Gretton et al., JMLR 13 (2012) 723: means of kernels over pairs of different entries of either sample, minus twice
    that over pairs of both. About 0, and as often below it, for two samples of one distribution.

    Args:
        one: `(…, N, D)` entries; of several pairs of samples the mean over them is returned.
        other: `(…, M, D)` entries of the other.
        widths: the α of the kernels, added.

    >>> import torch
    >>> from hepad.losses.mean_discrepancy import mean_discrepancy
    >>> x = torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> abs(float(mean_discrepancy(x[:250], x[250:], [1.0]))) < 0.01
    True
    >>> float(mean_discrepancy(x[:250], x[250:] + 1, [1.0])) > 0.1
    True
    """
    within = _kernel_mean(one, one, widths, True) + _kernel_mean(other, other, widths, True)
    return (within - 2 * _kernel_mean(one, other, widths, False)).mean()


def _kernel_mean(one: Tensor, other: Tensor, widths: Sequence[float], same: bool) -> Tensor:
    squares = (one.unsqueeze(-2) - other.unsqueeze(-3)).square().sum(dim=-1)
    kernel = torch.stack([(-width * squares).exp() for width in widths]).sum(dim=0)
    n, m = squares.shape[-2:]
    if not same:
        return kernel.mean(dim=(-2, -1))
    return (kernel.sum(dim=(-2, -1)) - n * len(widths)) / max(1, n * (m - 1))


def sorted_cells_discrepancy(one: Tensor, other: Tensor, window: int, width: float) -> Tensor:
    """Return the mean discrepancy of the cells of showers, `()`, one window of them by falling energy after the other.

    The loss of the post-processor of arXiv:2005.05334: the hottest cells of a shower are compared with those of the
    shower beside it, then those that follow, so that a wrong spectrum is seen at every energy.

    Args:
        one: `(B, …)` cells of showers.
        other: as many of the other sample, each to be compared with its own.
        window: cells in each.
        width: α of the kernel.

    >>> import torch
    >>> from hepad.losses.mean_discrepancy import sorted_cells_discrepancy
    >>> x = torch.rand(4, 1, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> near = sorted_cells_discrepancy(x, x.flip(-1), window=8, width=50.0)
    >>> bool(near < sorted_cells_discrepancy(x, 2 * x, window=8, width=50.0))
    True
    """
    cells = [values.flatten(1).sort(dim=1, descending=True).values for values in (one, other)]
    window = min(window, cells[0].shape[1])
    whole = cells[0].shape[1] // window * window
    windows = [values[:, :whole].reshape(len(values), -1, window, 1) for values in cells]
    return mean_discrepancy(windows[0], windows[1], [width])
