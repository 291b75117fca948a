"""The input normaliser that every model owns."""

from typing import Final

import torch
from torch import Tensor, nn

NORMALIZERS: Final = ("standard", "robust", "log", "layer", "none")

# The interquartile range of a normal distribution is 1.349 σ, so `robust` and `standard` agree on one.
_IQR_OF_UNIT_NORMAL: Final = 1.3489795

_SQUARE_FITS: Final = 1e15


class InputNormalizer(nn.Module):
    """Map raw entries to numbers of order one, and back.

    | kind | z |
    |---|---|
    | `standard` | (x − mean) / standard deviation |
    | `robust` | (x − median) / (interquartile range / 1.349) |
    | `log` | sign(x)·ln(1 + |x|), then `standard` |
    | `layer` | (x − mean of the entry) / standard deviation of the entry |
    | `none` | x |

    Statistics are per feature for vectors `(F,)` and slotted vectors `(S, F)`, per channel for images `(C, H, W)` and
    volumes `(C, Z, Y, X)`, and live in buffers, so that a checkpoint scores raw data. A feature that never varies is
    only centred. Padded slots take no part in the statistics and are 0 after the transform.

    Args:
        kind: one of the above.
        entry_shape: shape of one entry.

    Raises:
        ValueError: an unknown kind.

    >>> import torch
    >>> from hepad.nn import InputNormalizer
    >>> x = torch.tensor([[20.0, 0.1], [40.0, 0.3]])
    >>> normalizer = InputNormalizer("standard", (2,)).fit(x)
    >>> normalizer(x)
    tensor([[-1.0000, -1.0000],
            [ 1.0000,  1.0000]])
    >>> torch.allclose(normalizer.inverse(normalizer(x), x), x)
    True
    """

    center: Tensor
    scale: Tensor
    fitted: Tensor

    def __init__(self, kind: str, entry_shape: tuple[int, ...]) -> None:
        super().__init__()
        if kind not in NORMALIZERS:
            raise ValueError(f"normalizer {kind!r}; allowed: {', '.join(NORMALIZERS)}")
        self.kind = kind
        self.has_channels = len(entry_shape) > 2
        shape = (entry_shape[0], *[1] * (len(entry_shape) - 1)) if self.has_channels else (entry_shape[-1],)
        self.register_buffer("center", torch.zeros(shape))
        self.register_buffer("scale", torch.ones(shape))
        self.register_buffer("fitted", torch.tensor(kind in ("layer", "none")))

    @torch.no_grad()
    def fit(self, x: Tensor, mask: Tensor | None = None, weight: Tensor | None = None) -> "InputNormalizer":
        """Take the statistics of the background training split: `x` `(N, *entry_shape)`, `mask` `(N, S)`.

        With a `weight` `(N,)` entries count by it.

        Raises:
            ValueError: nothing to take them of, or values so large that they are not finite.
        """
        if self.kind in ("layer", "none"):
            return self
        values = self._values_per_feature(self._compress(x.double()), mask)
        if not len(values):
            raise ValueError(f"normalizer {self.kind!r}: the training part holds nothing but empty entries")
        counted = None if weight is None else self._weight_per_value(x, mask, weight.double())
        if counted is None:
            center, scale = values.mean(dim=0), values.std(dim=0, correction=0)
        else:
            center = (values * counted).sum(dim=0) / counted.sum()
            scale = (((values - center).square() * counted).sum(dim=0) / counted.sum()).sqrt()
        if self.kind == "robust":
            low, center, high = _quartiles(values) if counted is None else _weighted_quartiles(values, counted)
            # Integer counts often have no interquartile range; their standard deviation stands in.
            scale = torch.where(high > low, (high - low) / _IQR_OF_UNIT_NORMAL, scale)
        if not torch.isfinite(torch.stack([center, scale]).float()).all():
            raise ValueError(f"normalizer {self.kind!r}: mean or spread of the training part is NaN or infinite")
        # A constant feature has a rounding-error spread; dividing by it would blow noise up.
        varies = scale > 1e-6 * center.abs().clamp(min=1e-6)
        self.center.copy_(center.reshape(self.center.shape))
        self.scale.copy_(torch.where(varies, scale, torch.ones_like(scale)).reshape(self.scale.shape))
        self.fitted.fill_(True)
        return self

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return normalised `x`, of the same shape; slots where `mask` is false become 0."""
        if self.kind == "layer":
            mean, std = self._entry_statistics(x, mask)
            z = (x - mean) / std
        elif self.kind == "none":
            z = x
        else:
            z = (self._compress(x) - self.center) / self.scale
        return z if mask is None else torch.where(mask.unsqueeze(-1), z, torch.zeros_like(z))

    def inverse(self, z: Tensor, x: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """Return `z` in raw units. `x` is the entry that `z` describes: `layer` takes its mean and spread from it.

        Raises:
            ValueError: `layer` without an entry.
        """
        if self.kind == "layer":
            if x is None:
                raise ValueError("normalizer 'layer': mean and spread of an entry are needed for the way back")
            mean, std = self._entry_statistics(x, mask)
            return z * std + mean
        if self.kind == "none":
            return z
        raw = z * self.scale + self.center
        return torch.sign(raw) * torch.expm1(raw.abs()) if self.kind == "log" else raw

    def _compress(self, x: Tensor) -> Tensor:
        return torch.sign(x) * torch.log1p(x.abs()) if self.kind == "log" else x

    def _values_per_feature(self, x: Tensor, mask: Tensor | None) -> Tensor:
        if self.has_channels:
            return x.movedim(1, -1).flatten(0, -2)
        if mask is not None:
            return x[mask]
        return x.flatten(0, -2)

    def _weight_per_value(self, x: Tensor, mask: Tensor | None, weight: Tensor) -> Tensor:
        """The weight of each row of `_values_per_feature`, `(V, 1)`."""
        if self.has_channels:
            return weight.reshape(-1, *[1] * (x.ndim - 2)).expand(len(x), *x.shape[2:]).reshape(-1, 1)
        per_entry = weight.reshape(-1, *[1] * (x.ndim - 2)).expand(x.shape[:-1])
        return (per_entry if mask is None else per_entry[mask]).reshape(-1, 1)

    def _entry_statistics(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
        weight = torch.ones_like(x) if mask is None else mask.unsqueeze(-1).to(x).expand_as(x)
        dims = tuple(range(1, x.ndim))
        count = weight.sum(dim=dims, keepdim=True).clamp(min=1)
        # Squares overflow long before the numbers do; for all but such entries the unit is 1 and changes no bit.
        largest = x.abs().amax(dim=dims, keepdim=True)
        unit = torch.where(largest > _SQUARE_FITS, largest, torch.ones_like(largest))
        x = x / unit
        mean = (x * weight).sum(dim=dims, keepdim=True) / count
        variance = ((x - mean).square() * weight).sum(dim=dims, keepdim=True) / count
        return mean * unit, (variance + 1e-6).sqrt() * unit


def _quartiles(values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    # torch.quantile refuses more than 16 million numbers; a sort does not.
    ordered = values.sort(dim=0).values
    last = len(values) - 1
    low, median, high = (ordered[round(q * last)] for q in (0.25, 0.5, 0.75))
    return low, median, high


def _weighted_quartiles(values: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The smallest values that a quarter, half and three quarters of the weight `(V, 1)` do not exceed."""
    ordered, order = values.sort(dim=0)
    reached = weight.expand_as(values).gather(0, order).cumsum(dim=0)
    low, median, high = (
        ordered.gather(0, (reached < q * reached[-1]).sum(dim=0, keepdim=True).clamp(max=len(values) - 1))[0]
        for q in (0.25, 0.5, 0.75)
    )
    return low, median, high
