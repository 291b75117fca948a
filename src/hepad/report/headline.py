"""The tables a reader looks at first, from an evaluation."""

from collections.abc import Sequence

from hepad.metrics.evaluation import Evaluation
from hepad.metrics.matching import MIN_EFFECTIVE
from hepad.metrics.samples import trivial_title
from hepad.metrics.verdict import SIGNIFICANT, PairResult, pair_result, trivial_aucs
from hepad.report.content import Cell, Difference, Named, Table, interval
from hepad.report.winners import best_cells

_DIFFERENCE = (
    "The difference is to the best of them, with its standard error in brackets (DeLong, paired); "
    f"* p < {SIGNIFICANT:g}."
)


def headline_table(evaluation: Evaluation) -> Table:
    """AUC of the model with its interval for every signal and reference, the trivial scores' beside it.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.report import headline_table
    >>> rng = np.random.default_rng(0)
    >>> samples = {name: ScoredSample(name, rng.normal(mean, 1, 500)) for name, mean in (("qcd", 0), ("top", 1))}
    >>> table = headline_table(evaluate(samples, "qcd", references=["qcd"]))
    >>> table.header[:3], table.rows[0][:2]
    (['Signal', 'Reference', 'AUC'], ['top', 'qcd'])
    >>> round(table.rows[0][2].value, 2)
    0.76
    """
    names = _trivial_names(evaluation, matched=False)
    rows: list[list[Cell]] = [
        [signal, reference, *_numbers(evaluation, signal, reference, names, matched=False)]
        for signal, reference in evaluation.rocs
    ]
    return Table(
        ["Signal", "Reference", *_titles(names)],
        rows,
        f"Area under the ROC curve (AUC) with its 68% interval, and that of scores that need no model; the best of a "
        f"row is marked. {_DIFFERENCE} 0.5 is random.",
        _winners(rows, names),
    )


def matched_table(evaluation: Evaluation) -> Table | None:
    """The same at equal loudness, with what signal and reference have in common; None where no loudness is known.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.report import matched_table
    >>> rng = np.random.default_rng(0)
    >>> pt = rng.exponential(30, 2000)
    >>> louder = {"qcd": pt, "top": 1.5 * pt}
    >>> samples = {name: ScoredSample(name, sum_pt, baselines={"sum_pt": sum_pt}) for name, sum_pt in louder.items()}
    >>> table = matched_table(evaluate(samples, "qcd", references=["qcd"]))
    >>> round(table.rows[0][table.header.index("Overlap")], 1)
    0.8
    """
    names = _trivial_names(evaluation, matched=True)
    rows: list[list[Cell]] = []
    for signal, reference in evaluation.rocs:
        pair = f"{signal}_vs_{reference}"
        entries = evaluation.metrics.get(f"test/matched_entries/{pair}")
        if entries is not None:
            numbers = _numbers(evaluation, signal, reference, names, matched=True)
            rows.append(
                [signal, reference, *numbers, evaluation.metrics[f"test/matched_overlap/{pair}"], round(entries)]
            )
    if not rows:
        return None
    return Table(
        ["Signal", "Reference", *_titles(names), "Overlap", "Entries"],
        rows,
        f"The same at equal {evaluation.loudness}, so that loudness cannot win: weights give signal and reference one "
        f"common distribution of it. {_DIFFERENCE} Overlap: the share of the two distributions that is common to both; "
        f"entries: the effective number left on the smaller side. A dash where that is below {MIN_EFFECTIVE}, or where "
        f"{evaluation.loudness} still tells the two apart.",
        _winners(rows, names),
    )


def _winners(rows: Sequence[Sequence[Cell]], names: Sequence[str]) -> frozenset[tuple[int, int]]:
    """The score, the best trivial one and each of these compete; the difference between does not."""
    return best_cells(rows, (2, 3, *range(5, 5 + len(names))), within="row")


def _titles(names: Sequence[str]) -> list[str]:
    titles = [trivial_title(name) for name in names]
    return ["AUC", "Best trivial score", "Difference", *(title[0].upper() + title[1:] for title in titles)]


def _numbers(evaluation: Evaluation, signal: str, reference: str, names: Sequence[str], matched: bool) -> list[Cell]:
    """AUC, the best trivial score, the difference of the two, and every trivial score; dashes for an unknown pair."""
    found = pair_result(evaluation.metrics, signal, reference, matched)
    if found is None:
        return [None] * (3 + len(names))
    areas = trivial_aucs(evaluation.metrics, signal, reference, matched)
    return [auc_cell(found), trivial_cell(found), difference_cell(found), *(areas.get(name) for name in names)]


def auc_cell(found: PairResult) -> Cell:
    """An AUC with its interval where that is known."""
    return interval(found.auc, found.low, found.high)


def trivial_cell(found: PairResult) -> Cell:
    """The AUC of the best trivial score, with its name."""
    if found.trivial is None or found.trivial_auc is None:
        return None
    return Named(found.trivial_auc, trivial_title(found.trivial))


def difference_cell(found: PairResult) -> Cell:
    """The AUC minus that of the best trivial score, marked where it is significant."""
    if found.difference is None or found.error is None:
        return found.difference
    return Difference(found.difference, found.error, "*" if found.significantly_better or found.worse else "")


def _trivial_names(evaluation: Evaluation, matched: bool) -> list[str]:
    """Names of all trivial scores of any pair, in their order."""
    return list(
        dict.fromkeys(
            name
            for signal, reference in evaluation.rocs
            for name in trivial_aucs(evaluation.metrics, signal, reference, matched)
        )
    )
