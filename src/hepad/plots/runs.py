"""The look of compared runs: one colour, line and marker each, the same in all figures."""

from collections.abc import Iterable, Sequence
from typing import Final

from hepad.core.names import counted
from hepad.plots.labels import SampleStyle, plain

# Those of Petroff's ten colours (arXiv:2107.02270) that nobody takes for grey, darker ones first.
_COLORS: Final = ("#3f90da", "#e76300", "#832db6", "#bd1f01", "#00798c", "#ffa90e", "#a96b59", "#b9ac70")
_LINES: Final = ("-", "--", "-.", ":")
_MARKERS: Final = ("s", "^", "D", "v", "P", "X", "<", ">")
_BASELINE: Final = "#000000"
_OTHER: Final = "#b4b4b4"

TRIVIAL_COLOR: Final = "#555555"
"""Of the best trivial score, which is dotted or hollow as well."""

MOST_IN_COLOR: Final = 8
"""Runs that a reader can tell apart in one figure, the baseline among them; others are drawn thin and grey."""


def run_styles(names: Iterable[str], baseline: str | None, shown: Sequence[str]) -> dict[str, SampleStyle]:
    """The look of each run: black for the baseline, a colour of its own for every other one shown, grey for the rest.

    Args:
        names: of all runs.
        baseline: the run that the others are compared with, if there is one.
        shown: the runs in colour (`in_color`), at most one more than there are colours.

    Raises:
        ValueError: more runs to show than colours.
    """
    names = list(names)
    colored = [name for name in names if name in shown and name != baseline]
    if len(colored) > len(_COLORS):
        raise ValueError(f"{len(colored)} runs in colour; at most {len(_COLORS)} can be told apart")
    styles = {name: SampleStyle(plain(name), _OTHER, "-", ".") for name in names}
    for i, name in enumerate(colored):
        styles[name] = SampleStyle(plain(name), _COLORS[i], _LINES[i % len(_LINES)], _MARKERS[i])
    if baseline is not None:
        styles[baseline] = SampleStyle(plain(baseline), _BASELINE, "-", "o")
    return styles


def in_color(best_first: Sequence[str], baseline: str | None) -> list[str]:
    """The runs to draw in their colours: all if there are few, else the baseline and the best others."""
    if len(best_first) <= MOST_IN_COLOR:
        return list(best_first)
    chosen = sorted(best_first, key=lambda name: name != baseline)[:MOST_IN_COLOR]
    return [name for name in best_first if name in chosen]


def grey_label(shown: Sequence[str], drawn: Iterable[str]) -> str | None:
    """Label of the runs drawn in grey, for the legend; None where there are none."""
    count = len(set(drawn) - set(shown))
    return counted(count, "other run") if count else None
