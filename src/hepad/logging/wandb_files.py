"""Files of a run as W&B artifacts: checkpoints, and the report."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run as WandbRun

CHECKPOINTS: Final = {"none": (), "best": ("best",), "all": ("best", "last")}
"""Value of `log_model` → checkpoints that it uploads."""

_MAX_METADATA: Final = 100


def log_checkpoints(run: "WandbRun", run_dir: Path, log_model: str, metrics: Mapping[str, float]) -> None:
    """Log checkpoints as versions of the artifact `model-<id of the run>`, of type `model`, aliased `best` and `last`.

    Offline, the record refers to the files where they are, and `wandb sync` uploads them from there.

    Args:
        run: the W&B run.
        run_dir: of the training, with `checkpoints/` and `config.yaml`, which is needed to use a checkpoint.
        log_model: a key of `CHECKPOINTS`.
        metrics: of the evaluation; the AUCs become the artifacts' metadata, of which W&B takes 100 at most.
    """
    import wandb

    aucs = {name: value for name, value in metrics.items() if re.fullmatch(r"test/auc/[^/]+", name)}
    metadata = dict(list(aucs.items())[:_MAX_METADATA])
    for alias in CHECKPOINTS[log_model]:
        artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata=metadata)
        # Immutable: not copied aside, as nothing writes to these files any more.
        artifact.add_file(
            str(run_dir / "checkpoints" / f"{alias}.ckpt"), f"checkpoints/{alias}.ckpt", policy="immutable"
        )
        artifact.add_file(str(run_dir / "config.yaml"), "config.yaml", policy="immutable")
        run.log_artifact(artifact, aliases=[alias])


def log_report(run: "WandbRun", report: Path) -> None:
    """Log the report page as a panel of the run (`report`)."""
    import wandb

    run.log({"report": wandb.Html(str(report), inject=False)})
