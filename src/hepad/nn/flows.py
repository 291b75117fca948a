"""Normalising flows of zuko by name, and what is asked of one: ln p, the latent point, and the way back."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn

from hepad.core.errors import UserError

FLOWS: Final = ("realnvp", "maf", "nsf")

SPLINE_BOUND: Final = 5.0
"""Beyond it on either side a spline changes nothing."""

_WIDEST: Final = 4096
_DEEPEST: Final = 64


class ConditionalFlow(nn.Module):
    """A flow f(y; c) to N(0, 1): ln p(y | c) = ln N(f(y; c)) + ln |∂f/∂y|.

    | kind | transformations |
    |---|---|
    | `realnvp` | affine, half of the columns by the other half (Dinh et al., arXiv:1605.08803) |
    | `maf` | affine, each column by those before it (Papamakarios et al., arXiv:1705.07057) |
    | `nsf` | rational-quadratic splines in [−5, 5], as `maf` (Durkan et al., arXiv:1906.04032) |

    All are zuko's (https://github.com/probabilists/zuko); the order of the columns turns round from one to the next.

    Args:
        kind: one of the above.
        n_features: number F of columns.
        context_size: number K of observables that it is conditioned on; 0 for none.
        transforms: how many transformations.
        hidden: widths of the hidden layers of the network behind each.
        bins: bins of a spline.

    Raises:
        ValueError: an unknown kind, or sizes that no flow has.
        UserError: zuko is not installed.

    >>> import torch
    >>> from hepad.nn import ConditionalFlow
    >>> _ = torch.manual_seed(0)
    >>> flow = ConditionalFlow("maf", 3, context_size=1, transforms=2, hidden=[16])
    >>> y, c = torch.randn(4, 3), torch.randn(4, 1)
    >>> latent, log_prob = flow(y, c)
    >>> torch.allclose(flow.inverse(latent, c), y, atol=1e-5), log_prob.shape
    (True, torch.Size([4]))
    """

    def __init__(
        self,
        kind: str,
        n_features: int,
        context_size: int = 0,
        transforms: int = 3,
        hidden: Sequence[int] = (64, 64),
        bins: int = 8,
    ) -> None:
        super().__init__()
        if kind not in FLOWS:
            raise ValueError(f"kind {kind!r}; allowed: {', '.join(FLOWS)}")
        if not 1 <= transforms <= _DEEPEST or any(not 1 <= width <= _WIDEST for width in hidden) or not hidden:
            raise ValueError(
                f"transforms={transforms}, hidden={list(hidden)}; 1 to {_DEEPEST} transformations, each with a network "
                f"of hidden layers of 1 to {_WIDEST} units, are needed"
            )
        maf = _maf_class()
        sizes: dict[str, Any] = {"features": n_features, "context": context_size, "transforms": transforms}
        if kind == "realnvp":
            # Two passes are a coupling; zuko's own RealNVP asks a GPU for its masks in every step.
            sizes["passes"] = 2
        elif kind == "nsf":
            sizes |= {"univariate": partial(_spline_class(), slope=1e-3), "shapes": [(bins,), (bins,), (bins - 1,)]}
        # Masks of which column depends on which are computed, also where weights are not (a checkpoint is looked at).
        with torch.device("cpu"):
            self.flow = maf(**sizes, hidden_features=list(hidden))

    def forward(self, y: Tensor, c: Tensor | None = None, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """Return the latent points `(B, F)` and ln p `(B,)` of `y` `(B, F)` at `c` `(B, K)`.

        With `inverse` `y` are latent points, and what is returned is where they come from, and ln N of them: the way
        back for `torch.func.functional_call`.
        """
        if inverse:
            return self.flow.transform(c).inv(y), log_normal(y)
        latent, log_slope = self.flow.transform(c).call_and_ladj(y)
        return latent, log_normal(latent) + log_slope

    def inverse(self, latent: Tensor, c: Tensor | None = None) -> Tensor:
        """Return y `(B, F)` for latent points."""
        found: Tensor = self(latent, c, True)[0]
        return found


def log_normal(z: Tensor) -> Tensor:
    """Return ln N(z; 0, 1) `(B,)` of `z` `(B, D)`."""
    return -0.5 * z.square().sum(dim=-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)


def _maf_class() -> Any:
    try:
        from zuko.flows import MAF
    except ImportError as error:
        raise UserError('model=flow needs zuko: pip install "hepad[flows]"') from error
    return MAF


def _spline_class() -> Any:
    """zuko's spline with sums along the bins by a product with ones: `cumsum` is not deterministic on a GPU."""
    from zuko.transforms import MonotonicRQSTransform

    class Spline(MonotonicRQSTransform):  # type: ignore[misc]
        """A monotonic rational-quadratic spline."""

        def __init__(self, widths: Tensor, heights: Tensor, derivatives: Tensor, slope: float) -> None:
            # In place of the constructor of zuko's class, which sets up the same.
            torch.distributions.Transform.__init__(self)
            steepest = math.log(slope)
            self.horizontal = _edges(widths / (1 + abs(2 * widths / steepest)))
            self.vertical = _edges(heights / (1 + abs(2 * heights / steepest)))
            inner = derivatives / (1 + abs(derivatives / steepest))
            self.derivatives = torch.exp(nn.functional.pad(inner, (1, 1), value=0.0))

    return Spline


def _edges(sizes: Tensor) -> Tensor:
    """Edges of bins between −5 and 5 whose shares are softmax(sizes)."""
    shares = nn.functional.softmax(sizes, dim=-1)
    n = shares.shape[-1]
    sums = torch.ones(n, n + 1, dtype=shares.dtype, device=shares.device).triu(1)
    edges: Tensor = SPLINE_BOUND * (2 * (shares @ sums) - 1)
    return edges
