"""Vertices: which are reconstructed, and which one is the primary."""

from typing import Final

import numpy as np

from hepad.simulation.particle_flow import NO_VERTEX, Candidates, Kind
from hepad.simulation.records import Array

TRACKS_MIN: Final = 4
"""A vertex is reconstructed from at least this many tracks."""


def find_vertices(candidates: Candidates, n_events: int) -> tuple[Array, Array]:
    """Return the primary vertex (E,) of each event and its number of reconstructed vertices (E,).

    As in CMS, the primary vertex is the one whose tracks have the largest Σ pT² (in a crossing without a hard
    collision this is the hardest pileup collision).
    """
    tracked = np.flatnonzero(candidates.vertex != NO_VERTEX)
    event, vertex = candidates.event[tracked], candidates.vertex[tracked]
    width = int(vertex.max(initial=0)) + 1
    slot = event * width + vertex
    sum_pt2 = np.bincount(slot, weights=candidates.pt[tracked] ** 2, minlength=n_events * width)
    n_tracks = np.bincount(slot, minlength=n_events * width).reshape(n_events, width)
    primary: Array = sum_pt2.reshape(n_events, width).argmax(axis=1)
    return primary, (n_tracks >= TRACKS_MIN).sum(axis=1)


def is_pileup(candidates: Candidates, primary_vertex: Array) -> Array:
    """Tell which candidates (N,) charged-hadron subtraction removes: charged hadrons of other vertices."""
    other = candidates.vertex != primary_vertex[candidates.event]
    removed: Array = (candidates.kind == Kind.CHARGED_HADRON) & other
    return removed
