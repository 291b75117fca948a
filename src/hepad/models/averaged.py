"""Models that may score by a mean over their best epochs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor, distributed, nn
from torch.func import functional_call

from hepad.core.batch import Batch
from hepad.losses.base import weighted_mean
from hepad.models.base import AnomalyModel
from hepad.nn.best_epochs import BestEpochs


class AveragedModel(AnomalyModel):
    """A model that keeps the weights of the epochs of lowest validation loss, and averages what they say.

    A subclass makes `network`, then calls `keep_best_epochs`, and computes its scores by `each_epoch`. The validation
    loss is that of the epoch alone. The best epochs are known when training ends, later than best.ckpt is written, and
    are put into it then.

    Args:
        entry_shape: shape of one entry in raw units.
        normalizer: kind of input normaliser.
        average: how many epochs to keep; 1 for the best one, which best.ckpt is of.

    Raises:
        ValueError: fewer than one epoch.
    """

    network: nn.Module

    def __init__(self, entry_shape: Sequence[int], normalizer: str = "standard", average: int = 1) -> None:
        super().__init__(entry_shape, normalizer)
        if average < 1:
            raise ValueError(f"average={average}; at least 1 epoch is needed")
        self.average = average
        self.best_epochs: BestEpochs | None = None
        self._validated: list[Tensor] = []
        self._alone = False

    def keep_best_epochs(self) -> None:
        """Make room for the weights; called when `network` is there."""
        if self.average > 1:
            self.best_epochs = BestEpochs(self.average, self.network)

    def each_epoch(self, *arguments: Any) -> Iterator[Any]:
        """Yield what the network says with the weights of each epoch that is kept; with its own where there is none."""
        if self.best_epochs is None or not self.best_epochs.epochs or self.training or self._alone:
            yield self.network(*arguments)
            return
        for weights in self.best_epochs.members(self.network):
            yield functional_call(self.network, weights, arguments)

    def validation_losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` losses of a validation batch with the weights of the current epoch."""
        return self.losses(batch)

    def scores_in_training(self, batch: Batch) -> Tensor:
        """Return the scores with the weights of the current epoch alone, in validation too."""
        self._alone = True
        try:
            return self.score_batch(batch)
        finally:
            self._alone = False

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the mean loss of the validation part, and remember it for `on_validation_epoch_end`."""
        total = self.total_weight(batch)
        losses = self.validation_losses(batch)
        mean = self.validate_by(weighted_mean(losses, batch.weight, total), batch, total, losses)
        counted = torch.as_tensor(total, dtype=torch.float64, device=mean.device)
        self._validated.append(torch.stack([mean.detach().double() * total, counted]))

    def on_validation_epoch_end(self) -> None:
        """Offer the weights with their validation loss."""
        if not self._validated:
            return
        sums = torch.stack(self._validated).sum(dim=0)
        self._validated.clear()
        if self.trainer.state.fn != TrainerFn.FITTING or self.trainer.sanity_checking:
            return
        if distributed.is_initialized():
            distributed.all_reduce(sums)
        # One synchronisation for each epoch.
        self.validated(float(sums[0] / sums[1]), self.current_epoch)

    def validated(self, loss: float, epoch: int) -> None:
        """Take the validation loss of an epoch."""
        if self.best_epochs is not None:
            self.best_epochs.offer(self.network, loss, epoch)

    def late_state(self) -> dict[str, Tensor]:
        """Return the part of the state that is known when training ends, by its names in the state dict."""
        if self.best_epochs is None:
            return {}
        return {f"best_epochs.{name}": value for name, value in self.best_epochs.state_dict().items()}

    def on_fit_end(self) -> None:
        """Put `late_state` into best.ckpt, which was written before the last of the best epochs.

        Done again it changes nothing, so that a run that is stopped here is resumed like any other.
        """
        late, checkpoint = self.late_state(), self.trainer.checkpoint_callback
        if not late or not isinstance(checkpoint, ModelCheckpoint):
            return
        path = Path(checkpoint.best_model_path)
        if self.trainer.is_global_zero and path.is_file():
            content = torch.load(path, map_location="cpu", weights_only=True)
            content["state_dict"] |= {name: value.detach().cpu() for name, value in late.items()}
            self.trainer.strategy.checkpoint_io.save_checkpoint(content, path)
        self.trainer.strategy.barrier()
