"""The jet energy scale: what is multiplied to the four-momentum of a clustered jet.

As in CMS (arXiv:1607.03663): first the offset of pileup is taken away, area by area, then the mean response of
the detector is undone. The response was measured in this simulation, as the median of reconstructed over true pT
of top-pair and dijet events (jets of visible particles, matched within ΔR < 0.2, 27 pileup collisions).
"""

from typing import Final

import numpy as np

from hepad.simulation.arrays import Array
from hepad.simulation.density import RANGE_EDGES, pileup_offset

_PLATEAU: Final = 0.985
_LOSS_AT_30_GEV: Final = np.array([0.105, 0.085, 0.15, 0.045])
"""By range of |η|: neutral hadrons below threshold, and particles that bend out of the jet."""
_POWER: Final = 0.8
_TRUE_PT_MIN: Final = 30.0
"""Below, matched jets are a biased sample (the threshold keeps those that fluctuated upwards): R is held there."""


def response(pt: Array, eta: Array) -> Array:
    """Return the mean measured share of the true `pt` (J,) GeV of jets after pileup subtraction."""
    in_range = np.searchsorted(RANGE_EDGES, np.minimum(np.abs(eta), 4.99), side="right") - 1
    shape = (30 / np.maximum(pt, _TRUE_PT_MIN)) ** _POWER
    return _PLATEAU - _LOSS_AT_30_GEV[in_range] * shape


def correction(pt_raw: Array, eta: Array, area: Array, rho: Array, event: Array) -> Array:
    """Return the factor (J,) that takes jets of `pt_raw` GeV and `area` to the true scale; 0 for pure pileup.

    `rho` (E, 4) is the pileup density of each event, `event` (J,) the event of each jet.
    """
    share = np.maximum(1 - pileup_offset(rho, event, eta) * area / pt_raw, 0.0)
    measured = share * pt_raw
    true = measured / response(measured, eta)
    return share / response(true, eta)
