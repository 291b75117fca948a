"""Give every command a run that a stranger, or a broken disk, has changed, and count how the commands end.

    python scripts/fuzz_runs.py DIRECTORY [EVERY [TEXT]]

DIRECTORY is made if need be, with a small run in it. Of the trials with TEXT in their line, each EVERYth is made. Each
trial has a process of its own with a limit of time and memory. A trial ends `refused` (exit code 2, one line), `normal`
(exit code 0), or badly: `traceback`, `memory`, `slow`. The changes are the table of tests/strange_runs.py.
"""

import collections
import contextlib
import io
import json
import os
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.runs.conftest import call, two_samples
from tests.strange_runs import Strange, strange_runs

import hepad
import hepad.run.console
import hepad.run.evaluating
import hepad.run.scoring
import hepad.run.training
from hepad import evaluate, score, train
from hepad.comparison.compare import compare
from hepad.comparison.page import as_csv, as_json
from hepad.core.errors import UserError
from hepad.pipeline.sweep_record import SweepRecord
from hepad.pipeline.sweep_table import read_result
from hepad.rundir.locking import run_status

_SECONDS: Final = 60
_CPU_SECONDS: Final = 20
_MEMORY: Final = 1 << 30
_SHORT: Final = ["trainer.max_epochs=2", "logger=none", "evaluation.plots=false"]


def _command(main: Callable[..., None], *words: str) -> Callable[[Path], str]:
    def run(place: Path) -> str:
        done = call(main, place, *words)
        lines = done.err.strip().splitlines()
        if done.code == 2 and lines and lines[-1].startswith("error: "):
            return f"refused: {lines[-1][7:]}"
        return "normal: " if done.code == 0 else f"traceback: {lines[-1] if lines else done.code}"

    return run


def _load(place: Path) -> str:
    hepad.load_run(place / "run")
    return "normal: "


def _compare(place: Path) -> str:
    # Without the pictures, which take longer than all else.
    found = compare([place / "run", place / "good"])
    json.dumps([as_json(found), as_csv(found)])
    return "normal: "


def _sweep(place: Path) -> str:
    run_status(place / "run")
    read_result(place / "run", "run", SweepRecord("sweep", {"run": {}}))
    return "normal: "


COMMANDS: Final[dict[str, Callable[[Path], str]]] = {
    "compare": _compare,
    "evaluate": _command(evaluate.main, "run=run", "name=again", "evaluation.plots=false"),
    "score": _command(score.main, "run=run", "input=signal.h5", "output=out.h5"),
    "resume": _command(train.main, "resume=run", "trainer.max_epochs=3"),
    "load_run": _load,
    "sweep": _sweep,
}
READERS: Final = {
    "config.yaml": ("compare", "load_run", "evaluate", "resume"),
    "provenance.json": ("compare", "evaluate", "resume", "sweep"),
    "metrics.json": ("compare",),
    "history.csv": ("compare", "sweep"),
    "scores.h5": ("compare",),
    "checkpoints/best.ckpt": ("load_run", "score"),
    "checkpoints/last.ckpt": ("resume",),
    ".lock": ("compare", "resume", "sweep"),
}


def trial(made: Path, place: Path, strange: Strange, command: str) -> str:
    """Make one change to a copy of the good run, and call one command, in a process that is killed at its limits."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copytree(made / "run", place / "run")
    (place / "good").symlink_to(made / "run")
    for name in ("background.h5", "signal.h5"):
        (place / name).symlink_to(made / name)
    strange.change(place / "run")
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        os.close(told)
        _set_limits()
        signal.alarm(_SECONDS)
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            try:
                result = COMMANDS[command](place)
            except UserError as error:
                result = f"refused: {error}"
            except BaseException as error:
                result = f"traceback: {type(error).__name__}: {error}"
        os.write(tell, result[:4000].encode("utf-8", "replace"))
        os._exit(0)
    os.close(tell)
    with os.fdopen(told, "rb") as answer:
        result = answer.read().decode()
    _, status = os.waitpid(child, 0)
    if not result:
        return "slow: " if os.WTERMSIG(status) in (signal.SIGALRM, signal.SIGXCPU) else f"memory: status {status}"
    if result.startswith("traceback") and any(word in result for word in ("MemoryError", "allocate", "bad_alloc")):
        return result.replace("traceback", "memory", 1)
    return result.replace("refused", "traceback", 1) if result.startswith("refused") and "\n" in result else result


def main() -> None:
    """Run all trials and print those that end badly, then the counts."""
    made = Path(sys.argv[1]).absolute()
    every = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    wanted = sys.argv[3] if len(sys.argv) > 3 else ""
    number = 0
    if not (made / "run").is_dir():
        made.mkdir(parents=True, exist_ok=True)
        done = call(train.main, made, *two_samples(made), *_SHORT, "hydra.run.dir=run", "data.half=first")
        assert done.code == 0, done.err
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    counts: collections.Counter[str] = collections.Counter()
    since = time.perf_counter()
    for strange in strange_runs():
        for command in READERS[strange.file]:
            line = f"{command} {strange.file}: {strange.name}"
            if wanted not in line:
                continue
            number += 1
            if number % every:
                continue
            result = trial(made, made / f"trial_{os.getpid()}", strange, command)
            kind = result.split(":")[0]
            counts[kind] += 1
            if kind not in ("refused", "normal"):
                print(f"{line} -> {result.splitlines()[0][:300]}", flush=True)
    print(f"{counts.total()} trials, {dict(counts)}, {time.perf_counter() - since:.0f} s")


def _set_limits() -> None:
    with open("/proc/self/status") as status:
        used = next(int(line.split()[1]) for line in status if line.startswith("VmData")) << 10
    resource.setrlimit(resource.RLIMIT_DATA, (used + _MEMORY, used + _MEMORY))
    spent = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (spent + _CPU_SECONDS, spent + _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
