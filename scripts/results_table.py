"""Write the results tables of docs/results.md from run directories.

    python scripts/results_table.py RUN_DIR... > docs/results.md

One row per run: AUC with its 68% interval for each signal against the reference, and beside it the figure of the
AD4HEP workshop where its exercise is the same. Runs on jet images, whose reference is the sample they were trained on,
have a table of their own, and so have the parts of scores: the four scores of a VAE. "Beyond loudness" has the same
runs at equal Σ pT, and those trained on a loud background:

    python -m hepad.train experiment=beyond_loudness hydra.run.dir=runs/loud_events
    python -m hepad.train experiment=beyond_loudness model=conv_ae hydra.run.dir=runs/loud_calo
    python -m hepad.train experiment=beyond_loudness model=dense_ae hydra.run.dir=runs/loud_jets

The best trivial score stands below the runs of each table. Every number is read from metrics.json, config.yaml and
provenance.json.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hepad.metrics import pair_result, read_verdict, trivial_title
from hepad.metrics.verdict import name_prefix

REFERENCE = "zero_bias"
SIGNALS = ("soft_qcd", "jet_ht", "ttbar", "radion", "wprime")
LOUD_SIGNALS = ("ttbar", "radion", "wprime")

# AD4HEP workshop, June 2025, 2016 CMS Open Data: AUC against zero bias. The images there were object images
# (16 x 16 x 5), not calorimeter regions.
WORKSHOP = {
    ("DenseAutoencoder", "jets"): {"soft_qcd": 0.517, "jet_ht": 0.819, "ttbar": 0.855, "radion": 0.861},
    ("Distilled", "events"): {"soft_qcd": 0.643, "jet_ht": 0.994, "ttbar": 0.9998, "radion": 0.9999},
    ("ConvAutoencoder", "calo"): {"soft_qcd": 0.618, "jet_ht": 0.992, "ttbar": 0.998},
}


class Run(NamedTuple):
    """Content of a run's directory."""

    metrics: dict[str, float]
    facts: dict[str, Any]
    config: dict[str, Any]


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    runs = [read(directory) for directory in parser.parse_args().runs]
    print("# Results\n")
    print(f"AUC against {REFERENCE} with the 68% interval of the last digits in brackets, on the bundled samples.")
    print("Written by `scripts/results_table.py` from run directories. In italics the AD4HEP workshop's figures for")
    print("the same exercise on 2016 CMS Open Data (docs/physics.md tells the differences).")
    print("`experiment=exercise3_conv` is `model=conv_ae` with nothing changed. How long a command takes is told on")
    print("the page of its model.\n")
    ordinary = [run for run in runs if data_of(run) != "jetimages" and run.facts["background"] == REFERENCE]
    trivial = [[*row, "", ""] for row in trivial_rows(ordinary, REFERENCE, SIGNALS)]
    if ordinary:
        rows = [row for run in ordinary for row in rows_of(run)]
        print_table(["run", *SIGNALS, "weights", "epochs"], [*rows, *trivial])
    if any(data_of(run) != "jetimages" for run in runs):
        print_beyond_loudness(runs)
    if images := [run for run in runs if data_of(run) == "jetimages"]:
        print("\n## Jet images\n")
        print("AUC against the sample that the run was trained on ([jet_images.md](models/jet_images.md)).\n")
        print_table(
            ["run", "trained on", "signal", "AUC", "weights", "epochs"],
            [row for run in images for row in jet_image_rows(run)],
        )
    if parts := [row for run in ordinary for row in part_rows(run)]:
        print("\n## Parts of scores\n")
        print(f"AUC against {REFERENCE} of what else the same model could be scored by, of what its score is made of;")
        print("for a VAE the four scores of [vae.md](models/vae.md).\n")
        print_table(["run", "score", *SIGNALS], parts)


def print_beyond_loudness(runs: list[Run]) -> None:
    """Print the runs where loudness cannot win: at equal Σ pT, and trained on a loud background."""
    ordinary = [run for run in runs if data_of(run) != "jetimages"]
    quiet = [run for run in ordinary if run.facts["background"] == REFERENCE]
    loud: dict[str, list[Run]] = {}
    for run in ordinary:
        if run.facts["background"] != REFERENCE:
            loud.setdefault(str(run.facts["background"]), []).append(run)
    print("\n## Beyond loudness\n")
    print("Σ pT alone separates nearly everything from zero bias. Here it cannot: at equal Σ pT (E_T for images), by")
    print("weights ([metrics.md](metrics.md)), and against a background that is loud itself. Better: on how many of")
    print(f"{', '.join(LOUD_SIGNALS)} a run is better than the best score that needs no model, in brackets on how many")
    print("significantly. No number where signal and background have hardly a Σ pT in common.")
    if quiet:
        print(f"\nAUC against {REFERENCE} at equal Σ pT.\n")
        print_comparison(quiet, REFERENCE, SIGNALS, matched=True)
    for background, trained in loud.items():
        for matched in (False, True):
            print(f"\nTrained on {background}, AUC against {background}{' at equal Σ pT' if matched else ''}.\n")
            print_comparison(trained, background, LOUD_SIGNALS, matched)


def print_comparison(runs: list[Run], reference: str, signals: tuple[str, ...], matched: bool) -> None:
    """Print the AUC of every run, its verdict, and the best trivial score of each kind of data."""
    rows = []
    for run in runs:
        verdict = read_verdict(run.metrics, reference, matched)
        cells = (auc_cell(run.metrics, f"{signal}_vs_{reference}", matched) for signal in signals)
        rows.append([describe(run.facts), *cells, "" if verdict is None else verdict.short])
    trivial = [[*row, ""] for row in trivial_rows(runs, reference, signals, matched)]
    print_table(["run", *signals, "better"], [*rows, *trivial])


def trivial_rows(runs: list[Run], reference: str, signals: tuple[str, ...], matched: bool = False) -> list[list[str]]:
    """Return the best trivial score for each kind of data, with its name.

    Where runs on the same kind differ in it, having split the data in another way, each row names its runs.
    """
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for run in runs:
        pairs = [pair_result(run.metrics, signal, reference, matched) for signal in signals]
        cells = tuple(
            "" if pair is None or pair.trivial is None else f"*{pair.trivial_auc:.3f} {trivial_title(pair.trivial)}*"
            for pair in pairs
        )
        if any(cells):
            found.setdefault((data_of(run), cells), []).append(describe(run.facts))
    kinds = [kind for kind, _ in found]
    rows = []
    for (kind, cells), names in found.items():
        whose = f" of {', '.join(names)}" if kinds.count(kind) > 1 else ""
        rows.append([f"*best trivial score, {kind}*{whose}", *cells])
    return rows


def read(directory: Path) -> Run:
    """Read a run's directory."""
    metrics, facts = (json.loads((directory / name).read_text()) for name in ("metrics.json", "provenance.json"))
    return Run(metrics, facts, yaml.safe_load((directory / "config.yaml").read_text()))


def data_of(run: Run) -> str:
    """Return the kind of data, such as `calo`."""
    return last_word(run.config["data"]["_target_"]).removesuffix("DataModule").lower()


def print_table(header: list[str], rows: list[list[str]]) -> None:
    """Print a table in Markdown."""
    print(f"| {' | '.join(header)} |")
    print("|" + "---|" * len(header))
    for row in rows:
        print(f"| {' | '.join(row)} |")


def rows_of(run: Run) -> list[list[str]]:
    """Return the row of one run, and the row of the workshop's figures where there are any."""
    rows = [
        [describe(run.facts), *(auc_cell(run.metrics, f"{signal}_vs_{REFERENCE}") for signal in SIGNALS), *cost(run)]
    ]
    key = (last_word(run.config["model"]["_target_"]), data_of(run))
    # Its figures are all for this loss.
    if key in WORKSHOP and last_word(run.config["model"]["loss"]["_target_"]) == "MSE":
        figures = (f"*{WORKSHOP[key][signal]}*" if signal in WORKSHOP[key] else "" for signal in SIGNALS)
        rows.append(["*workshop*", *figures, "", ""])
    return rows


def jet_image_rows(run: Run) -> list[list[str]]:
    """Return the rows of a run on jet images, one for each signal."""
    background = run.facts["background"]
    pattern = re.compile(rf"test/auc/(\w+)_vs_{background}")
    signals = [found[1] for name in sorted(run.metrics) if (found := pattern.fullmatch(name))]
    return [
        [describe(run.facts), background, signal, auc_cell(run.metrics, f"{signal}_vs_{background}"), *cost(run)]
        for signal in signals
    ]


def part_rows(run: Run) -> list[list[str]]:
    """Return one row for each part of the score; none where it has no parts."""
    pattern = re.compile(rf"test/auc_(\w+)/\w+_vs_{REFERENCE}")
    parts = dict.fromkeys(found[1] for name in sorted(run.metrics) if (found := pattern.fullmatch(name)))
    rows = []
    for part in parts:
        values = (run.metrics.get(f"test/auc_{part}/{signal}_vs_{REFERENCE}") for signal in SIGNALS)
        cells = ["" if value is None else f"{value:.3f}" for value in values]
        rows.append([describe(run.facts) if not rows else "", f"`{part}`", *cells])
    return rows


def cost(run: Run) -> list[str]:
    """Return the number of weights and of epochs."""
    epochs = str(run.facts["epochs"]) if run.facts["status"] == "finished" else run.facts["status"]
    return [f"{run.facts['parameters']:,}", epochs]


def describe(facts: dict[str, Any]) -> str:
    """Return the words that the run was started with; where files lie on a machine says nothing elsewhere."""
    told = (word.removeprefix("++") for word in facts["command"] if not re.search(r"dir=|logger=|^sweep\.", word))
    words = (re.sub(r"=.*/.*", "=…", word) for word in told)
    return " ".join(f"`{word}`" for word in words) or "`(default)`"


def auc_cell(metrics: dict[str, float], pair: str, matched: bool = False) -> str:
    """Return AUC and half the width of its interval, as `0.832(2)`; at equal Σ pT where `matched`."""
    name = f"{name_prefix(matched)}auc/{pair}"
    if name not in metrics:
        return ""
    half_width = (metrics[f"{name}/high"] - metrics[f"{name}/low"]) / 2
    return f"{metrics[name]:.3f}({max(1, round(1000 * half_width))})"


def last_word(target: str) -> str:
    """Return the class name of a `_target_`."""
    return target.rsplit(".", 1)[-1]


if __name__ == "__main__":
    main()
