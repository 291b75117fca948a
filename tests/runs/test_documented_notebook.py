"""Every block of docs/in_a_notebook.md, run one after the other in one session, as cells of a notebook are."""

import ast

import numpy as np
import pytest

from hepad.run import Run
from tests.runs.test_documented_files import blocks

PAGE = "docs/in_a_notebook.md"
TITLES = (
    "Train",
    "Your own data",
    "Look at a run",
    "A scorer that is trained already",
    "scikit-learn",
    "Losses and networks of your own",
)


def run_cell(block: str, names: dict[str, object]) -> list[object]:
    """Run a block; return the value of each line that is an expression, which a notebook would show of the last one."""
    values = []
    for statement in ast.parse(block).body:
        if isinstance(statement, ast.Expr):
            values.append(eval(compile(ast.Expression(statement.value), PAGE, "eval"), names))
        else:
            exec(compile(ast.Module([statement], []), PAGE, "exec"), names)
    return values


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """What each section of the page shows, and the names that are left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("notebook"))
        names: dict[str, object] = {}
        shown = {}
        for title in TITLES:
            shown[title] = [value for block in blocks(PAGE, f"\n## {title}\n") for value in run_cell(block, names)]
        yield shown, names


@pytest.mark.thorough
def test_training_and_its_settings(session):
    shown, _ = session
    first, word, section = shown["Train"]
    assert "<img src=" in first._repr_html_()
    assert [run.settings.seed for run in (first, word, section)] == [42, 7, 42]
    assert [run.settings.optimizer["lr"] for run in (word, section)] == [3e-3, 3e-3]
    assert word.settings.optimizer.target == "torch.optim.AdamW"
    assert section.encode(np.ones((1, 17))).shape == (1, 4)


@pytest.mark.thorough
def test_own_data(session):
    shown, names = session
    auc, (shape, scores) = shown["Your own data"]
    assert auc > 0.9
    assert shape == (int(names["n_jets"].max()), 2)
    assert np.isfinite(scores).all()


@pytest.mark.thorough
def test_looking_at_a_run(session):
    shown, _ = session
    features, aucs, plots, picture, top, score, terms, codes, again, made, point = shown["Look at a run"]
    assert features == ("pt", "eta", "phi")
    assert len(aucs) == 3
    assert len(plots) == 3
    assert picture.path.is_file()
    assert score[0] == pytest.approx(top[1], rel=1e-5)
    assert [x.shape for x in (terms, codes, again, made)] == [(5, 17), (5, 4), (5, 17), (10, 17)]
    assert point.threshold > 0


@pytest.mark.thorough
def test_a_pretrained_scorer(session):
    shown, _ = session
    listed, (scores, auc) = shown["A scorer that is trained already"]
    assert "dense_ae/jets" in listed
    assert scores.shape == (5,)
    assert 0.8 < auc < 0.9


@pytest.mark.thorough
def test_scikit_learn(session):
    shown, names = session
    predicted, normal, anomalous, _, best = shown["scikit-learn"]
    assert set(predicted) <= {-1, 1}
    np.testing.assert_array_equal(normal, -anomalous)
    assert best["model__latent"] in (1, 2)
    assert names["detector"].run_.feature_names == ("x0", "x1", "x2")


@pytest.mark.thorough
def test_objects_of_ones_own(session):
    _, names = session
    assert isinstance(names["mine"], Run)
    assert names["mine"].encode(names["qcd"]).shape == (500, 2)


def test_no_section_is_forgotten():
    assert len(blocks(PAGE)) == sum(len(blocks(PAGE, f"\n## {title}\n")) for title in TITLES)
