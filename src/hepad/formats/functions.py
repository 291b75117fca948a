"""Functions of expressions: kinematics and sums over the objects of an entry, on NumPy and Awkward arrays alike.

Momenta in GeV, angles in rad. An array of objects is `(N, S)` or jagged; sums run over its last axis.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from hepad.core.errors import UserError
from hepad.formats import jet_substructure as substructure
from hepad.formats.elementwise import is_jagged

TAU_FLOOR: Final = 1e-5
"""Added to the denominator of a ratio of N-subjettiness, as CATHODE does (arXiv:2109.00546)."""


def pt_of(px: Any, py: Any) -> Any:
    """Return √(px² + py²)."""
    return np.hypot(px, py)


def phi_of(px: Any, py: Any) -> Any:
    """Return the azimuth, in (−π, π]."""
    return np.arctan2(py, px)


def eta_of(px: Any, py: Any, pz: Any) -> Any:
    """Return the pseudorapidity arsinh(pz / pT); 0 for a momentum of zero."""
    pt = np.hypot(px, py)
    return np.arcsinh(pz / (pt + (pt == 0) * np.finfo(np.float32).tiny)) * (pt > 0)


def mass_of(energy: Any, px: Any, py: Any, pz: Any) -> Any:
    """Return √(E² − p²); 0 where rounding makes that negative."""
    squared = energy**2 - px**2 - py**2 - pz**2
    return np.sqrt(squared * (squared > 0))


def energy_of(mass: Any, px: Any, py: Any, pz: Any) -> Any:
    """Return √(m² + p²)."""
    return np.sqrt(mass**2 + px**2 + py**2 + pz**2)


def delta_phi(one: Any, other: Any) -> Any:
    """Return φ₁ − φ₂ in [−π, π)."""
    return (one - other + np.pi) % (2 * np.pi) - np.pi


def pair_mass(pt_1: Any, eta_1: Any, phi_1: Any, m_1: Any, pt_2: Any, eta_2: Any, phi_2: Any, m_2: Any) -> Any:
    """Return the invariant mass of two objects of known pT, η, φ and mass."""
    one, two = (
        (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.sqrt(m**2 + (pt * np.cosh(eta)) ** 2))
        for pt, eta, phi, m in ((pt_1, eta_1, phi_1, m_1), (pt_2, eta_2, phi_2, m_2))
    )
    px, py, pz, energy = (a + b for a, b in zip(one, two, strict=True))
    return mass_of(energy, px, py, pz)


def tau_ratio(numerator: Any, denominator: Any) -> Any:
    """Return τ_M / (10⁻⁵ + τ_N)."""
    return numerator / (TAU_FLOOR + denominator)


def total(array: Any) -> Any:
    """Return the sum over the objects of an entry."""
    return _over_objects("sum", array)


def largest(array: Any) -> Any:
    """Return the largest of an entry's objects; 0 where there are none."""
    if is_jagged(array):
        import awkward as ak

        return ak.fill_none(ak.max(array, axis=-1), 0)
    return np.max(array, axis=-1)


def count(array: Any) -> Any:
    """Return how many objects an entry has; of a condition, for how many it holds."""
    if is_jagged(array):
        import awkward as ak

        flag = str(ak.type(array)).endswith("bool")
        return ak.sum(array, axis=-1) if flag else ak.num(array, axis=-1)
    return (np.asarray(array) != 0).sum(axis=-1)


def some(array: Any) -> Any:
    """Return whether a condition holds for at least one object."""
    return _over_objects("any", array)


def every(array: Any) -> Any:
    """Return whether a condition holds for all objects."""
    return _over_objects("all", array)


def first(array: Any) -> Any:
    """Return the first object of each entry; 0 where there is none."""
    return nth(array, 0)


def last(array: Any) -> Any:
    """Return the last object of each entry; 0 where there is none."""
    if is_jagged(array):
        return nth(array[..., ::-1], 0)
    return array[..., -1]


def nth(array: Any, index: int) -> Any:
    """Return object `index` of each entry, from 0; 0 where there are not so many."""
    if is_jagged(array):
        import awkward as ak

        padded = ak.pad_none(array, index + 1, axis=-1)
        return ak.fill_none(padded[..., index], 0)
    return array[..., index]


def grouped(array: Any, group: Any, n_groups: Any) -> Any:
    """Return objects of an event `(N, objects)` as `(N, groups, objects)`, by the number of their group (PFNano).

    Args:
        array: a column of the objects, jagged.
        group: the group of each, from 0; others than `0 … n_groups − 1` are left out.
        n_groups: of each event, `(N,)`.
    """
    import awkward as ak

    groups_of_event = ak.to_numpy(n_groups).astype(np.int64)
    kept = (group >= 0) & (group < groups_of_event)
    first_group = np.concatenate([[0], np.cumsum(groups_of_event)])
    number = ak.to_numpy(ak.flatten((group + first_group[:-1])[kept])).astype(np.int64)
    order = np.argsort(number, kind="stable")
    values = ak.flatten(array[kept])[order]
    sizes = np.bincount(number, minlength=int(first_group[-1]))
    return ak.unflatten(ak.unflatten(values, sizes), groups_of_event)


def reshape(array: Any, *shape: int) -> Any:
    """Return an array with other axes behind the first."""
    plain = np.asarray(array)
    try:
        return plain.reshape(len(plain), *map(int, shape))
    except ValueError as error:
        raise UserError(f"rows of shape {plain.shape[1:]} have no {shape}") from error


def stack(*columns: Any) -> Any:
    """Return columns `(N,)` as the objects of an entry, `(N, len(columns))`."""
    return np.stack([np.asarray(column) for column in columns], axis=-1)


def transpose(array: Any, *axes: int) -> Any:
    """Return an array with its axes in another order, counted from 1, the first one behind the rows."""
    return np.transpose(np.asarray(array), (0, *map(int, axes)))


def where(condition: Any, yes: Any, no: Any) -> Any:
    """Return one or the other, by a condition."""
    if is_jagged(condition) or is_jagged(yes) or is_jagged(no):
        import awkward as ak

        return ak.where(condition, yes, no)
    return np.where(condition, yes, no)


def _over_objects(name: str, array: Any) -> Any:
    if is_jagged(array):
        import awkward as ak

        return getattr(ak, name)(array, axis=-1)
    return getattr(np, name)(array, axis=-1)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": np.abs,
    "all": every,
    "any": some,
    "arange": np.arange,
    "arcsinh": np.arcsinh,
    "cluster": substructure.cluster,
    "cos": np.cos,
    "cosh": np.cosh,
    "count": count,
    "delta_phi": delta_phi,
    "energy_of": energy_of,
    "eta_of": eta_of,
    "exp": np.exp,
    "first": first,
    "grouped": grouped,
    "hypot": np.hypot,
    "last": last,
    "isfinite": np.isfinite,
    "jet_energy": substructure.jet_energy,
    "jet_px": substructure.jet_px,
    "jet_py": substructure.jet_py,
    "jet_pz": substructure.jet_pz,
    "log": np.log,
    "mass_of": mass_of,
    "max": largest,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "n_constituents": substructure.n_constituents,
    "n_subjettiness": substructure.n_subjettiness,
    "nth": nth,
    "pair_mass": pair_mass,
    "particles": substructure.particles,
    "phi_of": phi_of,
    "pt_of": pt_of,
    "reshape": reshape,
    "sin": np.sin,
    "sinh": np.sinh,
    "soft_drop_mass": substructure.soft_drop_mass,
    "sqrt": np.sqrt,
    "stack": stack,
    "sum": total,
    "tau_ratio": tau_ratio,
    "transpose": transpose,
    "where": where,
}
"""Name in an expression → what computes it."""
