"""The tables of a run's sections, from its metrics; none where there is nothing to tell."""

from collections.abc import Mapping
from typing import Any, Final

from hepad.metrics.evaluation import Evaluation
from hepad.report.content import Cell, Table

SEPARATION: Final = "Separation"
SCULPTING: Final = "Sculpting"
STUDENT: Final = "Student and teacher"
SYMMETRIES: Final = "Symmetries"

_TARGETS: Final = {"score": "s", "log_score": "ln s", "cicada": "32 ln s, clipped to [0, 256)"}
_SYMMETRIES: Final = {"phi_rotation": "Rotation in φ", "eta_flip": "Mirror in η"}


def section_tables(evaluation: Evaluation) -> dict[str, list[Table]]:
    """Return title of a section → its tables; only sections that have some."""
    tables = {
        SEPARATION: [working_point_table(evaluation)] if evaluation.rocs else [],
        "Correlations": [correlation_table(evaluation)] if evaluation.pearson.get(evaluation.background) else [],
        SCULPTING: [sculpting_table(evaluation)] if evaluation.sculpting else [],
        "ABCD closure": _abcd(evaluation),
        STUDENT: [*_student_areas(evaluation), *_student_errors(evaluation)],
        SYMMETRIES: _symmetries(evaluation),
    }
    return {title: found for title, found in tables.items() if found}


def origin_notes(title: str, facts: Mapping[str, Any]) -> list[str]:
    """Return what a section says of the runs that this run learned from; `facts` are its provenance."""
    teacher = facts.get("teacher", {})
    if title != STUDENT or "model" not in teacher:
        return []
    return [
        f"The teacher is {teacher['run']}: model {teacher['model']}, loss {teacher['loss']}, with the score s. "
        f"The target that the student learns is {_TARGETS[teacher['target']]}."
    ]


def _student_areas(evaluation: Evaluation) -> list[Table]:
    """AUC of student and teacher for every signal and reference."""
    rows: list[list[Cell]] = []
    for signal, reference in evaluation.rocs:
        pair = f"{signal}_vs_{reference}"
        teacher = evaluation.metrics.get(f"test/teacher_auc/{pair}")
        if teacher is not None:
            student = evaluation.metrics[f"test/auc/{pair}"]
            rows.append([signal, reference, student, teacher, student - teacher])
    titles = ["Signal", "Reference", "AUC of the student", "AUC of the teacher", "Difference"]
    return [Table(titles, rows, "Student and teacher on the same entries.")] if rows else []


def _student_errors(evaluation: Evaluation) -> list[Table]:
    """Rank correlation and error for every sample, and the top decile of the background."""
    metrics, prefix = evaluation.metrics, "test/student/"
    rows: list[list[Cell]] = []
    for name, rms in metrics.items():
        if name.startswith(f"{prefix}rms/"):
            sample = name.removeprefix(f"{prefix}rms/")
            top = [metrics.get(f"{prefix}top_decile_{what}") for what in ("bias", "width")]
            rank = metrics.get(f"{prefix}spearman/{sample}")
            rows.append([sample, rank, rms, *(top if sample == evaluation.background else [None, None])])
    caption = (
        "The student's score against its target, in units of the target. The top decile is the tenth of "
        f"{evaluation.background} with the highest true scores."
    )
    titles = ["Sample", "Rank correlation", "RMS error", "Bias in the top decile", "Width in the top decile"]
    return [Table(titles, rows, caption)] if rows else []


def _abcd(evaluation: Evaluation) -> list[Table]:
    """Table of background above two cuts, observed over predicted."""
    metrics, prefix, end = evaluation.metrics, "test/abcd_closure_at_fpr_", f"/{evaluation.background}"
    cuts = [name for name in metrics if name.startswith(prefix) and name.endswith(end)]
    rows: list[list[Cell]] = [
        [
            f"{100 * float(name.removeprefix(prefix).removesuffix(end)):g}%",
            metrics[f"{name}/observed"],
            metrics[f"{name}/observed"] / metrics[name],
            metrics[name],
            metrics[f"{name}/error"],
        ]
        for name in sorted(cuts, key=lambda name: -float(name.removeprefix(prefix).removesuffix(end)))
    ]
    correlation = metrics.get(f"test/parts_distance_correlation{end}")
    told = "" if correlation is None else f" Their distance correlation is {correlation:.3f}."
    caption = (
        f"Entries of {evaluation.background} above cuts on both parts of the score, and what is predicted from those "
        f"that fail one or both.{told}"
    )
    titles = ["Passes each cut", "Observed in A", "Predicted", "Observed / predicted", "±"]
    return [Table(titles, rows, caption)] if rows else []


def _symmetries(evaluation: Evaluation) -> list[Table]:
    """Table of how much scores of the background move under each symmetry of its entries."""
    rows: list[list[Cell]] = [
        [title, moved]
        for name, title in _SYMMETRIES.items()
        if (moved := evaluation.metrics.get(f"test/{name}/rms_over_spread")) is not None
    ]
    caption = (
        f"RMS change of the scores of {evaluation.background}, as a share of their spread: 0 for a score that does "
        "not see the transformation, 1 for one that sees nothing else."
    )
    return [Table(["Symmetry", "RMS change / spread"], rows, caption)] if rows else []


def sculpting_table(evaluation: Evaluation) -> Table:
    """Divergence of the spectra above and below each cut, beside that of random cuts.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.report.section_tables import sculpting_table
    >>> mass = np.random.default_rng(0).exponential(30, 500)
    >>> found = evaluate({"qcd": ScoredSample("qcd", mass, {"mass": mass})}, "qcd", ["qcd"], sculpted=["mass"])
    >>> [[row[0], row[1], row[2] > row[4]] for row in sculpting_table(found).rows]
    [['mass', '50%', True], ['mass', '10%', True]]
    """
    rows: list[list[Cell]] = [
        [name, f"{100 * efficiency:g}%", divergence, *found.floor[efficiency]]
        for name, found in evaluation.sculpting.items()
        for efficiency, divergence in found.divergence.items()
    ]
    titles = ["Observable", "Background that passes", "JSD", "JSD of random cuts", "95% of them below"]
    caption = (
        f"Jensen-Shannon divergence, 0 to 1, between the spectra of entries of {evaluation.background} that pass a cut "
        "on the score and those that fail; a cut that knows nothing of the observable has that of random cuts. No row "
        "where fewer than 10 entries pass."
    )
    return Table(titles, rows, caption)


def working_point_table(evaluation: Evaluation) -> Table:
    """Signal efficiency at fixed false-positive rates, and the largest significance improvement.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.report import working_point_table
    >>> rng = np.random.default_rng(0)
    >>> samples = {name: ScoredSample(name, rng.normal(mean, 1, 5000)) for name, mean in (("qcd", 0), ("top", 2))}
    >>> table = working_point_table(evaluate(samples, "qcd", references=["qcd"]))
    >>> table.header
    ['Signal', 'Reference', 'TPR at FPR 1e-2', 'Max SIC']
    >>> [cell if cell is None else round(cell, 1) for cell in table.rows[0][2:]]
    [0.4, 5.7]
    """
    prefix = "test/tpr_at_fpr_"
    rates = sorted(
        {name[len(prefix) :].split("/")[0] for name in evaluation.metrics if name.startswith(prefix)},
        key=float,
        reverse=True,
    )
    rows: list[list[Cell]] = []
    for signal, reference in evaluation.rocs:
        pair = f"{signal}_vs_{reference}"
        numbers = [evaluation.metrics.get(f"{prefix}{rate}/{pair}") for rate in rates]
        rows.append([signal, reference, *numbers, evaluation.metrics.get(f"test/sic_max/{pair}")])
    return Table(
        ["Signal", "Reference", *(f"TPR at FPR {rate}" for rate in rates), "Max SIC"],
        rows,
        "A dash where fewer than 10 reference entries lie beyond the cut.",
    )


def correlation_table(evaluation: Evaluation) -> Table:
    """Correlations of the score with each feature, on the training background.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.report import correlation_table
    >>> rng = np.random.default_rng(0)
    >>> pt = rng.exponential(30, 500)
    >>> table = correlation_table(evaluate({"qcd": ScoredSample("qcd", pt**2, {"pt": pt})}, "qcd", references=["qcd"]))
    >>> table.header[:3], table.rows[0][0], round(table.rows[0][2], 2)
    (['Feature', 'Pearson', 'Spearman'], 'pt', 1.0)
    """
    background = evaluation.background
    linear, ranked = evaluation.pearson.get(background, {}), evaluation.spearman.get(background, {})
    rows: list[list[Cell]] = [
        [feature, value, ranked.get(feature), evaluation.distance.get(feature)] for feature, value in linear.items()
    ]
    return Table(
        ["Feature", "Pearson", "Spearman", "Distance correlation"],
        rows,
        f"Correlation of the anomaly score with each feature of {background}.",
    )
