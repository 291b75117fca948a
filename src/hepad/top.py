"""`python -m hepad.top run=DIR n=50 output=FILE`: the most anomalous tested entries of a run, as a sample."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.files import require_new_file
from hepad.core.late_import import importing
from hepad.rundir.config_file import require_run


def job(cfg: DictConfig) -> None:
    """Write one file."""
    if missing := [name for name in ("run", "output") if cfg[name] is None]:
        raise UserError(f"top needs run=DIR output=FILE; {', '.join(missing)} is missing")
    run, output = Path(cfg.run).expanduser(), Path(cfg.output).expanduser()
    require_run(run)
    require_new_file(output, "output")
    # Imported here, so that --help does not wait for torch.
    with importing():
        from hepad.run.top_file import write_top

    written = write_top(run, output, cfg.n)
    print(f"{written} entries written to {output}")


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "top", argv)


if __name__ == "__main__":
    main()
