"""Scorers that ship, read from shipped.yaml beside this file."""

from pathlib import Path
from typing import Final, NamedTuple

import yaml


class Shipped(NamedTuple):
    """One scorer.

    Attributes:
        name: `MODEL/DATA`.
        words: of the command that trains it.
        title: what it is.
        use: what it is for, beside all the others.
        limits: what it cannot do.
        page: of docs/, about the model.
        citations: papers of the method.
    """

    name: str
    words: str
    title: str
    use: str
    limits: str
    page: str
    citations: list[str]


SHIPPED: Final = tuple(
    Shipped(**one) for one in yaml.safe_load(Path(__file__).with_name("shipped.yaml").read_text(encoding="utf-8"))
)
