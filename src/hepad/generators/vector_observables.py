"""Observables of vectors and of sets: features, sums over slots, multiplicity, mass and width of jets of particles."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.generators.population import Observable, Population
from hepad.metrics.samples import FloatArray

_PT: Final = ("pt", "pt_share", "log_pt")
_MANY_FEATURES: Final = 6


def vector_population(x: FloatArray, names: Sequence[str], weight: FloatArray | None = None) -> Population:
    """Return entries `(N, F)` that are vectors: each feature is an observable.

    >>> import numpy as np
    >>> from hepad.generators import vector_population
    >>> list(vector_population(np.zeros((5, 2)), ["pt", "eta"]).observables)
    ['pt', 'eta']
    """
    return Population(x, names, {name: Observable(x[:, i]) for i, name in enumerate(names)}, weight)


def set_population(
    x: FloatArray, names: Sequence[str], mask: NDArray[np.bool_], weight: FloatArray | None = None
) -> Population:
    """Return entries `(N, S, F)` that are sets of objects, of which a mask `(N, S)` tells the real ones.

    Observables are the features of all objects, the number of objects, their Σ pT and leading pT, and of particles by
    pT, Δη and Δφ the mass (of massless ones) and the width Σ pT ΔR / Σ pT of the jet. Features of an entry are these,
    the mean of each feature over its objects, and those of the leading objects: the order of slots does not matter.

    >>> import numpy as np
    >>> from hepad.generators import set_population
    >>> x = np.zeros((3, 4, 1))
    >>> x[:, :2, 0] = [[30.0, 20.0], [10.0, 40.0], [5.0, 5.0]]
    >>> found = set_population(x, ["pt"], x[..., 0] > 0)
    >>> found.observables["sum_pt"].values, found.observables["leading_pt"].values
    (array([50., 50., 10.]), array([30., 40.,  5.]))
    """
    x = np.where(mask[..., None], x, 0.0)
    n = mask.sum(axis=1)
    pt = _pt(x, names, mask)
    # By falling pT, or as they are; empty slots last.
    order = np.argsort(np.where(mask, 0.0 if pt is None else -pt, np.inf), axis=1, kind="stable")
    x = np.take_along_axis(x, order[..., None], axis=1)
    mask = np.take_along_axis(mask, order, axis=1)
    entry = np.nonzero(mask)[0]
    observables = {name: Observable(x[..., i][mask], entry) for i, name in enumerate(names)}
    whole = {"n_slots": n.astype(np.float64)}
    if pt is not None:
        pt = np.take_along_axis(pt, order, axis=1)
        whole |= {"sum_pt": pt.sum(axis=1), "leading_pt": pt[:, 0]}
        if {"delta_eta", "delta_phi"} <= set(names):
            eta, phi = (x[..., list(names).index(name)] for name in ("delta_eta", "delta_phi"))
            whole |= _jet(pt, eta, phi)
    means = x.sum(axis=1) / np.maximum(n, 1)[:, None]
    leading = min(1 if len(names) > _MANY_FEATURES else 3, x.shape[1])
    columns = [np.stack(list(whole.values()), axis=1), means, x[:, :leading].reshape(len(x), -1)]
    titles = [*whole, *(f"mean_{name}" for name in names)]
    titles += [f"{name}_{i + 1}" for i in range(leading) for name in names]
    observables = {name: Observable(values) for name, values in whole.items()} | observables
    return Population(np.concatenate(columns, axis=1), titles, observables, weight, n_empty=int((n == 0).sum()))


def _pt(x: FloatArray, names: Sequence[str], mask: NDArray[np.bool_]) -> FloatArray | None:
    """Return pT of the objects, 0 of empty slots; None where there is none."""
    name = next((name for name in _PT if name in names), None)
    if name is None:
        return None
    values = x[..., list(names).index(name)]
    # Beyond, a generator's tail is not a number.
    return np.where(mask, np.exp(np.minimum(values, 80.0)) if name == "log_pt" else values, 0.0)


def _jet(pt: FloatArray, eta: FloatArray, phi: FloatArray) -> dict[str, FloatArray]:
    """Mass and width of jets of massless particles around η = φ = 0."""
    total = pt.sum(axis=1)
    energy = (pt * np.cosh(np.clip(eta, -20, 20))).sum(axis=1)
    momentum = ((pt * np.cos(phi)).sum(axis=1), (pt * np.sin(phi)).sum(axis=1))
    along = (pt * np.sinh(np.clip(eta, -20, 20))).sum(axis=1)
    mass = np.sqrt(np.maximum(energy**2 - momentum[0] ** 2 - momentum[1] ** 2 - along**2, 0))
    width = (pt * np.hypot(eta, phi)).sum(axis=1) / np.where(total > 0, total, 1.0)
    return {"jet_mass": mass, "jet_width": width}
