"""Training beyond memory: rate beside that of entries in memory, and peak memory for ten times the budget.

Both trainings are hepad's, on the same file, with validation and checkpoints, and take turns. Memory is measured in
processes of their own, told by the system, less what the same run takes for a handful of entries.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from scripts.bench.made_up import run_config, write_jets
from scripts.bench.rounds import Row, rates, row_of
from scripts.bench.settings import Settings
from scripts.bench.training import EPOCHS, STEPS, InTurn

from hepad.core.float32 import exact_float32
from hepad.core.schema import JET_FEATURES
from hepad.run import train
from hepad.run.building import assemble
from hepad.run.executing import fit
from hepad.run.workers import training_threads, use_threads

RESIDENT, STREAMED = "in memory", "streamed"
SLOTS, TIMES, LEAST = 8, 10, 400_000
"""Jets of an event; how many times the budget the jets are; the least budget, for tries of a few jets."""

_JET_BYTES = 4 * len(JET_FEATURES)
_ROOT = Path(__file__).parents[2]


def streaming(settings: Settings) -> Iterator[Row]:
    """Yield the rates of epochs in memory and streamed, and the peak memory of a run on ten times its budget."""
    yield from epochs(settings)
    yield from memory(settings)


def epochs(settings: Settings) -> Iterator[Row]:
    """Yield the rates of epochs in memory and streamed."""
    n, batch_size = settings.n_streamed // 8, settings.batch_sizes[0]
    source = write_jets(settings.work / "streamed.h5", n // SLOTS, SLOTS)
    seconds: dict[str, dict[str, list[float]]] = {what: {RESIDENT: [], STREAMED: []} for what in (STEPS, EPOCHS)}
    n_trained = 0
    for i in range(settings.rounds):
        for way in (RESIDENT, STREAMED) if i % 2 else (STREAMED, RESIDENT):
            memory = "1TB" if way == RESIDENT else str(_budget(n))
            run_dir = settings.work / f"{way.replace(' ', '_')}_{i}"
            timed, n_trained = _epochs(run_dir, source, memory, batch_size)
            for what, times in timed.items():
                seconds[what][way].append(min(times))
    for what, by_way in seconds.items():
        case = f"dense_ae, batches of {batch_size}, {n:,} jets" + (", with validation" if what == EPOCHS else "")
        yield from rates(case, "entries/s", dict.fromkeys(by_way, n_trained), by_way, (RESIDENT,))


def memory(settings: Settings) -> Iterator[Row]:
    """Yield the peak memory of a run on ten times its budget, and of the same run on a few jets."""
    n, batch_size = settings.n_streamed, settings.batch_sizes[0]
    few = write_jets(settings.work / "few.h5", 250, SLOTS)
    large = write_jets(settings.work / "large.h5", n // SLOTS, SLOTS)
    case = f"{n:,} jets, {n * _JET_BYTES / 1e6:.3g} MB"
    yield row_of(case, "data.memory", "MB", [_budget(n) / 1e6])
    yield row_of(
        case, "streamed run, peak memory", "MB", [_peak(settings.work / "ten", large, str(_budget(n)), batch_size)]
    )
    yield row_of(
        case, "the same run on 2,000 jets, peak memory", "MB", [_peak(settings.work / "few", few, "1TB", batch_size)]
    )


def _budget(n: int) -> int:
    """Return a tenth of the bytes of the jets alone; with observables and copies they take much more."""
    return max(LEAST, n * _JET_BYTES // TIMES)


def _epochs(run_dir: Path, source: Path, memory: str, batch_size: int) -> tuple[dict[str, list[float]], int]:
    """Return the seconds of two epochs after the first, and how many entries each trained."""
    run_dir.mkdir()
    words = ["model=dense_ae", f"data.batch_size={batch_size}", f"data.memory={memory}", "logger=none"]
    words += [
        "trainer.max_epochs=3",
        "callbacks.early_stopping=null",
        "callbacks.progress=null",
        "trainer.accelerator=cpu",
    ]
    parts = assemble(run_config(run_dir, source, *words), run_dir)
    in_turn = InTurn({}, "cpu")
    parts.trainer.callbacks.insert(0, in_turn)  # type: ignore[attr-defined]
    with exact_float32(), use_threads(training_threads({}, parts, torch.get_num_threads())):
        fit(parts, None)
    return {what: in_turn.seconds[what][1:] for what in (STEPS, EPOCHS)}, len(
        parts.data.train_dataloader()
    ) * batch_size


def _peak(run_dir: Path, source: Path, memory: str, batch_size: int) -> float:
    """Return the peak memory in MB of a run of one epoch, in a process of its own."""
    words = [str(run_dir), str(source), memory, str(batch_size)]
    command = [sys.executable, "-m", "scripts.bench.streaming", *words]
    found = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ})
    return float(json.loads(found.stdout.splitlines()[-1]))


def peak_of_run(run_dir: Path, source: Path, memory: str, batch_size: int) -> float:
    """Return the peak memory in MB of this process after a run of one epoch with its evaluation."""
    words = ["model=dense_ae", f"data.batch_size={batch_size}", f"data.memory={memory}", "logger=none"]
    train(run_config(run_dir, source, *words, "trainer.max_epochs=1", "callbacks.progress=null"), run_dir)
    # What getrusage tells of a process begins with the peak of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(1024 * int(line.split()[1]) / 1e6 for line in status if line.startswith("VmHWM:"))


if __name__ == "__main__":
    print(json.dumps(peak_of_run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
