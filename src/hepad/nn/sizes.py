"""Sizes of layers, as users give them or as they follow from the number of features."""

from collections.abc import Sequence
from typing import Final

_NARROWEST_HIDDEN: Final = 16
_LARGEST_WIDTH: Final = 256


def hidden_widths(hidden: Sequence[int] | None, n_features: int) -> Sequence[int]:
    """Return the widths of hidden layers: those given, else one layer about as wide as the features, and at least 16.

    >>> hidden_widths(None, 17), hidden_widths(None, 5), hidden_widths(None, 40), hidden_widths([9, 6], 17)
    ([16], [16], [39], [9, 6])
    """
    return [max(_NARROWEST_HIDDEN, n_features - 1)] if hidden is None else hidden


def code_width(latent: int | None, n_features: int, part: int = 2) -> int:
    """Return the width of a code of `n_features`: the one given, else a `part`-th of them, so that it has to choose.

    >>> code_width(None, 17), code_width(None, 5), code_width(None, 17, part=4), code_width(3, 17)
    (8, 2, 4, 3)
    """
    return max(1, n_features // part) if latent is None else latent


def check_sizes(**sizes: int | Sequence[int]) -> None:
    """Raise `ValueError` for a size, or one among several, that is no whole number or below 1."""
    for name, given in sizes.items():
        one = isinstance(given, int | float | str)
        if not all(isinstance(size, int) and size >= 1 for size in ([given] if one else given)):  # type: ignore[union-attr]
            shown = given if one else list(given)  # type: ignore[arg-type]
            raise ValueError(f"{name}={shown}; whole numbers of at least 1 are needed")


def halved_sizes(size: Sequence[int], smallest: int) -> list[tuple[int, ...]]:
    """Return the sizes of an image halved, rounding up, until its shorter side is at most `smallest`.

    How many there are is how deep a network of such images has to be for its last layers to see all of one, and for the
    layer to the code to stay small.

    >>> halved_sizes((18, 14), 7)
    [(18, 14), (9, 7)]
    >>> halved_sizes((72, 58), 7)
    [(72, 58), (36, 29), (18, 15), (9, 8), (5, 4)]

    Args:
        size: height and width.
        smallest: in pixels, at least 1.
    """
    sizes = [tuple(size)]
    while min(sizes[-1]) > smallest:
        sizes.append(tuple(-(-n // 2) for n in sizes[-1]))
    return sizes


def growing_widths(first: int, n: int) -> list[int]:
    """Return `n` numbers of channels that double from `first` on, none above 256.

    An image that is halved has a quarter of its pixels; twice the channels keep half of its numbers.

    >>> growing_widths(32, 5)
    [32, 64, 128, 256, 256]
    """
    return [min(first * 2**i, _LARGEST_WIDTH) for i in range(n)]
