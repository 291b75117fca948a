"""How Lightning is told to share batch normalisation between processes."""

from lightning.pytorch.plugins import LayerSync
from torch import nn

from hepad.nn.shared_batch_norm import share_batch_norm, unshare_batch_norm


class SharedBatchNormSync(LayerSync):
    """Batch normalisation over the whole batch, so that training on several devices is training on one."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Share."""
        share_batch_norm(model)
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Undo it."""
        unshare_batch_norm(model)
        return model
