"""Jets of particles and what is in them: anti-kT clustering, N-subjettiness, soft drop; by FastJet, many at once.

Momenta in GeV, angles in rad. Jets are `(N, jets, constituents)`, an Awkward array of records of px, py, pz and E; a
jet that an event does not have is one without constituents, and each of its numbers is 0.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError

Array = NDArray[np.float64]

LEAST_PT: Final = 20.0
"""pT (GeV) below which there are no jets, as of the public features of the LHC Olympics."""

MEASURE: Final = "NormalizedMeasure"
AXES: Final = "OnePass_KT_Axes"
"""Words of FastJet's contrib Nsubjettiness, which replaces those that it does not know without saying so."""

_COMPONENTS: Final = ("px", "py", "pz", "E")
_NO_CLUSTERING: Final = 1e-3


def particles(pt: Any, eta: Any, phi: Any, mass: Any = 0.0) -> Any:
    """Return the particles of entries as one jet each, `(N, 1, constituents)`.

    Args:
        pt: `(N, K)` or jagged; those of 0 are padding.
        eta, phi: of the same form.
        mass: of the same form, or one number for all.

    Raises:
        UserError: NaN or infinity in a particle.
    """
    import awkward as ak

    return ak.unflatten(_momenta(pt, eta, phi, mass), 1, axis=0)


def cluster(pt: Any, eta: Any, phi: Any, mass: Any, radius: float, n_jets: int) -> Any:
    """Return the jets of events by falling pT, `(N, n_jets, constituents)`: anti-kT (arXiv:0802.1189), from 20 GeV on.

    Args:
        pt, eta, phi, mass: as of `particles`.
        radius: R.
        n_jets: how many of each event.

    Raises:
        UserError: NaN or infinity in a particle, or numbers of jets or radii that there are not.
    """
    import awkward as ak

    if not 0 < radius <= 3 or int(n_jets) != n_jets or n_jets < 1:
        raise UserError(f"cluster: a radius up to 3 and a number of jets are needed, not {radius:g} and {n_jets:g}")
    events = _momenta(pt, eta, phi, mass)
    if not ak.count(events.px):
        return ak.unflatten(events[:, :0], 1, axis=0)[:, np.zeros(int(n_jets), dtype=int)]
    sequence = _sequence(events, "antikt_algorithm", radius)
    jets = sequence.inclusive_jets(LEAST_PT)
    leading = ak.argsort(np.hypot(jets.px, jets.py), axis=1, ascending=False, stable=True)[:, : int(n_jets)]
    members = sequence.constituent_index(LEAST_PT)[leading]
    inside = ak.flatten(members, axis=2)
    grouped = ak.unflatten(ak.flatten(events[inside], axis=1), ak.flatten(ak.num(members, axis=2)))
    found = ak.unflatten(grouped, ak.num(leading))
    # A jet that is not there becomes one of no constituents.
    return ak.fill_none(ak.pad_none(found, int(n_jets), axis=1, clip=True), [], axis=1)


def jet_px(jets: Any) -> Array:
    """Return Σ px of each jet, `(N, jets)`."""
    return _summed(jets, "px")


def jet_py(jets: Any) -> Array:
    """Return Σ py of each jet, `(N, jets)`."""
    return _summed(jets, "py")


def jet_pz(jets: Any) -> Array:
    """Return Σ pz of each jet, `(N, jets)`."""
    return _summed(jets, "pz")


def jet_energy(jets: Any) -> Array:
    """Return Σ E of each jet, `(N, jets)`."""
    return _summed(jets, "E")


def n_constituents(jets: Any) -> NDArray[np.int64]:
    """Return how many constituents each jet has, `(N, jets)`."""
    import awkward as ak

    return np.asarray(ak.to_numpy(ak.num(jets, axis=2)), dtype=np.int64)


def n_subjettiness(jets: Any, highest: int, beta: float, r_0: float) -> Array:
    """Return τ_1 … τ_highest of each jet, `(N, jets, highest)` (arXiv:1011.2268, 1108.2701).

        τ_N = Σ_k pT_k min_j ΔR(k, axis j)^β / Σ_k pT_k R_0^β

    The axes are those of exclusive kT, brought to a minimum by one pass. A jet of up to N constituents has τ_N = 0.

    Args:
        jets: of `cluster` or `particles`.
        highest: the largest N, from 1 to 9.
        beta: β.
        r_0: R_0, usually the radius of the jets.

    Raises:
        UserError: numbers that are none of these.

    >>> import numpy as np
    >>> from hepad.formats.jet_substructure import n_subjettiness, particles
    >>> jets = particles(np.array([[50.0, 50.0]]), np.array([[-0.2, 0.2]]), np.zeros((1, 2)))
    >>> n_subjettiness(jets, 2, 1.0, 0.8).round(6).tolist()
    [[[0.25, 0.0]]]
    """
    if highest not in range(1, 10) or not 0 < beta <= 4 or not 0 < r_0 <= 3:
        raise UserError(
            f"n_subjettiness: N from 1 to 9, a β up to 4 and an R_0 up to 3 are needed, not {highest:g}, {beta:g}, "
            f"{r_0:g}"
        )
    rows, filled, shape = _one_by_one(jets)
    found = np.zeros((len(filled), int(highest)))
    if filled.any():
        # Each row's particles are one jet whatever is clustered, so as little as possible is.
        sequence = _sequence(rows, "antikt_algorithm", _NO_CLUSTERING)
        orders = list(range(1, int(highest) + 1))
        found[filled] = sequence.njettiness(
            measure_definition=MEASURE, axes_definition=AXES, njets=orders, beta=float(beta), R0=float(r_0)
        )
    return found.reshape(*shape, int(highest))


def soft_drop_mass(jets: Any, z_cut: float, beta: float, r_0: float) -> Array:
    """Return the soft-drop mass (GeV) of each jet, `(N, jets)` (arXiv:1402.2657).

    The jet is clustered again by Cambridge/Aachen and taken apart, last merger first; the softer branch is dropped
    until

        min(pT_1, pT_2) / (pT_1 + pT_2) > z_cut (ΔR_12 / R_0)^β

    A jet of which one constituent is left has that one's mass, 0 for a massless particle.

    Args:
        jets: of `cluster` or `particles`.
        z_cut, beta, r_0: 0.1, 0 and the radius of the jets are usual.

    Raises:
        UserError: numbers that are none of these.
    """
    if not 0 <= z_cut < 0.5 or not -4 <= beta <= 4 or not 0 < r_0 <= 3:
        raise UserError(
            f"soft_drop_mass: a z_cut from 0 to below 0.5, a β up to 4 and an R_0 up to 3 are needed, not {z_cut:g}, "
            f"{beta:g}, {r_0:g}"
        )
    import awkward as ak

    rows, filled, shape = _one_by_one(jets)
    momenta = np.stack([ak.to_numpy(ak.flatten(rows[name])) for name in _COMPONENTS], axis=1)
    edges = np.cumsum(ak.to_numpy(ak.num(rows)))[:-1]
    found = np.zeros(len(filled))
    # FastJet's own vectorised grooming takes ten times as long as this loop.
    found[filled] = [_groomed_mass(jet, z_cut, beta, r_0) for jet in np.split(momenta, edges) if len(jet)]
    return found.reshape(shape)


def _groomed_mass(momenta: Array, z_cut: float, beta: float, r_0: float) -> float:
    fastjet = _fastjet()
    definition = fastjet.JetDefinition(fastjet.cambridge_algorithm, 1000.0)
    sequence = fastjet._swig.ClusterSequence([fastjet.PseudoJet(*row) for row in momenta.tolist()], definition)
    jet, one, two = sequence.exclusive_jets(1)[0], fastjet.PseudoJet(), fastjet.PseudoJet()
    while jet.has_parents(one, two):
        share = min(one.pt(), two.pt()) / (one.pt() + two.pt())
        if share > z_cut * (one.delta_R(two) / r_0) ** beta:
            break
        jet = fastjet.PseudoJet(one if one.pt() > two.pt() else two)
    return max(float(jet.m()), 0.0)


def _fastjet() -> Any:
    try:
        import fastjet
    except ImportError as error:
        raise UserError('clustering needs FastJet; pip install "hepad[jets]"') from error
    # It asks for citations on stdout once per process; docs/data_formats.md gives them.
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    return fastjet


def _sequence(events: Any, algorithm: str, radius: float) -> Any:
    fastjet = _fastjet()
    return fastjet.ClusterSequence(events, fastjet.JetDefinition(getattr(fastjet, algorithm), float(radius)))


def _momenta(pt: Any, eta: Any, phi: Any, mass: Any) -> Any:
    """Return particles `(N, var)` as records; padding left out."""
    import awkward as ak

    _fastjet()
    pt, eta, phi = (ak.Array(values) for values in (pt, eta, phi))
    if pt.ndim != 2 or eta.ndim != 2 or phi.ndim != 2:
        raise UserError("particles are lists of numbers for each entry; pt, eta and phi of them are needed")
    pt, eta, phi = (ak.from_regular(values, axis=1) for values in (pt, eta, phi))
    pt, eta, phi, mass = (ak.values_astype(values, np.float64) for values in ak.broadcast_arrays(pt, eta, phi, mass))
    for name, values in {"pt": pt, "eta": eta, "phi": phi, "mass": mass}.items():
        if n_bad := int(np.sum(~np.isfinite(ak.to_numpy(ak.flatten(values))))):
            raise UserError(f"{name} of {n_bad} particles is NaN or infinite; nothing can be clustered with them")
    real = pt > 0
    pt, eta, phi, mass = pt[real], eta[real], phi[real], mass[real]
    momentum = pt * np.cosh(eta)
    parts = (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), np.hypot(momentum, mass))
    return ak.to_packed(ak.zip(dict(zip(_COMPONENTS, parts, strict=True))))


def _summed(jets: Any, name: str) -> Array:
    import awkward as ak

    return np.asarray(ak.to_numpy(ak.sum(jets[name], axis=2)), dtype=np.float64)


def _one_by_one(jets: Any) -> tuple[Any, NDArray[np.bool_], tuple[int, int]]:
    """Return the jets that have constituents one below the other, which of all these are, and how many there are."""
    import awkward as ak

    sizes = n_constituents(jets)
    rows = ak.flatten(jets, axis=1)
    filled = sizes.ravel() > 0
    return ak.to_packed(rows[filled]), filled, (sizes.shape[0], sizes.shape[1])
