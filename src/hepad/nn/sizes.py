"""Sizes of layers as users give them."""

from collections.abc import Sequence


def check_sizes(**sizes: int | Sequence[int]) -> None:
    """Raise `ValueError` for a size, or one among several, that is no whole number or below 1."""
    for name, given in sizes.items():
        if not all(
            isinstance(size, int) and size >= 1 for size in ([given] if isinstance(given, int | float) else given)
        ):
            shown = given if isinstance(given, int | float) else list(given)
            raise ValueError(f"{name}={shown}; whole numbers of at least 1 are needed")
