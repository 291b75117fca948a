"""The tables that a user sees when a run is done."""

import numpy as np
from rich.console import Console

from hepad.metrics import BASELINES, ScoredSample, evaluate
from hepad.run.console import auc_table


def test_three_references_fit_a_terminal_of_80_columns():
    rng = np.random.default_rng(0)
    samples = {
        name: ScoredSample(name, rng.normal(shift, 1, 3000), {}, {b: rng.normal(size=3000) for b in BASELINES})
        for name, shift in (("zero_bias", 0.0), ("soft_qcd", 0.1), ("jet_ht", 1.0), ("ttbar", 2.0))
    }
    console = Console(width=80)
    with console.capture() as captured:
        console.print(auc_table(evaluate(samples, "zero_bias", ["zero_bias", "jet_ht", "soft_qcd"])))
    lines = captured.get().splitlines()
    assert "68% interval" in lines[0]
    (row,) = (line for line in lines if "ttbar" in line)
    assert row.count("(") == row.count(")") == 3
    # A title, a head of three lines, a row for each signal, and a bottom: no cell is broken.
    assert len(lines) == 1 + 3 + 3 + 1
