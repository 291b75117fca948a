"""Every model as ONNX beside PyTorch: agreement on all bundled entries, and speed on one and on two threads.

`python -m scripts.bench.exported --runs DIR [--models dense_ae,vae] [--speeds] [--markdown FILE]` trains each option of
`model` for one epoch on a few entries, exports the run, and compares. What was trained, exported and compared in DIR is
used again. `--speeds` times what was exported there instead, some seconds each, on a machine that does nothing else.
"""

import argparse
import contextlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
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
_MOST_ROUNDS: Final = 15
_SECONDS: Final = 0.5
_MANY: Final = 1024
_NUMBERS: Final = 1 << 21
_MOST: Final = 16384


@dataclass(frozen=True)
class Compared:
    """Agreement of one model over all entries.

    Attributes:
        entries, max_absolute, max_relative, beyond, of_rounding: as `hepad.exporting.parity.Parity` has them.
        refused: what was said where it cannot be exported.
    """

    case: str
    entries: int = 0
    max_absolute: float = 0.0
    max_relative: float = 0.0
    beyond: int = 0
    of_rounding: float = 0.0
    refused: str = ""


@dataclass(frozen=True)
class Faster:
    """Medians over paired rounds of PyTorch's time in parts of ONNX Runtime's.

    Attributes:
        one, many, large: by number of entries: one, 1024, and as many as two million numbers are, for one thread and
            for two.
        n_large: how many those are.
    """

    case: str
    one: tuple[float, float]
    many: tuple[float, float]
    large: tuple[float, float]
    n_large: int


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


def directory_of(case: str, runs: Path) -> Path:
    """Return where the run of a case is."""
    return runs / "".join(letter if letter.isalnum() else "_" for letter in case)


def compared(case: str, words: Sequence[str], runs: Path) -> Compared:
    """Train, export and compare one model, or return what was found before."""
    directory = directory_of(case, runs)
    kept = directory / "compared.json"
    if kept.exists():
        return Compared(**json.loads(kept.read_text()))
    if not (directory / "metrics.json").exists():
        _quietly(train.main, [*words, *_BRIEF, f"hydra.run.dir={directory}"])
    exported = directory / "export" / "scorer.onnx"
    try:
        if not exported.exists():
            _quietly(export.main, [f"run={directory}", "entries=500", "card=false"])
    except RuntimeError as error:
        return Compared(case, refused=str(error).strip())
    run = load_run(directory)
    torch.set_num_threads(1)
    parity, _, _ = compare(run.model, run_scorer(run), onnx_scoring(exported), all_entries(run))
    told = {
        name: getattr(parity, name) for name in ("entries", "max_absolute", "max_relative", "beyond", "of_rounding")
    }
    found = Compared(case, **told)
    kept.write_text(json.dumps(asdict(found)))
    return found


def timed(case: str, runs: Path) -> Faster | None:
    """Time what was exported; None where nothing was."""
    directory = directory_of(case, runs)
    exported = directory / "export" / "scorer.onnx"
    if not exported.exists():
        return None
    run = load_run(directory)
    samples = all_entries(run)
    largest = max(samples.values(), key=lambda batch: len(batch.x))
    n_large = max(_MANY, min(_MOST, _NUMBERS // largest.x[0].numel()))
    ratios = []
    for n in (1, _MANY, n_large):
        # As many as there are, again and again.
        batch = take_rows(largest, torch.arange(n) % len(largest.x))
        ratios.append((faster(run, exported, batch, 1), faster(run, exported, batch, 2)))
    found = Faster(case, *ratios, n_large)
    (directory / "faster.json").write_text(json.dumps(asdict(found)))
    return found


def faster(run: Run, exported: Path, batch: Batch, threads: int) -> float:
    """Return how many times as fast ONNX Runtime scores a batch as PyTorch: the median of paired rounds."""
    session, arrays = onnx_scoring(exported, threads), [array.numpy() for array in run_scorer(run).arrays(batch)]
    torch.set_num_threads(threads)

    def by_torch() -> None:
        with torch.inference_mode():
            run.model.anomaly_score(batch)

    ways = {"torch": by_torch, "onnx": lambda: session(arrays)}
    seconds = take_turns(ways, 1)
    once = sum(values[0] for values in seconds.values())
    seconds = take_turns(ways, max(3, min(_MOST_ROUNDS, int(_SECONDS / once))))
    return float(np.median(np.array(seconds["torch"]) / np.array(seconds["onnx"])))


def table(rows: Sequence[Compared], runs: Path) -> str:
    """Return the rows in Markdown, with the speeds that were measured."""
    lines = [
        "| model | entries | max \\|Δ\\| | max \\|Δ\\|/\\|s\\| | beyond 1e-5 | one entry | 1024 | large |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.refused:
            lines.append(f"| {row.case} | refused | | | | | | |")
            continue
        kept = directory_of(row.case, runs) / "faster.json"
        told = ["", "", ""]
        if kept.exists():
            found = json.loads(kept.read_text())
            told = [" / ".join(f"{ratio:.2g}" for ratio in found[name]) for name in ("one", "many", "large")]
            told[2] += f" ({found['n_large']:,})"
        beyond = f"{row.beyond}, {row.of_rounding:.2g}" if row.beyond else "0"
        differs = f"{row.entries:,} | {row.max_absolute:.1g} | {row.max_relative:.1g} | {beyond}"
        lines.append(f"| {row.case} | {differs} | {' | '.join(told)} |")
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
    """Print each case as it is done, then the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="")
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--speeds", action="store_true")
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args()
    sys.argv = ["hepad"]
    runs = given.runs.resolve()
    runs.mkdir(exist_ok=True)
    wanted = list(cases([name for name in given.models.split(",") if name]))
    if given.speeds:
        for case, _ in wanted:
            found = timed(case, runs)
            print(json.dumps(None if found is None else asdict(found)), flush=True)
        return
    rows = []
    for case, words in wanted:
        rows.append(compared(case, words, runs))
        print(json.dumps(asdict(rows[-1])), flush=True)
    if given.markdown:
        given.markdown.write_text(table(rows, runs), encoding="utf-8")
    print(table(rows, runs))


if __name__ == "__main__":
    main()
