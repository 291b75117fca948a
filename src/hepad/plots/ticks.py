"""Ticks that are placed once for each size of the axes: a layout asks for the same ones a dozen times."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib.figure import Figure


@contextmanager
def ticks_placed_once(figure: Figure) -> Iterator[None]:
    """Let the axes of a figure remember their ticks, and the boxes of the labels, while the block draws it.

    They are placed anew as soon as the limits, the axes or the resolution are others, so that the picture is the same.
    """
    remembered = [_Ticks(axis) for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    try:
        yield
    finally:
        for ticks in remembered:
            ticks.forget()


class _Ticks:
    """The ticks of one axis, in place of its own methods that place and measure them."""

    def __init__(self, axis: Any) -> None:
        self.axis = axis
        self.key: tuple[float, ...] | None = None
        self.placed: list[Any] = []
        self.boxes: dict[int, Any] = {}
        self.axis._update_ticks = self.place
        self.axis._get_ticklabel_bboxes = self.measure

    def forget(self) -> None:
        """Give the axis its own methods back."""
        del self.axis._update_ticks, self.axis._get_ticklabel_bboxes

    def place(self) -> list[Any]:
        """Return what `Axis._update_ticks` returns."""
        if self.key != self._now():
            self.boxes.clear()
            self.placed = type(self.axis)._update_ticks(self.axis)
            self.key = self._now()
        return self.placed

    def measure(self, ticks: list[Any], renderer: Any) -> Any:
        """Return what `Axis._get_ticklabel_bboxes` returns."""
        if ticks is not self.placed or self.key != self._now():
            return type(self.axis)._get_ticklabel_bboxes(self.axis, ticks, renderer)
        if id(renderer) not in self.boxes:
            self.boxes[id(renderer)] = type(self.axis)._get_ticklabel_bboxes(self.axis, ticks, renderer)
        return self.boxes[id(renderer)]

    def _now(self) -> tuple[float, ...]:
        axes = self.axis.axes
        return (*self.axis.get_view_interval(), *axes.bbox.bounds, *axes.figure.bbox.bounds, axes.figure.dpi)
