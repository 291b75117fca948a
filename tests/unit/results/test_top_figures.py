"""Pictures of the most anomalous entries: the background entry that stands beside each."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hepad.callbacks import top_entries
from hepad.callbacks.top_entries import TopEntries, TopEntry
from hepad.core.batch import Batch
from hepad.data import ConstituentsDataModule
from hepad.models import Explanation
from hepad.results.top_figures import nearest_background, top_figures


def entry(sample: str, position: int) -> TopEntry:
    return TopEntry(sample, position, 100 + position, None, "", 4230.0, 0.01, ())


def model_and_data(background: torch.Tensor) -> tuple[Any, Any]:
    """A model that weighs the first number tenfold, and data of one sample."""
    weights = torch.tensor([10.0, 1.0])
    model = SimpleNamespace(normalizer=lambda x, mask=None: x * weights, device=torch.device("cpu"))
    tested = {"background": SimpleNamespace(batch=Batch(background))}
    data = SimpleNamespace(background="background", test_entries=tested, structure="vector", feature_names=("a", "b"))
    return model, data


def test_the_nearest_is_that_of_normalised_numbers_and_never_the_entry_itself():
    background = torch.tensor([[5.0, 5.0], [5.0, 9.0], [6.0, 5.0], [0.0, 0.0]])
    model, data = model_and_data(background)
    x = torch.tensor([[5.9, 9.0], [5.0, 5.0], [0.1, 0.1]])
    top = TopEntries([entry("signal", 0), entry("background", 0), entry("signal", 1)], Batch(x), None)
    near = nearest_background(top, model, data, 3)
    assert near.x.tolist() == [[6.0, 5.0], [5.0, 9.0], [0.0, 0.0]]


def test_contributions_that_are_no_numbers_are_said_to_be_and_give_no_reason(monkeypatch):
    values = torch.tensor([[1.0, 2.0], [float("nan"), 2.0]])
    explanation = Explanation(values, torch.tensor([3.0, 4.0]), torch.zeros(2), "integrated_gradients")
    top = TopEntries([entry("signal", 0), entry("signal", 1)], Batch(torch.zeros(2, 2)), explanation)
    assert "are no numbers" in top.completeness()
    expectation = SimpleNamespace(pulls=lambda *_: values, words=lambda *_: ["a is large"])
    monkeypatch.setattr(top_entries, "Expectation", SimpleNamespace(of=lambda *_: expectation))
    model, data = model_and_data(torch.zeros(3, 2))
    data.val_entries = data.test_entries["background"]
    assert top_entries._words(model, data, top.batch, explanation) == [("a is large",), ()]


def test_titles_have_the_score_without_an_exponent():
    model, data = model_and_data(torch.zeros(3, 2))
    explanation = SimpleNamespace(values=torch.ones(1, 2))
    top: Any = SimpleNamespace(entries=[entry("signal", 7)], batch=Batch(torch.ones(1, 2)), explanation=explanation)
    (figure,) = top_figures(top, model, data)
    assert "1. signal, row 107: score 4230, p = 0.01" in {axes.get_title() for axes in figure.figure.axes}
    bars = [bar.get_width() for bar in figure.figure.axes[0].patches]
    np.testing.assert_array_equal(bars, [1, 1])


def test_an_object_is_as_red_as_its_share_of_what_raises_the_score():
    x = torch.tensor([[[50.0, 0.5, 1.0], [40.0, -0.5, -1.0], [30.0, 0.0, 2.0]]])
    model, data = model_and_data(torch.zeros(2, 3, 3))
    model.normalizer = lambda x, mask=None: x
    data.structure, data.feature_names = "set", ("pt", "eta", "phi")
    # What lowers the score has no share.
    values = torch.tensor([[[3.0, 0.0, 0.0], [0.5, 0.5, 0.0], [-4.0, 0.0, 0.0]]])
    top: Any = SimpleNamespace(
        entries=[entry("signal", 0)], batch=Batch(x), explanation=SimpleNamespace(values=values)
    )  # fmt: skip
    (figure,) = top_figures(top, model, data)
    red = np.array([circle.get_facecolor()[:2] for circle in figure.figure.axes[0].patches[::3]])
    # From grey, 0.75 of each colour, to 0.12 of green at a share of 1: by its root.
    assert red[:, 1] == pytest.approx(0.75 - 0.63 * np.sqrt([0.75, 0.25, 0]))


def test_constituents_are_points_as_large_as_their_share_of_the_jet():
    x = torch.tensor([[[np.log(30.0), 0.1, 0.0], [np.log(10.0), -0.2, 0.3], [0.0, 0.0, 0.0]]]).float()
    mask = torch.tensor([[True, True, False]])
    model, _ = model_and_data(torch.zeros(2, 2))
    model.normalizer = lambda x, mask=None: x
    data: Any = ConstituentsDataModule(samples={}, background="qcd_jets")
    far = SimpleNamespace(batch=Batch(torch.zeros(2, 3, 3), torch.tensor([[True, False, False]] * 2)))
    data.test_entries = {"qcd_jets": far}
    values = torch.tensor([[[3.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]])
    top: Any = SimpleNamespace(
        entries=[entry("signal", 0)], batch=Batch(x, mask), explanation=SimpleNamespace(values=values)
    )  # fmt: skip
    (figure,) = top_figures(top, model, data)
    left, right = (axes.collections[0] for axes in figure.figure.axes)
    np.testing.assert_allclose(left.get_offsets(), [[0.1, 0.0], [-0.2, 0.3]], rtol=1e-6)
    assert left.get_sizes()[0] / left.get_sizes()[1] == pytest.approx(3)
    # The redder the more it contributes, by its root.
    np.testing.assert_allclose(left.get_array(), np.sqrt([0.75, 0.25]), rtol=1e-6)
    assert len(right.get_offsets()) == 1
