"""The particles that reach the detector, as small integer codes into tables of their properties.

Masses (GeV) are those of the Particle Data Group. Everything with a mean decay length cτ under 10 mm has
decayed in the generator, so these are all there is; neutrinos are left out.
"""

from typing import Final

import numpy as np

from hepad.simulation.records import Array

# PDG code: (mass, charge, share of the energy seen by ECAL, by HCAL)
_TABLE: Final[dict[int, tuple[float, int, float, float]]] = {
    22: (0.0, 0, 1.0, 0.0),
    11: (0.000511, -1, 1.0, 0.0),
    13: (0.10566, -1, 0.0, 0.0),
    211: (0.13957, 1, 0.0, 1.0),
    321: (0.49368, 1, 0.0, 1.0),
    2212: (0.93827, 1, 0.0, 1.0),
    2112: (0.93957, 0, 0.0, 1.0),
    130: (0.49761, 0, 0.0, 1.0),
    310: (0.49761, 0, 0.3, 0.7),
    3122: (1.11568, 0, 0.3, 0.7),
    3112: (1.19745, -1, 0.0, 1.0),
    3222: (1.18937, 1, 0.0, 1.0),
    3312: (1.32171, -1, 0.0, 1.0),
    3322: (1.31486, 0, 0.0, 1.0),
    3334: (1.67245, -1, 0.0, 1.0),
}
_NEUTRAL: Final = (22, 130, 310)

_CODES: Final = tuple(sorted({*_TABLE} | {-pdg for pdg in _TABLE if pdg not in _NEUTRAL}))

PDG: Final[Array] = np.array(_CODES, dtype=np.int32)
MASS: Final[Array] = np.array([_TABLE[abs(pdg)][0] for pdg in _CODES])
CHARGE: Final[Array] = np.array([np.sign(pdg) * _TABLE[abs(pdg)][1] for pdg in _CODES], dtype=np.int8)
ECAL_SHARE: Final[Array] = np.array([_TABLE[abs(pdg)][2] for pdg in _CODES])
HCAL_SHARE: Final[Array] = np.array([_TABLE[abs(pdg)][3] for pdg in _CODES])
IS_ELECTRON: Final[Array] = np.abs(PDG) == 11
IS_MUON: Final[Array] = np.abs(PDG) == 13

UNKNOWN: Final = 255


def species_of(pdg: Array) -> Array:
    """Return the species code (uint8) of each PDG code (N,); `UNKNOWN` for what leaves no trace."""
    position = np.clip(np.searchsorted(PDG, pdg), 0, len(PDG) - 1)
    return np.where(PDG[position] == pdg, position, UNKNOWN).astype(np.uint8)
