"""Real events, made once for all tests of the simulation."""

from pathlib import Path

import numpy as np
import pytest

from hepad.simulation.collisions import Collisions
from hepad.simulation.event import Events, simulate_events
from hepad.simulation.generator import MIN_BIAS_SETTINGS, generate, make_pythia
from hepad.simulation.processes import PROCESSES


@pytest.fixture(scope="session")
def pool() -> Collisions:
    return generate(make_pythia(MIN_BIAS_SETTINGS, seed=1), 300)


@pytest.fixture(scope="session")
def top_pairs() -> Collisions:
    return generate(make_pythia(PROCESSES["ttbar"].settings, seed=1), 100)


@pytest.fixture(scope="session")
def top_events(pool: Collisions, top_pairs: Collisions) -> Events:
    rng = np.random.default_rng(1)
    return simulate_events(top_pairs, pool, rng.poisson(27, 100), rng)


@pytest.fixture(scope="session")
def pool_parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests that run the whole production share their pileup pools."""
    return tmp_path_factory.mktemp("pools")
