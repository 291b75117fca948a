"""Draw README's first picture, from runs that are finished: `python -m scripts.draw_both_directions RUNS [DIR]`.

RUNS is the directory of `python -m scripts.beyond_loudness_table`. Shown is how well the normalised autoencoder tells
top jets from QCD jets, trained on either, beside a plain autoencoder and the best score that needs no model; one thin
line for each seed.
"""

import json
import sys
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scripts.beyond_loudness_table import SETS, DataSet, run_dir

from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.metrics import pair_result, trivial_title
from hepad.metrics.roc import roc_curve
from hepad.plots import sample_label, save_figure
from hepad.plots.style import house_style, sign

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
SEEDS = (1, 2, 3)
TITLES = {"images_qcd": "Trained on QCD jets, finds tops", "images_top": "Trained on tops, finds QCD jets"}
MODELS = {"model=nae": ("Normalised autoencoder", "#bd1f01"), "experiment=top_vs_qcd": ("Plain autoencoder", "#3f90da")}


def main() -> None:
    """Draw the picture."""
    directory = Path(sys.argv[2]) if len(sys.argv) > 2 else PICTURES
    with house_style():
        figure = Figure(figsize=(17, 8), layout="constrained")
        for axes, name in zip(figure.subplots(1, 2), TITLES, strict=True):
            draw(axes, Path(sys.argv[1]), name, SETS[name])
        sign(figure.axes[0])
        save_figure(figure, directory / "both_directions")


def draw(axes: Axes, output: Path, name: str, data: DataSet) -> None:
    """Draw one direction: two models over seeds, and the best trivial score."""
    (signal,) = data.signals
    for model, (title, color) in MODELS.items():
        runs = [run_dir(output, name, model, seed) for seed in SEEDS]
        metrics = [json.loads((run / "metrics.json").read_text()) for run in runs]
        pairs = [pair for one in metrics if (pair := pair_result(one, signal, data.reference)) is not None]
        areas = [pair.auc for pair in pairs]
        for run in runs:
            draw_curve(axes, run, signal, data.reference, "score", color=color, linewidth=1.6)
        label = f"{title}, AUC {np.mean(areas):.3f} ± {np.std(areas, ddof=1):.3f}"
        axes.plot([], [], color=color, linewidth=2.5, label=label)
    # The trivial scores are the same whatever the model.
    best = pairs[0]
    look = {"color": "0.2", "linestyle": "--", "linewidth": 1.8}
    draw_curve(axes, runs[0], signal, data.reference, f"trivial_{best.trivial}", **look)
    label = f"Best score without a model, AUC {best.trivial_auc:.3f}\n({trivial_title(str(best.trivial))})"
    axes.plot([], [], **look, label=label)
    axes.plot([0, 1], [0, 1], color="0.6", linestyle=(0, (1, 1.5)), linewidth=1.5, label="Random")
    axes.set_title(TITLES[name], fontsize=22, loc="right")
    axes.set_xlabel(f"False positive rate ({sample_label(data.reference)})")
    axes.set_ylabel(f"True positive rate ({sample_label(signal)})")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right", fontsize=17)


def draw_curve(axes: Axes, run: Path, signal: str, reference: str, score: str, **look: object) -> None:
    """Draw the ROC curve of one column of a run's scores."""
    with open_hdf5(run / "scores.h5") as file:
        found: list[NDArray[np.float64]] = [
            read_rows(safe_dataset(file, f"{sample}/{score}")).astype(float) for sample in (reference, signal)
        ]
    curve = roc_curve(*found)
    axes.plot(curve.fpr, curve.tpr, **look)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
