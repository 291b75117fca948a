"""Deep SVDD: entries into a ball as small as a network can make it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Final

import torch
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, distributed

from hepad.core.batch import Batch
from hepad.core.diagnostics import Diagnostic, TrainingCurves
from hepad.core.schema import Structure
from hepad.losses.base import weighted_mean
from hepad.models.base import AnomalyModel, eval_mode
from hepad.nn.one_class import BOUNDED, ball_network

OBJECTIVES: Final = ("hard", "soft")

_FARTHEST_FROM_ZERO: Final = 0.1
_COLLAPSED: Final = 0.01
_AT_ONCE: Final = 4096


class DeepSVDD(AnomalyModel):
    """A network φ that maps background near one point c; the score is the distance (Ruff et al., ICML 2018).

    | objective | minimised | score |
    |---|---|---|
    | `hard` | mean ‖φ(x) − c‖² | ‖φ(x) − c‖² |
    | `soft` | R² + mean (‖φ(x) − c‖² − R²)₊ / ν | ‖φ(x) − c‖² − R² |

    The network has no biases and no bounded activation, and c is no output of all weights 0 (each |c_i| is at least
    0.1): otherwise there is a network that maps everything to c. c is the mean of φ over all training entries before
    the first step. R² is the 1 − ν quantile of the distances in validation; the first `warm_up` epochs of `soft` train
    as `hard`, and all are validated as `soft`.

    A network may still collapse. `val/spread`, the standard deviation of the distance ‖φ(x) − c‖ over that before
    training, is in the history and in the report; below 1% it is remarked on.

    Args:
        entry_shape: shape of one entry.
        normalizer: kind of input normaliser.
        hidden: widths of the hidden layers, for images channels; None for 64 and 32, for images 32 and 64, for large
            ones 16, 32, … up to 128.
        latent: dimensions of the ball.
        objective: one of the above.
        nu: share of the entries that `soft` leaves outside.
        warm_up: epochs of `hard` before `soft`.
        activation: name of the activation function, not a bounded one.
        circular: convolutions treat φ (H) as the ring it is.

    Raises:
        ValueError: an unknown objective, a bounded activation.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import DeepSVDD
    >>> _ = torch.manual_seed(0)
    >>> model = DeepSVDD((4,), hidden=[8], latent=2)
    >>> model.prepare(Batch(torch.randn(256, 4)))
    >>> bool((model.center.abs() >= 0.1).all()), model.anomaly_score(Batch(torch.randn(3, 4))).shape
    (True, torch.Size([3]))
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image", "volume"})
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "val/spread", "train/loss")

    center: Tensor
    radius2: Tensor
    first_spread: Tensor
    spread: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        normalizer: str = "standard",
        hidden: Sequence[int] | None = None,
        latent: int = 16,
        objective: str = "hard",
        nu: float = 0.1,
        warm_up: int = 10,
        activation: str = "leaky_relu",
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, normalizer)
        if objective not in OBJECTIVES:
            raise ValueError(f"objective {objective!r}; allowed: {', '.join(OBJECTIVES)}")
        if activation in BOUNDED:
            raise ValueError(
                f"activation {activation!r} is bounded: where it saturates it is a bias, with which every entry can be "
                "mapped to one point; choose relu, leaky_relu, elu, gelu or silu"
            )
        self.save_hyperparameters()
        self.soft, self.nu, self.warm_up = objective == "soft", nu, warm_up
        self.network = ball_network(self.entry_shape, hidden or None, latent, activation, circular)
        self.register_buffer("center", torch.zeros(latent))
        for name, value in (("radius2", 0.0), ("first_spread", 1.0), ("spread", 1.0)):
            self.register_buffer(name, torch.full((), value))
        self._validated: list[Tensor] = []

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, object]) -> bool:
        """Return true for `soft`, whose score is 0 on the sphere."""
        return settings.get("objective", "hard") == "soft"

    @torch.no_grad()
    def prepare(self, train: Batch) -> None:
        """Fit the normaliser, and take c of all training entries as the network maps them before the first step."""
        super().prepare(train)
        with eval_mode(self):
            n = len(train.x)
            rows = [slice(start, start + _AT_ONCE) for start in range(0, n, _AT_ONCE)]
            points = torch.cat([self._points(_rows(train, part)) for part in rows])
        center = weighted_mean_point(points, train.weight)
        side = torch.where(center < 0, -_FARTHEST_FROM_ZERO, _FARTHEST_FROM_ZERO)
        self.center.copy_(torch.where(center.abs() < _FARTHEST_FROM_ZERO, side, center))
        self.first_spread.copy_((points - self.center).square().sum(dim=1).sqrt().std())

    def remarks(self) -> list[str]:
        """Say where the network has collapsed."""
        share = float(self.spread)
        if share >= _COLLAPSED:
            return []
        return [
            f"collapse: distances to the centre have a spread of {share:.2g} of that before training, so that nearly "
            "every entry is mapped to one point; fewer epochs, a smaller optimizer.lr or optimizer.weight_decay help"
        ]

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` contributions of entries to the objective."""
        distances = self._distances(batch)
        return self.soft_objective(distances) if self.step_kind(0) else distances

    def losses_are_scores(self) -> bool:
        """Return true: distances, of which the objective is made, give the order that the scores do."""
        return True

    def step_kind(self, batch_idx: int) -> bool:
        """Return whether the objective is the soft one by now."""
        return self.soft and self.current_epoch >= self.warm_up

    def soft_objective(self, distances: Tensor) -> Tensor:
        """Return R² + (d − R²)₊ / ν `(B,)` of squared distances `(B,)`."""
        return self.radius2 + (distances - self.radius2).clamp(min=0) / self.nu

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Remember the distances, and the weights, for `on_validation_epoch_end`."""
        distances = self._distances(batch)
        weight = torch.ones_like(distances) if batch.weight is None else batch.weight.to(distances)
        protected = torch.zeros_like(distances) if batch.protected is None else batch.protected.to(distances)
        self._validated.append(torch.stack([distances, weight, protected]))

    def on_validation_epoch_end(self) -> None:
        """Take R² and the spread of the distances, and log the objective, which is so the same in all epochs."""
        distances, weight, protected = torch.cat(self._validated, dim=1)
        self._validated.clear()
        if self.trainer.state.fn != TrainerFn.FITTING or self.trainer.sanity_checking:
            return
        everything = Batch(distances, weight=weight, protected=protected)
        self.validate_by(self.validated(distances, weight), everything, len(distances), distances)
        self.log("val/spread", self.spread, batch_size=len(distances))

    def validated(self, distances: Tensor, weight: Tensor) -> Tensor:
        """Take the squared distances `(N,)` of the validation part, and return the objective there."""
        self.spread.copy_(distances.sqrt().std(correction=0) / self.first_spread)
        if not self.soft:
            return weighted_mean(distances, weight)
        place = min(len(distances) - 1, int((1 - self.nu) * len(distances)))
        self.radius2.copy_(distances.sort().values[place])
        if distributed.is_initialized():
            # One radius for all processes, the mean of theirs.
            distributed.all_reduce(self.radius2)
            self.radius2 /= distributed.get_world_size()
        return weighted_mean(self.soft_objective(distances), weight)

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` squared distances to c, of `soft` less R²."""
        distances = self._distances(batch)
        return distances - self.radius2 if self.soft else distances

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show how the spread of the distances fell."""
        yield TrainingCurves(
            "collapse_watch",
            "Spread of the distances to the centre over validation background, over that before training",
            {"Spread over that before training": ("val/spread",)},
        )

    def _points(self, batch: Batch) -> Tensor:
        points: Tensor = self.network(self.normalizer(batch.x, batch.mask), batch.mask)
        return points

    def _distances(self, batch: Batch) -> Tensor:
        return (self._points(batch) - self.center).square().sum(dim=1)


def weighted_mean_point(points: Tensor, weight: Tensor | None) -> Tensor:
    """Return the mean `(L,)` of points `(N, L)`, counted by `weight` `(N,)`."""
    exact = points.double()
    if weight is None:
        return exact.mean(dim=0).to(points.dtype)
    counted = weight.double().unsqueeze(1)
    return ((exact * counted).sum(dim=0) / counted.sum()).to(points.dtype)


def _rows(batch: Batch, rows: slice) -> Batch:
    return Batch(batch.x[rows], None if batch.mask is None else batch.mask[rows])
