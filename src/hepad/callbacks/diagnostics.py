"""Numbers from what a model has to show beside its scores, and from scores of transformed entries."""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor

from hepad.core.batch import on_device, take_rows
from hepad.core.diagnostics import (
    DensityChecks,
    Diagnostic,
    IndependentScores,
    PartialScores,
    SearchTraces,
    TeacherAndStudent,
    TransformedScores,
)
from hepad.core.progress import progress
from hepad.data import AnomalyDataModule
from hepad.metrics.abcd import abcd_closure
from hepad.metrics.agreement import student_metrics
from hepad.metrics.correlation import distance_correlation
from hepad.metrics.density import density_calibration
from hepad.metrics.roc import auc
from hepad.metrics.samples import FloatArray
from hepad.metrics.symmetry import rms_over_spread
from hepad.metrics.working_points import fpr_name
from hepad.models import AnomalyModel


def diagnostic_metrics(
    diagnostics: Iterable[Diagnostic],
    background: str,
    references: Sequence[str],
    weights: Mapping[str, FloatArray | None] = MappingProxyType({}),
) -> dict[str, float]:
    """Return flat name → number for those kinds of diagnostic that come to numbers, entries by their weights."""
    metrics: dict[str, float] = {}
    for diagnostic in diagnostics:
        if isinstance(diagnostic, TeacherAndStudent):
            teacher, student = (
                {sample: scores.numpy() for sample, scores in side.items()}
                for side in (diagnostic.teacher, diagnostic.student)
            )
            metrics |= student_metrics(teacher, student, background, references, weights)
        elif isinstance(diagnostic, TransformedScores):
            spread = rms_over_spread(diagnostic.scores[background].numpy())
            if spread is not None:
                metrics[f"test/{diagnostic.symmetry}/rms_over_spread"] = spread
        elif isinstance(diagnostic, DensityChecks):
            found = density_calibration(diagnostic.log_prob.numpy(), diagnostic.generated_log_prob.numpy())
            metrics["test/density/ks_distance"] = found.distance
            metrics["test/density/ks_probability"] = found.probability
        elif isinstance(diagnostic, SearchTraces):
            moved = diagnostic.moved.items()
            metrics |= {f"test/search/moved/{sample}": mean for sample, mean in moved if math.isfinite(mean)}
        elif isinstance(diagnostic, IndependentScores):
            metrics |= _independence(diagnostic, background, weights.get(background))
        elif isinstance(diagnostic, PartialScores):
            for part, scores in diagnostic.parts.items():
                metrics |= _areas(part, scores, background, references, weights)
    return metrics


def _independence(diagnostic: IndependentScores, background: str, weight: FloatArray | None) -> dict[str, float]:
    """Closure of the ABCD estimate at each cut, and the distance correlation of the two scores."""
    first, second = diagnostic.first.double().numpy(), diagnostic.second.double().numpy()
    metrics: dict[str, float] = {}
    for found in abcd_closure(first, second, weight):
        name = f"test/abcd_closure_at_fpr_{fpr_name(found.efficiency)}/{background}"
        metrics |= {name: found.ratio, f"{name}/error": found.error, f"{name}/observed": found.observed}
    if (correlation := distance_correlation(first, second, weight)) is not None:
        metrics[f"test/parts_distance_correlation/{background}"] = correlation
    return metrics


def _areas(
    part: str,
    scores: Mapping[str, Tensor],
    background: str,
    references: Sequence[str],
    weights: Mapping[str, FloatArray | None],
) -> dict[str, float]:
    """The AUC that a part of the score has by itself: `test/auc_<part>/<signal>_vs_<reference>`."""
    return {
        f"test/auc_{part}/{signal}_vs_{reference}": auc(
            scores[reference].numpy(), values.numpy(), weights.get(reference), weights.get(signal)
        )
        for reference in references
        for signal, values in scores.items()
        if signal not in (reference, background)
    }


N_ENTRIES: Final = 500
"""Entries of each sample that are scored under every transformation: enough for two digits, and soon done."""

_VALUES: Final = N_ENTRIES * 18 * 14
_FEWEST: Final = 50


def entries_studied(wanted: int, entry_shape: tuple[int, ...]) -> int:
    """Return of how many entries of a sample scores are studied: `wanted`, or fewer where entries are large.

    As many numbers as 500 images of 18 × 14 regions hold, but at least 50 entries, whose RMS is good to 10%.

    >>> entries_studied(500, (1, 18, 14)), entries_studied(500, (1, 40, 40)), entries_studied(500, (4, 64, 64))
    (500, 78, 50)
    """
    return min(wanted, max(_FEWEST, _VALUES // math.prod(entry_shape)))


@torch.no_grad()
def transformed_scores(
    model: AnomalyModel, data: AnomalyDataModule, wanted: int = N_ENTRIES
) -> list[TransformedScores]:
    """Score the first entries of every tested sample under each symmetry of the data; none where `wanted` is 0.

    How many scores that are, entries × orientations × samples, is said before, and how far they are.
    """
    n_entries = entries_studied(wanted, data.entry_shape)
    found = []
    for symmetry, transformations in data.symmetries.items() if wanted else ():
        scores = {}
        total = sum(min(n_entries, len(entries)) for entries in data.test_entries.values()) * (1 + len(transformations))
        if math.prod(data.entry_shape) > _VALUES // N_ENTRIES:
            print(
                f"{symmetry}: {total} scores, {n_entries} entries of each sample in {1 + len(transformations)} "
                "orientations; evaluation.symmetry_entries=0 leaves it out",
                flush=True,
            )
        with progress(symmetry, total, unit="scores") as advance:
            for name, entries in data.test_entries.items():
                batch = on_device(take_rows(entries.batch, slice(n_entries)), model.device)
                tables = []
                for transform in (None, *transformations.values()):
                    x = batch.x if transform is None else transform(batch.x)
                    tables.append(model.anomaly_score(batch._replace(x=x)).cpu())
                    advance(len(x))
                scores[name] = torch.stack(tables)
        found.append(TransformedScores(symmetry, scores, tuple(transformations)))
    return found
