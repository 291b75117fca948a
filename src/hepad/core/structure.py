"""The structure of an entry: what its axes are, whatever its numbers mean."""

from collections.abc import Collection
from typing import Final, Literal

from hepad.core.errors import UserError

Structure = Literal["vector", "set", "image", "volume"]
"""`vector` (F); `set` (S, F), slots of which a mask tells the real ones; `image` (C, H, W); `volume` (C, D, H, W).

A datamodule has one; models and losses name those that they take, and never a data set.
"""

STRUCTURES: Final[tuple[Structure, ...]] = ("vector", "set", "image", "volume")


def plural(structures: Collection[str]) -> str:
    """Structures in a sentence.

    >>> from hepad.core.structure import plural
    >>> plural({"vector"}), plural({"image", "vector"})
    ('vectors', 'vectors or images')
    """
    return " or ".join(f"{name}s" for name in STRUCTURES if name in structures)


def check_structures(what: str, structures: Collection[str] | None, kinds: object) -> None:
    """Raise `UserError` for a model or a loss of the user's own that does not declare its structures, or wrong ones.

    Args:
        what: the model or the loss, for the message.
        structures: that it declares; None for none.
        kinds: names of data sets that it still declares, as in earlier versions; None for none.
    """
    example = f'such as structures = frozenset({{"vector"}}) for jets; there are {", ".join(STRUCTURES)}'
    if kinds is not None:
        raise UserError(f"{what} declares `kinds`, which is no longer read; declare structures of entries, {example}")
    if structures is None:
        raise UserError(f"{what} does not declare what it takes; declare structures of entries, {example}")
    if unknown := sorted(set(structures) - set(STRUCTURES)):
        raise UserError(f"{what} declares the structures {', '.join(unknown)}; allowed: {', '.join(STRUCTURES)}")
