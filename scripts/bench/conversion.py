"""Conversion of NanoAOD, beside a plain loop over events and uproot's own reading of the same branches."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scripts.bench.others import installed
from scripts.bench.rounds import LeftOut, Row, rates, take_turns
from scripts.bench.settings import Settings

from hepad.core.schema import JET_FEATURES

SOURCE = Path(__file__).parents[2] / "tests" / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
"""Real events, which are repeated."""

NAMES = (
    *(f"Jet_{name}" for name in JET_FEATURES),
    "PV_npvs", "MET_pt", "run", "luminosityBlock", "event", "genWeight",
)  # fmt: skip
COMPRESSIONS = {"ZLIB": 6, "ZSTD": 5, "LZMA": 6}
LOOP_EVENTS = 500
BLOCK = 50_000
UPROOT, THREADS, LOOP = "bare uproot", "bare uproot, 2 threads", "plain loop"
ONE, TWO = "hepad.convert, 1 worker", "hepad.convert, 2 workers"


def conversion(settings: Settings) -> Iterator[Row]:
    """Yield events converted per second, for each compression that CMS has used, by one process and by two."""
    if not (installed("uproot") and installed("awkward")):
        raise LeftOut('pip install "hepad[root]"')
    from hepad.formats import Request, convert_files

    n = max(100, settings.n_events * 500)
    for what, level in COMPRESSIONS.items():
        source, target = settings.work / f"{what}.root", settings.work / "converted.h5"
        write_events(source, n, what, level)

        def convert(workers: int, source: Path = source, target: Path = target) -> None:
            target.unlink(missing_ok=True)
            convert_files([source], target, Request(sample="made_up", workers=workers))

        n_looped = min(n, LOOP_EVENTS)
        ways = {
            UPROOT: lambda source=source: read(source),
            THREADS: lambda source=source: read_by_threads(source),
            LOOP: lambda source=source, n=n_looped: loop(source, n),
            ONE: lambda convert=convert: convert(1),
            TWO: lambda convert=convert: convert(2),
        }
        cpu: dict[str, list[float]] = {way: [] for way in ways}
        seconds = take_turns({way: partial(counted, call, cpu[way]) for way, call in ways.items()}, settings.rounds)
        counts = {way: n_looped if way == LOOP else n for way in ways}
        yield from rates(f"{n:,} events, {what}", "events/s", counts, seconds, (UPROOT, THREADS, LOOP))
        # Those of processes of their own are not counted.
        own = {way: cpu[way][1:] for way in ways if way not in (LOOP, TWO)}
        yield from rates(f"{n:,} events, {what}", "events/CPU-s", counts, own, (UPROOT,))


def counted(call: Callable[[], object], seconds: list[float]) -> None:
    """Call something and keep the processor time of this process that it took."""
    began = time.process_time()
    call()
    seconds.append(time.process_time() - began)


def write_events(path: Path, n: int, compression: str, level: int) -> None:
    """Write the events of the source again and again."""
    import awkward as ak
    import uproot

    with uproot.open(SOURCE) as root:
        arrays = root["Events"].arrays(NAMES)
    block = ak.concatenate([arrays] * -(-min(n, BLOCK) // len(arrays)))[: min(n, BLOCK)]
    columns = {name: jittered(block[name]) if name.startswith("Jet") else block[name] for name in NAMES}
    with uproot.recreate(path, compression=getattr(uproot, compression)(level)) as root:
        tree = root.mktree("Events", {name: ak.type(column).content for name, column in columns.items()})
        for start in range(0, n, BLOCK):
            tree.extend({name: column[: n - start] for name, column in columns.items()})


def jittered(column: Any) -> Any:
    """Return a column whose floats differ: repeated events would be unpacked faster than real ones."""
    import awkward as ak

    flat = ak.to_numpy(ak.flatten(column))
    if flat.dtype.kind == "f":
        noise = np.random.default_rng(1).uniform(-0.3, 0.3, len(flat))
        # NanoAOD keeps ten bits of the mantissa.
        flat = (np.float32(flat * (1 + noise)).view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)
    return ak.unflatten(flat, ak.num(column))


def read(path: Path) -> None:
    """Read the branches as uproot does by default, in steps."""
    import uproot

    with uproot.open(path) as root:
        for _ in root["Events"].iterate(NAMES, step_size=BLOCK):
            pass


def read_by_threads(path: Path) -> None:
    """Read the branches into one array each, their baskets unpacked by two threads: the fastest that uproot has."""
    import uproot

    with uproot.open(path) as root, ThreadPoolExecutor(2) as threads:
        tree = root["Events"]
        for start in range(0, tree.num_entries, BLOCK):
            tree.arrays(NAMES, entry_start=start, entry_stop=start + BLOCK, how=dict, decompression_executor=threads)


def loop(path: Path, n: int) -> None:
    """Sort and pad the jets of some events one by one."""
    import uproot

    with uproot.open(path) as root:
        events = root["Events"].arrays(NAMES, entry_stop=n)
    table = np.zeros((n, 8, len(JET_FEATURES)), dtype=np.float32)
    for row, event in enumerate(events):
        pts = list(event["Jet_pt"])
        order = sorted(range(len(pts)), key=lambda i: -pts[i])[:8]
        for column, name in enumerate(JET_FEATURES):
            values = event[f"Jet_{name}"]
            for slot, index in enumerate(order):
                table[row, slot, column] = values[index]
