"""The study of rotations: bounded whatever the size of the images, and left out where nobody wants it."""

from types import SimpleNamespace

import pytest
import torch

from hepad.callbacks.diagnostics import entries_studied, transformed_scores
from hepad.core.batch import Batch
from hepad.data import CaloDataModule
from hepad.data.symmetry import rotation_steps


class Entries:
    def __init__(self, batch):
        self.batch = batch

    def __len__(self):
        return len(self.batch.x)


class Counting:
    """A model that counts what it scores: the E_T of the first row, which a rotation moves."""

    device = torch.device("cpu")
    scored = 0

    def anomaly_score(self, batch):
        self.scored += len(batch.x)
        return batch.x[:, 0, 0].sum(-1)


def data(shape, n=600):
    x = torch.rand(n, *shape, generator=torch.Generator().manual_seed(0))
    made = SimpleNamespace(entry_shape=shape, periodic_phi=True, test_entries={"a": Entries(Batch(x))})
    made.symmetries = CaloDataModule.symmetries.fget(made)
    return made


@pytest.mark.parametrize(("shape", "entries"), [((1, 18, 14), 500), ((1, 72, 58), 50), ((4, 64, 64), 50)])
def test_the_number_of_scores_does_not_grow_with_the_image(shape, entries):
    model = Counting()
    rotated, mirrored = transformed_scores(model, data(shape))
    assert rotated.scores["a"].shape == (18, entries)
    assert mirrored.scores["a"].shape == (2, entries)
    assert model.scored == 20 * entries


def test_a_large_image_says_before_what_it_will_cost(capsys):
    transformed_scores(Counting(), data((1, 72, 58)))
    assert capsys.readouterr().out.startswith("phi_rotation: 900 scores, 50 entries of each sample in 18 orientations")


def test_scores_are_those_of_the_rotated_images():
    made = data((1, 72, 8), n=5)
    rotated = transformed_scores(Counting(), made)[0]
    for step, scores in zip(rotated.steps, rotated.scores["a"][1:], strict=True):
        torch.testing.assert_close(scores, made.test_entries["a"].batch.x.roll(step, 2)[:, 0, 0].sum(-1))


def test_it_can_be_left_out():
    model = Counting()
    assert transformed_scores(model, data((1, 18, 14)), wanted=0) == []
    assert model.scored == 0


@pytest.mark.parametrize("n_rows", [2, 3, 16, 18, 19, 33, 72, 360])
def test_rotations_are_different_and_not_all_even(n_rows):
    steps = rotation_steps(n_rows)
    assert len(set(steps)) == len(steps) == min(n_rows - 1, 17)
    assert all(0 < step < n_rows for step in steps)
    assert steps[0] == 1


def test_fewer_entries_are_studied_where_fewer_are_wanted():
    assert entries_studied(20, (1, 72, 58)) == 20
