"""High-level features of an entry, by name, made of the objects in its slots.

Objects 1, 2, 3 are the first slots: by falling pT, where the preset sorts so. φ in rad, all else in GeV.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.formats import jet_substructure as substructure
from hepad.formats.functions import delta_phi, mass_of, pair_mass, tau_ratio

Array = NDArray[np.float64]

FAT_RADIUS: Final = 0.8
"""R_0 of what is made of the constituents of one jet: the radius of the jets of CMS, JetClass and top tagging."""

_HIGHEST: Final = 4


class Columns(dict[str, Array]):
    """Columns of the objects of entries, name → `(N, S)` float64, zero padded, with `pt`; and the jet that they are.

    Args:
        given: name → numbers of any type.
    """

    def __init__(self, given: Mapping[str, NDArray[Any]]) -> None:
        super().__init__({name: np.asarray(values, dtype=np.float64) for name, values in given.items()})

    @cached_property
    def jet(self) -> Any:
        """All objects of an entry as one jet, massless where they have no mass."""
        return substructure.particles(self["pt"], self["eta"], self["phi"], self.get("mass", 0.0))

    @cached_property
    def tau(self) -> Array:
        """τ_1 … τ_4 of it, `(N, 4)`."""
        return substructure.n_subjettiness(self.jet, _HIGHEST, 1.0, FAT_RADIUS)[:, 0]

    @cached_property
    def soft_drop_mass(self) -> Array:
        """Soft-drop mass of it, `(N,)`."""
        return substructure.soft_drop_mass(self.jet, 0.1, 0.0, FAT_RADIUS)[:, 0]


@dataclass(frozen=True)
class HighLevelFeature:
    """A feature of an entry.

    Attributes:
        definition: in one line.
        needs: columns of the objects.
        least: how many objects an entry needs; others get 0.
        compute: from name → `(N, S)`, zero where a slot is empty, to `(N,)`.
        unit: of it.
    """

    definition: str
    needs: tuple[str, ...]
    least: int
    compute: Callable[[Columns], Array]
    unit: str = ""


_P4: Final = ("pt", "eta", "phi", "mass")


def _pair(one: int, other: int) -> Callable[[Columns], Array]:
    def compute(c: Columns) -> Array:
        mass: Array = pair_mass(*(c[n][:, one] for n in _P4), *(c[n][:, other] for n in _P4))
        return mass

    return compute


def _all_mass(c: Columns) -> Array:
    px, py, pz, energy = _momenta(c)
    squared: Array = np.maximum(energy**2 - px**2 - py**2 - pz**2, 0)
    return np.sqrt(squared)


def _momenta(c: Columns) -> tuple[Array, Array, Array, Array]:
    pt, eta, phi, mass = (c[name] for name in _P4)
    energy = np.sqrt(mass**2 + (pt * np.cosh(eta)) ** 2)
    parts = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), energy)
    px, py, pz, total = (part.sum(axis=1) for part in parts)
    return px, py, pz, total


def _mht(c: Columns) -> Array:
    pt, phi = c["pt"], c["phi"]
    sums: Array = np.hypot((pt * np.cos(phi)).sum(axis=1), (pt * np.sin(phi)).sum(axis=1))
    return sums


def _distance(c: Columns) -> Array:
    distance: Array = np.hypot(c["eta"][:, 0] - c["eta"][:, 1], delta_phi(c["phi"][:, 0], c["phi"][:, 1]))
    return distance


def _ratio(top: int, slot: int) -> HighLevelFeature:
    names = (f"tau{top}", f"tau{top - 1}")

    def compute(c: Columns) -> Array:
        ratio: Array = tau_ratio(c[names[0]][:, slot], c[names[1]][:, slot])
        return ratio

    return HighLevelFeature(f"τ{top} / (10⁻⁵ + τ{top - 1}) of object {slot + 1}", names, slot + 1, compute)


_DIRECTIONS: Final = ("pt", "eta", "phi")


def _jet_mass(c: Columns) -> Array:
    sums = (function(c.jet)[:, 0] for function in (substructure.jet_energy, *_MOMENTUM))
    mass: Array = mass_of(*sums)
    return mass


def _jet_pt(c: Columns) -> Array:
    px, py, _ = (function(c.jet)[:, 0] for function in _MOMENTUM)
    return np.hypot(px, py)


_MOMENTUM: Final = (substructure.jet_px, substructure.jet_py, substructure.jet_pz)


def _of_jet(definition: str, compute: Callable[[Columns], Array], unit: str = "") -> HighLevelFeature:
    return HighLevelFeature(f"{definition} of the jet that all objects are", _DIRECTIONS, 1, compute, unit)


def _jet_tau(order: int) -> HighLevelFeature:
    return _of_jet(f"τ{order} (β = 1, R₀ = 0.8)", lambda c: c.tau[:, order - 1])


def _jet_ratio(top: int) -> HighLevelFeature:
    def compute(c: Columns) -> Array:
        ratio: Array = tau_ratio(c.tau[:, top - 1], c.tau[:, top - 2])
        return ratio

    return _of_jet(f"τ{top} / (10⁻⁵ + τ{top - 1})", compute)


HIGH_LEVEL: Final[Mapping[str, HighLevelFeature]] = {
    "m_jj": HighLevelFeature("invariant mass of objects 1 and 2", _P4, 2, _pair(0, 1), "GeV"),
    "m_jjj": HighLevelFeature("invariant mass of all objects, of at least 3", _P4, 3, _all_mass, "GeV"),
    "m_all": HighLevelFeature("invariant mass of all objects", _P4, 1, _all_mass, "GeV"),
    "m_light": HighLevelFeature(
        "smaller mass of objects 1 and 2", ("mass",), 2, lambda c: c["mass"][:, :2].min(axis=1), "GeV"
    ),
    "delta_m": HighLevelFeature(
        "larger minus smaller mass of objects 1 and 2",
        ("mass",),
        2,
        lambda c: np.abs(c["mass"][:, 0] - c["mass"][:, 1]),
        "GeV",
    ),
    "delta_eta": HighLevelFeature(
        "distance in η of objects 1 and 2", ("eta",), 2, lambda c: np.abs(c["eta"][:, 0] - c["eta"][:, 1])
    ),
    "delta_phi": HighLevelFeature(
        "distance in φ of objects 1 and 2, up to π",
        ("phi",),
        2,
        lambda c: np.abs(delta_phi(c["phi"][:, 0], c["phi"][:, 1])),
        "rad",
    ),
    "delta_r": HighLevelFeature("√(Δη² + Δφ²) of objects 1 and 2", ("eta", "phi"), 2, _distance),
    "sum_pt_objects": HighLevelFeature(
        "Σ pT of the objects in the slots", ("pt",), 0, lambda c: c["pt"].sum(axis=1), "GeV"
    ),
    "mht": HighLevelFeature("length of the vector Σ pT of the objects in the slots", ("pt", "phi"), 0, _mht, "GeV"),
    "n_objects": HighLevelFeature(
        "objects in the slots", ("pt",), 0, lambda c: (c["pt"] > 0).sum(axis=1).astype(np.float64)
    ),
    **{f"tau{top}{top - 1}_{slot + 1}": _ratio(top, slot) for top in (2, 3, 4) for slot in (0, 1)},
    "jet_pt": _of_jet("pT", _jet_pt, "GeV"),
    "jet_mass": _of_jet("mass", _jet_mass, "GeV"),
    "jet_soft_drop_mass": _of_jet("soft-drop mass (z_cut = 0.1, β = 0)", lambda c: c.soft_drop_mass, "GeV"),
    **{f"jet_tau{order}": _jet_tau(order) for order in range(1, _HIGHEST + 1)},
    **{f"jet_tau{top}{top - 1}": _jet_ratio(top) for top in range(2, _HIGHEST + 1)},
}
"""Name → feature."""


def high_level(name: str, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
    """Return a feature `(N,)` of entries; 0 for those with too few objects.

    Args:
        name: one of `HIGH_LEVEL`.
        columns: name → `(N, S)` of the objects, zero padded, with `pt`; `Columns` for several features of them.

    >>> import numpy as np
    >>> from hepad.formats.high_level import high_level
    >>> one = {"pt": [[50.0, 50.0]], "eta": [[0.0, 0.0]], "phi": [[0.0, np.pi]], "mass": [[0.0, 0.0]]}
    >>> round(float(high_level("m_jj", {name: np.array(value) for name, value in one.items()})[0]), 3)
    100.0
    """
    feature = HIGH_LEVEL[name]
    double = columns if isinstance(columns, Columns) else Columns(columns)
    n_slots = double["pt"].shape[1]
    if n_slots < feature.least:
        return np.zeros(len(double["pt"]), dtype=np.float32)
    enough = (double["pt"] > 0).sum(axis=1) >= feature.least
    # Momenta of NaN stay NaN, where no jet is made of them: whoever reads the file is told of them.
    with np.errstate(all="ignore"):
        found = np.asarray(feature.compute(double))
    return np.where(enough | np.isnan(double["pt"]).any(axis=1), found, 0.0).astype(np.float32)
