"""Amplification: what generators that were trained on N entries know of a truth, beside these entries.

    python -m scripts.amplification [--entries 300 1000 3000] [--seeds 8] [--cells 4 16 49 100 400] [DIR]

Draws N entries of a density that is known, the ring of Butter et al. (arXiv:2008.06545), trains a run of hepad on them,
three quarters to learn from and a quarter to choose the epoch by, and lets it generate M ≫ N. Cells hold equal shares
of the truth; the table and `amplification.png` in DIR say how far the shares of M generated entries are from that,
beside those of N entries of the truth. docs/generators.md tells what is to be seen.
"""

import argparse
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

import hepad
from hepad.core.schema import TABLE_DATASET
from hepad.generators import AmplificationStudy, quantile_error, sampling_error
from hepad.plots import save_figure
from hepad.plots.amplification import plot_amplification

Array = NDArray[np.float64]
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
WORDS = ("model.coordinates=standard", "data.batch_size=128")
"""Coordinates of ranks would hold the quantiles of the training entries themselves."""
TESTED = 100
"""Entries of the truth for the run's own test, which says nothing here."""


def main(words: Sequence[str] | None = None) -> dict[str, AmplificationStudy]:
    """Train, generate, print the table and draw the figure; returns the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=PICTURES, help="where the figure goes")
    parser.add_argument("--entries", type=int, nargs="+", default=[300, 1000, 3000], help="N, that a run sees")
    parser.add_argument("--seeds", type=int, default=8, help="runs for each N, each on entries of its own")
    parser.add_argument("--cells", type=int, nargs="+", default=[4, 16, 49, 100, 400], help="squares of numbers")
    parser.add_argument("--shown", type=int, default=49, help="number of cells in the left of the figure")
    parser.add_argument("--factor", type=int, default=100, help="the largest M over N")
    parser.add_argument("--model", default="flow")
    parser.add_argument("--words", nargs="*", default=WORDS, help="more words of hepad.train")
    options = parser.parse_args(words)
    studies = {}
    for n in options.entries:
        counts = np.geomspace(n / 10, options.factor * n, 3 * round(math.log10(10 * options.factor)) + 1)
        studies[f"N = {n:,}"] = study(
            n, counts.round().astype(int), options.cells, options.seeds, options.model, options.words
        )
    print(table(studies))
    figure = plot_amplification(studies, options.shown, note=f"model={options.model}, {options.seeds} runs each")
    print(*save_figure(figure, options.directory / "amplification"))
    return studies


def study(
    n: int, counts: NDArray[np.int64], cells: Sequence[int], seeds: int, model: str, words: Sequence[str]
) -> AmplificationStudy:
    """Return the errors of runs that are each trained on `n` entries of their own."""
    training, generated = [], []
    for seed in range(seeds):
        known = draw_ring(n, np.random.default_rng([seed, n]))
        made = generated_by_run(known, int(counts[-1]), model, seed, words)
        training.append([error_in_cells(known, n_cells) for n_cells in cells])
        generated.append([[error_in_cells(made[:m], n_cells) for m in counts] for n_cells in cells])
        print(f"{n} entries: run {seed + 1} of {seeds}", flush=True)
    return AmplificationStudy(n, np.array(cells), counts, np.array(training), np.array(generated))


def draw_ring(n: int, rng: np.random.Generator) -> Array:
    """Return entries `(N, 2)` whose distance from 0 is N(4, 1), in any direction."""
    radius, angle = rng.normal(4, 1, n), rng.uniform(-math.pi, math.pi, n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def error_in_cells(x: Array, n_cells: int) -> float:
    """Return the quantile error of entries `(N, 2)` of the ring, in √n rings of √n sectors each."""
    n = math.isqrt(n_cells)
    if n * n != n_cells:
        raise SystemExit(f"--cells {n_cells}: a square is needed, such as 16: there are as many rings as sectors")
    edges = [norm.ppf(np.linspace(0, 1, n + 1)[1:-1], 4), np.linspace(-math.pi, math.pi, n + 1)[1:-1]]
    return quantile_error(np.stack([np.hypot(x[:, 0], x[:, 1]), np.arctan2(x[:, 1], x[:, 0])], axis=1), edges)


def generated_by_run(known: Array, n: int, model: str, seed: int, words: Sequence[str]) -> Array:
    """Return `n` entries that a run makes up which has seen the `known` ones and no other."""
    with TemporaryDirectory(prefix="amplification_") as scratch:
        files = {"train": known, "test": draw_ring(TESTED, np.random.default_rng([seed, 0]))}
        for part, values in files.items():
            with h5py.File(Path(scratch) / f"{part}.h5", "w") as file:
                file.create_dataset(TABLE_DATASET, data=values.astype(np.float32)).attrs["features"] = ["x", "y"]
        where = ", ".join(f"{part}: {Path(scratch) / part}.h5" for part in files)
        chosen = ["data=table", "data.bundled=false", "data.background=known", f"data.samples.known={{{where}}}"]
        run = hepad.train(model, *chosen, f"seed={seed}", "evaluation.plots=false", *words, run_dir=f"{scratch}/run")
        return np.asarray(run.generate(n, seed=seed), dtype=np.float64)


def table(studies: Mapping[str, AmplificationStudy]) -> str:
    """Return errors (in 10⁻⁴) and amplification for each N and number of cells, as Markdown."""
    rows = [
        "| N | cells | error of N, expected | of the training entries | of M generated | amplification |",
        "|---|---|---|---|---|---|",
    ]
    for found in studies.values():
        for i, (n_cells, gain, error) in enumerate(zip(found.cells, *found.gains, strict=True)):
            expected = sampling_error(n_cells, found.n_entries)
            columns = [f"{found.n_entries:,}", f"{n_cells}", f"{1e4 * expected:.2f}"]
            for errors in (found.training[:, i], found.generated[:, i, -1]):
                columns.append(f"{1e4 * errors.mean():.2f} ± {1e4 * errors.std(ddof=1) / math.sqrt(len(errors)):.2f}")
            rows.append(f"| {' | '.join([*columns, f'{gain:.2f} ± {error:.2f}'])} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
