"""What a model has to show beside its scores: plain tensors, drawn and summed up by others.

A model must not know matplotlib, and whoever draws must not know every model. So a model hands over what there is to
show (`AnomalyModel.exhibits`), as one of the kinds below; `hepad.metrics` turns a kind into numbers and
`hepad.plots` into pictures. A new model that shows a kind that exists is drawn without another line.
"""

from dataclasses import dataclass

from torch import Tensor

from hepad.batch import Batch


@dataclass(frozen=True, eq=False)
class GeneratedEntries:
    """Entries that a model made up.

    Attributes:
        title: what they are, such as `Samples of the prior`.
        real: real entries to compare with, raw units.
        generated: `(N, *entry_shape)` made-up entries, raw units; slots that are empty in `real` are empty here.
    """

    title: str
    real: Batch
    generated: Tensor


@dataclass(frozen=True, eq=False)
class TeacherAndStudent:
    """The score of a student beside the one it should reproduce.

    Attributes:
        teacher: sample → `(N,)` target made of the teacher's score.
        student: sample → `(N,)` the student's score of the same entries.
    """

    teacher: dict[str, Tensor]
    student: dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class TransformedScores:
    """Scores of the same entries under every transformation of a symmetry, which an ideal score does not see.

    Attributes:
        symmetry: its name in metrics, such as `phi_rotation`.
        scores: sample → `(T, N)` scores of N entries under T transformations, the first of which is the identity.
    """

    symmetry: str
    scores: dict[str, Tensor]


Exhibit = GeneratedEntries | TeacherAndStudent | TransformedScores
