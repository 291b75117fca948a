"""Records of a generator card for its loggers: numbers under their flat names, a table of observables, pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lightning.pytorch.loggers import Logger

from hepad.logging.log import log_report
from hepad.logging.results import Results, Table
from hepad.logging.tracker import tell

_COLUMNS: Final = ("separation", "chi2_per_ndf", "p_value", "w1")


def log_card(loggers: Sequence[Logger], directory: Path, metrics: Mapping[str, float], epoch: int) -> None:
    """Log the numbers of a card to every logger, and pictures and a table where it can show them.

    Args:
        loggers: of the card.
        directory: of the card, where its page and plots/ were written.
        metrics: flat name → number.
        epoch: how many were trained: where loggers that count by epoch place the numbers.
    """
    pictures = {path.stem: path for path in sorted((directory / "plots").glob("*.png"))}
    table = Table(["observable", "side", *_COLUMNS], observable_rows(metrics))
    tell(loggers, Results(metrics, epoch, pictures, {"generator/observables_table": table}))
    log_report(loggers, directory / "report.html")


def observable_rows(metrics: Mapping[str, float]) -> list[list[Any]]:
    """Return one row for each observable of generated entries, and one for its floor.

    >>> from hepad.logging.generator_card import observable_rows
    >>> observable_rows({"generator/separation/pt": 0.01, "generator/p_value/pt": 0.2})
    [['pt', 'generator', 0.01, None, 0.2, None]]
    """
    rows = []
    for prefix in ("generator", "generator_floor"):
        start = f"{prefix}/separation/"
        names = [name.removeprefix(start) for name in metrics if name.startswith(start)]
        rows += [[name, prefix, *(metrics.get(f"{prefix}/{what}/{name}") for what in _COLUMNS)] for name in names]
    return rows
