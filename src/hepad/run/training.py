"""Training a run from its config, alone in its directory, and going on with one that was stopped."""

import errno
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from omegaconf import DictConfig

from hepad import __version__
from hepad.checkpoints.training_checkpoint import check_epochs, find_checkpoint
from hepad.checks.combinations import validate_run_dir
from hepad.config import RunConfig
from hepad.core.errors import Interrupted, JobError, UserError
from hepad.core.names import python_command
from hepad.logging.loggers import wandb_home
from hepad.run.building import Handover
from hepad.run.executing import ResumeState, TrainingResult, execute_run
from hepad.run.interruption import stop_on_signals
from hepad.run.workers import threads_as_before
from hepad.rundir.checkpoint_file import refuse_damaged
from hepad.rundir.config_file import moved_paths, read_checked_config
from hepad.rundir.facts import read_provenance
from hepad.rundir.locking import RUN_FORMAT, RunStatus, lock_run, run_status

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def exclusive_run_dir(run_dir: Path, command: str = "train") -> Iterator[None]:
    """Hold the directory's lock, keep W&B's files in it, and let signals and a full disk end the block with one line.

    Raises:
        UserError: another process is at work there, or the directory cannot be written.
        Interrupted: SIGINT or SIGTERM came.
        JobError: no space was left on the disk, or in the user's quota.
    """
    with lock_run(run_dir), stop_on_signals(), wandb_home(run_dir):
        try:
            yield
        except Interrupted as stop:
            raise Interrupted(stop.number, f"; {_advice(run_dir, command)}") from stop
        except OSError as error:
            if error.errno not in _FULL:
                raise
            raise JobError(
                f"{error.strerror}: {error.filename or run_dir} was not written, what was written before is whole; "
                f"make room, then {_advice(run_dir, command)}"
            ) from error


def _advice(run_dir: Path, command: str) -> str:
    if not (run_dir / "config.yaml").is_file():
        return f"in {run_dir.name} nothing was done yet: start again"
    return f"go on with: {python_command()} -m hepad.{command} resume={shlex.quote(str(run_dir))}"


BEST: Final = "best.ckpt"
_RESULTS: Final = ("metrics.json", "scores.h5", "report.html")


def train(cfg: RunConfig | DictConfig, run_dir: Path) -> TrainingResult:
    """Train the model of `cfg` on background, evaluate it on every sample, and write the run's directory.

    Everything that can be wrong with the input is found before the first file is written.

    Raises:
        UserError: the config or the data cannot be used, or `run_dir` holds a run or belongs to another process.
        Interrupted: SIGINT or SIGTERM came; the run can be resumed.
        JobError: the disk is full; the run can be resumed.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from hepad.config import compose
    >>> from hepad.run import train
    >>> short = ["data.limit=500", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none"]
    >>> with TemporaryDirectory() as directory:  # doctest: +ELLIPSIS
    ...     run_dir = Path(directory) / "my_run"
    ...     result = train(compose("train", ["model=dense_ae", *short, f"paths.run={run_dir}"]), run_dir)
    ...     print(sorted(path.name for path in run_dir.iterdir() if path.is_file()))
    epoch 0: train/loss ...
    ['config.yaml', 'history.csv', 'metrics.json', 'provenance.json', 'report.html', 'scores.h5']
    >>> result.evaluation.references
    ['zero_bias', 'jet_ht', 'soft_qcd']
    >>> 0.5 < result.evaluation.metrics["test/auc/ttbar_vs_zero_bias"] < 1
    True
    """
    config = RunConfig.of(cfg)
    validate_run_dir(run_dir)
    with exclusive_run_dir(run_dir):
        # Another process may have been quicker.
        validate_run_dir(run_dir)
        return execute_run(config, run_dir, None)


def resume_run(run_dir: Path, changes: Mapping[str, Any] | None = None) -> TrainingResult:
    """Go on with a run from its own config, weights, optimiser, epoch and random state.

    On a CPU the result is the same to the last bit as if the run had never stopped. A run that was stopped before its
    first epoch was done starts again; one that was stopped after training is only evaluated.

    Args:
        run_dir: the run's directory; it may have been moved.
        changes: dotted key → value, to replace those of the run's config (`hepad.cli.resume_overrides` says which a
            command line may).

    Raises:
        UserError: not a run, one of an incompatible version, one that is finished or at work, data that changed since,
            no checkpoint that can be read, or a damaged best.ckpt.
    """
    run_dir = Path(run_dir).resolve()
    cfg = changed_config(run_dir, changes or {})
    with exclusive_run_dir(run_dir):
        check_unfinished(run_dir, changes or {})
        return continue_run(cfg, run_dir)


def changed_config(run_dir: Path, changes: Mapping[str, Any]) -> RunConfig:
    """Return the config of a run, with `changes`, dotted key → value, in it."""
    return stored_config(run_dir).changed(changes)


def check_unfinished(run_dir: Path, changes: Mapping[str, Any]) -> None:
    """Raise `UserError` for a run of another format, or one that is finished and is not to train for more epochs."""
    facts = read_provenance(run_dir)
    check_format(run_dir, facts)
    longer, epochs = changes.get("trainer.max_epochs") or 0, facts.get("epochs") or 0
    if facts.get("status") == RunStatus.FINISHED and _has_results(run_dir) and longer <= epochs:
        raise UserError(f"{run_dir} is finished after {epochs} epochs; there is nothing to resume")


def continue_run(cfg: RunConfig, run_dir: Path, handover: Handover | None = None) -> TrainingResult:
    """Go on with the run in a locked directory, or begin it where nothing but its config is there.

    Args:
        cfg: the run's config.
        run_dir: its directory, which no other process works in.
        handover: what the stages of a pipeline before this run hand to it.
    """
    facts = read_provenance(run_dir)
    check_format(run_dir, facts)
    checkpoint, fallback = find_checkpoint(run_dir / "checkpoints")
    check_epochs(cfg.trainer.max_epochs, checkpoint)
    best = run_dir / "checkpoints" / BEST
    # Without an epoch done, nothing will read what lies there.
    if checkpoint is not None and best.is_file():
        refuse_damaged(best, "the weights of the best epoch are lost: train again in another directory")
    with threads_as_before(facts):
        return execute_run(cfg, run_dir, ResumeState(facts, checkpoint, fallback), handover)


def is_finished(run_dir: Path) -> bool:
    """Return whether a run was trained and evaluated, and its results are still there."""
    return run_status(run_dir) is RunStatus.FINISHED and _has_results(run_dir)


def _has_results(run_dir: Path) -> bool:
    return all((run_dir / name).is_file() for name in _RESULTS)


def stored_config(run_dir: Path) -> RunConfig:
    """Return the config of a run, with its own paths put right where the directory was moved.

    Raises:
        UserError: `run_dir` is not a run, or its config is damaged.
    """
    config = read_checked_config(run_dir)
    return RunConfig.of(moved_paths(config, str(config["paths"]["run"]), str(run_dir)))


def check_format(run_dir: Path, facts: dict[str, Any]) -> None:
    """Raise `UserError` for a run whose files this version of hepad does not go on with."""
    # Where it was stopped at its very beginning, nothing is known of a version, and nothing was done.
    found = facts.get("format", 0 if "hepad" in facts else RUN_FORMAT)
    if found != RUN_FORMAT:
        raise UserError(
            f"{run_dir} was made by hepad {facts.get('hepad', 'unknown')} (run format {found}); this is hepad "
            f"{__version__} (run format {RUN_FORMAT}): resume it with that version, or train it again"
        )
