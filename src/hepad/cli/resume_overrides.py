"""Overrides of a command line with `resume=DIR`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from hepad.config import quoted
from hepad.core.errors import UserError
from hepad.rundir.config_file import require_run

CHANGEABLE: Final = (
    "trainer.max_epochs",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "logger",
    "evaluation",
    "data.samples",
)
"""Keys that may be changed when a run is resumed: what does not change how it was trained so far."""


def resume_in_place(words: Sequence[str]) -> list[str]:
    """Return `words` so that Hydra works in the directory of the run to resume, and makes none of its own.

    Raises:
        UserError: that directory is not a run, or a sweep is asked for.
    """
    words = list(words)
    given = [word for word in words if word.lstrip("+").startswith("resume=")]
    try:
        run_dir = OverridesParser.create().parse_override(given[-1]).value() if given else None
    except HydraException as error:
        raise UserError(f"cannot read {given[-1]}; a run's directory is needed") from error
    if run_dir is None:
        return words
    if {"-m", "--multirun"} & set(words):
        raise UserError("resume continues one run; leave -m out")
    path = Path(str(run_dir)).expanduser()
    require_run(path)
    if any(word.startswith("hydra.run.dir=") for word in words):
        raise UserError("resume and hydra.run.dir both name a directory; leave hydra.run.dir out")
    return [*words, f"hydra.run.dir={quoted(str(path.absolute()))}"]


def changed_values(cfg: DictConfig, overrides: Sequence[str]) -> dict[str, Any]:
    """Return dotted key → value of what `overrides` change in a resumed run, `cfg` being composed with them.

    Raises:
        UserError: an override that would make another run of it.
    """
    changes: dict[str, Any] = {}
    for override in overrides:
        key = override.lstrip("+~").split("=", 1)[0]
        if key == "resume":
            continue
        if not any(key == allowed or key.startswith(f"{allowed}.") for allowed in CHANGEABLE):
            raise UserError(
                f"{override}: a resumed run keeps its own config; only {', '.join(CHANGEABLE)} may be changed"
            )
        value = OmegaConf.select(cfg, key)
        changes[key] = OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value
    return changes
