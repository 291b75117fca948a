"""Labels of two roles, as classifiers learn them."""

import torch
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.misfits import LABELS_EXAMPLE


def known_labels(batch: Batch) -> Tensor:
    """Return the labels `(B,)` of a batch; raise `ValueError` where it has none."""
    if batch.label is None:
        raise ValueError(
            f"a classifier learns labels, and the entries carry none; give roles of both: {LABELS_EXAMPLE}"
        )
    return batch.label


def class_weights(train: Batch) -> Tensor:
    """Return factors `(2,)` with which entries of label 0 and of label 1 weigh the same, and 1 on average.

    Entries count by `weight`.

    Raises:
        ValueError: entries without labels, of one label alone, or with others than 0 and 1.

    >>> import torch
    >>> from hepad.core.batch import Batch
    >>> from hepad.models.labels import class_weights
    >>> class_weights(Batch(torch.zeros(4, 1), label=torch.tensor([0, 0, 0, 1])))
    tensor([0.6667, 2.0000])
    """
    label = known_labels(train)
    found = sorted(set(label.cpu().tolist()))
    if found != [0, 1]:
        raise ValueError(
            f"a classifier tells label 1 from label 0, and data.train has {'label' if len(found) == 1 else 'labels'} "
            f"{', '.join(map(str, found))}; give roles of both: {LABELS_EXAMPLE}"
        )
    weight = torch.ones(len(label), dtype=torch.float64) if train.weight is None else train.weight.double().cpu()
    totals = torch.stack([weight[label.cpu() == i].sum() for i in (0, 1)])
    return (totals.sum() / (2 * totals)).float()
