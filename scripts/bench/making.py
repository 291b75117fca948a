"""Making of samples: conversion of NanoAOD and simulation, in events per second."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from scripts.bench.others import installed
from scripts.bench.rounds import LeftOut, Row, rates, row_of, seconds_of, take_turns
from scripts.bench.settings import Settings

from hepad.core.schema import JET_FEATURES

JETS_PER_EVENT = 6


def conversion(settings: Settings) -> Iterator[Row]:
    """Yield events of a made-up NanoAOD file converted per second, beside reading its branches alone."""
    if not (installed("uproot") and installed("awkward")):
        raise LeftOut('pip install "hepad[root]"')
    import uproot

    from hepad.formats import Request
    from hepad.formats.conversion import convert_files

    source, n = settings.work / "nano.root", max(100, settings.n_events * 100)
    _write_nanoaod(source, n)

    def read() -> None:
        with uproot.open(source) as file:
            file["Events"].arrays([f"Jet_{name}" for name in JET_FEATURES])

    ways = {
        "bare uproot": read,
        "hepad.convert": lambda: convert_files(
            [source], settings.work / "converted.h5", Request(format="nanoaod", sample="made_up")
        ),
    }
    seconds = take_turns(ways, settings.rounds)
    yield from rates(f"{n:,} events of NanoAOD", "events/s", dict.fromkeys(ways, n), seconds, ("bare uproot",))


def _write_nanoaod(path: Path, n: int) -> None:
    import awkward as ak
    import uproot

    rng = np.random.default_rng(0)
    counts = rng.poisson(JETS_PER_EVENT, n)
    jets = {name: ak.unflatten(rng.random(counts.sum(), dtype=np.float32) + 20, counts) for name in JET_FEATURES}
    with uproot.recreate(path) as file:
        file.mktree("Events", {"Jet": ak.type(ak.zip(jets)).content, "PV_npvs": "int32", "MET_pt": "float32"})
        event = {"PV_npvs": rng.integers(1, 60, n).astype(np.int32), "MET_pt": rng.random(n, dtype=np.float32)}
        file["Events"].extend({"Jet": ak.zip(jets), **event})


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
