"""Filters on reconstructed events, named in the process table."""

from collections.abc import Callable
from typing import Final

from hepad.core.schema import JET_FEATURES
from hepad.simulation.arrays import Array
from hepad.simulation.event import Events


def jet_ht(events: Events) -> Array:
    """Return which events (E,) a jet trigger would keep: H_T > 900 GeV or a jet above 450 GeV."""
    leading_pt = events.jets[:, 0, JET_FEATURES.index("pt")]
    return (events.feature("ht") > 900) | (leading_pt > 450)


SELECTIONS: Final[dict[str, Callable[[Events], Array]]] = {"jet_ht": jet_ht}
