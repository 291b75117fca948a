"""The best checkpoint, completed by what only the end of a training knows."""

from pathlib import Path

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from hepad.models.averaged import AveragedModel


class CompleteBest(Callback):
    """Put the weights of all best epochs into best.ckpt, which was written before the last of them.

    Done again it changes nothing, so that a run that is stopped here is resumed like any other.
    """

    def on_fit_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Write best.ckpt once more, where the model has anything to add."""
        checkpoint = trainer.checkpoint_callback
        if not isinstance(pl_module, AveragedModel) or not isinstance(checkpoint, ModelCheckpoint):
            return
        late = pl_module.late_state()
        path = Path(checkpoint.best_model_path)
        if late and trainer.is_global_zero and path.is_file():
            content = torch.load(path, map_location="cpu", weights_only=True)
            content["state_dict"] |= {name: value.detach().cpu() for name, value in late.items()}
            trainer.strategy.checkpoint_io.save_checkpoint(content, path)
        trainer.strategy.barrier()
