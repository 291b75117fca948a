"""Files of a run as W&B artifacts: what it was made from, its checkpoints, its report."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hepad.core.files import file_sha256
from hepad.logging.tracker import CHECKPOINTS, Input, ModelFiles

if TYPE_CHECKING:
    from wandb.sdk.wandb_run import Run as WandbRun

_REGISTRY: Final = "wandb-registry-"


def log_checkpoints(run: "WandbRun", model: ModelFiles, log_model: str, registry: str | None = None) -> None:
    """Log checkpoints as versions of the artifact `model-<id of the run>`, of type `model`, aliased `best` and `last`.

    Offline, the record refers to the files where they are, and `wandb sync` uploads them from there.

    Args:
        run: the W&B run.
        model: its files.
        log_model: a key of `CHECKPOINTS`.
        registry: collection that `best` is linked to. W&B links while it is online only: offline the line that does
            it after `wandb sync` is printed.
    """
    import wandb

    for alias in CHECKPOINTS[log_model]:
        checkpoint = model.run_dir / "checkpoints" / f"{alias}.ckpt"
        known = {**model.metadata, "checkpoint": alias, "sha256": file_sha256(checkpoint)}
        artifact = wandb.Artifact(f"model-{run.id}", type="model", metadata=known)
        # Immutable: not copied aside, as nothing writes to these files any more.
        artifact.add_file(str(checkpoint), f"checkpoints/{alias}.ckpt", policy="immutable")
        artifact.add_file(str(model.run_dir / "config.yaml"), "config.yaml", policy="immutable")
        run.log_artifact(artifact, aliases=[alias])
        if registry is not None and alias == "best":
            target = registry if "/" in registry else f"{_REGISTRY}model/{registry}"
            if run.offline:
                where = "/".join(part for part in (run.entity, run.project, f"model-{run.id}:best") if part)
                call = f"import wandb; wandb.Api().artifact('{where}').link('{target}')"
                print(f'registry: W&B links online only; after wandb sync: python -c "{call}"', flush=True)
            else:
                run.link_artifact(artifact, target)


def use_input(run: "WandbRun", item: Input, log_data: str) -> None:
    """Record a file of data, or another run's model, as an artifact that this run used.

    Its version is decided by the bytes of the files (their MD5, as W&B has it) and by nothing else, so that runs of the
    same data share one. A reference and an upload are different versions, as W&B would not upload what it knows as a
    reference; a model that its own run logged (`stored`) is that version again.

    Args:
        run: the W&B run.
        item: what it used.
        log_data: `reference` records where the files are, `files` uploads those of data.
    """
    import wandb

    artifact = wandb.Artifact(item.name, type=item.kind, metadata={**item.metadata, "sha256": item.sha256})
    upload = item.kind == "dataset" and log_data == "files"
    for name, path in item.files.items():
        if upload:
            artifact.add_file(str(path), name, policy="immutable")
        else:
            inside = name if item.stored else f"reference/{name}"
            artifact.add_reference(path.resolve().as_uri(), inside)
    # `run.use_artifact` refuses to work offline, and waits for the server otherwise. This is what it does with an
    # artifact that is not logged yet: the record says "log it, then use it", and `wandb sync` does both later.
    run._log_artifact(artifact, is_user_created=True, use_after_commit=True)


def log_report(run: "WandbRun", report: Path) -> None:
    """Log the report page as a panel of the run (`report`)."""
    import wandb

    run.log({"report": wandb.Html(str(report), inject=False)})
