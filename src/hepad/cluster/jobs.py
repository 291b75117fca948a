"""Workers that a batch system starts: what is asked of SLURM or HTCondor, through dask-jobqueue."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from hepad.cluster.request import HTCONDOR, Cluster
from hepad.core.errors import UserError

_SCHEDULER: Final = {"dashboard_address": ":0"}
"""Any port for its web page: the usual one belongs to whoever came first on a login node."""


@contextmanager
def submitted(cluster: Cluster) -> Iterator[tuple[Any, list[str]]]:
    """Submit the jobs of a cluster, and take back those that are left.

    Gives Dask's cluster, and a list in which stands what the batch system said where it did not take a job.
    """
    refusals: list[str] = []
    started = job_cluster(cluster, refusals)
    try:
        started.scale(cluster.workers)
        yield started, refusals
    finally:
        started.close()


def job_cluster(cluster: Cluster, refusals: list[str]) -> Any:
    """Return a `dask_jobqueue` cluster without workers; `scale` submits the jobs.

    Every worker has one thread: hepad's tasks compute in one, and a lost worker loses one task.

    Args:
        cluster: what is asked for.
        refusals: filled with what the batch system says where it does not take a job.
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
        kind = _recording(HTCondorCluster.job_cls, refusals)
        return HTCondorCluster(**common, job_cls=kind, disk=jobs.disk, job_extra_directives=_pairs(jobs.extra))
    return SLURMCluster(
        **common,
        job_cls=_recording(SLURMCluster.job_cls, refusals),
        walltime=jobs.walltime,
        queue=jobs.queue,
        account=jobs.account,
        job_extra_directives=list(jobs.extra),
    )


def _recording(kind: Any, refusals: list[str]) -> Any:
    """Return a kind of job that keeps why it could not be submitted: Dask would wait for its workers for ever."""

    from distributed.deploy.spec import ProcessInterface

    class Recording(kind):  # type: ignore[misc]
        async def start(self) -> None:
            """Submit the job."""
            try:
                await super().start()
            except RuntimeError as error:
                said = str(error).partition("stderr:")[2].strip() or str(error)
                refusals.append(said.splitlines()[0])
                # As if it were waiting for its turn: whoever waits for workers looks at the refusals.
                await ProcessInterface.start(self)

    return Recording


def _pairs(lines: tuple[str, ...]) -> dict[str, str]:
    """Return the `KEY = VALUE` of lines of a description for HTCondor."""
    for line in lines:
        if not all(part.strip() for part in line.partition("=")):
            raise UserError(f"jobs.extra: {line!r}; HTCondor takes lines such as '+JobFlavour = \"workday\"'")
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
