"""Stopping a trial of a search that promises little, by Optuna's judgement."""

from pathlib import Path

import lightning as L
from lightning.pytorch.callbacks import Callback

from hepad.pipeline.trials import NAME, make_pruner, storage


def pruning(run_dir: str, trial: int | None, pruner: str, metric: str | None) -> Callback | None:
    """Return a `TrialPruning` for the run of a trial; None where there is no trial or no pruner.

    Args:
        run_dir: the run's directory, inside that of the sweep.
        trial: its number in the study.
        pruner: one of `hepad.pipeline.trials.PRUNERS`.
        metric: what is optimised; None for `val/loss`.
    """
    if trial is None or pruner == "none":
        return None
    return TrialPruning(Path(run_dir).parent, trial, pruner, metric or "val/loss")


class TrialPruning(Callback):
    """Report the metric of every epoch to the study, and stop the training where the pruner says so.

    A run that was stopped is evaluated like any other, and marked as pruned in the study.

    Args:
        sweep_dir: the sweep's directory, which holds the study.
        trial: the number of the trial.
        pruner: one of `hepad.pipeline.trials.PRUNERS`.
        metric: what is reported.
    """

    def __init__(self, sweep_dir: Path, trial: int, pruner: str, metric: str) -> None:
        import optuna
        from optuna.trial import Trial

        self.metric = metric
        study = optuna.load_study(study_name=NAME, storage=storage(sweep_dir), pruner=make_pruner(pruner))
        self.trial = Trial(study, study.trials[trial]._trial_id)

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Report this epoch, and stop if it is not good enough."""
        if trainer.sanity_checking or self.metric not in trainer.callback_metrics:
            return
        self.trial.report(float(trainer.callback_metrics[self.metric]), step=trainer.current_epoch)
        if self.trial.should_prune():
            self.trial.set_user_attr("pruned", True)
            trainer.should_stop = True
