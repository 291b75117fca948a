"""The tables a reader looks at first, from an evaluation."""

from hepad.metrics.evaluation import Evaluation
from hepad.report.content import Cell, Interval, Table

_BASELINE_TITLES = {
    "sum_pt": "Σ pT alone",
    "multiplicity": "Multiplicity alone",
    "distance_to_mean": "‖x − mean‖² alone",
}


def headline_table(evaluation: Evaluation) -> Table:
    """AUC of the model with its interval for every signal and reference, the baselines' beside it."""
    baselines = list(dict.fromkeys(name for name, _, _ in evaluation.baseline_rocs))
    metrics = evaluation.metrics
    rows: list[list[Cell]] = []
    for signal, reference in evaluation.rocs:
        pair = f"{signal}_vs_{reference}"
        area, low = metrics[f"test/auc/{pair}"], metrics.get(f"test/auc/{pair}/low")
        model = area if low is None else Interval(area, low, metrics[f"test/auc/{pair}/high"])
        rows.append(
            [signal, reference, model, *(metrics.get(f"test/baseline_auc/{name}/{pair}") for name in baselines)]
        )
    return Table(
        ["Signal", "Reference", "AUC", *(_BASELINE_TITLES.get(name, f"{name} alone") for name in baselines)],
        rows,
        "Area under the ROC curve with its 68% interval, and that of trivial scores. 0.5 is random.",
    )


def working_point_table(evaluation: Evaluation) -> Table:
    """Signal efficiency at fixed false-positive rates, and the largest significance improvement."""
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
    """Correlations of the score with each feature, on the training background."""
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
