"""Measure the conversion of NanoAOD against a plain loop over events and against uproot's own reading of the branches.

    python scripts/benchmark_convert.py [events]

The file is made of the events of tests/data, repeated, with the 17 jet branches and what `event_features` needs.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from hepad.core.schema import JET_FEATURES
from hepad.formats import Request, convert_files

SOURCE = Path(__file__).parents[1] / "tests" / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
OTHERS = ("PV_npvs", "MET_pt", "run", "luminosityBlock", "event", "genWeight")
LOOP_EVENTS = 2000


def main(n_events: int = 400_000) -> None:
    """Print a table."""
    names = [*(f"Jet_{name}" for name in JET_FEATURES), *OTHERS]
    with tempfile.TemporaryDirectory() as directory:
        for what, compression in (("ZLIB", uproot.ZLIB(6)), ("ZSTD", uproot.ZSTD(5)), ("LZMA", uproot.LZMA(6))):
            path = Path(directory) / f"{what}.root"
            write(path, names, n_events, compression)
            read_time = seconds(lambda path=path: read(path, names))
            loop_time = seconds(lambda path=path: loop(path, names)) * n_events / LOOP_EVENTS
            for workers in (1, 2):
                target = Path(directory) / f"{what}{workers}.h5"
                request = Request(sample="benchmark", workers=workers)
                took = seconds(lambda p=path, t=target, r=request: convert_files([p], t, r))
                target.unlink()
                rates = [f"{n_events / took:,.0f} events/s", f"{loop_time / took:.0f} times the loop"]
                rates += [f"{read_time / took:.2f} of uproot's reading ({n_events / read_time:,.0f}/s)"]
                print(f"{what}, {workers} reading: {', '.join(rates)}")


def write(path: Path, names: list[str], n_events: int, compression: Any) -> None:
    """Write the events of the source again and again."""
    with uproot.open(SOURCE) as root:
        arrays = root["Events"].arrays(names)
    repeats = -(-50_000 // len(arrays))
    block = ak.concatenate([arrays] * repeats)[:50_000]
    columns = {name: jittered(block[name]) if name.startswith("Jet") else block[name] for name in names}
    with uproot.recreate(path, compression=compression) as root:
        tree = root.mktree("Events", {name: ak.type(column).content for name, column in columns.items()})
        for start in range(0, n_events, 50_000):
            tree.extend({name: column[: n_events - start] for name, column in columns.items()})


def jittered(column: ak.Array) -> ak.Array:
    """Return a column whose floats differ: repeated events would be unpacked faster than real ones."""
    flat = ak.to_numpy(ak.flatten(column))
    if flat.dtype.kind == "f":
        noise = np.random.default_rng(1).uniform(-0.3, 0.3, len(flat))
        # NanoAOD keeps ten bits of the mantissa.
        flat = (np.float32(flat * (1 + noise)).view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)
    return ak.unflatten(flat, ak.num(column))


def read(path: Path, names: list[str]) -> None:
    """Read the branches as uproot does by default, in steps."""
    with uproot.open(path) as root:
        for _ in root["Events"].iterate(names, step_size=50_000):
            pass


def loop(path: Path, names: list[str]) -> None:
    """Sort and pad the jets of a few events one by one."""
    with uproot.open(path) as root:
        events = root["Events"].arrays(names, entry_stop=LOOP_EVENTS)
    table = np.zeros((LOOP_EVENTS, 8, len(JET_FEATURES)), dtype=np.float32)
    for row, event in enumerate(events):
        pts = list(event["Jet_pt"])
        order = sorted(range(len(pts)), key=lambda i: -pts[i])[:8]
        for column, name in enumerate(JET_FEATURES):
            values = event[f"Jet_{name}"]
            for slot, index in enumerate(order):
                table[row, slot, column] = values[index]


def seconds(work: Callable[[], Any]) -> float:
    """Return how long it takes, the better of two."""
    took = []
    for _ in range(2):
        started = time.perf_counter()
        try:
            work()
        finally:
            took.append(time.perf_counter() - started)
    return min(took)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
