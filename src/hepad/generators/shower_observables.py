"""Observables of images and of calorimeter showers: energies, profiles, centre of gravity, occupancy."""

from typing import Final

import numpy as np

from hepad.generators.population import Observable, Population
from hepad.metrics.samples import FloatArray

_THRESHOLD: Final = 1e-5
_MOST_CELLS: Final = 4_000_000
_AXES: Final = ("z", "y", "x")


def image_population(images: FloatArray, weight: FloatArray | None = None) -> Population:
    """Return entries `(N, C, H, W)` that are images; channels are summed.

    Observables are the pixels above zero, their sum, the largest, the share of pixels above zero, and centre and width
    along rows and columns (in pixels). Profiles are sums over columns and over rows.

    >>> import numpy as np
    >>> from hepad.generators import image_population
    >>> found = image_population(np.ones((2, 1, 3, 5)))
    >>> found.observables["pixel_sum"].values, found.observables["centre_column"].values
    (array([15., 15.]), array([2., 2.]))
    """
    pixels = images.sum(axis=1)
    whole = {
        "pixel_sum": pixels.sum(axis=(1, 2)),
        "largest_pixel": pixels.max(axis=(1, 2)),
        "occupancy": (pixels > 0).mean(axis=(1, 2)),
    }
    positive = np.maximum(pixels, 0)
    profiles = {"row": pixels.sum(axis=2), "column": pixels.sum(axis=1)}
    for name, along in (("row", positive.sum(axis=2)), ("column", positive.sum(axis=1))):
        whole[f"centre_{name}"], whole[f"width_{name}"] = _moments(along)
    return _population(whole, whole["pixel_sum"], profiles, {"pixel": _cells(pixels)}, weight)


def shower_population(
    cells: FloatArray, incident: FloatArray | None = None, weight: FloatArray | None = None
) -> Population:
    """Return entries `(N, 1, Z, Y, X)` that are showers in cells along depth Z.

    Observables are the cells that hold energy, their sum (and that over the incident energy, the response), the
    largest cell, occupancy (share of cells with energy) and sparsity (share without), centre and width along each axis
    (in cells) and the mean distance from the axis of the shower. Profiles are the energy of each layer, and that in
    rings of one cell's width around the axis through the middle.

    Args:
        cells: energies, in any one unit; below 1e-5 of a shower's largest is no energy.
        incident: `(N,)` energy of the particle.
        weight: `(N,)` weights.

    >>> import numpy as np
    >>> from hepad.generators import shower_population
    >>> cells = np.zeros((1, 1, 4, 3, 3))
    >>> cells[0, 0, :, 1, 1] = [1.0, 2.0, 1.0, 0.0]
    >>> found = shower_population(cells)
    >>> found.profiles["layer"][0], found.profiles["radius"][0], found.observables["centre_z"].values
    (array([1., 2., 1., 0.]), array([4., 0.]), array([1.]))
    """
    energy = cells.sum(axis=1)
    filled = energy > _THRESHOLD * np.maximum(energy.max(axis=(1, 2, 3), keepdims=True), 0)
    whole = {"total": energy.sum(axis=(1, 2, 3)), "largest": energy.max(axis=(1, 2, 3))}
    if incident is not None:
        whole["response"] = whole["total"] / np.where(incident > 0, incident, 1.0)
        whole["incident"] = incident
    whole["occupancy"] = filled.mean(axis=(1, 2, 3))
    positive = np.maximum(energy, 0)
    for place, name in enumerate(_AXES):
        others = tuple(axis + 1 for axis in range(3) if axis != place)
        whole[f"centre_{name}"], whole[f"width_{name}"] = _moments(positive.sum(axis=others))
    ring, distance = _rings(energy.shape[2], energy.shape[3])
    flat = energy.sum(axis=1).reshape(len(energy), -1)
    radial = np.zeros((len(energy), int(ring.max()) + 1))
    for k in range(radial.shape[1]):
        radial[:, k] = flat[:, ring == k].sum(axis=1)
    held = positive.sum(axis=1).reshape(len(energy), -1)
    whole["mean_radius"] = held @ distance / np.where(held.sum(axis=1) > 0, held.sum(axis=1), 1.0)
    profiles = {"layer": energy.sum(axis=(2, 3)), "radius": radial}
    observables = {"cell": _cells(np.where(filled, energy, 0.0)), "sparsity": Observable(1 - whole["occupancy"])}
    return _population(whole, whole["total"], profiles, observables, weight, incident)


def _population(
    whole: dict[str, FloatArray],
    total: FloatArray,
    profiles: dict[str, FloatArray],
    beside: dict[str, Observable],
    weight: FloatArray | None,
    incident: FloatArray | None = None,
) -> Population:
    """Entries whose features are observables and, as shares of the sum, the first profile."""
    name, along = next(iter(profiles.items()))
    shares = along / np.where(total > 0, total, 1.0)[:, None]
    # The last share follows from the others.
    columns = np.concatenate([np.stack(list(whole.values()), axis=1), shares[:, :-1]], axis=1)
    names = [*whole, *(f"{name}_{k}" for k in range(shares.shape[1] - 1))]
    observables = {key: Observable(values) for key, values in whole.items()} | beside
    n_empty = int((total <= 0).sum())
    return Population(columns, names, observables, weight, profiles, incident, n_empty)


def _cells(energy: FloatArray) -> Observable:
    """Cells above zero with the entry of each; of too many those of the first entries."""
    per_entry = max(1, int(np.count_nonzero(energy > 0) / max(1, len(energy))))
    part = energy[: max(1, _MOST_CELLS // per_entry)].reshape(min(len(energy), max(1, _MOST_CELLS // per_entry)), -1)
    entry, place = np.nonzero(part > 0)
    return Observable(part[entry, place], entry)


def _moments(along: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean place and spread of energies `(N, B)` along an axis, in bins; 0 of empty entries."""
    total = along.sum(axis=1)
    share = along / np.where(total > 0, total, 1.0)[:, None]
    place = np.arange(along.shape[1])
    mean = share @ place
    return mean, np.sqrt(np.maximum(share @ place**2 - mean**2, 0))


def _rings(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Ring and distance from the middle, in cells, of the cells of a layer."""
    y, x = np.indices((height, width))
    distance = np.hypot(y - (height - 1) / 2, x - (width - 1) / 2).ravel()
    return np.floor(distance + 0.5).astype(int), distance
