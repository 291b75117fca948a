"""Templates: entries that stand for the background in a window, drawn from the density of the side bands."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import JobError
from hepad.models import AnomalyModel, Density, Flow, Generative
from hepad.run.loading import load_run
from hepad.searches.mass import draw_masses
from hepad.searches.record import Window
from hepad.searches.sample_tables import Table

_BLOCK: Final = 8192


def sample_given(model: AnomalyModel, mass: NDArray[np.float64], seed: int) -> NDArray[np.float32]:
    """Return features `(n, F)` that a density draws, one entry for each value of the observable.

    Raises:
        JobError: some of them are not finite.
    """
    assert isinstance(model, Generative)
    generator = torch.Generator().manual_seed(seed)
    context = torch.from_numpy(mass.astype(np.float32)).unsqueeze(1)
    made = torch.cat([model.sample(part, generator).x for part in torch.split(context, _BLOCK)]).numpy()
    if not np.isfinite(made).all():
        raise JobError(
            "the density draws entries that are not finite: its training diverged; take fewer or smaller steps"
        )
    return made


def make_template(density: Path, data: Table, window: Window, oversample: int, seed: int) -> Table:
    """Return the template of a window, `oversample` entries for each of the data in it.

    Args:
        density: directory of the run, trained on the side bands.
        data: features and observable.
        window: the window.
        oversample: how many entries for each of the data.
        seed: of the random numbers.
    """
    mass = data[:, -1].astype(np.float64)
    n = oversample * int(((window.low <= mass) & (mass < window.high)).sum())
    rng = np.random.default_rng(seed)
    single = _masses_inside(mass, window, n, rng)
    features = sample_given(load_run(density).model, single.astype(np.float64), seed)
    return np.concatenate([features, single[:, None]], axis=1)


def batch_of(table: Table) -> Batch:
    """Return features and context of a table as a batch."""
    return Batch(torch.from_numpy(table[:, :-1].copy()), context=torch.from_numpy(table[:, -1:].copy()))


@torch.no_grad()
def log_density(model: AnomalyModel, table: Table) -> NDArray[np.float64]:
    """Return ln p(x | observable) in raw units, `(N,)`, each density with its own Jacobian."""
    assert isinstance(model, Density)
    parts = [model.log_prob(batch_of(table[i : i + _BLOCK])) for i in range(0, len(table), _BLOCK)]
    return torch.cat(parts).double().numpy() if parts else np.zeros(0)


@torch.no_grad()
def latent_table(model: AnomalyModel, table: Table) -> Table:
    """Return a table with the latent points of a flow in place of the features."""
    assert isinstance(model, Flow)
    parts = [model.latent(batch_of(table[i : i + _BLOCK])) for i in range(0, len(table), _BLOCK)]
    return np.concatenate([torch.cat(parts).numpy(), table[:, -1:]], axis=1).astype(np.float32)


def normal_template(n_features: int, mass: NDArray[np.float64], window: Window, n: int, seed: int) -> Table:
    """Return the template of LaCATHODE: standard normal numbers, as the side bands are in the latent space."""
    rng = np.random.default_rng(seed)
    single = _masses_inside(mass, window, n, rng)
    return np.concatenate([rng.standard_normal((n, n_features)).astype(np.float32), single[:, None]], axis=1)


def _masses_inside(mass: NDArray[np.float64], window: Window, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return masses that lie in the window as a table keeps them, in single precision."""
    drawn = draw_masses(mass, window.low, window.high, n, rng).astype(np.float32)
    return np.clip(drawn, np.float32(window.low), np.nextafter(np.float32(window.high), np.float32(0)))
