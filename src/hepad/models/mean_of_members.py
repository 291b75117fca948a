"""The members of an ensemble as one model, which gives an entry the mean of their scores."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.models.base import AnomalyModel


class MeanOfMembers(AnomalyModel):
    """The mean of the scores of several trained models, each rounded to float32 as scores.h5 keeps it.

    It is put together of finished models, and not trained itself.

    Args:
        members: models of the same entries, trained in the same precision.

    Raises:
        UserError: models of other entries or precision than the first.

    >>> import torch
    >>> from hepad.data import Batch
    >>> from hepad.models import DenseAutoencoder
    >>> from hepad.models.mean_of_members import MeanOfMembers
    >>> members = [DenseAutoencoder((17,), loss={"_target_": "hepad.losses.MSE"}) for _ in range(3)]
    >>> batch = Batch(torch.randn(4, 17))
    >>> scores = torch.stack([member.anomaly_score(batch) for member in members])
    >>> torch.allclose(MeanOfMembers(members).anomaly_score(batch), scores.double().mean(0))
    True
    """

    def __init__(self, members: Sequence[AnomalyModel]) -> None:
        first = members[0]
        super().__init__(first.entry_shape, "none")
        if any((one.entry_shape, one.precision) != (first.entry_shape, first.precision) for one in members):
            raise UserError("the members of the ensemble are of other entries or precisions; train them again")
        self.members = nn.ModuleList(members)
        self.precision = first.precision

    def score_batch(self, batch: Batch) -> Tensor:
        """Return the `(B,)` mean scores."""
        models = (member for member in self.members if isinstance(member, AnomalyModel))
        scores = torch.stack([model.score_batch(batch).float() for model in models])
        # The sum of what joins the runs' scores.h5 is of float64; Apple's GPUs have none.
        return (scores if scores.device.type == "mps" else scores.double()).mean(dim=0)
