"""A run as its directory tells it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from glob import glob
from pathlib import Path
from typing import Any, Final

import yaml

from hepad.config import config_dir
from hepad.config.installed import installed_targets
from hepad.core.errors import UserError
from hepad.rundir.config_file import has_config, read_config
from hepad.rundir.facts import read_metrics, read_provenance
from hepad.rundir.locking import run_status

_DEPTH: Final = 3
"""Levels below a directory at which runs are looked for: `outputs/<date>/<time>_…`, `multirun/<sweep>/<job>`."""


@dataclass(frozen=True, eq=False)
class RunRecord:
    """One run as its files describe it, finished or not.

    Attributes:
        directory: the run's directory.
        name: the directory's name, `<run>/<name>` for an evaluation; `hepad.compare` makes it unique among several.
        status: `finished`, `failed`, `running` or `interrupted` (`hepad.rundir.locking`).
        reason: why it failed.
        command: the words of its command line.
        model, data, loss: as the command line names them, such as `dense_ae`, `jets`, `mse`; the name of the class for
            one that does not ship with hepad; None where there is none.
        background: the sample trained on.
        seed: of the run.
        parameters: weights of the model.
        epochs: how many were trained.
        seconds: wall time of each part, such as `train`, in seconds.
        metrics: flat name → number; empty where nothing was evaluated.
        config: the resolved config, as plain values.
        provenance: all of provenance.json.
    """

    directory: Path
    name: str
    status: str
    reason: str | None = None
    command: tuple[str, ...] = ()
    model: str | None = None
    data: str | None = None
    loss: str | None = None
    background: str | None = None
    seed: int | None = None
    parameters: int | None = None
    epochs: int | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)


def read_record(directory: str | Path) -> RunRecord:
    """Read what a run's directory says about it; a run that failed, or still runs, has a record too.

    Raises:
        UserError: the directory is not that of a run, or one of its files is damaged.
    """
    directory = Path(directory)
    config = read_config(directory)
    facts = read_provenance(directory)
    model = config["model"]
    return RunRecord(
        directory=directory,
        name=_name(directory.resolve()),
        status=str(run_status(directory)),
        reason=facts.get("reason"),
        command=tuple(facts.get("command", ())),
        model=option_of("model", model),
        data=option_of("data", config.get("data")),
        loss=option_of("loss", model.get("loss")),
        background=facts.get("background"),
        seed=facts.get("seed"),
        parameters=facts.get("parameters"),
        epochs=facts.get("epochs"),
        seconds=facts.get("seconds") or {},
        metrics=read_metrics(directory),
        config=config,
        provenance=facts,
    )


def find_runs(places: Sequence[str | Path]) -> list[Path]:
    """Return the directories of all runs that `places` mean, each once, in order.

    A place is a run's directory, a directory that holds runs (of a sweep, of a day), or a pattern such as
    `outputs/*/*_vae_*`. Runs inside a run, such as a student's teacher, are found only if they are named themselves.

    Raises:
        UserError: nothing is there, or no run is in it.
    """
    found: dict[Path, Path] = {}
    for place in places:
        matches = [Path(place)] if Path(place).exists() else [Path(match) for match in sorted(glob(str(place)))]
        if not matches:
            raise UserError(f"no directory {place}")
        runs = [run for match in matches for run in _runs_in(match, _DEPTH)]
        if not runs:
            raise UserError(f"{place} holds no run: no config.yaml in it, or in the directories below")
        found |= {run.resolve(): run for run in runs if run.resolve() not in found}
    return list(found.values())


def _runs_in(directory: Path, depth: int) -> list[Path]:
    if has_config(directory):
        return [directory]
    if not depth or not directory.is_dir():
        return []
    try:
        below = sorted((path for path in directory.iterdir() if path.is_dir()), key=_natural)
    except OSError as error:
        raise UserError(f"cannot look into {directory}: {error.strerror}") from error
    return [run for path in below for run in _runs_in(path, depth - 1)]


def _natural(path: Path) -> tuple[int, int, str]:
    """Jobs of a sweep in the order of their numbers: 2 before 10."""
    return (0, int(path.name), "") if path.name.isdecimal() else (1, 0, path.name)


def _name(directory: Path) -> str:
    """The directory's name; that of an evaluation says of which run."""
    if directory.parent.name == "evaluations":
        return f"{directory.parents[1].name}/{directory.name}"
    return directory.name


def option_of(group: str, section: Any) -> str | None:
    """Return the option of a group that a section comes from; the name of its class where that is nobody's."""
    target = section.get("_target_") if isinstance(section, Mapping) else None
    if target is None:
        return None
    if (installed := installed_targets(group).get(str(target))) is not None:
        return installed.name
    return options_of(group).get(str(target), str(target).rsplit(".", 1)[-1])


@cache
def options_of(group: str) -> dict[str, str]:
    """Return `_target_` → the option of hepad's own, of a group, that names it."""
    options: dict[str, str] = {}
    for path in sorted((config_dir() / group).glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        # A config of the package _global_ holds its group as a section.
        target = content.get("_target_") or (content.get(group) or {}).get("_target_")
        if target:
            options.setdefault(target, path.stem)
    return options
