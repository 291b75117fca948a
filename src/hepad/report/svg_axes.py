"""Scales and axes of pictures that a page draws itself: SVG whose colours are those of the page."""

import math
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from hepad.report.formatting import superscript

WIDTH: Final = 640
HEIGHT: Final = 440
LEFT: Final = 84
TOP: Final = 14
RIGHT: Final = 622
BOTTOM: Final = 366


@dataclass(frozen=True)
class Scale:
    """Numbers on a stretch of the picture.

    Attributes:
        low, high: numbers at its ends.
        start, end: the ends, in units of the picture.
        log: equal lengths are equal factors.

    >>> from hepad.report.svg_axes import Scale
    >>> scale = Scale(0.01, 1.0, 0, 100, log=True)
    >>> scale(0.1), scale.ticks()
    (50.0, [(0.01, '10⁻²'), (0.1, '10⁻¹'), (1.0, '1')])
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Return the place of a number; one beyond an end has the place of that end."""
        low, high, value = (math.log10(v) if self.log else v for v in (self.low, self.high, max(value, self._least)))
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        return self.start + share * (self.end - self.start)

    @property
    def _least(self) -> float:
        return self.low if self.log else -math.inf

    def ticks(self) -> list[tuple[float, str]]:
        """Return numbers with their text: powers of ten, or about five round ones."""
        if self.log:
            return self._powers()
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        return [(k * step, f"{k * step:.10g}") for k in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def _powers(self) -> list[tuple[float, str]]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        if last - first < 1:
            factors = (1, 2, 5)
            tried = [f * 10.0**k for k in range(first - 1, last + 2) for f in factors]
            return [(v, f"{v:.3g}") for v in tried if self.low <= v <= self.high]
        every = 1 + (last - first) // 6
        return [(10.0**k, _power(k)) for k in range(first, last + 1, every)]


def axes(x: Scale, y: Scale, x_title: str, y_title: str, more: tuple[tuple[float, str], ...] = ()) -> Markup:
    """Return grid, frame, numbers and titles.

    Args:
        x, y: scales of the two axes.
        x_title, y_title: what they show.
        more: (place, text) of further numbers below the picture.
    """
    lines, texts = [], []
    for value, text in x.ticks():
        lines.append(f"M{x(value):.1f} {TOP}V{BOTTOM}")
        texts.append(_text(x(value), BOTTOM + 24, text, "middle"))
    for value, text in y.ticks():
        lines.append(f"M{LEFT} {y(value):.1f}H{RIGHT}")
        texts.append(_text(LEFT - 9, y(value) + 6, text, "end"))
    texts += [_text(place, BOTTOM + 24, text, "middle") for place, text in more]
    texts.append(_text(RIGHT, HEIGHT - 12, x_title, "end"))
    middle = (TOP + BOTTOM) / 2
    turned = Markup('<text transform="translate(20 {:.0f}) rotate(-90)" text-anchor="middle">{}</text>')
    return Markup('<path class="grid" d="{}"/><path class="frame" d="{}"/>').format(
        "".join(lines), f"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}V{TOP}Z"
    ) + Markup("").join([*texts, turned.format(middle, y_title)])


def _text(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _power(exponent: int) -> str:
    return "1" if exponent == 0 else f"10{superscript(exponent)}"


def _round_step(step: float) -> float:
    """Return the next larger of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step * (1 - 1e-9))
