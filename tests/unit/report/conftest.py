"""A small report with everything in it."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from hepad.plots import figure_bytes
from hepad.report import Interval, Report, Section, Table


@pytest.fixture(scope="session")
def png() -> bytes:
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().plot(np.arange(3))
    return figure_bytes(figure)


@pytest.fixture
def report(png: bytes) -> Report:
    table = Table(
        ["Signal", "AUC", "Entries"],
        [["ttbar", Interval(0.871, 0.869, 0.873), 1200], ["jet_ht", 0.5, None], ["radion", 0.9, 7]],
        "Area under the ROC curve.",
    )
    return Report(
        title="dense_ae on jets",
        subtitle="Trained on zero_bias",
        key_figures=[("AUC, ttbar", Interval(0.871, 0.869, 0.873))],
        summary=[table],
        sections=[Section("Separation", [("ROC against zero_bias.", png)], [table], ["On the test split."])],
        config="model:\n  name: dense_ae\n",
        provenance={"versions": {"torch": "2.10"}, "hosts": ["a", "b"], "seed": 1},
        warnings=["A baseline beats the model."],
    )
