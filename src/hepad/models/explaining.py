"""Explanations of scores: how much each feature, slot or pixel of an entry contributes to it."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.float32 import at_least_float32, computed_in, exact_float32, in_precision
from hepad.models.attribution import integrated_gradients, occlusion
from hepad.models.base import AnomalyModel, eval_mode
from hepad.models.capabilities import ExplainedFrom, Explaining

Method = Literal["terms", "shapley", "integrated_gradients", "occlusion"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Contributions to the scores of entries.

    Attributes:
        values: `(B, *entry_shape)`; what raises the score is positive.
        score: `(B,)` the scores.
        start: `(B,)` what the contributions come on top of: 0 where they are the terms of the score, else the score of
            the baseline, the entry in the middle of the background.
        method: how they were made.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.models import AnomalyModel, explain_scores
    >>> class Radius(AnomalyModel):
    ...     structures = frozenset({"vector"})
    ...     def score_batch(self, batch):
    ...         return self.normalizer(batch.x).square().sum(dim=1)
    >>> explanation = explain_scores(Radius((2,), normalizer="none"), Batch(torch.tensor([[3.0, 1.0]])))
    >>> explanation.values, explanation.method, float(explanation.remainder)
    (tensor([[9., 1.]]), 'integrated_gradients', 0.0)
    """

    values: Tensor
    score: Tensor
    start: Tensor
    method: Method

    @property
    def remainder(self) -> Tensor:
        """Part of score − start that the contributions miss, `(B,)`: 0 where they are complete."""
        return self.score.double() - self.start.double() - self.values.double().flatten(1).sum(dim=1)


def background_center(model: AnomalyModel, batch: Batch) -> Tensor:
    """Return the entry that normalises to 0, `(B, *entry_shape)`: the mean of the training background, or its median.

    Where the normaliser knows no background, it is 0 (`none`) or the mean of each entry (`layer`).
    """
    zeros = torch.zeros_like(batch.x)
    center = model.normalizer.inverse(zeros, batch.x, batch.mask)
    # An empty slot stays empty.
    return center if batch.mask is None else torch.where(batch.mask.unsqueeze(-1), center, batch.x)


def explain_scores(model: AnomalyModel, batch: Batch) -> Explanation:
    """Return what contributes to the scores of entries: the terms of the score where it is a sum of such.

    Otherwise what it has more than the middle of the background: exact Shapley values of trees, integrated gradients,
    or where the score has no gradient its change without each number.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.models import DenseAutoencoder, explain_scores
    >>> model = DenseAutoencoder((3,), loss={"_target_": "hepad.losses.MSE"})
    >>> batch = Batch(torch.randn(8, 3))
    >>> model.prepare(batch)
    >>> explanation = explain_scores(model, batch)
    >>> explanation.method, bool((explanation.remainder.abs() < 1e-6 * explanation.score).all())
    ('terms', True)
    """
    # Also within a test of Lightning's, where nothing has a gradient.
    with torch.inference_mode(False), exact_float32():
        return _explained(model, batch)


def _explained(model: AnomalyModel, batch: Batch) -> Explanation:
    with torch.no_grad():
        score = model.anomaly_score(batch)
    if isinstance(model, Explaining):
        with torch.no_grad():
            values = model.contributions(batch)
        if values is not None:
            return Explanation(at_least_float32(values), score, torch.zeros_like(score), "terms")
    with eval_mode(model), computed_in(model.precision, model.device.type):
        prepared = in_precision(batch, model.precision)
        baseline = background_center(model, prepared).detach()
        with torch.no_grad():
            start = model.score_batch(prepared._replace(x=baseline))
        found, how = _from_baseline(model, prepared, baseline)
    return Explanation(at_least_float32(found.detach()), score, at_least_float32(start), how)


def _from_baseline(model: AnomalyModel, batch: Batch, baseline: Tensor) -> tuple[Tensor, Method]:
    if isinstance(model, ExplainedFrom):
        with torch.no_grad():
            return model.contributions_from(batch, baseline).reshape(batch.x.shape), "shapley"
    try:
        return integrated_gradients(model.score_batch, batch, baseline), "integrated_gradients"
    except RuntimeError:
        # A score that is computed outside of PyTorch.
        with torch.no_grad():
            return occlusion(model.score_batch, batch, baseline), "occlusion"
