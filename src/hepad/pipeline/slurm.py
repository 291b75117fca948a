"""Submitting jobs with submitit, and collecting how each of them ended."""

from collections.abc import Sequence
from typing import Any, Final

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus

from hepad.core.errors import JobOutcome, one_line
from hepad.core.names import counted

_SHARED: Final = (
    "timeout_min",
    "cpus_per_task",
    "gpus_per_node",
    "tasks_per_node",
    "mem_gb",
    "nodes",
    "name",
    "stderr_to_stdout",
)
"""Parameters that submitit calls the same for every kind of executor."""


def submit(
    launcher: Any, executor_name: str, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
) -> list[JobReturn]:
    """Submit one job per list of overrides, wait for all, and return how each ended.

    Args:
        launcher: a `BaseSubmititLauncher`; it is what is called in the job's process.
        executor_name: `slurm` or `local`.
        job_overrides: the words of each job.
        initial_job_idx: number of the first job.
    """
    import submitit

    parameters = dict(launcher.params)
    folder = parameters.pop("submitit_folder")
    timeouts = parameters.pop("max_num_timeout", None)
    extra = {} if timeouts is None else {f"{executor_name}_max_num_timeout": timeouts}
    executor = submitit.AutoExecutor(folder=folder, cluster=executor_name, **extra)
    executor.update_parameters(
        **{key if key in _SHARED else f"{executor_name}_{key}": value for key, value in parameters.items()}
    )
    state = Singleton.get_state()
    jobs = executor.map_array(
        launcher,
        [list(overrides) for overrides in job_overrides],
        ["hydra.sweep.dir"] * len(job_overrides),
        range(initial_job_idx, initial_job_idx + len(job_overrides)),
        [f"job_{initial_job_idx + index}" for index in range(len(job_overrides))],
        [state] * len(job_overrides),
    )
    print(f"submitted {counted(len(jobs), 'job')}: {', '.join(job.job_id for job in jobs)}", flush=True)
    return [_result(job) for job in jobs]


def _result(job: Any) -> JobReturn:
    try:
        returned: JobReturn = job.results()[0]
    except Exception as error:
        # submitit's own classes: a job without a result, or one that raised before it was ours.
        reason = f"job {job.job_id} ended without a result ({one_line(error)}); its log is {job.paths.stdout}"
        return JobReturn(status=JobStatus.COMPLETED, _return_value=JobOutcome("failed", reason))
    return returned
