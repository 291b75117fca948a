"""Write the results table of docs/results.md from run directories.

    python scripts/results_table.py RUN_DIR... > docs/results.md

One row per run: AUC with its 68% interval for each signal against the reference, and beside it the figure of the
AD4HEP workshop where its exercise is the same. Every number is read from metrics.json, config.yaml and provenance.json.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import yaml

REFERENCE = "zero_bias"
SIGNALS = ("soft_qcd", "jet_ht", "ttbar", "radion", "wprime")

# AD4HEP workshop, June 2025, 2016 CMS Open Data: AUC against zero bias. The images there were object images
# (16 x 16 x 5), not calorimeter regions.
WORKSHOP = {
    ("DenseAutoencoder", "jets"): {"soft_qcd": 0.517, "jet_ht": 0.819, "ttbar": 0.855, "radion": 0.861},
    ("Distilled", "events"): {"soft_qcd": 0.643, "jet_ht": 0.994, "ttbar": 0.9998, "radion": 0.9999},
    ("ConvAutoencoder", "calo"): {"soft_qcd": 0.618, "jet_ht": 0.992, "ttbar": 0.998},
}


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    rows = [row for run in parser.parse_args().runs for row in rows_of(run)]
    print("# Results\n")
    print(f"AUC against {REFERENCE} with the 68% interval of the last digits in brackets, on the bundled samples.")
    print("Written by `scripts/results_table.py` from run directories. In italics the AD4HEP workshop's figures for")
    print("the same exercise on 2016 CMS Open Data (docs/physics.md tells the differences).")
    print("`experiment=exercise3_conv` is `model=conv_ae` with nothing changed. How long a command takes is told on")
    print("the page of its model.\n")
    header = ["run", *SIGNALS, "weights", "epochs"]
    print(f"| {' | '.join(header)} |")
    print("|" + "---|" * len(header))
    for row in rows:
        print(f"| {' | '.join(row)} |")


def rows_of(run: Path) -> list[list[str]]:
    """Return the row of one run, and the row of the workshop's figures where there are any."""
    metrics, facts = (json.loads((run / name).read_text()) for name in ("metrics.json", "provenance.json"))
    config = yaml.safe_load((run / "config.yaml").read_text())
    rows = [
        [
            describe(config, facts),
            *(auc_cell(metrics, signal) for signal in SIGNALS),
            f"{facts['parameters']:,}",
            str(facts["epochs"]) if facts["status"] == "finished" else facts["status"],
        ]
    ]
    key = (
        last_word(config["model"]["_target_"]),
        last_word(config["data"]["_target_"]).removesuffix("DataModule").lower(),
    )
    # Its figures are all for this loss.
    if key in WORKSHOP and last_word(config["model"]["loss"]["_target_"]) == "MSE":
        figures = (f"*{WORKSHOP[key][signal]}*" if signal in WORKSHOP[key] else "" for signal in SIGNALS)
        rows.append(["*workshop*", *figures, "", ""])
    return rows


def describe(config: dict[str, Any], facts: dict[str, Any]) -> str:
    """Return the words that the run was started with; where files lie on a machine says nothing elsewhere."""
    words = (word.removeprefix("++") for word in facts["command"] if "dir=" not in word and "logger=" not in word)
    words = (re.sub(r"=.*/.*", "=…", word) for word in words)
    return " ".join(f"`{word}`" for word in words) or "`(default)`"


def auc_cell(metrics: dict[str, float], signal: str) -> str:
    """Return AUC and half the width of its interval, as `0.832(2)`."""
    name = f"test/auc/{signal}_vs_{REFERENCE}"
    if name not in metrics:
        return ""
    half_width = (metrics[f"{name}/high"] - metrics[f"{name}/low"]) / 2
    return f"{metrics[name]:.3f}({max(1, round(1000 * half_width))})"


def last_word(target: str) -> str:
    """Return the class name of a `_target_`."""
    return target.rsplit(".", 1)[-1]


if __name__ == "__main__":
    main()
