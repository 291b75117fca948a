"""`python -m hepad.convert`: CMS NanoAOD to hepad's HDF5."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.core.errors import UserError
from hepad.core.files import require_file, require_new_file


def job(cfg: DictConfig) -> None:
    """Convert one file."""
    if cfg.input is None or cfg.output is None:
        raise UserError("convert needs both files: input=FILE.root output=FILE.h5")
    source, target = require_file(cfg.input, "input"), Path(cfg.output)
    require_new_file(target, "output")
    if cfg.limit is not None and cfg.limit < 1:
        raise UserError(f"limit={cfg.limit}; a positive number of events is needed")
    from hepad.data.nanoaod import convert_nanoaod

    found = convert_nanoaod(source, target, cfg.sample or target.stem, cfg.limit)
    print(f"{found.events} events written to {target}")
    if found.lacking:
        branches = ", ".join(f"Jet_{name}" for name in found.lacking)
        print(
            f"note: {source} lacks {branches}; these columns are left out. A run on this file uses those it has; "
            "beside samples that have more, make it the background or set data.features"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "convert", argv)


if __name__ == "__main__":
    main()
