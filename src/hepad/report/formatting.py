"""Numbers as a reader wants them, and the keys by which the page sorts them."""

import math
from collections.abc import Iterator, Mapping, Sequence

from hepad.report.content import Cell, Interval


def format_cell(cell: Cell) -> str:
    """A cell as text: about four significant digits, uncertainties to two, a dash for what is not known."""
    if cell is None:
        return "–"
    if isinstance(cell, bool | str):
        return str(cell)
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", "\u202f")
    if isinstance(cell, Interval):
        return _format_interval(cell)
    return _format_number(cell)


def sort_key(cell: Cell) -> str:
    """A cell's number in full, for sorting; empty for text and for what is not known."""
    if isinstance(cell, Interval):
        cell = cell.value
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return repr(float(cell))
    return ""


def is_numeric(cell: Cell) -> bool:
    """Whether a cell is set flush right."""
    return isinstance(cell, int | float | Interval) and not isinstance(cell, bool)


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
    if 0 < abs(value) < 1e-3:
        return _minus(f"{value:.6f}")
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
    return f"{value} ± {up_text}" if up_text == down_text else f"{value} +{up_text} −{down_text}"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
