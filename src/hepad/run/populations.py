"""Entries of a datamodule as the populations that a generator card compares."""

from collections.abc import Sequence

import numpy as np

from hepad.core.schema import Structure
from hepad.data import Entries
from hepad.generators import (
    Observable,
    Population,
    image_population,
    set_population,
    shower_population,
    vector_population,
)
from hepad.generators.population import joined_features
from hepad.metrics.samples import FloatArray

_CHUNK = 2000


def population(entries: Entries, structure: Structure, names: Sequence[str], context: Sequence[str] = ()) -> Population:
    """Return entries as a population, by their structure alone.

    Observables that a model is conditioned on are observables and features too: a generator that does not follow them
    is told from real entries by that. Of showers the first is the incident energy (GeV), and cells are seen in GeV too.

    Args:
        entries: in raw units.
        structure: of an entry.
        names: of the features of an entry, where it has any.
        context: names of the columns of `Batch.context`.
    """
    batch = entries.batch
    x = batch.x.numpy()
    weight = None if batch.weight is None else batch.weight.numpy().astype(np.float64)
    conditions = None if batch.context is None else batch.context.numpy().astype(np.float64)
    if structure == "volume":
        incident = None if conditions is None else conditions[:, 0]
        # Files have cells in MeV.
        found = shower_population(x / np.float32(1000), incident, weight)
        return found if conditions is None else _conditioned(found, conditions[:, 1:], context[1:])
    if structure == "image":
        found = image_population(x, weight)
    elif structure == "set":
        mask = np.ones(x.shape[:2], dtype=bool) if batch.mask is None else batch.mask.numpy()
        found = set_population(x.astype(np.float64), names, mask, weight)
    else:
        found = vector_population(x.astype(np.float64), names, weight)
    return found if conditions is None else _conditioned(found, conditions, context)


def training_population(
    entries: Entries, structure: Structure, names: Sequence[str], context: Sequence[str], most: int
) -> Population:
    """Return the features of training entries, of which there may be many; no observables."""
    rows = np.arange(min(most, len(entries)))
    parts = [
        population(entries.rows(rows[start : start + _CHUNK]), structure, names, context)
        for start in range(0, len(rows), _CHUNK)
    ]
    return joined_features(parts)


def _conditioned(found: Population, conditions: FloatArray, names: Sequence[str]) -> Population:
    new = [name for name in names if name not in found.feature_names]
    columns = conditions[:, [list(names).index(name) for name in new]]
    observables = {**found.observables, **{name: Observable(columns[:, i]) for i, name in enumerate(new)}}
    return Population(
        np.concatenate([found.features, columns], axis=1),
        [*found.feature_names, *new],
        observables,
        found.weight,
        found.profiles,
        found.incident,
        found.n_empty,
    )
