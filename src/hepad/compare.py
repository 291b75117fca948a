"""`python -m hepad.compare DIR…`: several runs side by side."""

from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.config import quoted
from hepad.core.errors import UserError
from hepad.core.names import python_command

_FORMATS = ("png", "pdf", "svg")


def job(cfg: DictConfig) -> None:
    """Compare the runs and write the page."""
    if not cfg.runs:
        raise UserError(f"which runs? {python_command()} -m hepad.compare DIR DIR…, or the directory of a sweep")
    if unknown := [name for name in cfg.formats if name not in _FORMATS]:
        raise UserError(f"formats: {', '.join(unknown)} is not known; allowed: {', '.join(_FORMATS)}")
    output = Path(cfg.output)
    if output.exists() and not output.is_dir():
        raise UserError(f"output={output} is a file; a directory is needed")
    # Imported here, so that --help does not wait for matplotlib.
    from hepad.comparison import compare, write_comparison
    from hepad.comparison.page import print_comparison

    comparison = compare(list(cfg.runs), cfg.baseline)
    print_comparison(comparison, write_comparison(comparison, output, cfg.formats))


def gather_runs(words: Sequence[str]) -> list[str]:
    """Return `words` with those that are no `KEY=VALUE`, or that name something that exists, as one list `runs=[…]`."""
    bare = [word for word in words if not word.startswith("-") and ("=" not in word or Path(word).exists())]
    runs = ",".join(quoted(word) for word in bare)
    return [word for word in words if word not in bare] + ([f"runs=[{runs}]"] if bare else [])


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "compare", argv, gather=gather_runs)


if __name__ == "__main__":
    main()
