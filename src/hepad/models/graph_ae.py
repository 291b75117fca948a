"""The graph autoencoder of sets, such as the constituents of a jet."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.core.float32 import in_precision
from hepad.core.schema import Structure
from hepad.losses import PointCloudLoss
from hepad.models.base import AnomalyModel, eval_mode
from hepad.models.reconstruction import ReconstructionModel
from hepad.nn.graph import GraphEncoder, SetDecoder, into_slots


class GraphAutoencoder(ReconstructionModel):
    """Edge convolutions on a graph of the objects of a set, pooled to one code, from which the objects are decoded.

    The code does not depend on the order of the objects. The decoder makes as many objects as there are slots, of which
    the first n stand for a set of n: how many there are is told, where they are is not. They come in no order, and so
    the loss must not see any (`chamfer`, `sinkhorn`); one that compares slot by slot makes the network learn the order
    of the data. Particle graph autoencoders: Tsan et al., arXiv:2111.12849; Hao, Kansal, Duarte, Chernyavskaya,
    arXiv:2212.07347.

    Empty slots are nobody's neighbours and change no number. A set without objects has loss 0.

    Args:
        entry_shape: `(S, F)`.
        loss: config of a `ReconstructionLoss`.
        normalizer: kind of input normaliser.
        hidden: widths of the edge convolutions.
        neighbours: nearest objects that each is convolved with, itself among them; None for all, a complete graph.
        latent: width of the code.
        decoder: widths of the decoder's hidden layers.
        activation: name of the activation function.

    Raises:
        ValueError: no edge convolution, or a size that is none.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import GraphAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = GraphAutoencoder((12, 3), loss={"_target_": "hepad.losses.Chamfer"}, neighbours=4)
    >>> jets, mask = torch.randn(64, 12, 3), torch.arange(12).expand(64, 12) < 9
    >>> model.prepare(Batch(jets, mask))
    >>> score = model.anomaly_score(Batch(jets, mask))
    >>> score.shape, torch.allclose(score, model.anomaly_score(Batch(jets.flip(1), mask.flip(1))), atol=1e-5)
    (torch.Size([64]), True)
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"set"})
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "train/loss")

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        hidden: Sequence[int] = (32, 32),
        neighbours: int | None = 16,
        latent: int = 12,
        decoder: Sequence[int] = (128, 128),
        activation: str = "leaky_relu",
    ) -> None:
        super().__init__(entry_shape, loss, normalizer)
        self.save_hyperparameters()
        self.encoder = GraphEncoder(self.entry_shape[-1], hidden, latent, neighbours, activation)
        self.network = SetDecoder(latent, decoder, self.entry_shape, activation)

    def code(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the codes `(B, L)` of normalised sets."""
        code: Tensor = self.encoder(z, mask)
        return code

    def encode_batch(self, batch: Batch) -> Tensor:
        """Return the codes of entries in raw units, in eval mode."""
        with eval_mode(self):
            return self.code(*self.latent_target(batch))

    def decoder(self) -> nn.Module:
        """Return the decoder, from codes to as many objects as there are slots."""
        return self.network

    def reconstruct(self, z: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the reconstruction `(B, S, F)` of normalised sets, its objects in no order; 0 outside of `mask`."""
        objects: Tensor = self.network(self.code(z, mask))
        return objects if mask is None else into_slots(objects, mask)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the mean loss; an error slot by slot would mean nothing, since objects come in no order."""
        AnomalyModel.validation_step(self, batch, batch_idx)

    def score_parts(self, batch: Batch) -> dict[str, Tensor]:
        """Return the terms of the loss, where it has several: distance of the objects, and of the four-momenta."""
        if not isinstance(self.loss, PointCloudLoss):
            return {}
        z = self.normalizer(batch.x, batch.mask)
        terms = self.loss.terms(self.reconstruct(z, batch.mask), z, batch.mask)
        return terms if len(terms) > 1 else {}

    def reconstruct_raw(self, batch: Batch) -> Tensor:
        """Return the reconstructions in raw units, the objects of each by falling first feature, as data have them."""
        x_hat, batch = super().reconstruct_raw(batch), in_precision(batch, self.precision)
        first = x_hat[..., 0]
        if batch.mask is None:
            order = first.argsort(dim=1, descending=True)
            return torch.take_along_dim(x_hat, order.unsqueeze(-1), dim=1)
        order = first.masked_fill(~batch.mask, -torch.inf).argsort(dim=1, descending=True)
        x_hat = into_slots(torch.take_along_dim(x_hat, order.unsqueeze(-1), dim=1), batch.mask)
        return torch.where(batch.mask.unsqueeze(-1), x_hat, torch.zeros_like(x_hat))
