"""Growth: rate and peak memory with the number of entries, and rates with the size of batches and of the network.

Every number of entries is measured in a process of its own, whose peak memory is told by the system. Floors are drawn
in: the bare forward pass and the bare reading for scores, the bare loop for a training, for networks what their matrix
products alone would take at the rate that large ones reach here.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import torch
from scripts.bench.made_up import jets, run_config, trained_run, write_jets
from scripts.bench.reading import read_bare
from scripts.bench.rounds import Row, row_of, seconds_of
from scripts.bench.settings import Settings
from scripts.bench.training import BARE, STEPS, compare

from hepad.core.batch import Batch
from hepad.core.schema import JET_DATASET
from hepad.models import DenseAutoencoder
from hepad.run import load_run
from hepad.run.building import assemble
from hepad.run.executing import fit
from hepad.run.scoring import score_file

SCORED, TRAINED, NETWORK, FLOOR = "hepad.score", "reading and one epoch", "forward", "matrix products alone"
_CHUNK = 8192
_ROOT = Path(__file__).parents[2]


def growth(settings: Settings) -> Iterator[Row]:
    """Yield rates and peak memory; the last part of a case says what grows."""
    run_dir = trained_run(settings.work)
    for n in settings.growth:
        source = write_jets(settings.work / "grown.h5", n)
        processes = {SCORED: ["score", str(run_dir)], TRAINED: ["train", str(settings.work / f"grown_{n}")]}
        for way, words in processes.items():
            if way == TRAINED and n > settings.most_trained:
                continue
            found = _in_a_process([*words, str(source)])
            yield row_of(f"entries {n}", way, "entries/s", [n / found["seconds"]])
            yield row_of(f"entries {n}", f"{way}, peak memory", "MB", [found["megabytes"]])
            for floor in ("bare forward", "bare reading"):
                if floor in found:
                    yield row_of(f"entries {n}", floor, "entries/s", [n / found[floor]])
        source.unlink()
    for batch_size in settings.grown_batches:
        for row in compare("dense_ae", batch_size, settings, f"growth_{batch_size}", others=False):
            if row.way in (BARE, STEPS):
                yield row_of(f"batch {batch_size}", row.way, row.unit, [row.value])
    for width in settings.widths:
        yield from _network(width, settings)


def _network(width: int, settings: Settings) -> Iterator[Row]:
    """Yield the rate of a forward pass through a network of one width, and that of its matrix products alone."""
    torch.manual_seed(0)
    n_features, latent, n = 17, 8, 4 * _CHUNK
    model = DenseAutoencoder((n_features,), {"_target_": "hepad.losses.MSE"}, hidden=[width], latent=latent)
    x = torch.rand(n, n_features)
    model.prepare(Batch(x))
    model = model.eval().to(settings.device)
    x = x.to(settings.device)

    def forward() -> None:
        with torch.inference_mode():
            for start in range(0, n, _CHUNK):
                model.score_batch(Batch(x[start : start + _CHUNK]))

    a, b = torch.rand(2048, 2048, device=settings.device), torch.rand(2048, 2048, device=settings.device)
    times = [seconds_of(lambda: a @ b, settings.device) for _ in range(5)]
    flops = 2 * 2048**3 / min(times)
    per_entry = 2 * 2 * width * (n_features + latent)
    forward()
    seconds = [seconds_of(forward, settings.device) for _ in range(settings.rounds)]
    yield row_of(f"width {width}", NETWORK, "entries/s", [n / duration for duration in seconds])
    yield row_of(f"width {width}", FLOOR, "entries/s", [flops / per_entry])


def _in_a_process(words: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "scripts.bench.growth", *words]
    # The numbers come on the last line.
    found = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ})
    measured: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return measured


def measure(what: str, directory: Path, source: Path) -> dict[str, float]:
    """Return seconds, and the peak memory of this process before floors are measured.

    Args:
        what: `score` for scoring a file, else reading it and one epoch of a training on it.
        directory: the run, or where it goes.
        source: the file.
    """
    if what == "score":
        target = source.with_name("grown_scores.h5")
        # The first call in a process pays for what PyTorch sets up.
        _, seconds = (seconds_of(lambda: score_file(directory, source, target, overwrite=True)) for _ in range(2))
    else:
        directory.mkdir()
        words = ["model=dense_ae", "trainer.max_epochs=1", "logger=none", "data.batch_size=8192"]
        config = run_config(directory, source, *words)
        seconds = seconds_of(lambda: fit(assemble(config, directory), None))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "megabytes": peak, **(_floors(directory, source) if what == "score" else {})}


def _floors(run_dir: Path, source: Path) -> dict[str, float]:
    """Return the seconds of the bare forward pass over as many entries, and of the bare reading."""
    with h5py.File(source) as file:
        n = len(file[JET_DATASET])
    model, x = load_run(run_dir).model, torch.from_numpy(jets(_CHUNK))

    def forward() -> None:
        with torch.inference_mode():
            for start in range(0, n, _CHUNK):
                model.score_batch(Batch(x[: n - start]))

    forward()
    return {"bare forward": seconds_of(forward), "bare reading": seconds_of(lambda: read_bare(source, n))}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
