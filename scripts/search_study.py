"""Studies of the methods of a search on the bundled dijets: their order, and features that follow the mass.

    python -m scripts.search_study order [--seeds 10] [--fractions 0 0.005 0.01 0.02 0.04 0.09]
    python -m scripts.search_study shift [--seeds 3]

`order` prints the largest SIC of each method over injected S/B in the window, `shift` the same at one S/B without and
with masses of jets that follow m_jj (m += 0.1 m_jj, as in arXiv:2210.14924). Searches that are finished are not done
again. docs/searches.md tells what is to be seen; `scripts.search_null` is of searches without a signal.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hepad.bundled import bundled_files
from hepad.config import RunConfig, compose
from hepad.search import readable
from hepad.searches.record import SearchRecord
from hepad.searches.record_file import FILE, read_record
from hepad.searches.running import search_quietly

METHODS = ("supervised", "idealized", "cathode", "trees", "cwola", "anode", "lacathode", "score")
BACKGROUND, SIGNAL = "qcd_dijet", "wprime_dijet"
QUICK = ("data=dijets", "logger=none", "null_twin=none", "toys=0", "limits=false", f"injection.sample={SIGNAL}")
MASSES = ("m_j2", "delta_m")
"""Columns that `shift` moves, of those that are there."""


def main(argv: Sequence[str] | None = None) -> None:
    """Do what is left of a study, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=["order", "shift"])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--methods", nargs="+", default=None, help="those of the study by default")
    parser.add_argument("--fractions", nargs="+", type=float, default=[0.0, 0.01, 0.02, 0.04], help="S/B in the window")
    parser.add_argument("--words", nargs="*", default=[], help="further words of every search")
    parser.add_argument("--output", type=Path, default=Path("outputs/search_study"))
    options = parser.parse_args(argv)
    {"order": order, "shift": shift}[options.study](options)


def order(options: argparse.Namespace) -> None:
    """Print the largest SIC of every method at every S/B: median and 68% over seeds."""
    methods = options.methods or list(METHODS)
    print_header("S/B", methods)
    for fraction in options.fractions:
        words = [*inject(fraction), "unblind=true", *options.words]
        records = list(searches(options, f"order_{fraction:g}", methods, words))
        print_row(f"{100 * fraction:g} %", [[max_sic(record, name) for record in records] for name in methods])


def shift(options: argparse.Namespace) -> None:
    """Print the largest SIC at S/B 4% without and with features that follow the mass."""
    methods = options.methods or ["idealized", "cathode", "cwola", "anode", "lacathode"]
    print_header("features", methods)
    for name, files in (("as they are", {}), ("m += 0.1 m_jj", shifted_files(options.output / "shifted"))):
        words = [f"data.samples.{sample}={path}" for sample, path in files.items()]
        words += [*inject(0.04), "unblind=true", *options.words]
        records = list(searches(options, f"shift_{len(files)}", methods, words))
        print_row(name, [[max_sic(record, method) for record in records] for method in methods])


def inject(fraction: float) -> list[str]:
    """Return the words of an injection; of nothing, so that a half of the background stands for data all the same."""
    return [f"injection.fraction={fraction}"] if fraction else ["injection.events=0"]


def searches(
    options: argparse.Namespace, name: str, methods: Sequence[str], words: Sequence[str]
) -> Iterator[SearchRecord]:
    """Yield the record of a search for each seed, made where it is not there yet."""
    for seed in range(1, options.seeds + 1):
        directory = options.output / f"{name}_{seed}"
        chosen = [*QUICK, f"method=[{','.join(methods)}]", f"seed={seed}", *words, f"paths.run={directory}"]
        if (directory / FILE).exists() and [m.method for m in read_record(directory).methods] == list(methods):
            yield read_record(directory)
        else:
            given = [f"++{word}" if word.startswith("data.samples.") else word for word in readable(chosen)]
            yield search_quietly(RunConfig.of(compose("search", [*given, f"name={directory.name}"])))


def max_sic(record: SearchRecord, name: str) -> float:
    """Return the largest SIC of a method in the window; NaN where it is not known."""
    (found,) = [method for method in record.methods if method.method == name]
    performance = found.windows[0].performance if found.windows else None
    return float("nan") if performance is None or performance.max_sic is None else performance.max_sic


def shifted_files(directory: Path) -> dict[str, Path]:
    """Write the bundled dijets with masses of jets that follow m_jj; return sample → file."""
    directory.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in (BACKGROUND, SIGNAL):
        found[name] = directory / f"{name}.h5"
        if found[name].exists():
            continue
        with h5py.File(bundled_files()[name]) as source, h5py.File(found[name], "w") as target:
            for key, values in source.attrs.items():
                target.attrs[key] = values
            for key, dataset in source.items():
                target[key] = moved(dataset[:], list(dataset.attrs.get("features", [])))
                target[key].attrs.update(dataset.attrs)
    return found


def moved(table: Any, features: list[Any]) -> Any:
    """Return a table whose masses follow m_jj; anything else as it is."""
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in features]
    if "m_jj" not in names:
        return table
    for column in (i for i, name in enumerate(names) if name in MASSES):
        table[:, column] += 0.1 * table[:, names.index("m_jj")]
    return table


def print_header(first: str, methods: Sequence[str]) -> None:
    """Print the head of a table of methods."""
    print(f"| {first} | {' | '.join(methods)} |")
    print("|---" * (len(methods) + 1) + "|")


def print_row(title: str, values: Sequence[Sequence[float]]) -> None:
    """Print median and 68% interval over seeds, a cell for each method."""
    cells = []
    for column in values:
        low, median, high = np.nanquantile(column, [0.16, 0.5, 0.84])
        cells.append(f"{median:.1f} ({low:.1f}–{high:.1f})")
    print(f"| {title} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
