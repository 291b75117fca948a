"""The student: a small network that predicts the score of a large one."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor

from hepad.config.registry import instantiate
from hepad.core.batch import Batch
from hepad.core.diagnostics import Diagnostic, TeacherAndStudent
from hepad.core.schema import Structure
from hepad.losses import ElementwiseLoss
from hepad.losses.base import weighted_mean
from hepad.models.base import AnomalyModel
from hepad.models.fixed_point import fixed_point_forward, fixed_point_score, start_fixed_point
from hepad.nn import DeepSets
from hepad.nn.deep_sets import ConvStudent, DenseStudent
from hepad.nn.folding import (
    FoldedLayer,
    fold_entry,
    fold_filters,
    fold_slots,
    linears_of,
    scaled,
)

NETWORKS: Final = ("deepsets", "dense", "conv")

_BY_AXES: Final = {1: "dense", 2: "deepsets", 3: "conv"}
_AXES: Final = {"deepsets": 2, "conv": 3}


class Distilled(AnomalyModel):
    """Learns to predict the score of a teacher (Hinton et al., arXiv:1503.02531; for triggers CMS DP-2023/086).

    A regression of `Batch.target`, made of the teacher's score by whoever trains (`hepad.pipeline.distillation`): the
    model itself knows no teacher, and its checkpoint alone scores raw data. The network works in standard units of the
    training targets; the score is its prediction in units of the target. Since the target rises with the teacher's
    score, a higher prediction is more anomalous.

    The loss of an entry is multiplied with `Batch.importance` where there is one, and counted by `Batch.weight`.

    Args:
        entry_shape: shape of one entry.
        loss: config of an elementwise loss, between the predicted and the true target in standard units.
        normalizer: kind of input normaliser.
        network: `deepsets` for events; `dense` and `conv` are the two students of CICADA, for the flattened entry and
            for images; `auto` is `dense` for vectors, `deepsets` for events, `conv` for images.
        phi: widths of the layers applied to each jet (`deepsets`).
        rho: widths of the hidden layers after the pool (`deepsets`).
        pool: `max` or `mean` over the real jets (`deepsets`).
        filters: 2 × 2 filters (`conv`).
        hidden: widths of the hidden layers (`dense`, `conv`).
        dropout: probability of dropping an input of the hidden layers (`dense`, `conv`).
        activation: name of the activation function.
        bits: of weights and results, in which it is trained and scores as firmware does (`FixedPointForward`); None
            for floats.
        input_bits: of the shifted input, where `bits` are given.
        score_bits: of the score and of biases, where `bits` are given.
        headroom: bits above the largest results of training entries, where `bits` are given; below 0, results saturate.

    Raises:
        ValueError: an unknown network, one that cannot take such entries, a loss that compares images, or a part that
            has no fixed-point form, where `bits` are given.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import Distilled
    >>> _ = torch.manual_seed(0)
    >>> model = Distilled((8, 17), loss={"_target_": "hepad.losses.MSE"})
    >>> events, mask = torch.randn(64, 8, 17), torch.arange(8).expand(64, 8) < 3
    >>> model.prepare(Batch(events, mask, target=torch.rand(64)))
    >>> model.anomaly_score(Batch(events, mask)).shape
    torch.Size([64])
    >>> sum(weights.numel() for weights in model.parameters())
    1393
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image"})
    monitors: ClassVar[tuple[str, ...]] = ("val/loss", "val/mae", "train/loss")
    learns_targets = True
    signed_score = True
    training_keys = frozenset({"teacher", "teacher_overrides", "target", "weighting"})

    target_center: Tensor
    target_scale: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        loss: Mapping[str, Any],
        normalizer: str = "standard",
        network: str = "auto",
        phi: Sequence[int] = (32, 16),
        rho: Sequence[int] = (16,),
        pool: str = "max",
        filters: int = 4,
        hidden: Sequence[int] = (16,),
        dropout: float = 0.0,
        activation: str = "relu",
        bits: int | None = None,
        input_bits: int = 16,
        score_bits: int = 16,
        headroom: int = -2,
    ) -> None:
        super().__init__(entry_shape, normalizer)
        built = instantiate(dict(loss))
        if not isinstance(built, ElementwiseLoss):
            raise ValueError(
                f"loss {type(built).__name__} compares whole entries, but a student predicts one number; "
                "use mse, mae, huber or log_cosh"
            )
        self.save_hyperparameters()
        self.loss = built
        name = student_network(network, self.entry_shape)
        if name == "deepsets":
            self.network: DeepSets | DenseStudent | ConvStudent = DeepSets(
                self.entry_shape[-1], phi, rho, pool, activation
            )
        elif name == "dense":
            self.network = DenseStudent(self.entry_shape, hidden, dropout, activation)
        else:
            self.network = ConvStudent(self.entry_shape, filters, hidden, dropout, activation)
        self.register_buffer("target_center", torch.zeros(()))
        self.register_buffer("target_scale", torch.ones(()))
        self.fixed_point = fixed_point_forward(self, bits, input_bits, score_bits, headroom, dropout)

    def prepare(self, train: Batch) -> None:
        """Fit the normaliser, and the mean and spread of the targets where the entries carry them already."""
        super().prepare(train)
        if train.target is not None:
            target = train.target.double()
            weight = None if train.weight is None else train.weight.double()
            center = weighted_mean(target, weight)
            spread = weighted_mean((target - center).square(), weight).sqrt()
            self.target_center.copy_(center)
            self.target_scale.copy_(target.std(correction=0) if weight is None else spread)
        if self.fixed_point is not None:
            start_fixed_point(self, train)

    def folded(self, powers: Tensor) -> list[FoldedLayer]:
        """Return the layers from raw entries to scores, of which firmware is made (`hepad.nn.folding`).

        Raises:
            ValueError: a part that has no fixed-point form.
        """
        network = self.network
        if isinstance(network, DeepSets):
            if network.pool != "max":
                raise ValueError("model.pool=mean divides by the number of objects; model.pool=max does not")
            rho = scaled(linears_of(network.rho), self.target_scale, self.target_center)
            return fold_slots(self.normalizer, powers, linears_of(network.phi), rho)
        linears = scaled(linears_of(network.layers), self.target_scale, self.target_center)
        if isinstance(network, DenseStudent):
            return fold_entry(self.normalizer, powers, self.entry_shape, linears)
        linears_of(network.activation)
        return fold_filters(self.normalizer, powers, network.conv.weight, linears)

    def predict_standard(self, batch: Batch) -> Tensor:
        """Return the predicted targets `(B,)` in standard units."""
        if self.fixed_point is not None:
            return (self.score_batch(batch) - self.target_center) / self.target_scale
        predicted: Tensor = self.network(self.normalizer(batch.x, batch.mask), batch.mask)
        return predicted

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the predicted targets `(B,)`."""
        if self.fixed_point is not None:
            return fixed_point_score(self, batch)
        return self.predict_standard(batch) * self.target_scale + self.target_center

    def losses(self, batch: Batch) -> Tensor:
        """Return the loss of each entry times its importance, `(B,)`."""
        target = (_known(batch.target) - self.target_center) / self.target_scale
        values = self.loss.elementwise(self.predict_standard(batch), target)
        return values if batch.importance is None else values * batch.importance

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log the mean weighted loss, and the mean absolute error in units of the target."""
        total = self.total_weight(batch)
        error = weighted_mean((self.score_batch(batch) - _known(batch.target)).abs(), batch.weight, total)
        self.validate_by(weighted_mean(self.losses(batch), batch.weight, total), batch, total)
        self.log("val/mae", error, batch_size=total)

    def diagnostics(
        self, samples: Mapping[str, Batch], scores: Mapping[str, Tensor], background: str
    ) -> Iterator[Diagnostic]:
        """Show the scores beside the teacher's, where the entries carry them."""
        targets = {name: batch.target for name, batch in samples.items() if batch.target is not None}
        if targets:
            yield TeacherAndStudent(teacher=targets, student={name: scores[name] for name in targets})


def student_network(network: str, entry_shape: Sequence[int]) -> str:
    """Return the name of the network to build; raise `ValueError` for one that cannot take such entries."""
    name = _BY_AXES[len(entry_shape)] if network == "auto" else network
    fitting = [other for other in NETWORKS if _AXES.get(other, len(entry_shape)) == len(entry_shape)]
    if name not in NETWORKS:
        raise ValueError(f"network {network!r}; allowed: auto, {', '.join(NETWORKS)}")
    if name not in fitting:
        raise ValueError(
            f"network {name!r} cannot take entries of shape {tuple(entry_shape)}; allowed: auto, {', '.join(fitting)}"
        )
    return name


def _known(target: Tensor | None) -> Tensor:
    if target is None:
        raise ValueError("the entries carry no target to learn; a student is trained on a teacher's scores")
    return target
