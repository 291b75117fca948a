"""Notices of an end, as a tracker sends them: what it was, and the one number of it."""

from hepad.logging.lineage import headline
from hepad.logging.tracker import Notice
from hepad.metrics import Evaluation, pair_result

_LONGEST_TEXT = 1000


def end_notice(name: str, evaluation: Evaluation) -> Notice:
    """Return the notice of a run or an evaluation that is finished: its headline number, then its AUCs.

    Args:
        name: of the run.
        evaluation: what was found.
    """
    reference = evaluation.references[0] if evaluation.references else ""
    signals = [signal for signal, r in evaluation.rocs if r == reference]
    lines = [
        f"AUC minus best trivial score, mean over signals: {value:+.3f}"
        for value in headline(evaluation.metrics).values()
    ]
    for signal in signals:
        if (found := pair_result(evaluation.metrics, signal, reference)) is not None:
            lines.append(f"{signal} vs {reference}: AUC {found.auc:.3f}")
    return Notice(f"{name} is finished", "\n".join(lines or ["there is no signal to compare with"])[:_LONGEST_TEXT])


def failure_notice(name: str, reason: str) -> Notice:
    """Return the notice of a run or a campaign that failed.

    >>> from hepad.logging.notices import failure_notice
    >>> failure_notice("run_1", "JobError: the training diverged")
    Notice(title='run_1 failed', text='JobError: the training diverged', failed=True)
    """
    return Notice(f"{name} failed", reason[:_LONGEST_TEXT], failed=True)
