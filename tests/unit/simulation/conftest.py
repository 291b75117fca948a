"""Real events, made once for all tests of the simulation."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from hepad.simulation import production
from hepad.simulation.event import Events, simulate_events
from hepad.simulation.generator import MINIMUM_BIAS_SETTINGS, generate, make_pythia, write_minimum_bias_tables
from hepad.simulation.pileup import Collisions, PileupSource
from hepad.simulation.processes import PROCESSES


@pytest.fixture(scope="session")
def pool() -> Collisions:
    """Minimum-bias collisions that the tests lay over events, as often as they like: making them takes long."""
    return generate(make_pythia(MINIMUM_BIAS_SETTINGS, seed=1), 300)


@pytest.fixture(scope="session")
def pileup(pool: Collisions) -> Callable[[np.ndarray], Collisions]:
    """Collisions for events that hold `n_pileup` (E,) of them."""
    return lambda n_pileup: pool.take(np.arange(n_pileup.sum()) % len(pool))


@pytest.fixture(scope="session")
def pileup_source(pool: Collisions) -> Callable[[], PileupSource]:
    def make() -> PileupSource:
        rng = np.random.default_rng(0)
        return PileupSource(lambda n: pool.take(rng.integers(len(pool), size=n)))

    return make


@pytest.fixture(scope="session")
def top_pairs() -> Collisions:
    return generate(make_pythia(PROCESSES["ttbar"].settings, seed=1), 100)


@pytest.fixture(scope="session")
def top_events(pileup: Callable[[np.ndarray], Collisions], top_pairs: Collisions) -> Events:
    rng = np.random.default_rng(1)
    n_pileup = rng.poisson(27, 100)
    return simulate_events(top_pairs, pileup(n_pileup), n_pileup, rng)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pythia") / "minimum bias"
    write_minimum_bias_tables(path)
    return path


@pytest.fixture(scope="session")
def tables_at_hand(tables: Path) -> Iterator[None]:
    """Let every production of this process copy what Pythia would compute anew, for five seconds each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(production, "write_minimum_bias_tables", lambda path: shutil.copyfile(tables, path))
        yield
