"""Entries of known truth for the tests of generators."""

import numpy as np

from hepad.generators import Population, vector_population


def entries(n: int, seed: int, shift: float = 0.0, weighted: bool = False) -> Population:
    """Return entries of four features: a Gaussian, a long tail, a count that depends on both, and a spike at −1."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 4))
    count = np.round(np.exp(0.5 * z[:, 0] + 0.5 * z[:, 2]))
    spike = np.where(z[:, 3] < 0, -1.0, z[:, 3])
    x = np.stack([z[:, 0] + shift, np.exp(z[:, 1]), count, spike], axis=1)
    weight = np.exp(0.5 * rng.normal(size=n) + 0.3 * z[:, 0]) if weighted else None
    return vector_population(x, ["gauss", "tail", "count", "spike"], weight)
