"""Simulation of samples, in events per second."""

from collections.abc import Iterator
from functools import partial

from scripts.bench.others import installed
from scripts.bench.rounds import LeftOut, Row, row_of, seconds_of
from scripts.bench.settings import Settings


def simulation(settings: Settings) -> Iterator[Row]:
    """Yield simulated events per second on all cores, start of the processes included."""
    if not (installed("pythia8mc") and installed("fastjet")):
        raise LeftOut('pip install "hepad[simulation]"')
    from hepad.simulation.production import simulate
    from hepad.simulation.settings import Settings as Simulation

    n = settings.n_events

    def make(sample: str) -> None:
        # A chunk is what one process makes at a time.
        simulate(Simulation({sample: n}, chunk_size=max(1, n // 4)), settings.work / f"simulated_{sample}")

    for sample in ("zero_bias", "ttbar"):
        seconds = seconds_of(partial(make, sample))
        yield row_of(f"{n} events of {sample}", "hepad.simulate", "events/s", [n / seconds])
