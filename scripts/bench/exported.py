"""Every model as ONNX beside PyTorch: agreement on all bundled entries, and speed on one and on two threads.

`python -m scripts.bench.exported [--models dense_ae,vae] [--runs DIR] [--markdown FILE]` trains each option of `model`
for one epoch on a few entries, exports the run, and compares. What was trained and exported in DIR is used again.
"""

import argparse
import contextlib
import io
import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
from scripts.bench.rounds import take_turns

from hepad import export, load_run, train
from hepad.bundled import bundled_files
from hepad.config import config_dir
from hepad.core.batch import Batch, join_batches, take_rows
from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5
from hepad.exporting.export_run import run_scorer
from hepad.exporting.parity import compare
from hepad.exporting.runtimes import onnx_scoring
from hepad.run.loading import Run
from hepad.run.scoring_input import read_entries, reader_of_run, rows_of

_LABELS: Final = "data.train=[{sample: zero_bias, label: 0}, {sample: ttbar, label: 1}]"
_CASES: Final = {
    "classifier": {"classifier": [_LABELS]},
    "trees": {"trees": [_LABELS]},
    "conv_ae": {"conv_ae": [], "conv_ae, SSIM": ["loss=ssim"], "conv_ae, NCC": ["loss=ncc"]},
    "distilled": {
        "distilled, events": ["model.teacher_overrides={trainer.max_epochs:1}"],
        "distilled, calo": ["data=calo", "model.teacher_overrides={trainer.max_epochs:1}"],
    },
    "flow": {
        "flow, NSF": [],
        "flow, MAF": ["model.kind=maf"],
        "flow, NSF, events": ["data=events"],
        "flow, NSF, context": ["data=dijets", "data.context=[m_jj]"],
    },
    "vae": {"vae": [], "vae, events": ["data=events"], "vae, calo": ["data=calo"]},
}
_BRIEF: Final = ["data.limit=1500", "trainer.max_epochs=1", "evaluation.plots=false", "logger=none"]
_ROUNDS: Final = 15


@dataclass(frozen=True)
class Compared:
    """One model: agreement over all entries, and how many times as fast ONNX is (batch of one, batch of many)."""

    case: str
    entries: int = 0
    max_absolute: float = 0.0
    max_relative: float = 0.0
    one_entry: float = 0.0
    one_thread: float = 0.0
    two_threads: float = 0.0
    refused: str = ""


def cases(wanted: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield name and command line of every model of configs/model, some of them on several data."""
    for path in sorted((config_dir() / "model").glob("*.yaml")):
        if not wanted or path.stem in wanted:
            for name, words in _CASES.get(path.stem, {path.stem: []}).items():
                yield name, [f"model={path.stem}", *words]


def all_entries(run: Run) -> dict[str, Batch]:
    """Return every entry of every bundled sample that the run can read."""
    found = {}
    for name, path in bundled_files().items():
        data = reader_of_run(run, path, None)
        with contextlib.suppress(UserError, KeyError), open_hdf5(path) as file:
            n_rows, step = rows_of(file, data, path)
            parts = [each.batch for each in read_entries(file, data, run, path, range(0, n_rows, step))]
            found[name] = join_batches(parts)
    return found


def measure(case: str, words: Sequence[str], runs: Path) -> Compared:
    """Train, export and compare one model."""
    directory = runs / "".join(letter if letter.isalnum() else "_" for letter in case)
    if not (directory / "metrics.json").exists():
        _quietly(train.main, [*words, *_BRIEF, f"hydra.run.dir={directory}"])
    exported = directory / "export" / "scorer.onnx"
    try:
        if not exported.exists():
            _quietly(export.main, [f"run={directory}", "entries=500", "card=false"])
    except RuntimeError as error:
        return Compared(case, refused=str(error).strip())
    run = load_run(directory)
    scorer, samples = run_scorer(run), all_entries(run)
    torch.set_num_threads(1)
    parity, _, _ = compare(run.model, scorer, onnx_scoring(exported), samples)
    largest = max(samples.values(), key=lambda batch: len(batch.x))
    many = take_rows(largest, slice(min(1024, len(largest.x))))
    speeds = [faster(run, exported, take_rows(largest, slice(1)), 1, 5), faster(run, exported, many, 1)]
    speeds.append(faster(run, exported, many, 2))
    return Compared(case, parity.entries, parity.max_absolute, parity.max_relative, *speeds)


def faster(run: Run, exported: Path, batch: Batch, threads: int, times: int = 1) -> float:
    """Return how many times as fast ONNX Runtime scores a batch as PyTorch, by the best of paired rounds of each.

    The best, since a neighbour's work can only slow a round down.
    """
    scorer = run_scorer(run)
    session, arrays = onnx_scoring(exported, threads), [array.numpy() for array in scorer.arrays(batch)]
    torch.set_num_threads(threads)

    def by_torch() -> None:
        with torch.inference_mode():
            for _ in range(times):
                run.model.anomaly_score(batch)

    def by_onnx() -> None:
        for _ in range(times):
            session(arrays)

    seconds = take_turns({"torch": by_torch, "onnx": by_onnx}, _ROUNDS)
    return min(seconds["torch"]) / min(seconds["onnx"])


def table(rows: Sequence[Compared]) -> str:
    """Return the rows in Markdown."""
    lines = [
        "| model | entries | max \\|Δ\\| | max \\|Δ\\|/\\|s\\| | one entry | 1024, one thread | 1024, two threads |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.refused:
            lines.append(f"| {row.case} | refused | | | | | |")
            continue
        speeds = " | ".join(f"{speed:.2g}×" for speed in (row.one_entry, row.one_thread, row.two_threads))
        lines.append(f"| {row.case} | {row.entries:,} | {row.max_absolute:.1g} | {row.max_relative:.1g} | {speeds} |")
    return "\n".join(lines) + "\n"


def _quietly(command: Callable[[list[str]], None], words: list[str]) -> None:
    """Call a command without its printing; raise `RuntimeError` with what it said where it fails."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            command(words)
    except SystemExit as stop:
        if stop.code:
            raise RuntimeError(err.getvalue()) from stop


def main() -> None:
    """Print the table as it grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="")
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    sys.argv = ["hepad"]
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        runs = (given.runs or Path(temporary)).resolve()
        runs.mkdir(exist_ok=True)
        for case, words in cases([name for name in given.models.split(",") if name]):
            rows.append(measure(case, words, runs))
            print(json.dumps(asdict(rows[-1])), flush=True)
    if given.markdown:
        given.markdown.write_text(table(rows), encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
