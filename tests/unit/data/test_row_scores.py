"""Scores by sample and row: what is written is read back, and each entry gets the score of its own row."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import write_jet_file

from hepad.core.errors import UserError
from hepad.data import EventsDataModule, JetsDataModule
from hepad.data.row_scores import RowScores, read_row_scores, row_scores, with_targets, write_row_scores


@pytest.fixture
def own(tmp_path):
    """Two samples, name → file."""
    return {name: write_jet_file(tmp_path / f"{name}.h5", n_events=60, seed=seed) for seed, name in enumerate("ab")}


def datamodule(own, kind=EventsDataModule, **settings):
    data = kind(samples={name: str(path) for name, path in own.items()}, background="a", bundled=False, **settings)
    data.setup()
    return data


def rows_as_scores(data):
    """Scores that tell the row of each entry, and the slot of a jet."""

    def scored(entries):
        slot = 0 if entries.slot is None else entries.slot
        return entries, torch.from_numpy((entries.index + 0.01 * slot).astype(np.float32))

    background = [scored(part) for part in (data.train_entries, data.val_entries, data.test_entries["a"])]
    return row_scores({"a": background, "b": [scored(data.test_entries["b"])]}, data.files)


@pytest.mark.parametrize("kind", [EventsDataModule, JetsDataModule])
def test_every_entry_carries_the_score_of_its_row(own, tmp_path, kind):
    written = rows_as_scores(datamodule(own, kind))
    write_row_scores(tmp_path / "targets.h5", written, {"model": "made up"})
    data = datamodule(own, kind, targets=str(tmp_path / "targets.h5"), half="second")
    for entries in (data.train_entries, data.val_entries, *data.test_entries.values()):
        slot = 0 if entries.slot is None else entries.slot
        np.testing.assert_allclose(entries.batch.target.numpy(), entries.index + 0.01 * slot, rtol=1e-6)
    # The parts of the split are those without targets.
    plain = datamodule(own, kind, half="second")
    for part in ("train_entries", "val_entries"):
        np.testing.assert_array_equal(getattr(data, part).index, getattr(plain, part).index)
    assert {name: list(found.index) for name, found in data.test_entries.items()} == {
        name: list(found.index) for name, found in plain.test_entries.items()
    }
    with h5py.File(tmp_path / "targets.h5") as file:
        assert file.attrs["model"] == "made up"
        assert (np.diff(file["a/index"][:]) >= 0).all()


def test_scores_are_kept_to_the_last_bit_in_both_precisions(own, tmp_path):
    data = datamodule(own)
    for dtype in (torch.float32, torch.float64):
        score = torch.rand(len(data.test_entries["b"]), dtype=dtype)
        write_row_scores(tmp_path / "t.h5", row_scores({"b": [(data.test_entries["b"], score)]}, data.files), {})
        found = read_row_scores(tmp_path / "t.h5", {"b": own["b"]})["b"]
        assert torch.equal(with_targets(data.test_entries["b"], found, "t").batch.target, score)


def damaged(path, change):
    with h5py.File(path, "r+") as file:
        change(file)


def without_rows(file):
    for name in ("score", "index"):
        values = file[f"a/{name}"][:]
        del file[f"a/{name}"]
        file[f"a/{name}"] = values[values != values[7]] if name == "index" else np.delete(values, 7)


def with_nan(file):
    file["b/score"][3] = np.nan


def row_twice(file):
    file["a/index"][1] = file["a/index"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_rows, "a: no score of 1 of "),
        (with_nan, "1 of 60 scores of b are NaN or infinite, first that of row 3"),
        (row_twice, "a row of a is there twice"),
        (lambda file: file.__delitem__("b"), "no scores of b; it holds a"),
        (lambda file: file["a"].attrs.__setitem__("sha256", "0" * 64), "the scores of a are of another file than"),
    ],
    ids=["rows missing", "NaN", "row twice", "other sample", "other file"],
)
def test_a_file_that_cannot_serve(own, tmp_path, change, said):
    path = tmp_path / "targets.h5"
    write_row_scores(path, rows_as_scores(datamodule(own)), {})
    damaged(path, change)
    with pytest.raises(UserError) as refusal:
        datamodule(own, targets=str(path))
    assert f"data.targets={path}" in str(refusal.value)
    assert said in str(refusal.value)


def test_scores_of_events_are_none_of_jets(own):
    scores = rows_as_scores(datamodule(own))
    with pytest.raises(UserError, match="whole rows"):
        with_targets(datamodule(own, JetsDataModule).train_entries, scores["a"], "here")
    assert isinstance(scores["a"], RowScores)
