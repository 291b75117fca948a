"""Numbers as a reader wants them, and the keys by which the page sorts them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from markupsafe import Markup

from hepad.report.content import Cell, Difference, Interval, Link


def format_cell(cell: Cell) -> str:
    """A cell as text: about four significant digits, uncertainties to two, a dash for what is not known.

    A link comes as markup, its text and path escaped.
    """
    if cell is None:
        return "–"
    if isinstance(cell, bool | str):
        return str(cell)
    if isinstance(cell, Link):
        return Markup('<a href="{}">{}</a>').format(quote(cell.path), cell.text)
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", "\u202f")
    if isinstance(cell, Interval):
        return _format_interval(cell)
    if isinstance(cell, Difference):
        return _format_difference(cell)
    return _format_number(cell)


def sort_key(cell: Cell) -> str:
    """A cell's number in full, for sorting; empty for text and for what is not known."""
    if isinstance(cell, Interval | Difference):
        cell = cell.value
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return repr(float(cell))
    return ""


def is_numeric(cell: Cell) -> bool:
    """Whether a cell is set flush right."""
    return isinstance(cell, int | float | Interval | Difference) and not isinstance(cell, bool)


def flatten(tree: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """A nested mapping as (dotted name, text) pairs, in its own order."""
    if isinstance(tree, Mapping) and tree:
        for key, value in tree.items():
            yield from flatten(value, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(tree, Sequence) and not isinstance(tree, str | bytes):
        yield prefix, ", ".join(str(item) for item in tree)
    else:
        yield prefix, str(tree)


def _format_number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    if value != 0 and not 1e-5 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{_minus(mantissa)} × 10{_superscript(int(exponent))}"
    if 0 < abs(value) < 1e-2:
        return _minus(f"{value:.{min(2 - math.floor(math.log10(abs(value))), 6)}f}")
    if abs(value) < 1:
        return _minus(f"{value:.4f}")
    return _minus(f"{value:#.4g}" if abs(value) < 1e3 else f"{value:.0f}")


def _format_interval(cell: Interval) -> str:
    up, down = cell.high - cell.value, cell.value - cell.low
    wider = max(up, down)
    # Two digits of the uncertainty, but never more than anyone would read.
    digits = min(max(3, 1 - math.floor(math.log10(wider))), 5) if wider > 0 else 4
    up_text, down_text = f"{up:.{digits}f}", f"{down:.{digits}f}"
    value = _minus(f"{cell.value:.{digits}f}")
    if 0 < wider < 0.5 * 10**-digits:
        return f"{value} ± <{10**-digits:.{digits}f}"
    # Ends that differ by no more than the last digit shown are the same to a reader.
    if abs(float(up_text) - float(down_text)) < 1.5 * 10**-digits and min(up, down) >= 0.5 * wider:
        return f"{value} ± {max(up_text, down_text)}"
    return f"{value} +{up_text} −{down_text}"


def _format_difference(cell: Difference) -> str:
    """With its sign, and as many digits as the error has two of, so that a column of them reads evenly."""
    digits = min(max(4, 1 - math.floor(math.log10(cell.error))), 6) if cell.error > 0 else 4
    text = f"{_minus(f'{cell.value:+.{digits}f}')} ± {cell.error:.{digits}f}"
    return f"{text} {cell.mark}" if cell.mark else text


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
