"""Signal model of R-ANODE: a density and a fraction, fitted to the window on top of a background that is known."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from hepad.config import RunConfig
from hepad.config.registry import get_class, instantiate
from hepad.core.batch import Batch
from hepad.core.errors import JobError, UserError
from hepad.models import Flow

_MASS_BINS: Final = 49
_START: Final = 0.02
_FRACTION_RATE: Final = 10.0
"""Of the step of the fraction, in those of the weights: it has one number to find where these have thousands."""


@dataclass(frozen=True)
class Mixture:
    """Entries of a window with what the background alone says of each.

    Attributes:
        x: `(N, F + 1)` features and observable.
        log_background: `(N,)` ln p_B(x, m).
    """

    x: NDArray[np.float32]
    log_background: NDArray[np.float64]

    def part(self, rows: NDArray[np.int64]) -> "Mixture":
        """Return some of the entries."""
        return Mixture(self.x[rows], self.log_background[rows])


@dataclass(frozen=True)
class FittedSignal:
    """A signal that was fitted.

    Attributes:
        model: p_S(x, m).
        fraction: w, of the entries.
        loss: mean of −ln (w p_S + (1 − w) p_B) over validation entries, of its best epoch.
    """

    model: Flow
    fraction: float
    loss: float


def log_mass_density(
    mass: NDArray[np.float64], low: float, high: float, at: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ln p_B(m) in a window, a histogram of 49 bins, as R-ANODE takes it; each bin has one entry more.

    Args:
        mass: `(N,)` values; those outside the window are left out.
        low, high: ends of the window.
        at: `(M,)` where it is asked for; what lies outside has the value of the bin beside it.

    >>> import numpy as np
    >>> from hepad.searches.signal_model import log_mass_density
    >>> flat = np.linspace(0.0, 2.0, 4900, endpoint=False)
    >>> log_mass_density(flat, 0.0, 2.0, np.array([0.5, 1.5])).round(3)
    array([-0.693, -0.693])
    """
    edges = np.linspace(low, high, _MASS_BINS + 1)
    counts = np.histogram(mass[(low <= mass) & (mass < high)], edges)[0] + 1.0
    density = counts / counts.sum() / np.diff(edges)
    return np.asarray(np.log(density[np.clip(np.searchsorted(edges, at, side="right") - 1, 0, _MASS_BINS - 1)]))


def check_signal_words(config: RunConfig, what: str) -> None:
    """Raise `UserError` for words of a signal density that is no flow."""
    if not issubclass(get_class(config.model.target), Flow):
        raise UserError(f"{what}: the signal is a density that is fitted and drawn from; choose model=flow")


def fit_signal(
    config: RunConfig, train: Mixture, validation: Mixture, fractions: Sequence[float], seed: int
) -> FittedSignal:
    """Return the signal of largest likelihood: p_D(x, m) = w p_S(x, m) + (1 − w) p_B(x, m), where p_B is fixed.

    R-ANODE (Das, Kasieczka and Shih, arXiv:2312.11629). w is learned beside p_S, from 0.02 on; or it is scanned, and
    the one of lowest validation loss is taken. p_S averages the epochs of lowest validation loss where `model.average`
    asks for it, else it is that of the best epoch.

    Args:
        config: of the words: model, optimizer, `data.batch_size` and `trainer.max_epochs` count.
        train: entries of the window.
        validation: other entries of the window.
        fractions: w to scan; empty to learn it.
        seed: of weights and shuffling.

    Raises:
        JobError: the fit diverged.
    """
    scanned: Sequence[float | None] = fractions or (None,)
    tried = [_fit(config, train, validation, fraction, seed) for fraction in scanned]
    return min(tried, key=lambda found: found.loss)


def _fit(config: RunConfig, train: Mixture, validation: Mixture, fraction: float | None, seed: int) -> FittedSignal:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Flow = instantiate(config.model, entry_shape=(train.x.shape[1],))
        model.prepare(Batch(torch.from_numpy(train.x)))
        share = torch.tensor(_START if fraction is None else fraction, dtype=torch.float64).logit()
        share.requires_grad_(fraction is None)
        optimizer = instantiate(config.optimizer)(model.network.parameters())
        if fraction is None:
            rate = _FRACTION_RATE * optimizer.param_groups[0]["lr"]
            optimizer.add_param_group({"params": [share], "lr": rate, "weight_decay": 0.0})
        best: tuple[float, float, Any] = (np.inf, 0.0, None)
        for epoch in range(int(config.trainer.max_epochs)):
            _take_epoch(model, share, train, int(config.data["batch_size"]), optimizer)
            loss = _validation_loss(model, share, validation)
            if not np.isfinite(loss):
                raise JobError(f"the fit of the signal diverged in epoch {epoch}; take a smaller optimizer.lr")
            model.validated(loss, epoch)
            if loss < best[0]:
                best = (loss, float(share.detach().sigmoid()), deepcopy(model.network.state_dict()))
        model.network.load_state_dict(best[2])
    return FittedSignal(model.eval(), best[1], best[0])


def _take_epoch(model: Flow, share: Tensor, train: Mixture, batch_size: int, optimizer: torch.optim.Optimizer) -> None:
    model.train()
    x, known = torch.from_numpy(train.x), torch.from_numpy(train.log_background)
    for rows in torch.split(torch.randperm(len(x)), batch_size):
        loss = _losses(model, share, x[rows], known[rows]).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()


@torch.no_grad()
def _validation_loss(model: Flow, share: Tensor, validation: Mixture) -> float:
    model.eval()
    x, known = torch.from_numpy(validation.x), torch.from_numpy(validation.log_background)
    return float(_losses(model, share, x, known).mean())


def _losses(model: Flow, share: Tensor, x: Tensor, known: Tensor) -> Tensor:
    """Return −ln (w p_S + (1 − w) p_B), `(B,)`, with the weights of the epoch."""
    signal = -model.losses(Batch(x)).double()
    return -torch.logaddexp(F.logsigmoid(share) + signal, F.logsigmoid(-share) + known)
