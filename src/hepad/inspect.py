"""`python -m hepad.inspect FILE…`: the content of a file of any format, and the command that uses it."""

from collections.abc import Sequence
from functools import partial

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.cli.words import gather_bare
from hepad.core.errors import UserError
from hepad.core.names import python_command


def job(cfg: DictConfig) -> None:
    """Print what each file is."""
    if not cfg.files:
        raise UserError(f"which file? {python_command()} -m hepad.inspect FILE…")
    from hepad.core.inputs import input_files
    from hepad.formats.inspection import inspect_file

    files = input_files(list(cfg.files), "inspect")
    print("\n\n".join("\n".join(inspect_file(path).lines()) for path in files))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "inspect", argv, gather=partial(gather_bare, key="files"))


if __name__ == "__main__":
    main()
