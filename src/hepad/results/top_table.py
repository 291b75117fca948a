"""The table of the most anomalous entries, for the page and for W&B."""

from typing import Final

from hepad.callbacks.top_entries import TopEntries
from hepad.report import Cell, Table

TOP: Final = "Most anomalous entries"


def top_table(top: TopEntries) -> Table:
    """Return rank, place, score, p-value and contributions of the most anomalous entries; columns that all lack go."""
    header = ["Rank", "Sample", "Row", "Slot", "Run:lumi:event", "Score", "p-value", "Why"]
    rows: list[list[Cell]] = [
        [
            rank,
            entry.sample,
            entry.row,
            entry.slot,
            entry.event or None,
            entry.score,
            entry.p_value,
            "; ".join(entry.words) or None,
        ]
        for rank, entry in enumerate(top.entries, start=1)
    ]
    kept = [i for i in range(len(header)) if any(row[i] is not None for row in rows)]
    caption = (
        "Entries of the highest scores among all tested samples. The p-value is the share of the tested background "
        "that is at least as anomalous; σ is the spread among background that validates. " + top.completeness()
    )
    return Table([header[i] for i in kept], [[row[i] for i in kept] for row in rows], caption)


def top_columns(top: TopEntries | None) -> dict[str, list[str | int | float | None]] | None:
    """Return the same table as plain columns, for W&B; None where the entries are not known."""
    if top is None:
        return None
    return {
        "rank": list(range(1, len(top.entries) + 1)),
        "sample": [entry.sample for entry in top.entries],
        "row": [entry.row for entry in top.entries],
        "slot": [entry.slot for entry in top.entries],
        "event": [entry.event for entry in top.entries],
        "score": [entry.score for entry in top.entries],
        "p_value": [entry.p_value for entry in top.entries],
        "why": ["; ".join(entry.words) for entry in top.entries],
    }
