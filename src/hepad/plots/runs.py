"""How compared runs look: one colour, line and marker each, the same in all figures."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from hepad.counting import counted
from hepad.plots.labels import SampleStyle, plain

# Petroff's ten colours (arXiv:2107.02270), darker ones first; lines tell the second ten from the first.
_COLORS: Final = (
    "#3f90da",
    "#e76300",
    "#832db6",
    "#bd1f01",
    "#00798c",
    "#717581",
    "#ffa90e",
    "#a96b59",
    "#94a4a2",
    "#b9ac70",
)
_LINES: Final = ("-", "--", "-.", ":")
_MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p")

MOST_IN_COLOR: Final = 8
"""Curves that a reader can tell apart in one figure; others are drawn thin and grey."""


def run_styles(names: Iterable[str]) -> dict[str, SampleStyle]:
    """The look of each run, in the order given."""
    return {
        name: SampleStyle(
            plain(name),
            _COLORS[i % len(_COLORS)],
            _LINES[i // len(_COLORS) % len(_LINES)],
            _MARKERS[i % len(_MARKERS)],
        )
        for i, name in enumerate(names)
    }


def in_color(best_first: Sequence[str], baseline: str, most: int = MOST_IN_COLOR) -> list[str]:
    """The runs to draw in their colours: all if there are few, else the baseline and the best of the others."""
    if len(best_first) <= most:
        return list(best_first)
    chosen = [baseline, *(name for name in best_first if name != baseline)][:most]
    return [name for name in best_first if name in chosen]


def grey_label(styles: Mapping[str, SampleStyle], shown: Sequence[str], drawn: Iterable[str]) -> str | None:
    """What the legend says of the runs drawn in grey; None where there are none."""
    count = len(set(drawn) - set(shown))
    return counted(count, "other run") if count else None
