"""Anti-kT jets with their constituents, areas and true origins, and the density ρ of pileup, by FastJet.

The area of a jet is its number of ghosts, as in the active area of arXiv:0802.1188; origins of flavour are
ghosts too (what CMS calls ghost matching). Ghosts do not change jets, so they are only put where a first pass
without them found one: that is three times as fast as covering all of η.

The idea of FastJet's GridMedianBackgroundEstimator (arXiv:0707.1378), as CMS uses it. Charged pileup is subtracted
where there is a tracker and resolution changes with η, so ρ differs between the ranges.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hepad.simulation.generator import import_simulation_package
from hepad.simulation.records import Array, offsets_of, wrap_phi

RADIUS: Final = 0.4
_GHOSTS_IN_PHI: Final = 63
_GHOST_SPACING: Final = 2 * np.pi / _GHOSTS_IN_PHI
GHOST_AREA: Final = _GHOST_SPACING**2
# Far below any particle, far above what underflows when squared.
_ORIGIN_PT: Final = 1e-30
_GHOST_PT: Final = 1e-40


@dataclass(frozen=True)
class FourMomenta:
    """Particles (N,) with the event they are in; GeV, rad."""

    event: Array
    pt: Array
    eta: Array
    phi: Array
    mass: Array


@dataclass(frozen=True)
class Jets:
    """Clustered jets (J,) and what is in them.

    `constituent` and `constituent_jet` (C,) pair particle and jet; `origin` and `origin_jet` (O,) origin and jet.
    """

    event: Array
    px: Array
    py: Array
    pz: Array
    energy: Array
    area: Array
    constituent: Array
    constituent_jet: Array
    origin: Array
    origin_jet: Array


def cluster(
    particles: FourMomenta,
    origins: FourMomenta,
    n_events: int,
    pt_min: float,
    rng: np.random.Generator,
    radius: float = RADIUS,
) -> Jets:
    """Cluster anti-kT jets of `radius` above `pt_min` GeV, each event on its own."""
    first, _, _, _ = _run([particles], n_events, pt_min, radius)
    ghosts = _ghosts_near(first, radius, rng)
    seeds = FourMomenta(
        origins.event,
        _ORIGIN_PT * origins.pt,
        origins.eta,
        origins.phi,
        np.zeros(len(origins.pt)),
    )
    momenta, member, member_source, member_jet = _run([particles, seeds, ghosts], n_events, pt_min, radius)
    n_jets = len(momenta["event"])
    is_particle, is_origin, is_ghost = (member_source == source for source in range(3))
    return Jets(
        **momenta,
        area=GHOST_AREA * np.bincount(member_jet[is_ghost], minlength=n_jets),
        constituent=member[is_particle],
        constituent_jet=member_jet[is_particle],
        origin=member[is_origin],
        origin_jet=member_jet[is_origin],
    )


def _run(
    sources: list[FourMomenta], n_events: int, pt_min: float, radius: float
) -> tuple[dict[str, Array], Array, Array, Array]:
    """Cluster all sources together: jets' momenta, then per constituent its index, source and jet."""
    ak = import_simulation_package("awkward")
    fastjet = import_simulation_package("fastjet")
    event, pt, eta, phi, mass = (
        np.concatenate([getattr(source, name) for source in sources]) for name in ("event", "pt", "eta", "phi", "mass")
    )
    source_of = np.repeat(np.arange(len(sources)), [len(source.pt) for source in sources])
    index_of = np.concatenate([np.arange(len(source.pt)) for source in sources])
    order = np.argsort(event, kind="stable")
    offsets = offsets_of(np.bincount(event, minlength=n_events))
    pt, eta, phi, mass = pt[order], eta[order], phi[order], mass[order]
    momentum = pt * np.cosh(eta)
    record: Any = ak.zip(
        {
            "px": pt * np.cos(phi),
            "py": pt * np.sin(phi),
            "pz": pt * np.sinh(eta),
            # √(p² + m²) would underflow for ghosts.
            "E": np.where(mass > 0, np.hypot(momentum, mass), momentum),
        }
    )
    events = ak.unflatten(record, np.diff(offsets))
    # FastJet asks for citations on stdout once per process; docs/simulation.md gives them.
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = fastjet.ClusterSequence(events, definition)
    jets = sequence.inclusive_jets(pt_min)
    members = sequence.constituent_index(pt_min)

    jet_event = np.repeat(np.arange(n_events), ak.to_numpy(ak.num(jets)))
    flat = ak.flatten(jets)
    momenta = {name: ak.to_numpy(flat[name]) for name in ("px", "py", "pz")}
    momenta |= {"energy": ak.to_numpy(flat["E"]), "event": jet_event}
    in_jets = ak.flatten(members)
    member_jet = np.repeat(np.arange(len(jet_event)), ak.to_numpy(ak.num(in_jets)))
    member = order[ak.to_numpy(ak.flatten(in_jets)) + offsets[jet_event[member_jet]]]
    return momenta, index_of[member], source_of[member], member_jet


def _ghosts_near(jets: dict[str, Array], radius: float, rng: np.random.Generator) -> FourMomenta:
    """Return ghosts on a regular grid in rapidity and φ, shaken within its cells, up to 2 R around the axes of jets."""
    rapidity = np.arctanh(jets["pz"] / jets["energy"])
    phi = np.arctan2(jets["py"], jets["px"])
    n_steps = round(2 * radius / _GHOST_SPACING)
    reach = np.arange(-n_steps, n_steps + 1)
    rows = np.floor(rapidity / _GHOST_SPACING).astype(np.int64)[:, None, None] + reach[:, None]
    columns = (np.floor(phi / _GHOST_SPACING).astype(np.int64)[:, None, None] + reach) % _GHOSTS_IN_PHI
    low, n_rows = (int(rows.min()), int(np.ptp(rows)) + 1) if rows.size else (0, 1)
    event = jets["event"][:, None, None]
    # Sorting and dropping repeats is several times as fast here as np.unique.
    key = np.sort(((event * n_rows + rows - low) * _GHOSTS_IN_PHI + columns).ravel())
    key = key[np.diff(key, prepend=-1) > 0]
    row_key, column = np.divmod(key, _GHOSTS_IN_PHI)
    ghost_event, row = np.divmod(row_key, n_rows)
    u, v, w = rng.random((3, len(key)))
    return FourMomenta(
        ghost_event,
        _GHOST_PT * (1 + 0.1 * w),
        (row + low + u) * _GHOST_SPACING,
        wrap_phi((column + v) * _GHOST_SPACING),
        np.zeros(len(key)),
    )


RANGE_EDGES: Final = np.array([0.0, 1.5, 2.5, 3.0, 5.0])
"""Ranges of |η|: barrel, endcap, endcap without tracker, forward."""
_CELLS_IN_ETA: Final = (6, 4, 2, 8)
"""Rings of the grid per range, both sides together: about 0.5 in η."""
_CELLS_IN_PHI: Final = 12
_PROFILE_STEP: Final = 0.25
_PROFILE: Final = np.array(
    [0.93, 0.92, 0.90, 0.90, 0.90, 0.88, 0.75, 1.02, 1.21, 1.24,
     1.15, 1.32, 0.64, 0.83, 1.04, 1.17, 1.32, 1.39, 1.47, 1.57]
)  # fmt: skip
"""Mean density of neutral pileup over ρ in steps of |η|, measured in 2000 crossings of this simulation.

ρ is a median, includes the tracks of the primary vertex, and is one number per range; the offset correction of
CMS depends on η for the same reasons.
"""


def pileup_density(event: Array, pt: Array, eta: Array, phi: Array, n_events: int) -> Array:
    """Return ρ (E, 4) in GeV per unit area of each event and range of |η|, from candidates (N,)."""
    edges = np.concatenate(
        [
            np.linspace(a, b, n // 2 + 1)[:-1]
            for a, b, n in zip(RANGE_EDGES, RANGE_EDGES[1:], _CELLS_IN_ETA, strict=False)
        ]
        + [RANGE_EDGES[-1:]]
    )
    n_rings = len(edges) - 1
    ring = np.searchsorted(edges, np.abs(eta), side="right") - 1
    inside = ring < n_rings
    side = eta < 0
    column = np.floor(phi / (2 * np.pi) * _CELLS_IN_PHI).astype(np.int64) % _CELLS_IN_PHI
    cell = ((event * n_rings + ring) * 2 + side) * _CELLS_IN_PHI + column
    n_cells = n_events * n_rings * 2 * _CELLS_IN_PHI
    sums = np.bincount(cell[inside], weights=pt[inside], minlength=n_cells)
    area = np.diff(edges) * 2 * np.pi / _CELLS_IN_PHI
    density = sums.reshape(n_events, n_rings, -1) / area[:, None]
    first = np.cumsum([n // 2 for n in _CELLS_IN_ETA])[:-1]
    return np.stack(
        [np.median(part.reshape(n_events, -1), axis=1) for part in np.split(density, first, axis=1)], axis=1
    )


def pileup_offset(rho: Array, event: Array, eta: Array) -> Array:
    """Return the expected pileup (J,) in GeV per unit area at the η of jets in events of densities `rho` (E, 4)."""
    abs_eta = np.minimum(np.abs(eta), RANGE_EDGES[-1] - 1e-6)
    in_range = np.searchsorted(RANGE_EDGES, abs_eta, side="right") - 1
    offset: Array = rho[event, in_range] * _PROFILE[(abs_eta / _PROFILE_STEP).astype(np.int64)]
    return offset
