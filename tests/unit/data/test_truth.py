"""Truth per row: two samples at a test, and nothing that a training could read."""

from dataclasses import fields

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import TABLE_COLUMNS, make_table, write_table_file
from tests.own_data import KINDS, N_ROWS, REGIONS, TWO_ROLES, read_kind, write_kind

from hepad.core.errors import UserError
from hepad.data import Batch, JetsDataModule, TableDataModule

TRUTH = np.random.default_rng(11).random(N_ROWS) < 0.3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stored", [TRUTH, TRUTH.astype("i1"), TRUTH.astype("f8")], ids=["bool", "int", "float"])
def test_signal_and_background_of_a_sample_are_tested_as_two(kind, stored, tmp_path):
    path = write_kind(kind, tmp_path / "a.h5", label=stored)
    data, without = read_kind(kind, path), read_kind(kind, path, truth="none")
    assert data.test_samples == ["a", "a_signal"]
    assert without.test_samples == ["a"]
    for name, wanted in (("a", False), ("a_signal", True)):
        assert (TRUTH[data.test_entries[name].index] == wanted).all()
        assert data.file_of(name) == path
    rows = np.concatenate([data.test_entries[name].index for name in data.test_samples])
    np.testing.assert_array_equal(np.sort(rows), np.sort(without.test_entries["a"].index))
    facts = data.tested_facts("a")
    assert (facts["tested"], facts["tested_signal"]) == (len(rows), len(data.test_entries["a_signal"]))


@pytest.mark.parametrize("kind", KINDS)
def test_no_truth_is_in_anything_that_trains(kind, tmp_path):
    """Other truths change no bit of what trains and validates, nor what is called usual."""
    found = []
    for seed in (1, 2):
        truth = np.random.default_rng(seed).permutation(TRUTH)
        path = write_kind(kind, tmp_path / f"{seed}.h5", label=truth)
        found.append(read_kind(kind, path, train=TWO_ROLES, regions=REGIONS, batch_size=16))
    one, other = found
    for data in found:
        for part in (data.train_entries, data.val_entries, *(taken.train for taken in data.role_entries)):
            assert part.truth is None
            assert "label" not in part.observables
    for a, b in zip(
        [*one.train_dataloader(), *one.val_dataloader()],
        [*other.train_dataloader(), *other.val_dataloader()],
        strict=True,
    ):
        for x, y in zip(a, b, strict=True):
            assert (x is None and y is None) or torch.equal(x, y)
    assert "truth" not in Batch._fields
    assert {field.name for field in fields(type(one.train_entries))} >= {"truth"}
    entries = one.test_entries["a"]
    for name, values in one.trivial_scores(entries).items():
        np.testing.assert_array_equal(other.trivial_scores(entries)[name], values)


def test_a_column_of_a_table_is_truth_and_no_feature(tmp_path):
    table = make_table(N_ROWS, seed=1)
    path = write_table_file(tmp_path / "a.h5", np.c_[table, TRUTH].astype("f4"))
    with h5py.File(path, "r+") as file:
        file["table"].attrs["features"] = [*TABLE_COLUMNS, "label"]
    data = read_kind(TableDataModule, path)
    assert data.feature_names == TABLE_COLUMNS
    assert data.test_samples == ["a", "a_signal"]
    assert "label" not in data.test_entries["a"].observables
    # Who asks for it as a feature gets it, and no truth.
    named = read_kind(TableDataModule, path, features=["energy", "label"])
    assert named.entry_shape == (2,)
    assert named.test_samples == ["a"]
    with pytest.raises(UserError, match=r"data\.truth=label is a feature of the entries"):
        read_kind(TableDataModule, path, features=["energy", "label"], truth="label")
    with h5py.File(path, "r+") as file:
        file["table"].attrs["features"] = [*TABLE_COLUMNS, "is_signal"]
    data = read_kind(TableDataModule, path, truth="is_signal")
    assert (data.feature_names, data.test_samples) == (TABLE_COLUMNS, ["a", "a_signal"])


def test_jets_have_the_truth_of_their_event(tmp_path):
    data = read_kind(JetsDataModule, write_kind(JetsDataModule, tmp_path / "a.h5", truth=TRUTH), truth="truth")
    signal = data.test_entries["a_signal"]
    assert len(signal) > len(set(signal.index.tolist())) > 5
    assert TRUTH[signal.index].all()


def test_a_sample_of_signal_alone_is_its_signal_and_others_need_no_truth(tmp_path):
    samples = {"a": str(write_kind(TableDataModule, tmp_path / "a.h5", label=TRUTH))}
    samples["b"] = str(write_kind(TableDataModule, tmp_path / "b.h5", label=np.ones(N_ROWS, dtype=int)))
    samples["c"] = str(write_kind(TableDataModule, tmp_path / "c.h5"))
    for truth in (None, "label"):
        data = read_kind(TableDataModule, tmp_path / "a.h5", samples=samples, truth=truth)
        assert data.test_samples == ["a", "a_signal", "b_signal", "c"]


@pytest.mark.parametrize(
    ("label", "settings", "said"),
    [
        (np.arange(N_ROWS), {}, "/label holds 2; 0 for background and 1 for signal are needed: data.truth=NAME"),
        (np.full(N_ROWS, 0.5), {}, "/label holds 0.5; 0 for background"),
        (np.full(N_ROWS, np.nan), {}, "/label holds nan; 0 for background"),
        (TRUTH[:-1], {}, r"/label has shape \(199,\) for 200 rows; one truth per row is needed, or data.truth=none"),
        (np.c_[TRUTH, TRUTH], {}, r"/label has shape \(200, 2\) for 200 rows"),
        (np.array(["b"] * N_ROWS, dtype="S1"), {}, "/label is not numeric"),
        (np.ones(N_ROWS), {}, "every tested entry of a is signal, by its truth"),
        (TRUTH, {"truth": "is_signal"}, "data.truth=is_signal: no file has such a data set or column; data.truth=none"),
        (TRUTH, {"regions": {"r": {"label": [1, None]}}}, r"data\.regions\.r names label, the truth"),
        (TRUTH, {"context": ["label"]}, r"data\.context names label, the truth, which serves tests alone"),
    ],
)
def test_what_is_no_truth_is_one_line(tmp_path, label, settings, said):
    kind = JetsDataModule
    path = write_kind(kind, tmp_path / "a.h5", label=label)
    with pytest.raises(UserError, match=said) as error:
        read_kind(kind, path, **settings)
    assert "\n" not in str(error.value)


def test_the_name_of_the_signal_is_free(tmp_path):
    path = write_kind(JetsDataModule, tmp_path / "a.h5", label=TRUTH)
    samples = {"a": str(path), "a_signal": str(path)}
    with pytest.raises(UserError, match="tested as a_signal, which is the name of another sample"):
        read_kind(JetsDataModule, path, samples=samples)
    with pytest.raises(UserError, match="which is too long for a name"):
        read_kind(JetsDataModule, path, samples={"a" * 60: str(path)}, background="a" * 60)


@pytest.mark.parametrize("truth", ["none", "is_signal"])
def test_a_label_is_no_feature_unless_it_is_named(tmp_path, truth):
    """Labels of several classes are refused as truth; who does without them does not train on them either."""
    columns = {name: np.random.default_rng(3).normal(size=N_ROWS) for name in ("a", "b")}
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, values in {**columns, "label": np.arange(N_ROWS) % 3, "is_signal": TRUTH.astype(int)}.items():
            file[name] = values
    own = {"samples": {"a": str(tmp_path / "a.h5")}, "background": "a", "bundled": False}
    data = TableDataModule(**own, truth=truth)
    data.setup()
    assert "label" not in data.feature_names
    assert {"a", "b"} <= set(data.feature_names)
    named = TableDataModule(**own, truth="none", features=["a", "label"])
    named.setup()
    assert named.entry_shape == (2,)
