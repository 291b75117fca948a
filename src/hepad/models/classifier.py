"""The classifier of two samples: with labels of roles, the base of weak supervision."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hepad.core.batch import Batch
from hepad.core.schema import Structure
from hepad.models.averaged import AveragedModel
from hepad.models.labels import class_weights, known_labels
from hepad.nn.deep_sets import DeepSets, DenseStudent
from hepad.nn.trunks import ConvTrunk

SCORES: Final = ("logit", "probability")

_HIDDEN: Final = (64, 64, 64)


class Classifier(AveragedModel):
    """Tells label 1 from label 0 of `data.train`, by cross entropy; the score is how much an entry looks like label 1.

    With a signal in one of two samples that are alike otherwise, the best classifier of the samples is the best of the
    signal (CWoLa: Metodiev, Nachman and Thaler, arXiv:1708.02949); with a density's draws for label 0 it is that of
    CATHODE (Hallin et al., arXiv:2109.00546), whose widths and mean over ten epochs are the defaults here.

    The network is a perceptron for vectors, DeepSets for sets, convolutions of stride 2 for images. With `balanced`
    both labels weigh the same in training and validation, however many entries have them; the weights of entries and
    of roles count besides.

    With `average` = k above 1 the probability is the mean of those of the k epochs of lowest validation loss.

    | score | value |
    |---|---|
    | `logit` | ln p / (1 − p), which still tells entries apart where p is 1 to all digits |
    | `probability` | p of label 1 |

    Args:
        entry_shape: shape of one entry.
        normalizer: kind of input normaliser.
        hidden: widths of the hidden layers, for images channels; None for 64, 64, 64, for images 32, 64, ….
        phi: widths of the layers applied to each object of a set.
        rho: widths of the hidden layers after the pool of a set.
        pool: `max` or `mean` over the objects of a set.
        dropout: probability of dropping a hidden unit of a vector's network.
        activation: name of the activation function.
        balanced: let both labels weigh the same.
        average: how many epochs to average over.
        score: one of the above.
        circular: convolutions treat φ (H) as the ring it is.

    Raises:
        ValueError: an unknown score.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import Classifier
    >>> _ = torch.manual_seed(0)
    >>> model = Classifier((2,), hidden=[16])
    >>> entries = Batch(torch.randn(64, 2), label=torch.arange(64) % 4 // 3)
    >>> model.prepare(entries)
    >>> model.class_weight  # a quarter has label 1
    tensor([0.6667, 2.0000])
    >>> model.anomaly_score(entries).shape
    torch.Size([64])
    """

    structures: ClassVar[frozenset[Structure]] = frozenset({"vector", "set", "image", "volume"})

    class_weight: Tensor

    def __init__(
        self,
        entry_shape: Sequence[int],
        normalizer: str = "standard",
        hidden: Sequence[int] | None = None,
        phi: Sequence[int] = (64, 64),
        rho: Sequence[int] = (64,),
        pool: str = "mean",
        dropout: float = 0.0,
        activation: str = "relu",
        balanced: bool = True,
        average: int = 10,
        score: str = "logit",
        circular: bool = True,
    ) -> None:
        super().__init__(entry_shape, normalizer, average)
        if score not in SCORES:
            raise ValueError(f"score {score!r}; allowed: {', '.join(SCORES)}")
        self.save_hyperparameters()
        self.balanced, self.score = balanced, score
        if len(self.entry_shape) == 1:
            self.network = DenseStudent(self.entry_shape, hidden or _HIDDEN, dropout, activation)
        elif len(self.entry_shape) == 2:
            self.network = DeepSets(self.entry_shape[-1], phi, rho, pool, activation)
        else:
            self.network = _ImageNetwork(ConvTrunk(self.entry_shape, hidden or None, activation, circular))
        self.keep_best_epochs()
        self.register_buffer("class_weight", torch.ones(2))

    @classmethod
    def may_score_below_zero(cls, settings: Mapping[str, Any]) -> bool:
        """Return true for the logit."""
        return str(settings.get("score", "logit")) == "logit"

    @classmethod
    def learns_labels(cls, settings: Mapping[str, Any]) -> bool:
        """Return true: it always does."""
        return True

    def prepare(self, train: Batch) -> None:
        """Fit the normaliser on entries of both labels, and weigh these against each other.

        Raises:
            ValueError: entries without labels, of one label alone, or with others than 0 and 1.
        """
        weights = class_weights(train)
        super().prepare(train)
        self.class_weight.copy_(weights if self.balanced else torch.ones(2))

    def losses(self, batch: Batch) -> Tensor:
        """Return the `(B,)` cross entropies, those of each label times its weight."""
        label = known_labels(batch)
        logit = self.network(self.normalizer(batch.x, batch.mask), batch.mask)
        entropy = F.binary_cross_entropy_with_logits(logit, label.to(logit.dtype), reduction="none")
        return entropy * self.class_weight[label]

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` logits of the mean probability of label 1, or that."""
        logits = torch.stack(list(self.each_epoch(self.normalizer(batch.x, batch.mask), batch.mask)))
        log_one, log_zero = (torch.logsumexp(F.logsigmoid(sign * logits), dim=0) for sign in (1, -1))
        if self.score == "probability":
            return (log_one - math.log(len(logits))).exp()
        return log_one - log_zero


class _ImageNetwork(nn.Module):
    """Convolutions, then a linear layer to one number."""

    def __init__(self, trunk: ConvTrunk) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.Linear(trunk.width, 1)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return `(B,)` for images `x` `(B, C, H, W)`, which have no slots to mask."""
        output: Tensor = self.head(self.trunk(x))
        return output.squeeze(-1)
