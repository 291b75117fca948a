"""Settings of a latent search."""

import math
from dataclasses import dataclass
from typing import Final

OPTIMIZERS: Final = ("adam", "sgd")
REDUCTIONS: Final = ("mean", "min")


@dataclass(frozen=True)
class SearchSettings:
    """The numbers of a latent search; the names are those of docs/latent_search.md.

    Attributes:
        n_seed: restarts per entry.
        steps: k, updates per restart.
        gamma_z: γ_z, learning rate of the code.
        gamma_theta: γ_θ, learning rate of the generator's weights; 0 searches for the code alone and copies nothing.
        optimizer: `adam` (β 0.9, 0.999, ε 1e-8) or `sgd`, for code and weights.
        reduction: score an entry by the `mean` or the `min` of its restarts.
        tolerance: a restart stops when its loss has not fallen by this fraction within `patience` steps; None for
            never.
        patience: see `tolerance`.

    Raises:
        ValueError: a value that makes no sense.

    >>> from hepad.inference import SearchSettings
    >>> SearchSettings(steps=100, gamma_theta=0).n_seed
    3
    >>> SearchSettings(reduction="median")
    Traceback (most recent call last):
    ValueError: reduction 'median'; allowed: mean, min
    """

    n_seed: int = 3
    steps: int = 19
    gamma_z: float = 5e-2
    gamma_theta: float = 6e-9
    optimizer: str = "adam"
    reduction: str = "mean"
    tolerance: float | None = None
    patience: int = 5

    def __post_init__(self) -> None:
        if self.n_seed < 1:
            raise ValueError(f"n_seed={self.n_seed}; at least 1 restart is needed")
        if self.steps < 0:
            raise ValueError(f"steps={self.steps}; 0 or more are needed")
        if not (0 <= self.gamma_z < math.inf and 0 <= self.gamma_theta < math.inf):
            raise ValueError(f"gamma_z={self.gamma_z}, gamma_theta={self.gamma_theta}; a rate is a number from 0")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer {self.optimizer!r}; allowed: {', '.join(OPTIMIZERS)}")
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"reduction {self.reduction!r}; allowed: {', '.join(REDUCTIONS)}")
        if self.tolerance is not None and not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance={self.tolerance}; a fraction from 0 to below 1, or null, is needed")
        if self.patience < 1:
            raise ValueError(f"patience={self.patience}; at least 1 step is needed")
