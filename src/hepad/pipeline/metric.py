"""Metric by which the runs of a sweep are ordered, and when that means something."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hydra.utils import get_class

from hepad.core.errors import UserError
from hepad.models import ReconstructionModel
from hepad.pipeline.jobs import Job

DIRECTIONS: Final = ("minimize", "maximize")

_OBJECTIVE: Final = re.compile(r"loss|model|model\.(loss(\..*)?|beta|l2|rate|sparsity(_weight)?)")
"""Keys that change what a model minimises, so that two values of val/loss are not one quantity."""
_INPUT: Final = re.compile(r"data|data\.(?!batch_size$|limit$).*|model\.normalizer|experiment")
"""Keys that change what goes into a model, so that none of its validation metrics are one quantity."""


def changes_objective(keys: Iterable[str]) -> list[str]:
    """The keys among `keys` that change what is minimised."""
    return [key for key in keys if _OBJECTIVE.fullmatch(key.lstrip("+"))]


def changes_input(keys: Iterable[str]) -> list[str]:
    """The keys among `keys` that change the entries or their units."""
    return [key for key in keys if _INPUT.fullmatch(key.lstrip("+"))]


def varied(keys: Iterable[str], jobs: Sequence[Job]) -> list[str]:
    """The swept keys, and `data`, `loss` or `model.normalizer` where they differ because a model chose its own."""
    keys = list(keys)
    chosen = {
        "data": [[job.config["data"].get(key) for key in ("_target_", "background", "features")] for job in jobs],
        "loss": [job.config["model"].get("loss") for job in jobs],
        "model.normalizer": [job.config["model"].get("normalizer") for job in jobs],
    }
    for name, values in chosen.items():
        named = any(key == name or key.startswith((f"{name}.", f"model.{name}.")) for key in keys)
        if not named and any(value != values[0] for value in values):
            keys.append(name)
    return keys


def needs_labels(metric: str) -> bool:
    """Tell whether a metric is computed with labels."""
    return not metric.startswith(("val/", "train/"))


def default_metric(keys: Iterable[str], jobs: Sequence[Job]) -> str:
    """`val/loss`, or `val/mae` where the objective differs between the runs and all of their models reconstruct."""
    reconstruct = all(issubclass(get_class(job.config["model"]["_target_"]), ReconstructionModel) for job in jobs)
    return "val/mae" if changes_objective(keys) and reconstruct else "val/loss"


def unordered_note(keys: Sequence[str], jobs: Sequence[Job]) -> str | None:
    """Return why runs that differ in `keys` have no order by a loss; None where they have one.

    Another objective makes `val/loss` another quantity, other entries or another normaliser every validation metric.
    """
    objectives, inputs = changes_objective(keys), changes_input(keys)
    if not objectives and not inputs:
        return None
    hint = "sweep.metric names what to order by."
    if default_metric(keys, jobs) == "val/mae" and not inputs:
        hint = "sweep.metric=val/mae, the mean absolute error, would order them."
    return (
        f"The runs differ in {', '.join(dict.fromkeys([*objectives, *inputs]))}: no loss is one quantity for all of "
        f"them, and none is the best. They are in the order of the command. {hint}"
    )


def caveats(metric: str, keys: Sequence[str]) -> list[str]:
    """Return what to know about the order by `metric` where `keys` differ between the runs, one sentence each."""
    said = []
    if metric == "val/mae" and (objectives := changes_objective(keys)):
        said.append(
            f"Ordered by val/mae: the runs differ in {', '.join(objectives)}, so their val/loss is not one quantity."
        )
    if metric.startswith("val/") and (inputs := changes_input(keys)):
        said.append(
            f"{metric} of runs that differ in {', '.join(inputs)} is not one quantity: compare within one value of it, "
            "or by AUC."
        )
    elif metric in ("val/loss", "train/loss") and (objectives := changes_objective(keys)):
        said.append(
            f"{metric} of runs that differ in {', '.join(objectives)} is not one quantity: compare within one value "
            "of it, by sweep.metric=val/mae, or by AUC."
        )
    if needs_labels(metric):
        said.append(f"The runs are ordered by {metric}, which needs labels: the best one was chosen by the signals.")
    return said


def check_metric(section: Mapping[str, Any], metric: str, jobs: Sequence[Job]) -> None:
    """Raise `UserError` for a metric nobody logs, one that needs labels unasked, or an unknown direction."""
    if section["direction"] not in DIRECTIONS:
        raise UserError(f"sweep.direction={section['direction']}; allowed: {', '.join(DIRECTIONS)}")
    if needs_labels(metric):
        if not metric.startswith("test/"):
            raise UserError(f"sweep.metric={metric}; a name that begins with val/ or test/ is needed")
        if not section["use_signals"]:
            raise UserError(
                f"sweep.metric={metric} needs labels, and a model chosen by it is no longer blind to the signals; "
                "sweep.use_signals=true allows it, val/loss needs none"
            )
        return
    for job in jobs:
        if metric not in monitors(job.config):
            model = str(job.config["model"]["_target_"]).rsplit(".", 1)[-1]
            raise UserError(
                f"sweep.metric={metric} is not logged by {model}; allowed: {', '.join(monitors(job.config))}"
            )


def monitors(config: Mapping[str, Any]) -> tuple[str, ...]:
    """The names that the model of a config logs."""
    names: tuple[str, ...] = get_class(config["model"]["_target_"]).monitors  # type: ignore[attr-defined]
    return names
