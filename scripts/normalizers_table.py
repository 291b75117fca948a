"""Write the tables of docs/normalizers.md from run directories.

    for n in standard robust log layer none; do
      python -m hepad.train model=dense_ae model.normalizer=$n hydra.run.dir=outputs/normalizers/jets_$n
      python -m hepad.train model=td_ae model.normalizer=$n hydra.run.dir=outputs/normalizers/events_$n
    done
    python scripts/normalizers_table.py outputs/normalizers/*

One table for each kind of data, one row per run; every number is read from metrics.json and config.yaml. The tables
replace what stands between the two marks in the page; its words are written by hand.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import yaml

PAGE = Path(__file__).parents[1] / "docs" / "normalizers.md"
BEGIN, END = "<!-- tables: scripts/normalizers_table.py -->", "<!-- end of tables -->"
ORDER = ("standard", "robust", "log", "layer", "none")
SIGNALS = ("soft_qcd", "jet_ht", "ttbar", "radion", "wprime")
LOUDNESS = {"jets": ("pt", "p_T of the jet"), "events": ("sum_pt", "Σ p_T of the jets")}
REFERENCE = "zero_bias"


def main() -> None:
    """Write the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    runs = [read(run) for run in parser.parse_args().runs]
    runs.sort(key=lambda run: ORDER.index(run["normalizer"]))
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    tables = "\n\n".join(table(kind, [run for run in runs if run["kind"] == kind]) for kind in LOUDNESS)
    PAGE.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def read(run: Path) -> dict[str, Any]:
    """Return what the tables need of one run."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    return {
        "normalizer": config["model"]["normalizer"],
        "kind": config["data"]["_target_"].rsplit(".", 1)[-1].removesuffix("DataModule").lower(),
        "model": config["model"]["_target_"].rsplit(".", 1)[-1],
        "metrics": json.loads((run / "metrics.json").read_text()),
    }


def table(kind: str, runs: list[dict[str, Any]]) -> str:
    """Return the table of one kind of data as Markdown."""
    feature, name = LOUDNESS[kind]
    header = ["normalizer", f"Spearman, {feature}", f"Pearson, {feature}", *(f"AUC {signal}" for signal in SIGNALS)]
    rows = [
        [
            f"`{run['normalizer']}`",
            f"{run['metrics'][f'test/spearman/{feature}']:+.2f}",
            f"{run['metrics'][f'test/pearson/{feature}']:+.2f}",
            *(f"{run['metrics'][f'test/auc/{signal}_vs_{REFERENCE}']:.3f}" for signal in SIGNALS),
        ]
        for run in runs
    ]
    alone = (runs[0]["metrics"][f"test/baseline_auc/sum_pt/{signal}_vs_{REFERENCE}"] for signal in SIGNALS)
    rows.append([f"*{name} alone*", "*+1*", "", *(f"*{value:.3f}*" for value in alone)])
    lines = [f"`{runs[0]['model']}` on {kind}:", "", row(header), "|" + "---|" * len(header), *map(row, rows)]
    return "\n".join(lines)


def row(cells: list[str]) -> str:
    """Return one line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
