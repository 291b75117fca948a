"""Targets of a run made of the scores that its entries carry: the transform and the weighting of its config."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig
from torch import Tensor

from hepad.core.errors import UserError
from hepad.data import AnomalyDataModule, Entries
from hepad.data.row_scores import read_row_scores
from hepad.data.targets import (
    TARGET_LABELS,
    TARGETS,
    WEIGHTINGS,
    RareScoreWeights,
    clipped_share,
    flat_probability,
    target_transform,
)

_CICADA_HINT: Final = "model.target=cicada is for scores in GeV² (of a model with model.normalizer=none)"
_REMARKABLE_SHARE: Final = 0.03
_REFUSED_SHARE: Final = 0.5


def check_target_settings(settings: DictConfig) -> None:
    """Raise `UserError` for a `target` or a `weighting` that does not exist; `settings` is the section `model`."""
    for name, allowed in (("target", TARGETS), ("weighting", WEIGHTINGS)):
        if settings[name] not in allowed:
            raise UserError(f"model.{name}={settings[name]}; allowed: {', '.join(allowed)}")


def prepare_targets(data: AnomalyDataModule, settings: DictConfig, origin: str) -> list[str]:
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
    target, weighting = str(settings.target), str(settings.weighting)
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
    run_dir: Path, config: DictConfig, facts: Mapping[str, Any], data: AnomalyDataModule
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
    path = config.data.get("targets")
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
