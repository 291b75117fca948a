"""Is the generator collapsing, or the game stuck? Numbers from background alone, once per epoch."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
from torch import Tensor

from hepad.models.two_sample import Distances, RankFeatures, coverage, distances, energy_distance, pairwise_ratio

_TINY_SPREAD: Final = 1e-6

CURVES: Final = {
    "Energy distance": ("val/loss",),
    "Adversarial loss": ("train/loss_generator", "train/loss_discriminator"),
    "Held-out accuracy of D": ("val/accuracy_real", "val/accuracy_generated"),
    "Spread over that of data": ("val/spread_low", "val/spread_median", "val/spread_high"),
    "Mean distance over that of data": ("val/pairwise_ratio",),
    "|x − G(E(x))| and |x − mean|": ("val/reconstruction", "val/distance_to_mean"),
    "Correlation of z and E(G(z))": ("val/code_correlation",),
    "Coverage of validation entries": ("val/coverage", "val/coverage_real"),
}
"""Axis → columns of the history."""


class Watch(NamedTuple):
    """Comparison of generated entries with real ones that were not trained on.

    Attributes:
        energy_distance: between the two samples, of entries or of entries with their codes where D sees both; about 0
            for the same distribution. What the best epoch is chosen by.
        spread_low: 10% quantile over the features of std(generated) / std(real).
        spread_median: their median.
        spread_high: their 90% quantile.
        pairwise_ratio: mean distance of two generated entries over that of two real ones.
        coverage: share of one half of the real entries with one of as many generated ones among their nearest
            neighbours, in `RankFeatures`.
        coverage_real: the same share with the other half of the real entries: what a perfect generator would reach.
        accuracy_real: share of real entries that D takes for real.
        accuracy_generated: share of generated ones that D takes for generated.
    """

    energy_distance: float
    spread_low: float
    spread_median: float
    spread_high: float
    pairwise_ratio: float
    coverage: float
    coverage_real: float
    accuracy_real: float
    accuracy_generated: float

    @property
    def accuracy(self) -> float:
        """D's held-out accuracy, both kinds weighing the same."""
        return (self.accuracy_real + self.accuracy_generated) / 2

    def advice(self) -> str | None:
        """Return one line on what is wrong, and what to try where something was measured to help; None else.

        What was tried and did not help is not advised, such as R1 on images (docs/models/gan.md). The limits are rules
        of thumb: half of the distance between entries, half of the coverage that real entries have, D right in more
        than 95% of cases, or in as many as a coin.
        """
        if self.pairwise_ratio < 0.5:
            return (
                f"mode collapse: generated entries are {self.pairwise_ratio:.2f} as far apart as real ones, so that "
                "scores call most of the background strange (see the generated entries)"
            )
        if self.accuracy > 0.95:
            return (
                f"stand-off: the discriminator is right in {self.accuracy:.0%} of held-out cases and teaches the "
                "generator little; on images a smaller model.discriminator_lr helped"
            )
        if abs(self.accuracy - 0.5) < 0.02:
            return (
                f"stand-off: the discriminator is right in {self.accuracy:.0%} of held-out cases, no better than a "
                "coin, so its score says little; reconstructions do not need it (a GAN's model.score=encoder, "
                "inference=latent_search)"
            )
        if self.coverage < 0.5 * self.coverage_real:
            return (
                f"generated entries come near {self.coverage:.0%} of real ones, where other real entries come near "
                f"{self.coverage_real:.0%}: modes or tails are missing (see the generated entries)"
            )
        return None


def watch(real: Sequence[Tensor], generated: Sequence[Tensor], real_logits: Tensor, generated_logits: Tensor) -> Watch:
    """Compare what D sees of real and of generated entries.

    Everything but the energy distance and the accuracies is about the entries alone.

    Args:
        real: `(N, *shape)` normalised entries that were not trained on, N ≥ 2; then their codes, if D sees codes.
        generated: the same of N generated entries.
        real_logits: `(N,)` D's logits of the real ones, higher for what looks real.
        generated_logits: `(N,)` those of the generated ones.
    """
    entries = distances(real[0].flatten(1), generated[0].flatten(1))
    everything = entries
    for one, other in zip(real[1:], generated[1:], strict=True):
        everything = Distances(*map(torch.hypot, everything, distances(one.flatten(1), other.flatten(1))))
    spread = real[0].flatten(1).std(dim=0)
    varies = spread > _TINY_SPREAD
    ratios = generated[0].flatten(1).std(dim=0)[varies] / spread[varies]
    covered, covered_by_real = _coverages(real[0].flatten(1), generated[0].flatten(1))
    low, median, high = (float(ratios.quantile(q)) if len(ratios) else 1.0 for q in (0.1, 0.5, 0.9))
    return Watch(
        energy_distance=float(energy_distance(everything)),
        spread_low=low,
        spread_median=median,
        spread_high=high,
        pairwise_ratio=float(pairwise_ratio(entries)),
        coverage=covered,
        coverage_real=covered_by_real,
        accuracy_real=_share(real_logits > 0),
        accuracy_generated=_share(generated_logits < 0),
    )


def _coverages(real: Tensor, generated: Tensor) -> tuple[float, float]:
    """The share of the first half of the real entries that generated ones cover, and that the second half does."""
    half = max(1, len(real) // 2)
    features = RankFeatures(real)
    covered = features(real[:half])
    shares = [coverage(distances(covered, features(others))) for others in (generated[:half], real[-half:])]
    return float(shares[0]), float(shares[1])


def _share(values: Tensor) -> float:
    return float(values.to(torch.float32).mean())
