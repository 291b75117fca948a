"""Colours on a dark page."""

from typing import Final

# Rows of a turn of the hue by 180°, as in CSS (W3C Filter Effects Module Level 1, section 8.5): what the page does to
# pictures with `invert(1) hue-rotate(180deg)` is done to its own lines, so that a sample has one colour in both.
_TURN: Final = ((-0.574, 1.43, 0.144), (0.426, 0.43, 0.144), (0.426, 1.43, -0.856))


def dark_color(color: str) -> str:
    """Return a colour for black paper: of the same hue, as far from black as it is from white.

    Args:
        color: `#rrggbb`.

    >>> from hepad.report.colors import dark_color
    >>> dark_color("#000000"), dark_color("#bd1f01")
    ('#ffffff', '#ffa183')
    """
    inverted = [255 - int(color[i : i + 2], 16) for i in (1, 3, 5)]
    turned = (sum(weight * value for weight, value in zip(row, inverted, strict=True)) for row in _TURN)
    return "#" + "".join(f"{min(max(round(value), 0), 255):02x}" for value in turned)
