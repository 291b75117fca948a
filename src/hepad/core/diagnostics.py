"""Diagnostics that a model has to show beside its scores: plain tensors, drawn and summed up by others.

A model must not know matplotlib, and whoever draws must not know every model. So a model hands over what there is to
show (`AnomalyModel.diagnostics`), as one of the kinds below; `hepad.metrics` turns a kind into numbers and
`hepad.plots` into pictures. A new model that shows a kind that exists is drawn without another line.
"""

from dataclasses import dataclass

from torch import Tensor

from hepad.core.batch import Batch


@dataclass(frozen=True, eq=False)
class GeneratedEntries:
    """Entries that a model generated.

    Attributes:
        title: what they are, such as `Samples of the prior`.
        real: real entries to compare with, raw units.
        generated: `(N, *entry_shape)` generated entries, raw units.
        mask: `(N, S)` which of their slots hold an object; None for the mask of `real`.
    """

    title: str
    real: Batch
    generated: Tensor
    mask: Tensor | None = None


@dataclass(frozen=True, eq=False)
class DensityChecks:
    """Held-out background beside draws of a density that was fitted to such entries.

    Attributes:
        real: `(N, F)` held-out background, raw units.
        generated: `(M, F)` draws.
        latent: `(N, D)` latent points of the background, draws of N(0, 1) where the density is right; None without any.
        log_prob: `(N,)` ln p of the background.
        generated_log_prob: `(M,)` ln p of the draws.
    """

    real: Tensor
    generated: Tensor
    latent: Tensor | None
    log_prob: Tensor
    generated_log_prob: Tensor


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
        steps: how far each of the other T − 1 transformations goes, such as rows of a rotation.
    """

    symmetry: str
    scores: dict[str, Tensor]
    steps: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class PartialScores:
    """The parts that a score is made of.

    Attributes:
        parts: name, such as `reconstruction` → sample → `(N,)` that part of the scores; higher is more anomalous.
    """

    parts: dict[str, dict[str, Tensor]]


@dataclass(frozen=True, eq=False)
class IndependentScores:
    """Two parts of the score that should know nothing of each other on background: the two axes of an ABCD estimate.

    Attributes:
        names: of the parts.
        first: `(N,)` one part of the scores of background.
        second: `(N,)` the other part.
    """

    names: tuple[str, str]
    first: Tensor
    second: Tensor


@dataclass(frozen=True, eq=False)
class TrainingCurves:
    """Quantities beside the loss whose way through the epochs is worth a look.

    Attributes:
        name: of the figure's file.
        title: what they are.
        panels: label of an axis → the columns of the history that are drawn in it.
    """

    name: str
    title: str
    panels: dict[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Remark:
    """Something about the model that a reader of the numbers should know.

    Attributes:
        text: one sentence.
    """

    text: str


@dataclass(frozen=True, eq=False)
class SearchTraces:
    """Losses of a latent search, step by step.

    Attributes:
        traces: sample → `(N, n_seed, k + 1)` loss before the first update and after each, NaN for restarts that failed.
        moved: sample → mean distance that the weights moved; empty where they are fixed.
        reduction: `mean` or `min`, how the losses of restarts become a score.
        starts: where restarts start from, in a few words.
    """

    traces: dict[str, Tensor]
    moved: dict[str, float]
    reduction: str
    starts: str


@dataclass(frozen=True, eq=False)
class SearchExamples:
    """A few entries, and those that a latent search made of them on its way.

    Attributes:
        sample: where they are from.
        entries: M entries in raw units.
        made: `(M, T, *entry_shape)` what the first restart made, raw units.
        steps: the T numbers of updates after which it made them.
        scores: `(M,)` scores of the entries.
    """

    sample: str
    entries: Batch
    made: Tensor
    steps: list[int]
    scores: Tensor


Diagnostic = (
    SearchTraces
    | SearchExamples
    | GeneratedEntries
    | DensityChecks
    | TeacherAndStudent
    | TransformedScores
    | PartialScores
    | IndependentScores
    | TrainingCurves
    | Remark
)
