"""Workers that a batch system starts: what is asked of SLURM or HTCondor, through dask-jobqueue."""

from typing import Any, Final

from hepad.cluster.request import HTCONDOR, Cluster
from hepad.core.errors import UserError

_SCHEDULER: Final = {"dashboard_address": ":0"}
"""Any port for its web page: the usual one belongs to whoever came first on a login node."""


def job_cluster(cluster: Cluster) -> Any:
    """Return a `dask_jobqueue` cluster without workers; `scale` submits the jobs.

    Every worker has one thread: hepad's tasks compute in one, and a lost worker loses one task.
    """
    from dask_jobqueue import HTCondorCluster, SLURMCluster

    jobs = cluster.jobs
    common: dict[str, Any] = {
        "cores": jobs.cores,
        "processes": jobs.cores,
        "memory": jobs.memory,
        "job_script_prologue": list(jobs.prologue),
        "scheduler_options": dict(_SCHEDULER),
    }
    if cluster.word == HTCONDOR:
        return HTCondorCluster(**common, disk=jobs.disk, job_extra_directives=_pairs(jobs.extra))
    return SLURMCluster(
        **common,
        walltime=jobs.walltime,
        queue=jobs.queue,
        account=jobs.account,
        job_extra_directives=list(jobs.extra),
    )


def _pairs(lines: tuple[str, ...]) -> dict[str, str]:
    """Return the `KEY = VALUE` of lines of a description for HTCondor."""
    for line in lines:
        if not all(part.strip() for part in line.partition("=")):
            raise UserError(f"jobs.extra: {line!r}; HTCondor takes lines such as '+JobFlavour = \"workday\"'")
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
