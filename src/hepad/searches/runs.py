"""Configs of the runs of a search: ordinary trainings, composed of words and told which entries are theirs."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from hepad.checks.combinations import validate
from hepad.config import RunConfig, compose
from hepad.config.explanations import explain_config_error
from hepad.config.keys import check_config
from hepad.config.registry import get_class
from hepad.core.errors import UserError
from hepad.rundir.config_file import moved_paths
from hepad.searches.record import Window

_QUIET: Final = (
    "data=table",
    "data.bundled=false",
    "logger=none",
    "callbacks.progress=null",
    "evaluation.plots=false",
    "evaluation.symmetry_entries=0",
    "evaluation.fprs=[0.01]",
)
_PLACE: Final = "/search-run"

SIGNAL_REGION: Final = "window"
SIDEBANDS: Final = "sidebands"
LOW: Final = "low"
HIGH: Final = "high"

OF_DENSITIES: Final = 20
"""Folds of a density: one of them is tested, a quarter of the rest validates, and all else trains."""


@lru_cache(maxsize=64)
def run_of_words(words: tuple[str, ...], what: str) -> RunConfig:
    """Compose the config of a run, whose entries are still to be said.

    Args:
        words: of the run, as for `hepad.train`.
        what: key of the search that holds them, for messages.

    Raises:
        UserError: words that no training takes.
    """
    try:
        cfg = compose("train", [*_QUIET, *words, f"paths.run={_PLACE}"])
        check_config(cfg)
    except UserError as error:
        raise UserError(f"{what}: {error}") from error
    except Exception as error:
        raise UserError(f"{what}: {explain_config_error(error, 'train', list(words))}") from error
    config = RunConfig.of(cfg)
    if config.ensemble > 1:
        raise UserError(f"{what}: ensemble={config.ensemble}: folds are several models already; leave it out")
    return config


def learns_labels(config: RunConfig) -> bool:
    """Return whether the model of a run tells labels apart."""
    return bool(get_class(config.model.target).learns_labels(config.model))


def placed(
    config: RunConfig,
    directory: Path,
    seed: int,
    samples: Mapping[str, Path],
    features: Sequence[str],
    background: str,
    **data: Any,
) -> RunConfig:
    """Return the config of a run in its directory, with its samples.

    Args:
        config: from `run_of_words`.
        directory: of the run.
        seed: of weights and shuffling.
        samples: name → table.
        features: names of the columns of an entry.
        background: name of the sample that stands for it.
        data: further keys of the section `data`, such as `train`, `regions`, `context`, `folds`, `fold`.
    """
    moved = RunConfig.of(moved_paths(config.plain(), _PLACE, str(directory)))
    settings: dict[str, Any] = {
        "samples": {name: str(path) for name, path in samples.items()},
        "features": list(features),
        "background": background,
        "seed": seed,
        "truth": "none",
        **data,
    }
    found = moved.changed({"seed": seed, **{f"data.{key}": value for key, value in settings.items()}})
    validate(found)
    return found


def regions_of(window: Window, observable: str, strips: float | None = None) -> dict[str, Any]:
    """Return regions as `data.regions` takes them: the window, and what is beside it.

    Args:
        window: the window.
        observable: whose window it is.
        strips: width of each side in widths of the window; None for all of the side bands.
    """
    (low, _), (_, high) = window.sidebands
    if strips is not None:
        reach = strips * (window.high - window.low)
        low, high = max(low, window.low - reach), min(high, window.high + reach)
    below, above = [low, window.low], [window.high, high]
    return {
        SIGNAL_REGION: {observable: [window.low, window.high]},
        SIDEBANDS: {observable: [below, above]},
        LOW: {observable: below},
        HIGH: {observable: above},
    }
