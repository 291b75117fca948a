"""Scoring on the workers of a Dask cluster: two of them beside one, each with one thread."""

from collections.abc import Iterator

from scripts.bench.made_up import trained_run, write_images, write_jets
from scripts.bench.others import installed
from scripts.bench.rounds import LeftOut, Row, rates, take_turns
from scripts.bench.settings import Settings

from hepad.cluster import Cluster
from hepad.run.scoring import score_file

ONE, TWO = "hepad.score, 1 worker", "hepad.score, 2 workers"
_JETS_FOR_AN_IMAGE = 50
_MORE_JETS = 4
"""Of a million, loading the run and handing out the first tasks would be what is measured."""


def cluster(settings: Settings) -> Iterator[Row]:
    """Yield the rates at which images and jets are scored by one worker and by two, which are there already."""
    if not installed("distributed"):
        raise LeftOut('pip install "hepad[cluster]"')
    from distributed import LocalCluster

    n_images = settings.n_scored // _JETS_FOR_AN_IMAGE
    n_jets = _MORE_JETS * settings.n_scored
    images = (
        trained_run(settings.work, ("model=conv_ae",), "image"),
        write_images(settings.work / "images.h5", n_images),
    )
    jets = trained_run(settings.work), write_jets(settings.work / f"scored_{n_jets}.h5", n_jets)
    options = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": ":0"}
    with LocalCluster(n_workers=1, **options) as one, LocalCluster(n_workers=2, **options) as two:
        for case, (run_dir, source), n in (("images, conv_ae", images, n_images), ("jets, dense_ae", jets, n_jets)):

            def score(workers: LocalCluster, run_dir=run_dir, source=source) -> None:
                target = settings.work / "scores.h5"
                score_file(run_dir, source, target, overwrite=True, cluster=Cluster(workers.scheduler_address))

            ways = {ONE: lambda score=score: score(one), TWO: lambda score=score: score(two)}
            # The first round, which counts for nothing, lets them import.
            seconds = take_turns(ways, settings.rounds)
            yield from rates(f"{n:,} {case}", "entries/s", dict.fromkeys(ways, n), seconds, (ONE,))
