"""Figures drawn by other processes: the same bytes, whoever draws, and nothing lost with one that dies."""

import os
import select
import signal
import subprocess
import sys
from functools import partial

import pytest
from matplotlib.figure import Figure

from hepad.plots import StandardFigure, figure_bytes, plot_correlation_bars, plot_learning_curves
from hepad.plots.processes import DrawingProcesses

CURVES = partial(plot_learning_curves, {"train/loss": [3.0, 1.0, 0.6], "val/loss": [2.0, 0.5, 0.4]})
BARS = partial(plot_correlation_bars, {"mass": 0.7, "pt": 0.1}, {"mass": 0.9, "pt": 0.2})
FIGURES = [StandardFigure(f"figure_{i}", "Section", "", recipe) for i, recipe in enumerate([CURVES, BARS] * 2)]


@pytest.fixture(scope="module")
def expected() -> list[list[bytes]]:
    return [[figure_bytes(figure.figure)] for figure in FIGURES]


def refused() -> Figure:
    raise ValueError("nothing to draw")


def only_here(process: int) -> Figure:
    """Draw in the process of the test alone."""
    assert os.getpid() == process
    return CURVES()


def test_the_bytes_are_the_same_whoever_draws_in_the_order_given(expected):
    with DrawingProcesses() as drawing:
        assert drawing.draw(FIGURES, ["png"]) == expected
        drawing.start(1)
        (process,) = drawing.running
        assert drawing.draw(FIGURES, ["png"]) == expected
        # One that is no recipe can go to another process too, or not.
        (by_hand,) = drawing.draw([StandardFigure("drawn", "Section", "", CURVES())], ["png"])
        assert by_hand == expected[0]
    assert process.poll() is not None


def test_what_a_killed_process_leaves_is_drawn_here(expected):
    with DrawingProcesses() as drawing:
        drawing.start(1)
        os.kill(drawing.running[0].pid, signal.SIGKILL)
        assert drawing.draw(FIGURES, ["png"]) == expected


def test_what_no_other_process_can_draw_is_drawn_here(expected):
    figures = [StandardFigure(f"here_{i}", "Section", "", partial(only_here, os.getpid())) for i in range(2)]
    with DrawingProcesses() as drawing:
        drawing.start(1)
        assert drawing.draw(figures, ["png"]) == [expected[0]] * 2


def test_what_cannot_be_drawn_at_all_is_told():
    with DrawingProcesses() as drawing:
        drawing.start(1)
        with pytest.raises(ValueError, match="nothing to draw"):
            drawing.draw([StandardFigure("refused", "Section", "", refused)], ["png"])


START_AND_DIE = """
import os, signal
from hepad.plots.processes import DrawingProcesses
drawing = DrawingProcesses()
drawing.start(1)
print(drawing.running[0].pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_ends_with_the_one_that_started_it():
    with subprocess.Popen([sys.executable, "-c", START_AND_DIE], stdout=subprocess.PIPE, text=True) as starter:
        # It is nobody's child then: the system tells when it is gone.
        orphan = os.pidfd_open(int(starter.stdout.readline()))
    assert select.select([orphan], [], [], 120)[0]
    os.close(orphan)


def test_the_processes_import_no_torch():
    code = (
        "import sys, hepad.plots.processes; print(*sorted({'torch', 'lightning', 'wandb', 'sklearn'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
