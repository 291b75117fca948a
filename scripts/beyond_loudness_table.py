"""Tables of all models where loudness cannot win: against jet_ht, and jets against jets, over three seeds.

    python -m scripts.beyond_loudness_table [--seeds 3] [--sets jets events] [--output DIR] [--print]

Trains what is missing, one run at a time with one thread: every model on every set with the first seed, and those that
are then significantly better than the best trivial score on some signal with the other seeds. Runs that are finished
are not done again, one that was stopped goes on; `--print` trains nothing. Prints the tables of docs/results.md, "Where
loudness cannot win"; every number is read from the metrics of the runs.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from scripts.beyond_loudness_sets import SETS, DataSet

from hepad.metrics import PairResult, pair_result, trivial_title

QUIET: Final = "logger=none evaluation.plots=false"


class Found(NamedTuple):
    """Pairs of one model on one set, one result a seed: {(signal, matched): [result of each seed]}."""

    model: str
    pairs: dict[tuple[str, bool], list[PairResult]]


def main() -> None:
    """Train what is missing, and print the section."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--output", type=Path, default=Path("outputs/beyond_loudness"))
    parser.add_argument("--print", action="store_true", help="what is finished; train nothing")
    options = parser.parse_args()
    sets = {name: SETS[name] for name in options.sets}
    if not options.print:
        for name, data, model, seed in jobs(options.output, sets, options.seeds):
            train(run_dir(options.output, name, model, seed), f"{command(data, model)} seed={seed}")
    found = {name: list(read(options.output, name, data, options.seeds)) for name, data in sets.items()}
    print_summary(sets, found, options.seeds)
    for name, data in sets.items():
        print_set(data, found[name])


def jobs(output: Path, sets: dict[str, DataSet], seeds: int) -> Iterator[tuple[str, DataSet, str, int]]:
    """Yield set, its models and seeds in the order in which they are trained; the other seeds by the first one."""
    # The first models of all sets, then their second ones.
    for models in zip_longest(*(data.models for data in sets.values())):
        for (name, data), model in zip(sets.items(), models, strict=True):
            for seed in range(1, seeds + 1) if model else ():
                if seed == 1 or is_ahead(read_model(output, name, data, model, 1)):
                    yield name, data, model, seed


def is_ahead(found: Found) -> bool:
    """Return whether a model is significantly better than the best trivial score on some signal."""
    return any(pairs[0].significantly_better for pairs in found.pairs.values())


def command(data: DataSet, model: str) -> str:
    """Return the words that train a model on a set."""
    return f"{model} {data.words}" if model.startswith("experiment=") else f"{data.words} {model}"


def run_dir(output: Path, name: str, model: str, seed: int) -> Path:
    """Return the directory of one run."""
    return output / name / f"{re.sub('[^A-Za-z0-9_.]+', '-', model)}_{seed}"


def train(run: Path, words: str) -> None:
    """Train one run in a process of its own, with one thread, unless it is finished; say so where it fails."""
    if (run / "metrics.json").exists():
        return
    start = [sys.executable, "-m", "hepad.train"]
    more = [f"resume={run}"] if (run / "config.yaml").exists() else [*shlex.split(f"{words} {QUIET}")]
    more += [] if (run / "config.yaml").exists() else [f"hydra.run.dir={run}"]
    began = time.monotonic()
    done = subprocess.run([*start, *more], env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    told = f"{time.monotonic() - began:.0f} s" if done.returncode == 0 else f"failed: {done.stderr.strip()[-2000:]}"
    print(f"{words}: {told}", file=sys.stderr, flush=True)


def read(output: Path, name: str, data: DataSet, seeds: int) -> Iterator[Found]:
    """Yield the models of a set that have a finished run."""
    for model in data.models:
        found = read_model(output, name, data, model, seeds)
        if found.pairs:
            yield found


def read_model(output: Path, name: str, data: DataSet, model: str, seeds: int) -> Found:
    """Read the runs of one model on one set that are finished."""
    pairs: dict[tuple[str, bool], list[PairResult]] = {}
    for seed in range(1, seeds + 1):
        file = run_dir(output, name, model, seed) / "metrics.json"
        metrics = json.loads(file.read_text()) if file.exists() else {}
        for matched in (False, True) if data.matched else (False,):
            for signal in data.signals:
                pair = pair_result(metrics, signal, data.reference, matched)
                if pair is not None:
                    pairs.setdefault((signal, matched), []).append(pair)
    return Found(model, pairs)


def print_summary(sets: dict[str, DataSet], found: dict[str, list[Found]], seeds: int) -> None:
    """Print the best model of each signal, and on how many signals one is ahead on all seeds."""
    print("| set | signal | best trivial score | best model | AUC | ahead by | seeds |")
    print("|---|---|---|---|---|---|---|")
    won: dict[bool, list[bool]] = {False: [], True: []}
    for matched in (False, True):
        for name, data in sets.items():
            for signal in data.signals:
                key = (signal, matched)
                rows = [(one.model, one.pairs[key]) for one in found[name] if key in one.pairs]
                if not rows:
                    continue
                model, pairs = max(rows, key=lambda row: (ahead(row[1]) * (len(row[1]) == seeds), mean_auc(row[1])))
                won[matched].append(ahead(pairs) == seeds)
                where = f"{data.title}{', equal Σ pT' if matched else ''}"
                by, error = (np.mean([getattr(pair, what) for pair in pairs]) for what in ("difference", "error"))
                print(
                    f"| {where} | {signal} | {trivial(pairs)} | {in_code(model)} | {area(pairs)} | "
                    f"{by:+.3f}({1000 * error:.0f}) | {ahead(pairs)} of {len(pairs)} |"
                )
    for matched, wins in won.items():
        print(f"\n{sum(wins)} of {len(wins)} signals{' at equal Σ pT' if matched else ''}.")


def print_set(data: DataSet, found: list[Found]) -> None:
    """Print the table of one set, and its table at equal Σ pT."""
    for matched in (False, True) if data.matched else (False,):
        print(f"\n### {data.title}{' at equal Σ pT' if matched else ''}\n")
        print(f"Against {data.reference}, trained on it; each command with {in_code(data.words)}.\n")
        print(f"| model | {' | '.join(data.signals)} |\n|---|{'---|' * len(data.signals)}")
        for one in found:
            print(f"| {in_code(one.model)} | {' | '.join(cell(one, signal, matched) for signal in data.signals)} |")
        best = (most_common(found, signal, matched) for signal in data.signals)
        print(f"| *best trivial score* | {' | '.join(best)} |")


def most_common(found: list[Found], signal: str, matched: bool) -> str:
    """Return the best trivial score that most of the runs have."""
    told = Counter(trivial(one.pairs[signal, matched]) for one in found if (signal, matched) in one.pairs)
    return told.most_common(1)[0][0] if told else ""


def cell(found: Found, signal: str, matched: bool) -> str:
    """Return AUC over seeds and on how many it is significantly ahead, in bold where on all of three or more."""
    pairs = found.pairs.get((signal, matched))
    if pairs is None:
        return ""
    told = f"{area(pairs)}, {ahead(pairs)} of {len(pairs)}"
    return f"**{told}**" if len(pairs) > 2 and ahead(pairs) == len(pairs) else told


def area(pairs: list[PairResult]) -> str:
    """Return the mean AUC, and its standard deviation over seeds where there are several."""
    spread = f" ± {np.std([pair.auc for pair in pairs], ddof=1):.3f}" if len(pairs) > 1 else ""
    return f"{mean_auc(pairs):.3f}{spread}"


def mean_auc(pairs: list[PairResult]) -> float:
    """Return the mean AUC over seeds."""
    return float(np.mean([pair.auc for pair in pairs]))


def ahead(pairs: list[PairResult]) -> int:
    """Return on how many seeds a model is significantly better than the best trivial score."""
    return sum(pair.significantly_better for pair in pairs)


def trivial(pairs: list[PairResult]) -> str:
    """Return the best trivial score, its AUC and its name."""
    pair = pairs[0]
    return "" if pair.trivial is None else f"*{pair.trivial_auc:.3f} {trivial_title(pair.trivial)}*"


def in_code(words: str) -> str:
    """Return words of a command in Markdown."""
    return " ".join(f"`{word}`" for word in words.split())


if __name__ == "__main__":
    main()
