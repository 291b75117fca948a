"""The suite: every part of the benchmarks in turn, a table on stdout, and all of it as JSON."""

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("WANDB_MODE", "offline")
os.environ.setdefault("WANDB_SILENT", "true")

from scripts.bench.cluster import cluster
from scripts.bench.commands import default_run, start_up
from scripts.bench.comparison import comparison
from scripts.bench.conversion import conversion
from scripts.bench.growth import growth
from scripts.bench.hardware import facts
from scripts.bench.latent import latent_search
from scripts.bench.reading import batches, reading
from scripts.bench.rounds import LeftOut, Row
from scripts.bench.scoring import scoring
from scripts.bench.serving import serving
from scripts.bench.settings import MODELS, Settings, tiny
from scripts.bench.simulation import simulation
from scripts.bench.streaming import streaming
from scripts.bench.table import text_table
from scripts.bench.training import training

PARTS: Mapping[str, Callable[[Settings], Iterable[Row]]] = {
    "training": training,
    "scoring": scoring,
    "serving": serving,
    "cluster": cluster,
    "latent_search": latent_search,
    "reading": reading,
    "batches": batches,
    "streaming": streaming,
    "conversion": conversion,
    "simulation": simulation,
    "start_up": start_up,
    "default_run": default_run,
    "comparison": comparison,
    "growth": growth,
}

ON_A_GPU = ("training", "scoring", "latent_search", "default_run")
"""Parts that a GPU has a say in, run with `--device cuda`."""

ON_DEMAND = ("growth",)
"""Parts that take minutes by themselves, run with `--only`."""


def run_parts(settings: Settings, names: Sequence[str]) -> dict[str, Any]:
    """Run some parts and return what JSON keeps of them; one that fails is told on stderr, and the rest goes on."""
    found: dict[str, Any] = {}
    for name in names:
        began = time.perf_counter()
        rows: list[Row] = []
        error = left_out = None
        try:
            for row in PARTS[name](settings):
                rows.append(row)
        except LeftOut as reason:
            left_out = str(reason)
        except Exception as failure:
            traceback.print_exc(limit=-3)
            error = f"{type(failure).__name__}: {failure}"
        seconds = time.perf_counter() - began
        plain = [row.plain() for row in rows]
        found[name] = {"seconds": round(seconds, 1), "error": error, "left_out": left_out, "rows": plain}
        print(f"\n{name} ({seconds:.0f} s)" + (f", FAILED: {error}" if error else ""))
        if left_out:
            print(f"left out; {left_out}")
        print(text_table(found[name]["rows"]), flush=True)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code, 1 where a part has failed."""
    options = _options(argv)
    names = options.only or [name for name in PARTS if name not in ON_DEMAND]
    if options.only is None and options.device == "cuda":
        names = list(ON_A_GPU)
    with tempfile.TemporaryDirectory(prefix="hepad-bench-") as directory:
        settings = tiny(Path(directory), options.device) if options.tiny else _settings(options, Path(directory))
        found = {**facts(settings), "parts": run_parts(settings, names)}
    if options.output is not None:
        options.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"\nwritten to {options.output}")
    failed = [name for name, part in found["parts"].items() if part["error"]]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _settings(options: argparse.Namespace, work: Path) -> Settings:
    settings = Settings(work, options.device, models=tuple(options.models), logger=options.logger)
    if options.device == "cuda":
        settings = replace(settings, n_images=32_768, n_scored=4_000_000, n_searched=1024)
    given = {"rounds": options.rounds, "batch_sizes": options.batch_sizes, "n_scored": options.scored}
    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.bench", description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--only", type=_parts, help=f"parts, separated by commas: {', '.join(PARTS)}")
    parser.add_argument("--models", type=_words(MODELS), default=MODELS, help="whose training is measured")
    parser.add_argument("--batch-sizes", type=lambda text: tuple(map(int, text.split(","))), help="of trainings")
    parser.add_argument("--rounds", type=int, help="how often each thing is measured")
    parser.add_argument("--scored", type=int, help="jets that are scored")
    parser.add_argument("--logger", default="wandb", help="of the trainings; W&B writes offline")
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="the JSON file")
    parser.add_argument("--tiny", action="store_true", help="a try of every part; the numbers mean nothing")
    return parser.parse_args(argv)


def _words(allowed: Iterable[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in allowed]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; allowed: {', '.join(allowed)}")
        return names

    return read


def _parts(text: str) -> list[str]:
    return _words(PARTS)(text)
