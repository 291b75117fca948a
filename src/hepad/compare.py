"""`python -m hepad.compare DIR…`: several runs, several searches, or several generator cards, side by side."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from hepad.cli import run_command
from hepad.cli.words import gather_bare
from hepad.core.errors import UserError
from hepad.core.names import python_command
from hepad.searches.places import find_searches

_FORMATS = ("png", "pdf", "svg")


def job(cfg: DictConfig) -> None:
    """Compare the runs, or the searches, and write the page."""
    if not cfg.runs:
        raise UserError(f"which runs? {python_command()} -m hepad.compare DIR DIR…, or the directory of a sweep")
    if unknown := [name for name in cfg.formats if name not in _FORMATS]:
        raise UserError(f"formats: {', '.join(unknown)} is not known; allowed: {', '.join(_FORMATS)}")
    output = Path(cfg.output)
    if output.exists() and not output.is_dir():
        raise UserError(f"output={output} is a file; a directory is needed")
    searches, unfinished = find_searches(cfg.runs)
    if searches or unfinished:
        if cfg.baseline is not None:
            raise UserError(f"baseline={cfg.baseline}: searches stand side by side without one; leave it out")
        _compare_searches(searches, unfinished, output, cfg.formats)
        return
    # Imported here, so that --help does not wait for matplotlib.
    from hepad.comparison.generators import find_cards

    if cards := find_cards(cfg.runs):
        if cfg.baseline is not None:
            raise UserError(f"baseline={cfg.baseline}: generators are ranked without one; leave it out")
        _compare_cards(cards, output, cfg.formats)
        return
    from hepad.comparison import compare, write_comparison
    from hepad.comparison.page import print_comparison

    comparison = compare(list(cfg.runs), cfg.baseline)
    print_comparison(comparison, write_comparison(comparison, output, cfg.formats))


def _compare_searches(
    searches: Sequence[Path], unfinished: Sequence[Path], output: Path, formats: Sequence[str]
) -> None:
    from hepad.searches.comparing import compare_searches
    from hepad.searches.comparison_page import print_search_comparison, write_search_comparison

    comparison = compare_searches(searches, unfinished)
    print_search_comparison(comparison, write_search_comparison(comparison, output, formats))


def _compare_cards(cards: Sequence[Path], output: Path, formats: Sequence[str]) -> None:
    from hepad.comparison.generators import (
        compare_generators,
        print_generator_comparison,
        write_generator_comparison,
    )
    from hepad.rundir.record import read_record

    comparison = compare_generators([read_record(card) for card in cards])
    print_generator_comparison(comparison, write_generator_comparison(comparison, output, formats))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; `argv` stands in for the words after its name."""
    run_command(job, "compare", argv, gather=partial(gather_bare, key="runs"))


if __name__ == "__main__":
    main()
