"""Trees in fixed-point numbers say what the run's trees say, up to a step of a threshold; conifer's C++ to the bit."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.firmware.conifer_project import as_dictionary, simulate_trees, write_trees
from hepad.firmware.trees import ForestScorer, forest_of, rounded_forest
from hepad.models import DenseAutoencoder, Trees


def entries(n: int = 1200) -> Batch:
    torch.manual_seed(5)
    x = torch.randn(n, 4) * torch.tensor([300.0, 2.0, 0.01, 3.0])
    x[:, 3] = x[:, 3].round()
    return Batch(x, label=(x[:, 0] / 300 + x[:, 1] / 2 > 0.5).long())


def grown(kind: str) -> tuple[Trees, np.ndarray]:
    batch = entries()
    few = {"n_trees": 6} if kind == "isolation_forest" else {"members": 1, "max_iter": 5}
    model = Trees((4,), kind=kind, **few)  # type: ignore[arg-type]
    model.prepare(batch)
    return model, batch.x.double().numpy()


@pytest.mark.parametrize("kind", ["isolation_forest", "boosting"])
def test_sums_of_leaves_are_the_scores_and_few_bits_change_few_of_them(kind: str) -> None:
    model, x = grown(kind)
    forest = forest_of(model)
    score = model.anomaly_score(Batch(torch.from_numpy(x).float())).double().numpy()
    np.testing.assert_allclose(forest.from_score(score), forest.score(x), atol=2e-5)
    differ = [
        (np.abs(rounded_forest(forest, width).score(x) - forest.score(x)) > 0.01).mean() for width in (4, 8, 12, 18)
    ]
    assert differ[0] > differ[1] > differ[2] >= differ[3]
    assert differ[3] < 0.005


def test_what_lies_beyond_all_thresholds_saturates_on_the_right_side() -> None:
    model, _ = grown("isolation_forest")
    forest = forest_of(model)
    far = np.array([[1e9, 1e9, 1e9, 1e9], [-1e9, -1e9, -1e9, -1e9], [1e9, -1e9, 1e9, -1e9]])
    np.testing.assert_allclose(rounded_forest(forest, 6, 20).score(far), forest.score(far), atol=1e-3)


def test_a_score_never_overflows() -> None:
    model, x = grown("boosting")
    forest = forest_of(model)
    louder = ForestScorer(4, forest.trees, 37.3, forest.from_score, forest.formula)
    found = rounded_forest(louder, 8, 12)
    assert np.abs(found.score(x)).max() < found.score_format.largest
    np.testing.assert_allclose(found.score(x).mean(), louder.score(x).mean(), atol=0.5)


@pytest.mark.parametrize("kind", ["isolation_forest", pytest.param("boosting", marks=pytest.mark.thorough)])
def test_the_dictionary_is_the_forest(kind: str, tmp_path: Path) -> None:
    """conifer's own Python follows its nodes to the same sums, and its project names nobody."""
    import conifer

    model, x = grown(kind)
    forest = rounded_forest(forest_of(model), 10, 14)
    shifted = np.floor(np.clip(forest.shifted(x[:50]), -1, 1 - forest.given.step) / forest.given.step)
    said = conifer.model.ModelBase(as_dictionary(forest)).decision_function(shifted * forest.given.step)
    np.testing.assert_array_equal(said, forest.score(x[:50]))
    estimate = write_trees(forest, tmp_path / "project")
    assert estimate["latency"] > 0
    facts = json.loads((tmp_path / "project/trees.json").read_text())
    assert facts["metadata"] == []
    assert not [f for f in (tmp_path / "project").rglob("*") if f.is_file() and str(tmp_path) in f.read_text()]
    assert "ap_fixed<10,1,AP_TRN,AP_SAT>" in (tmp_path / "project/firmware/parameters.h").read_text()


@pytest.mark.thorough
@pytest.mark.parametrize("kind", ["isolation_forest", "boosting"])
def test_the_simulation_is_the_rounded_forest_to_the_bit(kind: str, tmp_path: Path) -> None:
    """A compilation of a dozen seconds."""
    model, x = grown(kind)
    forest = rounded_forest(forest_of(model), 7, 12)
    given = np.concatenate([x, 5 * x])
    np.testing.assert_array_equal(simulate_trees(forest, given, tmp_path / "simulation"), forest.score(given))
    assert not (tmp_path / "simulation").exists()


def test_what_has_no_sum_of_leaves_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.members=2: .*model\.members=1 can"):
        forest_of(Trees((4,), members=2))
    with pytest.raises(UserError, match="DenseAutoencoder has no trees; format=conifer takes model=isolation_forest"):
        forest_of(DenseAutoencoder((4,), loss={"_target_": "hepad.losses.MSE"}))
