"""Does the encoder undo the generator? Numbers from background alone, once per epoch."""

from typing import NamedTuple

import torch
from torch import Tensor


class Inversion(NamedTuple):
    """How well E and G undo each other on entries that were not trained on.

    Attributes:
        reconstruction: mean of |x − G(E(x))| over entries and elements.
        distance_to_mean: that of |x − x̄|, with x̄ the mean of these entries: what a model reaches that draws the same
            entry whatever it is given.
        code_correlation: Pearson correlation of z and E(G(z)) over codes and their elements; 1 where E inverts G.
    """

    reconstruction: float
    distance_to_mean: float
    code_correlation: float

    def advice(self, remedy: str) -> str | None:
        """Return one line where reconstructions are no better than the mean entry, None else.

        Args:
            remedy: what to try, of what the model has.
        """
        if self.reconstruction < self.distance_to_mean:
            return None
        return (
            "reconstructions are no better than the mean entry: |x − G(E(x))| is "
            f"{self.reconstruction:.3g} on average, |x − mean| {self.distance_to_mean:.3g}; try {remedy}"
        )


def inversion(x: Tensor, x_hat: Tensor, code: Tensor, found: Tensor) -> Inversion:
    """Compare entries with their reconstructions, and codes with those found in what is made of them.

    Args:
        x: `(N, *shape)` normalised entries.
        x_hat: `(N, *shape)` G(E(x)).
        code: `(M, L)` codes z.
        found: `(M, L)` E(G(z)).
    """
    centred, centred_found = (values - values.mean() for values in (code, found))
    norm = centred.square().sum().sqrt() * centred_found.square().sum().sqrt()
    return Inversion(
        reconstruction=float((x - x_hat).abs().mean()),
        distance_to_mean=float((x - x.mean(dim=0)).abs().mean()),
        # An encoder that finds one code everywhere is correlated with nothing.
        code_correlation=float((centred * centred_found).sum() / norm.clamp(min=torch.finfo(norm.dtype).tiny)),
    )
