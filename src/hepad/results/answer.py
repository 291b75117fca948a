"""The answer of a run's report: on how many signals it beats the best trivial score, by how much, and how surely."""

from statistics import fmean

from hepad.metrics import Evaluation, PairResult, pair_result, read_verdict
from hepad.metrics.verdict import NOTABLE, SIGNIFICANT, judged_signals, verdict_sentence
from hepad.report import Answer, Cell, Table, best_cells
from hepad.report.content import Tone
from hepad.report.headline import auc_cell, difference_cell, trivial_cell

_TITLES = ("Signal", "AUC", "Best trivial score", "Difference", "At equal loudness", "It is")
_OPTIONAL = (4,)


def run_answer(evaluation: Evaluation) -> Answer | None:
    """Return the answer against the first reference, then a sentence for each further one; None where nothing competes.

    >>> import numpy as np
    >>> from hepad.metrics import ScoredSample, evaluate
    >>> from hepad.results.answer import run_answer
    >>> rng = np.random.default_rng(0)
    >>> means = (("qcd", 0, 0), ("top", 1, 2))
    >>> samples = {
    ...     name: ScoredSample(name, rng.normal(score, 1, 900), baselines={"sum_pt": rng.normal(trivial, 1, 900)})
    ...     for name, trivial, score in means
    ... }
    >>> run_answer(evaluate(samples, "qcd", references=["qcd"])).headline
    'Better than the best trivial score on the one signal, significantly'
    """
    if not evaluation.rocs:
        return None
    first, *others = evaluation.references
    verdict = read_verdict(evaluation.metrics, first)
    if verdict is None:
        return None
    signals = [signal for signal, reference in evaluation.rocs if reference == first]
    judged = judged_signals(signals, evaluation.references)
    pairs = [pair_result(evaluation.metrics, signal, first) for signal in judged]
    known = [pair for pair in pairs if pair is not None and pair.difference is not None]
    sentence = verdict_sentence(evaluation.metrics, first, evaluation.loudness)
    return Answer(
        _headline(verdict.better, verdict.signals, verdict.significant),
        _tone(known, verdict.better, verdict.signals),
        [
            *([] if sentence is None else [sentence]),
            _by_how_much(known, first),
        ],
        _table(evaluation, known, first),
        [
            told
            for other in others
            if (told := verdict_sentence(evaluation.metrics, other, evaluation.loudness)) is not None
        ],
    )


def _headline(better: int, signals: int, significant: int) -> str:
    if not better:
        on = "the one signal" if signals == 1 else f"any of {signals} signals"
        return f"Not better than the best trivial score on {on}"
    if signals == 1:
        on, sure = "the one signal", "significantly" if significant else "but not significantly"
    else:
        on = f"all {signals} signals" if better == signals else f"{better} of {signals} signals"
        sure = "significantly" if significant == better else f"significantly on {significant or 'none'}"
    return f"Better than the best trivial score on {on}, {sure}"


def _tone(pairs: list[PairResult], better: int, signals: int) -> Tone:
    if better == signals:
        return "better"
    return "worse" if not better and all(pair.worse for pair in pairs) else "mixed"


def _by_how_much(pairs: list[PairResult], reference: str) -> str:
    """Say the mean and the range of the differences of AUC."""
    differences = [pair.difference for pair in pairs if pair.difference is not None]
    if len(differences) == 1:
        return f"Its AUC against {reference} is {_signed(differences[0])} from that of the best trivial score."
    low, high = min(differences), max(differences)
    return (
        f"Against {reference} the AUC minus that of the best trivial score is {_signed(fmean(differences))} on "
        f"average, from {_signed(low)} to {_signed(high)}."
    )


def _table(evaluation: Evaluation, pairs: list[PairResult], reference: str) -> Table:
    rows: list[list[Cell]] = []
    for pair in pairs:
        equal = pair_result(evaluation.metrics, pair.signal, reference, matched=True)
        rows.append(
            [
                pair.signal,
                auc_cell(pair),
                trivial_cell(pair),
                difference_cell(pair),
                None if equal is None else difference_cell(equal),
                _words(pair),
            ]
        )
    known = [j for j in range(len(_TITLES)) if j not in _OPTIONAL or any(row[j] is not None for row in rows)]
    equal_too = f", and the same at equal {evaluation.loudness}" if len(known) == len(_TITLES) else ""
    caption = (
        f"AUC against {reference} beside the best score that needs no model, the better one marked; the difference "
        f"with its standard error in brackets, * p < {SIGNIFICANT:g} (DeLong, paired){equal_too}."
    )
    rows = [[row[j] for j in known] for row in rows]
    titles = [*_TITLES[:4], f"At equal {evaluation.loudness}", *_TITLES[5:]]
    return Table([titles[j] for j in known], rows, caption, best_cells(rows, (1, 2), within="row"))


def _words(pair: PairResult) -> str:
    if pair.significantly_better:
        return "significantly better"
    if pair.worse:
        return "significantly worse"
    if pair.difference is not None and abs(pair.difference) < NOTABLE:
        return "level"
    return "better, not significantly" if pair.better else "not better"


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")
