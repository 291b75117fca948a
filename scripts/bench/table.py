"""Tables of rows: as text for a terminal, and as Markdown for the documentation."""

from collections.abc import Mapping, Sequence
from typing import Any


def number(value: float, unit: str) -> str:
    """Return a value with three digits that count, and millions as M.

    >>> number(1_234_567.0, "entries/s"), number(0.0321, "s"), number(450.0, "MB")
    ('1.23 M', '0.0321', '450')
    """
    if unit.endswith("/s") and value >= 1e5:
        return f"{value / 1e6:.3g} M"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def cells(row: Mapping[str, Any], against: Sequence[str]) -> list[str]:
    """Return the cells of one row."""
    unit = row["unit"]
    spread = f"{number(row['low'], unit)} – {number(row['high'], unit)}" if row["rounds"] > 1 else ""
    ratios = [f"{row['ratios'][other]:.2f}" if other in row["ratios"] else "" for other in against]
    return [row["case"], row["way"], number(row["value"], unit), unit, spread, *ratios]


def columns(rows: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the heads of a table, and the ways that rows are compared with."""
    against = list(dict.fromkeys(other for row in rows for other in row["ratios"]))
    return ["case", "way", "median", "unit", "smallest – largest", *(f"× {other}" for other in against)], against


def text_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as lines of even columns."""
    if not rows:
        return "(nothing measured)"
    heads, against = columns(rows)
    lines = [heads, *(cells(row, against) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as a table of Markdown."""
    heads, against = columns(rows)
    lines = [heads, ["---"] * len(heads), *(cells(row, against) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
