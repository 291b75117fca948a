"""Pictures of a kind rendered once in each process of the tests: a run has some ten of them, at a second each.

Every figure is still made of what is to be shown, which is where a recipe fails; what is saved is the time of turning
it into pixels, which `tests/unit/plots` and `tests/browser` look at. The file of a figure that was not rendered holds
the first picture of its name.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from matplotlib.figure import Figure

from hepad.core.files import atomic_write_bytes
from hepad.plots import processes, standard
from hepad.plots.style import figure_bytes

_rendered: dict[tuple[str, str], bytes] = {}


def _bytes(name: str, figure: Figure, format: str) -> bytes:
    if (name, format) not in _rendered:
        # To find a place for everything takes two thirds of the time.
        figure.set_layout_engine("none")
        _rendered[name, format] = figure_bytes(figure, format)
    return _rendered[name, format]


def _drawn(figure: standard.StandardFigure, formats: Sequence[str]) -> list[bytes]:
    made = figure.figure
    return [_bytes(figure.name, made, format) for format in formats]


def _save_figure(figure: Figure, path: Path, formats: Sequence[str] = ("png",)) -> list[Path]:
    return [
        atomic_write_bytes(path.with_name(f"{path.name}.{format}"), _bytes(path.name, figure, format))
        for format in formats
    ]


@contextmanager
def rendered_once() -> Iterator[None]:
    """Let figures of runs, comparisons and searches share their pictures in the block."""
    with patch.object(processes, "drawn", _drawn), patch.object(standard, "save_figure", _save_figure):
        yield
