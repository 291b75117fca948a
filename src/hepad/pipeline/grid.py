"""A sweep over every combination of values."""

from collections.abc import Sequence
from itertools import product

from hydra.core.override_parser.types import Override

from hepad.checks.before_torch import check_composed
from hepad.core.errors import UserError
from hepad.pipeline.jobs import job_name
from hepad.pipeline.metric import caveats, check_metric, default_metric, unordered_note, varied
from hepad.pipeline.session import Session
from hepad.pipeline.summary import summarise, summary_if_stopped


def run_grid(session: Session, swept: Sequence[Override]) -> None:
    """Run every combination of the swept values, then write the summary.

    Raises:
        UserError: a range without values to count, a metric that cannot be used, or no job that can run.
        JobsFailed: some of the jobs did not finish.
    """
    for override in swept:
        if not override.is_discrete_sweep():
            raise UserError(
                f"{override.input_line}: an interval has no values to go through; name some, or search it with "
                "sweep=optuna"
            )
    keys = [override.get_key_element() for override in swept]
    values = [list(override.sweep_string_iterator()) for override in swept]
    jobs = []
    for combination in product(*values):
        settings = dict(zip(keys, combination, strict=True))
        jobs.append(session.job(job_name(settings), settings))
        # Values that fit each alone may not fit together.
        check_composed(jobs[-1].config, "train")
    section = session.section
    differing = varied(keys, jobs)
    metric = section["metric"] or default_metric(differing, jobs)
    check_metric(section, metric, jobs)
    unordered = None if section["metric"] else unordered_note(differing, jobs)
    notes = caveats(metric, differing) if unordered is None else [unordered]
    ordered, direction = unordered is None, section["direction"]
    with summary_if_stopped(
        session, lambda why: summarise(session, [], metric, direction, [why, *notes], ordered=ordered)
    ):
        outcomes = session.run(jobs)
    session.give_up_if_empty(outcomes)
    summarise(session, outcomes, metric, direction, notes, ordered=ordered)
