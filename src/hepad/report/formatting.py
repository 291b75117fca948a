"""Numbers as a reader wants them, on pages and on the console, and the keys by which a page sorts them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from markupsafe import Markup

from hepad.report.content import Cell, Difference, Interval, Link, Named, Setting

_SHORT: Final = 7


def format_cell(cell: Cell) -> str:
    """A cell as text: about four significant digits, uncertainties to two, a dash for what is not known.

    A link, and a number with its name, come as markup, their text escaped.
    """
    if cell is None:
        return "–"
    if isinstance(cell, bool | str):
        return str(cell)
    if isinstance(cell, Link):
        return Markup('<a href="{}">{}</a>').format(quote(cell.path), cell.text)
    if isinstance(cell, Named):
        return Markup("{}<br><small>{}</small>").format(_format_number(cell.value), cell.name)
    if isinstance(cell, Setting):
        return format_setting(cell.text)
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", "\u202f")
    if isinstance(cell, Interval):
        return f"{with_uncertainty(cell.value, cell.low, cell.high)} {cell.mark}".rstrip()
    if isinstance(cell, Difference):
        return _format_difference(cell)
    return _format_number(cell)


def plain_text(cell: Cell) -> str:
    """A cell without markup, as on a terminal: a name before its number, nothing for what is not known."""
    if isinstance(cell, Named):
        return f"{cell.name} {_format_number(cell.value)}"
    if isinstance(cell, Link):
        return cell.text
    return "" if cell is None else format_cell(cell)


def sort_key(cell: Cell) -> str:
    """A cell's number in full, for sorting; empty for text and for what is not known."""
    if isinstance(cell, Interval | Difference | Named):
        cell = cell.value
    if isinstance(cell, Setting):
        cell = _as_number(cell.text)
    if isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell):
        return repr(float(cell))
    return ""


def is_numeric(cell: Cell) -> bool:
    """Return whether a cell is set flush right."""
    if isinstance(cell, Setting):
        return _as_number(cell.text) is not None
    return isinstance(cell, int | float | Interval | Difference | Named) and not isinstance(cell, bool)


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
        return f"{_minus(mantissa)} × 10{superscript(int(exponent))}"
    if 0 < abs(value) < 1e-2:
        return _minus(f"{value:.{min(2 - math.floor(math.log10(abs(value))), 6)}f}")
    if abs(value) < 1:
        return _minus(f"{value:.4f}")
    return _minus(f"{value:#.4g}" if abs(value) < 1e3 else f"{value:.0f}")


def format_setting(text: str) -> str:
    """A setting for a table: a long decimal number with four significant digits, everything else as it is."""
    number = _as_number(text)
    return text if number is None or len(text) <= _SHORT or number.is_integer() else f"{number:.4g}"


def with_uncertainty(value: float, low: float | None, high: float | None) -> str:
    """A number with the uncertainty of its last digits in brackets: `0.8303(20)` is 0.8303 with 0.0020 to either side.

    The uncertainty is half the interval; where one side is more than twice the other, both are written out.

    Args:
        value: the number.
        low, high: ends of its interval; None where it is not known.
    """
    if low is None or high is None:
        return _format_number(value)
    up, down = high - value, value - low
    digits = _digits(max(up, down))
    text = _minus(f"{value:.{digits}f}")
    if min(up, down) < 0.5 * max(up, down):
        return f"{text} +{up:.{digits}f} −{down:.{digits}f}"
    return text + _brackets((up + down) / 2, digits)


def _as_number(text: str) -> float | None:
    try:
        return float(text.replace("−", "-"))
    except ValueError:
        return None


def _digits(error: float) -> int:
    """Decimals for an uncertainty of two digits: four for those of an AUC, five where four leave nothing."""
    for decimals, least in enumerate((9.95, 0.995, 0.0995, 0.00995)):
        if error >= least:
            return decimals
    return 5 if 0 < error < 0.000095 else 4


def _brackets(error: float, digits: int) -> str:
    count = round(error * 10**digits)
    return f"({count})" if count or not error else "(<1)"


def _format_difference(cell: Difference) -> str:
    digits = _digits(cell.error)
    text = f"{_minus(f'{cell.value:+.{digits}f}')}{_brackets(cell.error, digits)}"
    return f"{text} {cell.mark}" if cell.mark else text


def _minus(text: str) -> str:
    return text.replace("-", "−")


def superscript(number: int) -> str:
    """Return a whole number as an exponent is written: `⁻³`."""
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
