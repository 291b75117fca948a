"""Data frames in, and a notebook run by a kernel, as docs/in_a_notebook.md promises."""

import nbformat
import numpy as np
import pandas as pd
import polars as pl
import pytest
from nbclient import NotebookClient

import hepad

NAMES = ["m_j1", "tau21", "pt_j1"]
RNG = np.random.default_rng(4)
QCD = RNG.normal(size=(300, 3)).astype("float32")
FRAMES = {
    "pandas": lambda values, names: pd.DataFrame(values, columns=names),
    "polars": lambda values, names: pl.DataFrame(values, schema=names),
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that was trained on a frame of pandas."""
    directory = tmp_path_factory.mktemp("frames")
    frame = pd.DataFrame(QCD, columns=NAMES)
    short = {"trainer.max_epochs": 1, "evaluation.plots": False}
    return hepad.train("dense_ae", data=frame, run_dir=directory / "run", **short)


def test_a_frame_trains_with_the_names_of_its_columns(run):
    assert run.feature_names == tuple(NAMES)


@pytest.mark.parametrize("kind", FRAMES)
def test_columns_of_a_frame_are_found_by_name_in_any_order(run, kind):
    made = FRAMES[kind]
    expected = run.score(QCD[:20])
    np.testing.assert_array_equal(run.score(made(QCD[:20], NAMES)), expected)
    turned = made(np.ascontiguousarray(QCD[:20, [2, 0, 1]]), [NAMES[i] for i in (2, 0, 1)])
    np.testing.assert_array_equal(run.score(turned), expected)


@pytest.mark.parametrize("kind", FRAMES)
def test_a_frame_without_a_column_names_it(run, kind):
    with pytest.raises(hepad.core.errors.UserError, match="tau21"):
        run.score(FRAMES[kind](QCD[:5, [0, 2]].copy(), ["m_j1", "pt_j1"]))


@pytest.mark.thorough
def test_a_notebook_shows_the_run_and_its_scores(run, tmp_path):
    """A kernel of its own runs the cells, as Jupyter does."""
    cells = [
        f"import hepad\nrun = hepad.load_run({str(run.directory)!r})\nrun",
        "import numpy as np\nprint(float(run.score(np.zeros((1, 3)))[0]))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    shown, printed = (cell.outputs for cell in notebook.cells)
    assert "dense_ae" in shown[0]["data"]["text/html"].lower() or "DenseAutoencoder" in shown[0]["data"]["text/html"]
    assert float(printed[0]["text"]) == pytest.approx(float(run.score(np.zeros((1, 3)))[0]), rel=1e-6)
