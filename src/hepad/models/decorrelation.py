"""A penalty that keeps a score from following an observable of the background, and the steps that know it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.losses import unbiased_distance_correlation


@dataclass(frozen=True)
class Decorrelation:
    """λ times the squared distance correlation of score and variable on the background of a batch.

    Args:
        variable: the observable in `Batch.protected`, for messages.
        weight: λ, from 0.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models.decorrelation import Decorrelation
    >>> mass = torch.linspace(50, 250, 100)
    >>> batch = Batch(torch.zeros(100, 2), protected=mass)
    >>> round(float(Decorrelation("m_jj", weight=10.0).correlation(mass.square(), batch)), 2)
    0.98
    """

    variable: str
    weight: float

    def correlation(self, scores: Tensor, batch: Batch) -> Tensor:
        """Return the squared distance correlation of scores `(B,)` and variable, over background by its weights.

        Raises:
            ValueError: the batch does not carry the variable.
        """
        if batch.protected is None:
            raise ValueError(f"the entries carry no {self.variable} to decorrelate from")
        weight = batch.weight
        if batch.label is not None:
            # Signal may follow the variable; a mask by value would change shapes, which a recorded step cannot.
            of_background = (batch.label == 0).to(scores.dtype)
            weight = of_background if weight is None else weight * of_background
        return unbiased_distance_correlation(scores, batch.protected.to(torch.float32), weight)


class PenalisedSteps:
    """Steps of a model whose loss may have the penalty of a `Decorrelation` added.

    Attributes:
        takes_penalty: whether the model is trained by such steps.
        decorrelation: the penalty, given by whoever trains; None for none.
        was_penalised: a training step has added it.
    """

    takes_penalty: ClassVar[bool] = True
    decorrelation: Decorrelation | None = None
    was_penalised: bool = False

    if TYPE_CHECKING:
        # What a model has from elsewhere; defined here, these would hide Lightning's.
        score_batch: Callable[[Batch], Tensor]
        log: Callable[..., None]

    def losses_are_scores(self) -> bool:
        """Return whether the losses of entries are their scores, so that they need not be computed twice."""
        return False

    def scores_in_training(self, batch: Batch) -> Tensor:
        """Return the `(B,)` scores with the weights that are trained, with their gradient."""
        return self.score_batch(batch)

    def train_by(self, loss: Tensor, batch: Batch, total: Tensor | int, losses: Tensor | None = None) -> Tensor:
        """Return what a training step makes small, and log it: the loss, with the penalty where there is one.

        Args:
            loss: the mean loss of the batch.
            batch: of which it is.
            total: its `total_weight`.
            losses: the `(B,)` losses of its entries, where they are there.
        """
        if self.decorrelation is not None:
            loss = loss + self.decorrelation_penalty("train", batch, total, losses)
        self.log("train/loss", loss, on_step=False, on_epoch=True, batch_size=total)
        return loss

    def validate_by(self, loss: Tensor, batch: Batch, total: Tensor | int, losses: Tensor | None = None) -> Tensor:
        """Return what chooses the epoch, logged as `val/loss`; the arguments are those of `train_by`."""
        if self.decorrelation is not None:
            loss = loss + self.decorrelation_penalty("val", batch, total, losses)
        self.log("val/loss", loss, batch_size=total, prog_bar=True)
        return loss

    def decorrelation_penalty(
        self, phase: str, batch: Batch, total: Tensor | int, losses: Tensor | None = None
    ) -> Tensor:
        """Return λ·R² of a batch, and log R² as `<phase>/distance_correlation2`."""
        assert self.decorrelation is not None
        self.was_penalised |= phase == "train"
        scores = losses if losses is not None and self.losses_are_scores() else self.scores_in_training(batch)
        correlation = self.decorrelation.correlation(scores, batch)
        options = {"on_step": False, "on_epoch": True} if phase == "train" else {}
        self.log(f"{phase}/distance_correlation2", correlation, batch_size=total, **options)
        return self.decorrelation.weight * correlation
