"""The Gaussian mixture: a density that is fitted in a moment."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import torch
from sklearn.mixture import GaussianMixture as Estimator
from torch import Tensor

from hepad.core.batch import Batch, drawn_by_weight, take_rows
from hepad.core.diagnostics import DensityChecks, Diagnostic, GeneratedEntries
from hepad.core.float32 import computed_in, in_precision
from hepad.core.schema import Structure
from hepad.models.base import eval_mode
from hepad.models.capabilities import entries_to_sample, sampling
from hepad.models.fitted import FittedModel, entry_columns
from hepad.nn.normal_mixture import NormalMixture

_SHOWN: Final = 2000
_GENERATED: Final = 5000


class GaussianMixture(FittedModel):
    """A sum of normal distributions, fitted by expectation maximisation; the score is −ln p(x).

    With one component −2 ln p is, up to a constant, the square of Mahalanobis' distance, and orders entries as it does.
    Columns are standardised first; scikit-learn fits, starting from k-means of a fixed seed, and what it finds is kept
    as arrays.

    Args:
        entry_shape: `(F,)`.
        components: how many normal distributions, each with a covariance of its own.

    Raises:
        ValueError: fewer than one component.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import GaussianMixture
    >>> _ = torch.manual_seed(0)
    >>> model = GaussianMixture((2,), components=2)
    >>> model.prepare(Batch(torch.randn(500, 2)))
    >>> usual, odd = model.anomaly_score(Batch(torch.tensor([[0.0, 0.0], [4.0, 4.0]])))
    >>> bool(usual < odd)
    True
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector"})
    fits_all_entries: ClassVar[bool] = True
    signed_score = True

    def __init__(self, entry_shape: Sequence[int], components: int = 8) -> None:
        super().__init__(entry_shape, "standard")
        if components < 1:
            raise ValueError(f"components={components}; at least 1 is needed")
        self.save_hyperparameters()
        self.mixture = NormalMixture(components, self.entry_shape[0])

    def prepare(self, train: Batch) -> None:
        """Fit normaliser and mixture.

        Raises:
            ValueError: fewer entries than components.
        """
        super().prepare(train)
        entries = drawn_by_weight(train)
        z = self.normalizer(entry_columns(entries)).cpu().double().numpy()
        components = len(self.mixture.weight)
        if len(z) < components:
            raise ValueError(f"{len(z)} training entries are fewer than model.components={components}")
        found = Estimator(components, random_state=0).fit(z)
        parts = (found.weights_, found.means_, found.covariances_)
        self.mixture.set(*(torch.from_numpy(part) for part in parts))

    def losses(self, batch: Batch) -> Tensor:
        """Return −ln p `(B,)`."""
        return self.score_batch(batch)

    def score_batch(self, batch: Batch) -> Tensor:
        """Return −ln p(x) `(B,)` in raw units."""
        x = entry_columns(batch)
        log_scale = self.normalizer.scale.double().log().sum()
        score: Tensor = log_scale - self.mixture(self.normalizer(x))
        return score.to(x.dtype)

    def log_prob(self, batch: Batch) -> Tensor:
        """Return ln p(x) `(B,)` in raw units; see `Density`."""
        with eval_mode(self), computed_in(self.precision, self.device.type):
            return -self.score_batch(in_precision(batch, self.precision))

    def sample(self, n: int | Tensor, generator: torch.Generator) -> Batch:
        """Return draws in raw units; see `Generative`."""
        count = entries_to_sample(self, n)
        with sampling(self):
            z = self.mixture.sample(count, generator)
            x = self.normalizer.inverse(z.to(self.normalizer.scale))
        return Batch(x.float().cpu())

    @torch.no_grad()
    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show draws beside the background, and whether p is calibrated."""
        real = take_rows(drawn_by_weight(samples[background]), slice(_SHOWN))
        made = self.sample(_GENERATED, torch.Generator().manual_seed(0))
        yield GeneratedEntries("Draws of the density", real, made.x)
        held, drawn = (self.log_prob(Batch(each.x.to(self.device))).float().cpu() for each in (real, made))
        yield DensityChecks(real.x, made.x, None, held, drawn)
