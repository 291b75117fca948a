"""Uniformity of the p-values of whole searches without a signal.

    python -m scripts.search_null [--searches 200] [--events 10000] [--method cathode] [--words folds=2 …]

Every search is of fresh entries: masses of the dijet function that is fitted to the bundled background, and features of
a density that is trained on it once, so that they follow the mass as those of dijets do. Parts of one file would not
do: whatever the file has too much of in the window, all of them have. A search is the command's own, with small
densities and trees (`SMALL`), and without its page. Prints how p-values of each cut, local and of toys, and the global
one are spread, with a KS test. Searches that are finished are not done again. docs/searches.md has what it printed.
"""

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstest

from hepad.bundled import bundled_files
from hepad.config import RunConfig, compose
from hepad.run.loading import load_run
from hepad.run.training import train
from hepad.search import readable
from hepad.searches.record import SearchRecord
from hepad.searches.record_file import FILE, read_record
from hepad.searches.running import search_quietly
from hepad.searches.sample_tables import read_table, write_table
from hepad.searches.template import sample_given
from hepad.stats import equal_bins, fill_spectrum, fit_background
from hepad.stats.shapes import make_shape

BACKGROUND = "qcd_dijet"
LOW, HIGH = 2900.0, 4600.0
SCAN = ("scan.center=3500", "scan.width=400", f"scan.range=[{LOW:g},{HIGH:g}]")
FEATURES = ("m_j2", "delta_m", "tau21_j2", "tau21_j1")
COUPLING = "model=flow,model.kind=realnvp,model.transforms=4,model.hidden=[32]"
SMALL = (
    *("data=table", "data.bundled=false", "logger=none", "null_twin=none", "limits=false", "toys=100"),
    *("folds=2", "cuts=[1.0,0.1,0.01]"),
)
DENSITY = f"[{COUPLING},data.batch_size=512,trainer.max_epochs=6]"
TREES = "[model=trees,model.members=1,model.max_iter=50]"
TOO_SMALL = 0.01
"""p-value of a KS test below which p-values are not called uniform."""


def main(argv: Sequence[str] | None = None) -> None:
    """Do what is left of the searches, and print their table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="number of the first, to share them among processes")
    parser.add_argument("--events", type=int, default=10_000, help="mean of each, between 2900 and 4600 GeV")
    parser.add_argument("--method", default="cathode")
    parser.add_argument("--words", nargs="*", default=[], help="further words of every search")
    parser.add_argument("--output", type=Path, default=Path("outputs/search_null"))
    options = parser.parse_args(argv)
    source = options.output / "source"
    if not (source / "checkpoints/best.ckpt").exists():
        train(RunConfig.of(compose("train", readable(source_words(source)))), source)
    began, records = time.process_time(), []
    for number in range(options.first, options.first + options.searches):
        directory = options.output / f"{options.method}_{number}"
        if not (directory / FILE).exists():
            search(options, source, number, directory)
        records.append(read_record(directory))
    print(f"{len(records)} searches by {options.method}, {time.process_time() - began:.0f} s of CPU")
    print_table(records)


def source_words(directory: Path) -> list[str]:
    """Return the words of the density that features are drawn of."""
    # The observable alone tells entries apart: all of the spectrum trains.
    region = f"++data.regions={{all: {{m_jj: [{LOW:g}, {HIGH:g}]}}}}"
    return [
        *("data=dijets", "data.context=[m_jj]", region, f"data.train=[{{sample: {BACKGROUND}, region: all}}]"),
        *(COUPLING.replace("transforms=4", "transforms=6").split(",")),
        *("data.batch_size=1024", "trainer.max_epochs=20", "logger=none", "evaluation.plots=false"),
        *("callbacks.progress=null", f"paths.run={directory}"),
    ]


def search(options: argparse.Namespace, source: Path, number: int, directory: Path) -> SearchRecord:
    """Draw the entries of one search, do it, and keep nothing but its record."""
    file = options.output / f"{options.method}_{number}.h5"
    rng = np.random.default_rng([number, 5])
    mass = draw_masses(rng.poisson(options.events), rng)
    features = sample_given(load_run(source).model, mass, number)
    write_table(file, np.column_stack([features, mass]).astype(np.float32), (*FEATURES, "m_jj"), f"null {number}")
    method = [f"methods.{options.method}.classifier={TREES}"]
    if options.method in ("cathode", "trees", "lacathode"):
        method.append(f"methods.{options.method}.density={DENSITY}")
    words = [
        *(f"method={options.method}", *SMALL, *SCAN, *method, f"seed={number}", *options.words),
        *(f"name={directory.name}", f"paths.run={directory.absolute()}"),
    ]
    found = search_quietly(
        RunConfig.of(compose("search", [*readable(words), f"++data.samples.data={file.absolute()}"]))
    )
    for part in directory.iterdir():
        if part.is_dir():
            shutil.rmtree(part)
    file.unlink()
    return found


def draw_masses(n: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return masses of the dijet function that is fitted to the bundled background."""
    table, names = read_table(bundled_files()[BACKGROUND])
    mass = table[:, names.index("m_jj")].astype(np.float64)
    coarse, fine = equal_bins(LOW, HIGH, 34), equal_bins(LOW, HIGH, 3400)
    fit = fit_background(fill_spectrum(mass[(mass >= LOW) & (mass < HIGH)], coarse), None, "dijet", 3)
    shape = make_shape(fine, "dijet", 3)
    steps = np.concatenate([[0.0], np.cumsum(shape.expected(shape.from_formula(fit.parameters)))])
    return np.interp(rng.random(n), steps / steps[-1], fine)


def print_table(records: Sequence[SearchRecord]) -> None:
    """Print how the p-values of each cut are spread, those of toys, and the global one."""
    print("| cut | p-value | searches | below 5% | below 10% | KS p | uniform | mean Z | width of Z |")
    print("|---|---|---|---|---|---|---|---|---|")
    cuts = [[record.methods[0].windows[0].cuts[i] for record in records] for i in range(3)]
    for of_cut in cuts:
        z = np.array([cut.z for cut in of_cut if cut.z is not None])
        for title, p in (("local", [c.p for c in of_cut]), ("of toys", [c.p_toys for c in of_cut])):
            print_row(f"{of_cut[0].efficiency:g} | {title}", p, z)
    print_row("all | global", [record.methods[0].p_global for record in records], None)


def print_row(title: str, values: Sequence[float | None], z: NDArray[np.float64] | None) -> None:
    """Print one row; searches without the p-value are not counted."""
    p = np.array([value for value in values if value is not None])
    if len(p) < 2:
        print(f"| {title} | {len(p)} | | | | | | |")
        return
    ks = kstest(p, "uniform").pvalue
    spread = " | " if z is None else f"{z.mean():+.2f} | {z.std(ddof=1):.2f}"
    print(
        f"| {title} | {len(p)} | {100 * (p < 0.05).mean():.1f}% | {100 * (p < 0.1).mean():.1f}% | {ks:.3f} "
        f"| {'yes' if ks > TOO_SMALL else 'no'} | {spread} |"
    )


if __name__ == "__main__":
    main()
