"""Targets of a student, made of a teacher's scores, how much each entry counts, and their way into a datamodule."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from hepad.config import RunConfig
from hepad.core.errors import UserError
from hepad.data import AnomalyDataModule, Entries
from hepad.data.row_scores import read_row_scores

TARGET_LABELS: Final = {"score": "$s$", "log_score": r"$\ln\,s$", "cicada": r"$32\,\ln\,s$, clipped"}
"""Target → what it is of a teacher's score s, in matplotlib's mathtext."""

TARGETS: Final = tuple(TARGET_LABELS)
WEIGHTINGS: Final = ("none", "rare", "flat")

_CICADA_SCALE: Final = 32.0
_CICADA_RANGE: Final = (0.0, 256.0)
_FLOOR_QUANTILE: Final = 1e-3


def target_transform(target: str, training_scores: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the function from a teacher's scores `(N,)` to targets `(N,)`; it never falls.

    | target | of a score s |
    |---|---|
    | `score` | s |
    | `log_score` | ln max(s, f), where f is the 0.1% quantile of the positive training scores |
    | `cicada` | 32·ln s, clipped to [0, 256), as CICADA does with the MSE in GeV² (CMS DP-2023/086) |

    Scores of an autoencoder spread over decades; the logarithm lets a student see their bulk as well as their tail.
    The floor f gives events without any jet, whose score is 0, a finite target at the lower end of all others.

    Args:
        target: one of the above.
        training_scores: `(N,)` the teacher's scores of the entries that the student trains on.

    Raises:
        ValueError: an unknown target; or logarithms of scores none of which is positive, or some of which are negative.
    """
    if target not in TARGETS:
        raise ValueError(f"target {target!r}; allowed: {', '.join(TARGETS)}")
    if target == "score":
        return lambda score: score
    positive = training_scores[training_scores > 0].double().sort().values
    if not len(positive) or (training_scores < 0).any():
        raise ValueError(f"target {target!r} needs scores that are not negative; allowed here: score")
    if target == "cicada":
        low, high = _CICADA_RANGE
        below = torch.nextafter(torch.tensor(high), torch.tensor(low)).item()
        # The clamp comes first: ln 0 is −∞, which is clipped to the lower end as it should be.
        return lambda score: (_CICADA_SCALE * score.clamp(min=0).log()).clamp(low, below)
    floor = positive[int(_FLOOR_QUANTILE * len(positive))].item()
    return lambda score: score.clamp(min=floor).log()


def clipped_share(training_scores: Tensor) -> float:
    """Return the share of scores `(N,)` whose target `cicada` is clipped, of those above 0.

    A score of 0 is that of an entry without any object, and its target is the lowest as it should be.
    """
    positive = training_scores[training_scores > 0].double()
    values = _CICADA_SCALE * positive.log()
    clipped = (values < _CICADA_RANGE[0]) | (values >= _CICADA_RANGE[1])
    return clipped.double().mean().item() if len(positive) else 0.0


class RareScoreWeights:
    """Weights that make entries of rare targets count as much as those of frequent ones.

    w = min(c / density, clip), with the density taken from a histogram of the training targets, and c such that the
    mean over the training entries is 1. (The AD4HEP workshop's exercise 2, which clips after dividing by the mean;
    here the mean is 1 after clipping as well, so that losses with and without weights are of one size.)

    Args:
        target: `(N,)` training targets.
        n_bins: bins of the histogram, equally wide from the lowest to the highest target.
        clip: the largest weight.
        weight: `(N,)` event weights, which the density and the mean count entries by; None where each counts once.

    Raises:
        ValueError: all targets are equal.
    """

    def __init__(self, target: Tensor, n_bins: int = 100, clip: float = 20.0, weight: Tensor | None = None) -> None:
        self._low, self._high = target.double().min().item(), target.double().max().item()
        if not self._low < self._high:
            raise ValueError("every training target is the same, so none is rare")
        self._n_bins = n_bins
        weight = None if weight is None else weight.double() * (len(weight) / weight.double().sum())
        count = torch.bincount(self._bin(target), weight, minlength=n_bins).double()
        inverse = torch.where(count > 0, len(target) / count, torch.zeros_like(count))
        self._weight = _scaled_to_mean_one(inverse, count, clip)
        # A target that no training entry came near is at least as rare as the rarest.
        self._weight[count == 0] = self._weight.max()

    def __call__(self, target: Tensor) -> Tensor:
        """Return the weights `(N,)` of targets `(N,)`, float32; beyond the training range, those of the last bin."""
        return self._weight[self._bin(target)].float()

    def _bin(self, target: Tensor) -> Tensor:
        position = (target.double() - self._low) / (self._high - self._low) * self._n_bins
        return position.long().clamp(0, self._n_bins - 1)


def flat_probability(target: Tensor, n_bins: int = 100, weight: Tensor | None = None) -> Tensor:
    """Return how often to draw each entry, `(N,)` with sum 1, so that the targets drawn are flat.

    Every bin of the histogram that holds an entry is drawn equally often; entries of one bin equally often. With
    event weights the targets are flat once each entry that is drawn counts by its weight.

    Args:
        target: `(N,)` training targets.
        n_bins: bins of the histogram.
        weight: `(N,)` event weights; None where each counts once.
    """
    probability = RareScoreWeights(target, n_bins, float("inf"), weight)(target).double()
    return probability / probability.sum()


def _scaled_to_mean_one(inverse: Tensor, count: Tensor, clip: float) -> Tensor:
    """min(c·inverse, clip) per bin, with c such that the mean over all entries is 1."""
    order = inverse.argsort(descending=True)
    clipped_entries, open_weight = torch.tensor(0.0, dtype=torch.float64), (inverse * count).sum()
    scale = count.sum() / open_weight
    for i in order.tolist():
        # The bins with the largest weights are clipped first; what they lose, the others gain.
        if scale * inverse[i] <= clip:
            break
        clipped_entries += count[i]
        open_weight -= inverse[i] * count[i]
        scale = (count.sum() - clip * clipped_entries) / open_weight
    return (scale * inverse).clamp(max=clip)


_CICADA_HINT: Final = "model.target=cicada is for scores in GeV² (of a model with model.normalizer=none)"
_REMARKABLE_SHARE: Final = 0.03
_REFUSED_SHARE: Final = 0.5


def check_target_settings(settings: Mapping[str, Any]) -> None:
    """Raise `UserError` for a `target` or a `weighting` that does not exist; `settings` is the section `model`."""
    for name, allowed in (("target", TARGETS), ("weighting", WEIGHTINGS)):
        if settings[name] not in allowed:
            raise UserError(f"model.{name}={settings[name]}; allowed: {', '.join(allowed)}")


def prepare_targets(data: AnomalyDataModule, settings: Mapping[str, Any], origin: str) -> list[str]:
    """Put `model.target` of the scores that entries carry in their place, and how important each entry is.

    Everything is fitted on the training entries.

    Args:
        data: its entries carry scores as targets.
        settings: the section `model`, with `target` and `weighting`.
        origin: where the scores are from; it begins the messages.

    Returns:
        What a reader of the run's numbers should know of its targets, one sentence each.

    Raises:
        UserError: settings that do not exist, or scores that leave nothing to learn.
    """
    check_target_settings(settings)
    target, weighting = str(settings["target"]), str(settings["weighting"])
    train_score = _target(data.train_entries)
    try:
        transform = target_transform(target, train_score)
    except ValueError as error:
        raise UserError(f"{origin}: {error}") from error
    train_target = transform(train_score)
    if train_target.min() == train_target.max():
        raise UserError(
            f"{origin} gives every training entry the target {train_target[0]:g}"
            f"{f'; {_CICADA_HINT}' if target == 'cicada' else ''}"
        )
    remarks = _clipping_remarks(clipped_share(train_score), origin) if target == "cicada" else []
    data.target_label = TARGET_LABELS[target]
    of_events = data.train_entries.batch.weight
    weights = RareScoreWeights(train_target, weight=of_events)
    data.train_entries = _with_target(data.train_entries, train_target)
    data.val_entries = _with_target(data.val_entries, transform(_target(data.val_entries)))
    data.test_entries = {
        sample: _with_target(entries, transform(_target(entries))) for sample, entries in data.test_entries.items()
    }
    if weighting == "flat":
        data.train_probability = flat_probability(train_target, weight=of_events)
    if weighting == "rare":
        data.train_entries = _with_importance(data.train_entries, weights)
    if weighting in ("rare", "flat"):
        # The best epoch is chosen by what is trained for; a flat sample is worth the same as these weights.
        data.val_entries = _with_importance(data.val_entries, weights)
    return remarks


def stored_targets(
    run_dir: Path, config: RunConfig, facts: Mapping[str, Any], data: AnomalyDataModule
) -> tuple[dict[str, Any], list[str]]:
    """Give the entries of an evaluation the targets of its run's file, where that holds scores of all of them.

    Args:
        run_dir: the run.
        config: that of the evaluation.
        facts: the run's provenance.
        data: the entries.

    Returns:
        What provenance should say of the targets, here nothing more, and notes for a reader.
    """
    path = config.data.targets
    if path is None:
        return {}, []
    try:
        data.set_targets(read_row_scores(Path(path), data.files), f"data.targets={path}")
    except UserError as error:
        return {}, [f"The scores are not compared with their targets: {error}."]
    return {}, prepare_targets(data, config.model, f"data.targets={path}")


def _clipping_remarks(share: float, origin: str) -> list[str]:
    """Refuse, or remark on, targets that are clipped to one value and so cannot be told apart."""
    told = f"{share:.0%} of the training entries have a target clipped to the ends of [0, 256)"
    if share > _REFUSED_SHARE:
        raise UserError(f"{origin}: {told}; {_CICADA_HINT}")
    if share > _REMARKABLE_SHARE:
        return [f"{told}, where they cannot be told apart: {_CICADA_HINT}."]
    return []


def _target(entries: Entries) -> Tensor:
    target = entries.batch.target
    assert target is not None
    return target


def _with_target(entries: Entries, target: Tensor) -> Entries:
    return replace(entries, batch=entries.batch._replace(target=target))


def _with_importance(entries: Entries, weights: RareScoreWeights) -> Entries:
    return replace(entries, batch=entries.batch._replace(importance=weights(_target(entries))))
