"""The loggers of a run. W&B: offline unless somebody is logged in, and never a prompt."""

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

import wandb
from lightning.pytorch.loggers import Logger, WandbLogger
from wandb.sdk.lib.wbauth import read_netrc_auth
from wandb.sdk.wandb_run import Run as WandbRun

from hepad.errors import UserError

MODES: Final = ("auto", "online", "offline", "disabled")
_INIT_TIMEOUT_SECONDS = 30


def wandb_logger(
    save_dir: str,
    mode: str = "auto",
    project: str = "hepad",
    entity: str | None = None,
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Sequence[str] = (),
    notes: str | None = None,
) -> WandbLogger | None:
    """Start the W&B run of a training; None where it is disabled.

    Args:
        save_dir: the run's directory; the record goes to `save_dir/wandb`.
        mode: one of `MODES`; `WANDB_MODE` in the environment wins. `auto` goes online where a key is found.
        project, entity, name, group, job_type, tags, notes: as in `wandb.init`; `name` defaults to the
            directory's name.

    Raises:
        UserError: an unknown mode, or `online` without a key or a network.
    """
    mode = os.environ.get("WANDB_MODE") or mode
    if mode not in MODES:
        raise UserError(f"logger.wandb.mode={mode}; allowed: {', '.join(MODES)}")
    if mode == "disabled":
        return None
    if mode == "online" and not has_key():
        raise UserError("logger.wandb.mode=online, but nobody is logged in; run `wandb login` or set WANDB_API_KEY")
    # wandb's own lines would break hepad's table; what a user needs of them is printed at the end of the run.
    logging.getLogger("wandb").setLevel(logging.ERROR)
    words = {
        "project": project,
        "entity": entity,
        "name": name or Path(save_dir).name,
        "group": group,
        "job_type": job_type,
        "tags": list(tags),
        "notes": notes,
    }
    if mode == "online" or (mode == "auto" and has_key()):
        try:
            return WandbLogger(experiment=_start(save_dir, "online", words), save_dir=save_dir)
        except wandb.errors.CommError as error:
            reason = str(error).splitlines()[0]
            if mode == "online":
                raise UserError(
                    f"W&B cannot be reached ({reason}); logger.wandb.mode=offline needs no network"
                ) from error
            print(f"W&B cannot be reached, the run is kept offline ({reason})", flush=True)
    return WandbLogger(experiment=_start(save_dir, "offline", words), save_dir=save_dir)


def _start(save_dir: str, mode: Literal["online", "offline"], words: dict[str, Any]) -> WandbRun:
    settings = wandb.Settings(silent=True, console="off", init_timeout=_INIT_TIMEOUT_SECONDS)
    return wandb.init(dir=save_dir, mode=mode, settings=settings, **words)


def wandb_runs(loggers: Sequence[Logger]) -> list[WandbRun]:
    """Return the W&B runs among the loggers."""
    return [logger.experiment for logger in loggers if isinstance(logger, WandbLogger)]


def finish(loggers: Sequence[Logger], exit_code: int) -> None:
    """Close the W&B runs; one left open would swallow the next job of a sweep."""
    for run in wandb_runs(loggers):
        run.finish(exit_code=exit_code)


def quieten() -> None:
    """Silence Lightning's hints that a user cannot act on: hardware, its own deprecations, step-wise logging."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
    # hepad logs per epoch, so the interval in steps means nothing.
    warnings.filterwarnings("ignore", message=r".*smaller than the logging interval.*")


def has_key() -> bool:
    """Whether a W&B key is in the environment or in the netrc file; asks nobody and no network."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    return read_netrc_auth(host=os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url) is not None
