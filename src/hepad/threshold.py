"""`python -m hepad.threshold run=DIR rate=1kHz`: an operating point of a run, kept with it; rates in other data."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.core.late_import import importing
from hepad.rundir.config_file import require_run


def job(cfg: DictConfig) -> None:
    """Choose one threshold, and check all that the run has."""
    if cfg.run is None:
        raise UserError("threshold needs run=DIR and one of rate=1kHz, fpr=1e-3 and events_per_day=1e8; run is missing")
    run = Path(cfg.run).expanduser()
    require_run(run)
    for key in ("background", "check"):
        if cfg[key] is not None:
            require_file(cfg[key], key)
    if cfg.beside is not None and cfg.check is None:
        raise UserError(f"beside={cfg.beside}: it is a column of check=FILE, which is missing")
    given = {key: cfg[key] for key in ("rate", "fpr", "events_per_day") if cfg[key] is not None}
    wanted = None
    if given or cfg.check is None:
        from hepad.metrics.rates import named_fpr

        wanted = named_fpr(**given, name=cfg.name)
    # Imported here, so that --help and refusals do not wait for torch.
    with importing():
        from hepad.run.thresholds import check_file, choose_threshold, require_column

    if cfg.beside is not None:
        require_column(run, Path(cfg.check), cfg.beside)
    if wanted is not None:
        choose_threshold(run, *wanted, None if cfg.background is None else Path(cfg.background), cfg.device)
    if cfg.check is not None:
        check_file(run, Path(cfg.check), cfg.beside, cfg.device)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "threshold", argv)


if __name__ == "__main__":
    main()
