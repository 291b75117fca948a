"""Exact AUC of scores spread over several processes."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from hepad.metrics.roc import auc


class ExactAuc(Metric):
    """AUC of raw scores, gathered from every process before anything is computed.

    Unlike `torchmetrics.classification.BinaryAUROC` it neither passes scores through a sigmoid nor bins them,
    and it equals `hepad.metrics.auc` of all scores together, not a mean over processes. A sampler that pads the
    last batch with repeated entries makes those entries count twice: evaluate with one that does not pad.
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    scores: list[Tensor]
    is_signal: list[Tensor]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("scores", default=[], dist_reduce_fx="cat")
        self.add_state("is_signal", default=[], dist_reduce_fx="cat")

    def update(self, scores: Tensor, is_signal: Tensor) -> None:
        """Add a batch.

        Args:
            scores: (B,) anomaly scores.
            is_signal: (B,) true for signal, false for background.
        """
        if scores.ndim != 1 or scores.shape != is_signal.shape:
            raise ValueError(f"scores {tuple(scores.shape)} and labels {tuple(is_signal.shape)}: expected (B,) each")
        self.scores.append(scores.detach())
        self.is_signal.append(is_signal.detach().bool())

    def compute(self) -> Tensor:
        """The AUC of all scores of all processes, a float64 scalar on the CPU.

        Raises:
            ValueError: no background or no signal was seen, or a score is NaN or infinite.
        """
        scores = dim_zero_cat(self.scores).double().cpu().numpy()
        is_signal = dim_zero_cat(self.is_signal).cpu().numpy()
        return torch.tensor(auc(scores[~is_signal], scores[is_signal]), dtype=torch.float64)
