"""Commands as a user starts them: how long they take to begin, and where the seconds of a default run go."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.bench.rounds import Row, row_of
from scripts.bench.settings import Settings

FIRST_STEP = """
import os, sys
from torch.optim.optimizer import register_optimizer_step_post_hook
register_optimizer_step_post_hook(lambda *arguments: os._exit(0))
from hepad import train
train.main(sys.argv[1:])
"""


def python(words: Sequence[str], directory: Path) -> int:
    """Run Python with the words and nothing on the terminal; return its exit code."""
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def start_up(settings: Settings) -> Iterator[Row]:
    """Yield the seconds that commands take to begin: help, a refusal, the first step of a training."""
    quiet = ["data.limit=2000", "logger=none"]
    cases: dict[str, tuple[list[str], int]] = {
        "Python alone": (["-c", "pass"], 0),
        "import torch": (["-c", "import torch"], 0),
        "hepad.train --help": (["-m", "hepad.train", "--help"], 0),
        "a word refused": (["-m", "hepad.train", "model=nothing"], 2),
        "a value refused": (["-m", "hepad.train", "trainer.max_epochs=-3"], 2),
        "parts that do not fit refused": (["-m", "hepad.train", "model=dense_ae", "loss=ssim"], 2),
        "first step of a training": (["-c", FIRST_STEP, *quiet], 0),
    }
    for way, (words, code) in cases.items():
        seconds = []
        for i in range(min(3, settings.rounds)):
            # What is stopped at its first step leaves a run behind.
            own = [f"hydra.run.dir={settings.work / f'first_step_{i}'}"] if FIRST_STEP in words else []
            began = time.perf_counter()
            if (found := python([*words, *own], settings.work)) != code:
                raise RuntimeError(f"{way}: exit code {found}, expected {code}")
            seconds.append(time.perf_counter() - began)
        yield row_of("start of a command", way, "s", seconds)


def default_run(settings: Settings) -> Iterator[Row]:
    """Yield where the seconds of `python -m hepad.train` go."""
    run_dir = settings.work / "default_run"
    began = time.perf_counter()
    accelerator = f"trainer.accelerator={'gpu' if settings.device == 'cuda' else 'cpu'}"
    words = ["-m", "hepad.train", accelerator, f"hydra.run.dir={run_dir}", *settings.default_words]
    if code := python(words, settings.work):
        raise RuntimeError(f"python -m hepad.train ended with exit code {code}")
    whole = time.perf_counter() - began
    facts = json.loads((run_dir / "provenance.json").read_text(encoding="utf-8"))
    laps = {name: float(seconds) for name, seconds in facts["seconds"].items() if name != "score"}
    case = f"default run, {facts['epochs']} epochs"
    yield row_of(case, "all of it", "s", [whole])
    for name, seconds in laps.items():
        yield row_of(case, name, "s", [seconds])
    yield row_of(case, "imports, composing, reading, report, end", "s", [whole - sum(laps.values())])
