"""Tops of a collision, and the three quarks that each decayed to."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.simulation.arrays import Array
from hepad.simulation.generator import EventRecord

_TOP: Final = 6
_W: Final = 24
_HEAVIEST_QUARK: Final = 5
_N_QUARKS: Final = 3


@dataclass(frozen=True)
class HadronicTops:
    """Tops that decayed to three quarks (T,): the event, and η and φ (rad) of the top, then of its quarks (T, 4)."""

    event: Array
    eta: Array
    phi: Array


def hadronic_tops(record: EventRecord) -> HadronicTops:
    """Find the tops of events whose W decayed to quarks; quarks as they left the decay, before they radiated."""
    first = np.repeat(np.cumsum(record.counts) - record.counts, record.counts)
    mother = first + record.mother
    kind = np.abs(record.pdg)
    # A heavy particle stands in the record once for every recoil; its decay products name the last copy as mother.
    is_decaying_w = (kind == _W) & ~_has_child_of_its_kind(kind, mother, _W)
    quarks = np.flatnonzero((kind >= 1) & (kind <= _HEAVIEST_QUARK))
    of_w = quarks[is_decaying_w[mother[quarks]]]
    w_origin = mother[of_w]
    while (copy := kind[mother[w_origin]] == _W).any():
        w_origin = np.where(copy, mother[w_origin], w_origin)
    of_top = quarks[kind[mother[quarks]] == _TOP]
    product = np.concatenate([of_top, of_w])
    top = np.concatenate([mother[of_top], mother[w_origin]])
    from_top = kind[top] == _TOP
    product, top = product[from_top], top[from_top]

    order = np.argsort(top, kind="stable")
    product, top = product[order], top[order]
    found, start, n = np.unique(top, return_index=True, return_counts=True)
    found, start = found[n == _N_QUARKS], start[n == _N_QUARKS]
    members = np.column_stack([found, product[start[:, None] + np.arange(_N_QUARKS)]])
    event = np.repeat(np.arange(len(record.counts)), record.counts)
    return HadronicTops(event[found], record.eta[members], record.phi[members])


def _has_child_of_its_kind(kind: Array, mother: Array, wanted: int) -> Array:
    found = np.zeros(len(kind), dtype=bool)
    found[mother[kind == wanted]] = True
    last: Array = found & (kind == wanted)
    return last
