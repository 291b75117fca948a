"""The module that is exported: raw entries in, score and threshold bits out."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.float32 import FLOAT32, computed_in, in_precision
from hepad.exporting.stand_ins import exportable
from hepad.models import AnomalyModel
from hepad.models.mean_of_members import MeanOfMembers
from hepad.models.pyod_detector import PyodDetector

_PRECISIONS: Final = (FLOAT32, "64-true")


class Scorer(nn.Module):
    """A model without Lightning: what it is given by name, its scores in float32, and which are beyond thresholds.

    Args:
        model: the model; a copy of it is taken, with stand-ins for what no exporter knows.
        context_size: number of observables that it is conditioned on.
        thresholds: name → threshold on the score.
        native: have trees as ONNX's own operator; only an ONNX model made of it scores then.

    Raises:
        UserError: a model that cannot be exported.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.exporting.scorer import Scorer
    >>> from hepad.models import DenseAutoencoder
    >>> _ = torch.manual_seed(0)
    >>> model = DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"})
    >>> model.prepare(Batch(torch.randn(64, 17)))
    >>> scorer = Scorer(model, thresholds={"1kHz": 0.5})
    >>> scorer.input_names, scorer.output_names
    (('x',), ('score', 'accepted_1kHz'))
    >>> x = torch.randn(4, 17)
    >>> torch.equal(scorer(x)[0], model.anomaly_score(Batch(x)))
    True
    """

    def __init__(
        self,
        model: AnomalyModel,
        context_size: int = 0,
        thresholds: Mapping[str, float] | None = None,
        native: bool = False,
    ) -> None:
        super().__init__()
        refuse(model)
        self.model = exportable(model, native)
        self.precision = model.precision
        self.entry_shape = model.entry_shape
        self.context_size = context_size
        self.thresholds = dict(thresholds or {})
        names = ["x", "mask"] if len(self.entry_shape) == 2 else ["x"]
        self.input_names = tuple([*names, "context"] if context_size else names)
        self.output_names = ("score", *(f"accepted_{name}" for name in self.thresholds))

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """Return the scores `(B,)` float32, and for each threshold which lie beyond it, `(B,)` bool."""
        batch = in_precision(Batch(**dict(zip(self.input_names, given, strict=True))), self.precision)
        with computed_in(self.precision, "cpu"):
            score = self.model.score_batch(batch).float()
        return (score, *(score.double() > cut for cut in self.thresholds.values()))

    def arrays(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return what the scorer is given of a batch, in the order of `input_names`; events without a mask are full."""
        found = [batch.x.float()]
        if "mask" in self.input_names:
            full = torch.ones(batch.x.shape[:2], dtype=torch.bool)
            found.append(full if batch.mask is None else batch.mask)
        if "context" in self.input_names:
            assert batch.context is not None
            found.append(batch.context.float())
        return tuple(found)

    def example(self) -> tuple[Tensor, ...]:
        """Return inputs of two entries, from which an exporter learns types and shapes."""
        x = torch.linspace(0, 1, 2 * torch.Size(self.entry_shape).numel()).reshape(2, *self.entry_shape)
        mask = torch.ones(x.shape[:2], dtype=torch.bool) if len(self.entry_shape) == 2 else None
        return self.arrays(Batch(x, mask, context=torch.zeros(2, self.context_size)))


def refuse(model: AnomalyModel) -> None:
    """Raise `UserError` for a model that cannot be exported, with what can be."""
    name = type(model).__name__
    if isinstance(model, PyodDetector) or (
        isinstance(model, MeanOfMembers) and any(isinstance(member, PyodDetector) for member in model.members)
    ):
        raise UserError(
            f"model {name}: a detector of pyod is scored by its own library, not by operations of torch, and cannot "
            "be exported; all other models can, also a student of it: hepad.train model=distilled model.teacher=DIR"
        )
    if model.precision not in _PRECISIONS:
        raise UserError(
            f"model {name}: it was trained with trainer.precision={model.precision} and scores in it; only "
            f"{' and '.join(_PRECISIONS)} can be exported"
        )
