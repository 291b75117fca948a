"""The loggers of a run. W&B: offline unless somebody is logged in, its files under the run, and never a prompt."""

import logging
import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from lightning.pytorch.loggers import Logger

from hepad.config.registry import instantiate
from hepad.core.errors import UserError
from hepad.core.names import python_command
from hepad.logging.extras import require_extras
from hepad.logging.tensorboard_tracker import tensorboard_logger
from hepad.logging.tracker import ALERTS, CHECKPOINTS, LOG_DATA, finish, require_word
from hepad.logging.wandb_tracker import RunWandbLogger, wandb_identity, wandb_runs

if TYPE_CHECKING:
    # Imported by the functions that need it: a run without W&B need not wait for it.
    from wandb.sdk.wandb_run import Run as WandbRun

__all__ = [
    "RunWandbLogger",
    "build_loggers",
    "finish",
    "has_key",
    "offline_records",
    "quieten",
    "tensorboard_logger",
    "wandb_home",
    "wandb_identity",
    "wandb_logger",
    "wandb_run_id",
    "wandb_runs",
]

MODES: Final = ("auto", "online", "offline", "disabled")
_INIT_TIMEOUT_SECONDS = 30
_HEADER_BYTES: Final = 7


def build_loggers(configs: Mapping[str, Any]) -> list[Logger]:
    """Build the loggers of a run's config.

    Raises:
        UserError: one of them cannot work; nothing is written then.
    """
    require_extras(configs.values())
    # W&B writes as soon as it is built, so whatever else could be wrong must have been found by then.
    entries = sorted((entry for entry in configs.values() if entry), key=lambda entry: "wandb" in entry["_target_"])
    return [logger for entry in entries if (logger := instantiate(entry))]


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
    id: str | None = None,
    log_model: str = "none",
    log_report: bool = False,
    log_data: str = "reference",
    log_console: bool = False,
    registry: str | None = None,
    alert: str = "none",
) -> RunWandbLogger | None:
    """Start the W&B run of a training, or go on with the one already in its directory; None where it is disabled.

    Args:
        save_dir: the run's directory; the record goes to `save_dir/wandb`.
        mode: one of `MODES`; `WANDB_MODE` in the environment wins. `auto` goes online where a key is found.
        project, entity, name, group, job_type, tags, notes: as in `wandb.init`; `name` defaults to the
            directory's name.
        id: of the W&B run; None for the one recorded in `save_dir`, else a new one. So a resumed training continues
            its W&B run: online directly, offline in a second record that `wandb sync` joins to the first.
        log_model: checkpoints to keep as artifacts: `none`, `best` or `all`.
        log_report: whether the report page becomes a panel of the W&B run.
        log_data: what the run is made from, as artifacts that it used: `none`, `reference` or `files` (uploaded).
        log_console: whether what is printed goes to the W&B run too.
        registry: collection of W&B's registry that the best model is linked to; needs `log_model`.
        alert: `none`, `end` or `failure`: when W&B is asked to send a notice.

    Raises:
        UserError: an unknown mode or other word, `registry` without a model, or `online` without a key or a network.
    """
    mode = os.environ.get("WANDB_MODE") or mode
    words_of = {"log_model": CHECKPOINTS, "mode": MODES, "log_data": LOG_DATA, "alert": ALERTS}
    given = {"log_model": log_model, "mode": mode, "log_data": log_data, "alert": alert}
    for key, allowed in words_of.items():
        require_word("wandb", key, given[key], tuple(allowed))
    if registry is not None and log_model == "none":
        raise UserError(f"logger.wandb.registry={registry} links a model: add logger.wandb.log_model=best")
    if mode == "disabled":
        return None
    if mode == "online" and not has_key():
        raise UserError(
            "logger.wandb.mode=online, but nobody is logged in; run "
            f"`{python_command()} -m wandb login` or set WANDB_API_KEY"
        )
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
        "id": id or wandb_run_id(Path(save_dir)),
    }
    wanted = (log_model, log_report, log_data, registry, alert)
    if mode == "online" or (mode == "auto" and has_key()):
        import wandb

        try:
            return RunWandbLogger(_start(save_dir, "online", words, log_console), save_dir, *wanted)
        except wandb.errors.CommError as error:
            reason = str(error).splitlines()[0]
            if mode == "online":
                raise UserError(
                    f"W&B cannot be reached ({reason}); logger.wandb.mode=offline needs no network"
                ) from error
            print(f"W&B cannot be reached, the run is kept offline ({reason})", flush=True)
    return RunWandbLogger(_start(save_dir, "offline", words, log_console), save_dir, *wanted)


def _start(save_dir: str, mode: Literal["online", "offline"], words: dict[str, Any], console: bool) -> "WandbRun":
    import wandb

    settings = wandb.Settings(silent=True, console="wrap" if console else "off", init_timeout=_INIT_TIMEOUT_SECONDS)
    # "allow", not "must": the server may not have heard yet of a run that was offline until now. Offline, it marks the
    # record as one that `wandb sync` appends to what the server has, instead of replacing it.
    resume: Literal["allow"] | None = "allow" if words["id"] else None
    try:
        run = wandb.init(dir=save_dir, mode=mode, settings=settings, resume=resume, **words)
    except wandb.errors.UsageError as error:
        raise UserError(f"logger.wandb: {error}") from error
    except ValueError as error:
        # pydantic's message has several lines; the one that says what is wrong is W&B's own.
        said = re.search(r"Value error, (.*?)(?: \[type=|$)", str(error), re.MULTILINE)
        raise UserError(f"logger.wandb: {said[1] if said else error}") from error
    # Curves over epochs, whatever else is logged in between. Only the axis is defined: a rule for the summary would
    # turn the plain last value there into a dict, and runs could not be sorted by it.
    run.define_metric("epoch", hidden=True)
    for part in ("train/*", "val/*"):
        run.define_metric(part, step_metric="epoch")
    return run


def wandb_run_id(run_dir: Path) -> str | None:
    """Return the id of the W&B run that was last recorded in `run_dir/wandb`; None where there is none.

    The names of W&B's own directories tell, so a run that was killed at any moment keeps its id.
    """
    names = (re.fullmatch(r"(?:offline-)?run-(\d{8}_\d{6})-(.+)", path.name) for path in run_dir.glob("wandb/*run-*"))
    found = sorted((match.groups() for match in names if match), reverse=True)
    return found[0][1] if found else None


def offline_records(run_dir: Path) -> list[Path]:
    """Return the W&B records of a run that can be uploaded, oldest first.

    One whose process was killed early holds a header and nothing else, which `wandb sync` would stumble over.
    """
    files = run_dir.glob("wandb/offline-run-*/run-*.wandb")
    return sorted(path.parent for path in files if path.stat().st_size > _HEADER_BYTES)


def quieten() -> None:
    """Silence Lightning's hints that a user cannot act on: hardware, its own deprecations, step-wise logging."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message=r".*isinstance\(treespec, LeafSpec\).*")
    # A resumed run goes on in the directory it began in.
    warnings.filterwarnings("ignore", message=r"Checkpoint directory .* exists and is not empty")
    # hepad logs per epoch, so the interval in steps means nothing.
    warnings.filterwarnings("ignore", message=r".*smaller than the logging interval.*")


def has_key() -> bool:
    """Return whether a W&B key is in the environment or in the netrc file; asks nobody and no network."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    import wandb
    from wandb.sdk.lib.wbauth import read_netrc_auth

    return read_netrc_auth(host=os.environ.get("WANDB_BASE_URL") or wandb.Settings().base_url) is not None


STAGING: Final = "WANDB_DATA_DIR"
_IN_HOME: Final = {"WANDB_CACHE_DIR": "XDG_CACHE_HOME", "WANDB_CONFIG_DIR": "XDG_CONFIG_HOME"}
"""W&B's variable → what else moves that directory out of the home."""


@contextmanager
def wandb_home(run_dir: Path) -> Iterator[None]:
    """Let W&B stage tables and artifacts in `run_dir/wandb/staging` while the block runs, instead of in the home.

    So an offline run can be moved and uploaded with all that belongs to it, and a home that cannot be written, as on
    the nodes of many batch systems, costs nothing. In that case W&B's cache and settings are kept in `run_dir/wandb`
    too. A variable that the user has set is left as it is.
    """
    wanted = {STAGING: "staging"}
    if not _is_writable(Path(os.path.expanduser("~"))):
        wanted |= {name: name.split("_")[1].lower() for name, other in _IN_HOME.items() if not os.environ.get(other)}
    ours = {name: str(run_dir.absolute() / "wandb" / part) for name, part in wanted.items() if name not in os.environ}
    os.environ |= ours
    try:
        yield
    finally:
        for name, value in ours.items():
            if os.environ.get(name) == value:
                del os.environ[name]


def _is_writable(directory: Path) -> bool:
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)
