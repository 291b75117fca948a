"""Steps of several optimisers, taken by the model itself: backward, clipping, and learning rates after an epoch."""

from collections.abc import Iterable
from typing import ClassVar

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from hepad.core.gathering import average_gradients, place_in_training
from hepad.models.base import AnomalyModel


class OwnSteps(AnomalyModel):
    """A model with several optimisers, in manual optimisation.

    Gradients are clipped here, each optimiser's by themselves, since Lightning clips none in manual optimisation.

    Attributes:
        gradient_clip: largest norm of each optimiser's gradients; None for no limit.
    """

    manual_optimization: ClassVar[bool] = True
    takes_penalty: ClassVar[bool] = False
    averages_gradients: ClassVar[bool] = True

    gradient_clip: float | None = None

    def take_step(self, optimizer: LightningOptimizer, loss: Tensor, parameters: Iterable[nn.Parameter]) -> None:
        """Take a step of one optimiser down the gradient of a loss `()`, averaged over all processes."""
        trained = list(parameters)
        optimizer.zero_grad()
        if place_in_training()[1] > 1 and isinstance(wrapped := self.trainer.strategy.model, DistributedDataParallel):
            # It would wait for the gradients of all weights in one backward pass; Lightning puts this back every step.
            wrapped.require_backward_grad_sync = False
        self.manual_backward(loss)
        average_gradients(trained)
        if self.gradient_clip is not None:
            nn.utils.clip_grad_norm_(trained, self.gradient_clip)
        optimizer.step()

    def on_train_epoch_end(self) -> None:
        """Move the learning rates, which manual optimisation leaves to the model."""
        super().on_train_epoch_end()
        schedulers = self.lr_schedulers() or []
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            if not isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
                scheduler.step()
            elif (self.current_epoch + 1) % self.validated_every == 0:
                scheduler.step(self.trainer.callback_metrics["val/loss"])
