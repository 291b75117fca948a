"""Going on with a run that was stopped."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from omegaconf import DictConfig, OmegaConf

from hepad import __version__
from hepad.callbacks.resume_point import LAST, PREVIOUS
from hepad.errors import UserError
from hepad.run.damage import damage, refuse_damaged
from hepad.run.session import at_work
from hepad.run.status import RUN_FORMAT, RunStatus, run_status
from hepad.run.threads import threads_as_before
from hepad.run.training import Past, TrainingResult, carry_out
from hepad.rundir.config_file import require_run
from hepad.rundir.facts import read_provenance

BEST: Final = "best.ckpt"
_RESULTS: Final = ("metrics.json", "scores.h5", "report.html")
_PARTS: Final = frozenset({"state_dict", "optimizer_states", "lr_schedulers", "loops", "callbacks"})


def resume_run(run_dir: Path, changes: Mapping[str, Any] | None = None) -> TrainingResult:
    """Go on with a run from its own config, weights, optimiser, epoch and random state.

    On a CPU the result is the same to the last bit as if the run had never stopped. A run that was stopped before its
    first epoch was done starts again; one that was stopped after training is only evaluated.

    Args:
        run_dir: the run's directory; it may have been moved.
        changes: dotted key → value, to replace those of the run's config (`hepad.resume_words` says which a command
            line may).

    Raises:
        UserError: not a run, one of an incompatible version, one that is finished or at work, data that changed since,
            no checkpoint that can be read, or a damaged best.ckpt.
    """
    run_dir = Path(run_dir).resolve()
    cfg = stored_config(run_dir)
    for key, value in (changes or {}).items():
        OmegaConf.update(cfg, key, value, merge=False)
    with at_work(run_dir):
        facts = read_provenance(run_dir)
        check_format(run_dir, facts)
        longer = (changes or {}).get("trainer.max_epochs") or 0
        if facts.get("status") == RunStatus.FINISHED and _has_results(run_dir) and longer <= facts["epochs"]:
            raise UserError(f"{run_dir} is finished after {facts['epochs']} epochs; there is nothing to resume")
        checkpoint, fallback = find_checkpoint(run_dir / "checkpoints")
        check_epochs(cfg.trainer.max_epochs, checkpoint)
        best = run_dir / "checkpoints" / BEST
        # Without an epoch done, nothing will read what lies there.
        if checkpoint is not None and best.is_file():
            refuse_damaged(best, "the weights of the best epoch are lost: train again in another directory")
        with threads_as_before(facts):
            return carry_out(cfg, run_dir, Past(facts, checkpoint, fallback))


def is_finished(run_dir: Path) -> bool:
    """Whether a run was trained and evaluated, and its results are still there."""
    return run_status(run_dir) is RunStatus.FINISHED and _has_results(run_dir)


def _has_results(run_dir: Path) -> bool:
    return all((run_dir / name).is_file() for name in _RESULTS)


def stored_config(run_dir: Path) -> DictConfig:
    """Return the config of a run, with its own paths put right where the directory was moved.

    Raises:
        UserError: `run_dir` is not a run.
    """
    path = run_dir / "config.yaml"
    require_run(run_dir)
    try:
        config = OmegaConf.load(path)
        old = str(config.paths.run)
    except Exception as error:
        raise UserError(f"{path} is not the config of a run") from error
    return DictConfig(OmegaConf.create(_moved(OmegaConf.to_container(config), old, str(run_dir))))


def check_format(run_dir: Path, facts: dict[str, Any]) -> None:
    """Raise `UserError` for a run whose files this version of hepad does not go on with."""
    # Where it was stopped at its very beginning, nothing is known of a version, and nothing was done.
    found = facts.get("format", 0 if "hepad" in facts else RUN_FORMAT)
    if found != RUN_FORMAT:
        raise UserError(
            f"{run_dir} was made by hepad {facts.get('hepad', 'unknown')} (run format {found}); this is hepad "
            f"{__version__} (run format {RUN_FORMAT}): resume it with that version, or train it again"
        )


def find_checkpoint(directory: Path) -> tuple[Path | None, str]:
    """Return the newest whole checkpoint, last.ckpt or else previous.ckpt, and why it is not last.ckpt (else empty).

    None where there is neither. A damaged last.ckpt is named on stdout.

    Raises:
        UserError: there are checkpoints, and none can be read.
    """
    damaged: list[str] = []
    for name in (LAST, PREVIOUS):
        if not (directory / name).is_file():
            continue
        reason = unusable(directory / name)
        if reason is None:
            if not damaged:
                return directory / name, ""
            print(f"{directory / damaged[0]}; going on from {name}, one epoch earlier", flush=True)
            return directory / name, damaged[0]
        damaged.append(f"{name} cannot be read ({reason})")
    if damaged:
        raise UserError(f"{'; '.join(f'{directory / said}' for said in damaged)}: train again in another directory")
    return None, ""


def check_epochs(max_epochs: int, checkpoint: Path | None) -> None:
    """Raise `UserError` where more epochs are done than are asked for now."""
    if checkpoint is None:
        return
    # Counted from 0, the one that was about to begin.
    epoch = torch.load(checkpoint, map_location="cpu", weights_only=True)["epoch"]
    if max_epochs < epoch:
        raise UserError(f"trainer.max_epochs={max_epochs}: {epoch} epochs are done already; ask for at least as many")


def unusable(checkpoint: Path) -> str | None:
    """Return why training cannot go on from a checkpoint, or None where it can."""
    if reason := damage(checkpoint):
        return reason
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except Exception as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None if isinstance(content, dict) and content.keys() >= _PARTS else "it is not a checkpoint of a training"


def _moved(node: Any, old: str, new: str) -> Any:
    """Replace the directory `old` by `new` in every path."""
    if isinstance(node, dict):
        return {key: _moved(value, old, new) for key, value in node.items()}
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_moved(value, old, new) for value in node]
    if isinstance(node, str) and (node == old or node.startswith(f"{old}/")):
        return new + node[len(old) :]
    return node
