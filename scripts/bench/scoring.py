"""Scoring: `run.score` and `hepad.score` beside the bare forward pass and the bare reading of the file."""

from collections.abc import Iterator

import h5py
import torch
from scripts.bench.made_up import jets, trained_run, write_jets
from scripts.bench.others import other_scorings
from scripts.bench.rounds import Row, rates, seconds_of, take_turns
from scripts.bench.settings import Settings

from hepad.core.allocator import keep_freed_memory
from hepad.core.batch import Batch
from hepad.core.float32 import exact_float32
from hepad.core.schema import JET_DATASET
from hepad.run import load_run
from hepad.run.scoring import score_file
from hepad.run.workers import use_threads

SIZES = (1024, 2048, 4096, 8192, 16384, 32768, 65536)
FORWARD = "bare forward"
READING = "bare reading"
OWN = (FORWARD, READING, "run.score", "hepad.score")


def scoring(settings: Settings) -> Iterator[Row]:
    """Yield the rates at which jets are scored by a dense autoencoder."""
    n, device = settings.n_scored, settings.device
    run_dir = trained_run(settings.work)
    source, target = write_jets(settings.work / f"scored_{n}.h5", n), settings.work / "scores.h5"
    run = load_run(run_dir)
    entries = jets(n)
    x = torch.from_numpy(entries)
    model = load_run(run_dir).model.to(device)
    most = torch.get_num_threads()
    ways_forward = [(size, n_threads) for size in SIZES if size <= max(n, SIZES[0]) for n_threads in {1, most}]

    def forward(size: int, n_threads: int) -> None:
        with torch.inference_mode(), exact_float32(), use_threads(n_threads):
            for start in range(0, n, size):
                model.score_batch(Batch(x[start : start + size].to(device))).cpu()

    # As hepad's own passes: freed memory is kept, or the sizes would be compared by what the system gives and takes.
    keep_freed_memory()
    best = min(ways_forward, key=lambda way: min(seconds_of(lambda: forward(*way), device) for _ in range(3)))

    def read() -> None:
        with h5py.File(source) as file:
            for start in range(0, n, 8192):
                file[JET_DATASET][start : start + 8192]

    ways = {
        FORWARD: lambda: forward(*best),
        READING: read,
        "run.score": lambda: run.score(entries),
        "hepad.score": lambda: score_file(run_dir, source, target, overwrite=True),
    }
    few = min(n, 20 * SIZES[0])
    with torch.no_grad():
        normalised = load_run(run_dir).model.normalizer(x[:few]).numpy()
    ways |= other_scorings(normalised, SIZES[0], device)
    seconds = take_turns(ways, settings.rounds, device)
    threads = f"{best[1]} thread" + ("s" if best[1] > 1 else "")
    case = f"{n:,} jets, dense_ae, forward in batches of {best[0]}, {threads}"
    yield from rates(case, "entries/s", {way: n if way in OWN else few for way in ways}, seconds, (FORWARD, READING))
