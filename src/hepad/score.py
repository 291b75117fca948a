"""`python -m hepad.score run=DIR input=FILE output=FILE`: a score for every entry of a file of any size."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.late_import import importing


def job(cfg: DictConfig) -> None:
    """Score one file."""
    if missing := [name for name in ("run", "input", "output") if cfg[name] is None]:
        raise UserError(f"score needs run=DIR input=FILE output=FILE; {', '.join(missing)} is missing")
    from hepad.cluster import read_cluster

    cluster = read_cluster(cfg.cluster, cfg.workers, OmegaConf.to_object(cfg.jobs))
    # Imported here, so that --help does not wait for torch.
    with importing():
        from hepad.run.scoring import score_file

    paths = Path(cfg.run), Path(cfg.input), Path(cfg.output)
    found = score_file(*paths, cfg.overwrite, cfg.on_nonfinite, cfg.device, cluster, cfg.p_values)
    dropped = f", {found.dropped} with NaN or inf left out" if found.dropped else ""
    dropped += "".join(f", {reason}: {count}" for reason, count in found.left_out.items())
    print(f"{found.entries} scores written to {cfg.output}{dropped}")
    if found.nonfinite:
        print(
            f"note: NaN or infinite: {found.nonfinite} of these scores, the first that of row {found.first_nonfinite}; "
            "look at the values there"
        )
    for remark in found.remarks:
        print(f"note: {remark}")
    if found.other_inference:
        print(
            "note: these are scores of one pass through the model; the run's own are of a latent search, which "
            "`python -m hepad.evaluate` makes of files"
        )
    if found.trained_on:
        print("note: the run was trained on this very file; its training entries look less anomalous than new ones")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "score", argv)


if __name__ == "__main__":
    main()
