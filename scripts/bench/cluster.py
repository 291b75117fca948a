"""Scoring on the workers of a Dask cluster: two of them beside one, each with one thread."""

from collections.abc import Iterator

from scripts.bench.made_up import trained_run, write_jets
from scripts.bench.others import installed
from scripts.bench.rounds import LeftOut, Row, rates, take_turns
from scripts.bench.settings import Settings

from hepad.cluster import Cluster
from hepad.run.scoring import score_file

ONE, TWO = "hepad.score, 1 worker", "hepad.score, 2 workers"


def cluster(settings: Settings) -> Iterator[Row]:
    """Yield the rates at which jets are scored by one worker and by two, which are there already."""
    if not installed("distributed"):
        raise LeftOut('pip install "hepad[cluster]"')
    from distributed import LocalCluster

    n = settings.n_scored
    run_dir = trained_run(settings.work)
    source, target = write_jets(settings.work / f"scored_{n}.h5", n), settings.work / "scores.h5"
    options = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": None}
    with LocalCluster(n_workers=1, **options) as one, LocalCluster(n_workers=2, **options) as two:

        def score(workers: LocalCluster) -> None:
            score_file(run_dir, source, target, overwrite=True, cluster=Cluster(workers.scheduler_address))

        ways = {ONE: lambda: score(one), TWO: lambda: score(two)}
        for way in ways.values():
            # They import, and the file comes into memory.
            way()
        seconds = take_turns(ways, settings.rounds)
    yield from rates(f"{n:,} jets, dense_ae", "entries/s", dict.fromkeys(ways, n), seconds, (ONE,))
