"""Tables of named columns: what is read of a file, what comes with it, what is refused."""

import h5py
import numpy as np
import pytest
import torch
from tests.conftest import TABLE_COLUMNS, make_table, write_table_file

from hepad.core.errors import UserError
from hepad.data import TableDataModule, memory
from hepad.metrics import ScoredSample, evaluate

TABLE = make_table(100, seed=1)
BY_NAME = {name: TABLE[:, i] for i, name in enumerate(TABLE_COLUMNS)}


def write(path, attributes=None, **datasets):
    with h5py.File(path, "w") as file:
        for name, values in datasets.items():
            file[name] = values
        for name, features in (attributes or {}).items():
            file[name].attrs["features"] = list(features)
    return path


def table_of(path, signal=None, **settings):
    samples = {"mine": str(path), **({} if signal is None else {"signal": str(signal)})}
    data = TableDataModule(samples=samples, background="mine", bundled=False, **settings)
    data.setup()
    return data


def whole(data, path, **settings):
    return data.read_sample("mine", path, **settings)


def test_the_columns_of_a_table_are_found_by_name_in_every_file(tmp_path):
    path = write_table_file(tmp_path / "mine.h5", TABLE)
    other = write(
        tmp_path / "signal.h5", {"rows": ["more", *TABLE_COLUMNS[::-1]]}, rows=np.c_[np.ones(100), TABLE[:, ::-1]]
    )
    data = table_of(path, other, features=["angle", "energy"])
    assert data.entry_shape == (2,)
    assert data.entry_definition == {"features": ["angle", "energy"]}
    np.testing.assert_array_equal(data.test_entries["signal"].batch.x, TABLE[:, [2, 0]])
    assert table_of(path).feature_names == TABLE_COLUMNS
    found = whole(data, path)
    # What is no feature is an observable all the same: the score should not go along with a mass.
    assert list(found.observables) == list(TABLE_COLUMNS)
    np.testing.assert_array_equal(found.observables["mass"], TABLE[:, 1])
    assert (found.left_out, found.dropped) == ({}, 0)


def test_names_are_given_where_a_table_has_none(tmp_path):
    path = write(tmp_path / "mine.h5", anything=TABLE)
    with pytest.raises(UserError, match=r"anything has 5 columns and no attribute 'features'.* data\.columns="):
        table_of(path)
    with pytest.raises(UserError, match=r"5 columns, data\.columns names 2"):
        table_of(path, columns=["a", "b"])
    data = table_of(path, columns=list("abcde"), features=["c"])
    np.testing.assert_array_equal(whole(data, path).batch.x, TABLE[:, [2]])


def test_each_column_may_be_a_data_set(tmp_path):
    datasets = {"energy": TABLE[:, 0].astype("f8"), "count": TABLE[:, 4].astype("i2"), "hot": TABLE[:, 0] > 30}
    path = write(tmp_path / "mine.h5", **datasets, mass=TABLE[:, 1], weight=np.ones(100), jagged=np.ones(7))
    data = table_of(path, features=["count", "energy"])
    found = whole(data, path)
    np.testing.assert_array_equal(found.batch.x, TABLE[:, [4, 0]])
    assert set(found.observables) == {"count", "energy", "mass"}
    assert found.batch.weight is not None
    x = whole(table_of(path, features=["hot"]), path).batch.x
    np.testing.assert_array_equal(x[:, 0].bool(), datasets["hot"])
    del datasets["hot"]
    assert table_of(write(tmp_path / "two.h5", **datasets)).feature_names == ("count", "energy")


def test_one_table_of_several_is_chosen(tmp_path):
    several = {"a": TABLE, "b": 2 * TABLE, "more": TABLE[:, :2]}
    path = write(tmp_path / "mine.h5", dict.fromkeys("ab", TABLE_COLUMNS), **several)
    with pytest.raises(UserError, match=r"holds several tables: a, b; choose one with data\.dataset=a"):
        table_of(path)
    np.testing.assert_array_equal(whole(table_of(path, dataset="b"), path).batch.x, 2 * TABLE)
    # That which names its columns, where only one does.
    path = write(tmp_path / "named.h5", {"b": TABLE_COLUMNS}, **several)
    np.testing.assert_array_equal(whole(table_of(path), path).batch.x, 2 * TABLE)


@pytest.mark.parametrize(
    ("datasets", "settings", "said"),
    [
        (BY_NAME, {"features": ["energy", "charge"]}, r"no feature charge; it has: angle, .*data\.features=\[energy\]"),
        ({**BY_NAME, "process": np.array([b"tt"] * 100)}, {}, r"process is not numeric .*; data\.features=\[…\] names"),
        ({**BY_NAME, "short": np.ones(99)}, {}, r"short has 99 rows, /angle has 100; columns of one length"),
        (BY_NAME, {"columns": ["a"]}, r"has none; its columns are the data sets angle, .*leave data\.columns out"),
        ({"cube": np.ones((9, 2, 2))}, {}, r"holds no table: .* \(it holds: cube\)"),
        ({"cube": np.ones((9, 2, 2))}, {"dataset": "cube"}, r"shape \(9, 2, 2\); \(entries, columns\) is needed"),
        ({"rows": TABLE}, {"dataset": "other"}, "no data set 'other'"),
        ({"rows": np.array([[b"a", b"b"]])}, {"columns": ["a", "b"]}, "rows is not numeric"),
        ({"rows": TABLE[:0]}, {"columns": list("abcde")}, "sample mine is empty"),
        (BY_NAME, {"loudness": "pt"}, r"data\.loudness=pt is no column of .*; allowed: angle, count"),
        (BY_NAME, {"features": ["mass", "mass"]}, r"data\.features names 'mass' twice"),
        ({"rows": TABLE}, {"columns": ["a", "a", "b", "c", "d"]}, r"data\.columns names 'a' twice"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, datasets, settings, said):
    with pytest.raises(UserError, match=said) as error:
        table_of(write(tmp_path / "mine.h5", **datasets), **settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_rows_with_nan_or_beyond_float32_are_refused_or_left_out(tmp_path, value):
    columns = {name: values.astype("f8") for name, values in BY_NAME.items()}
    columns["mass"][[3, 70]] = value
    path = write(tmp_path / "mine.h5", **columns)
    with pytest.raises(UserError, match="2 of 100 entries of mine hold NaN or inf"):
        table_of(path)
    found = whole(table_of(path, on_nonfinite="drop"), path)
    assert (len(found), found.dropped) == (98, 2)
    assert {3, 70}.isdisjoint(found.index)
    # Where it is no feature it is no reason to leave a row out.
    assert len(whole(table_of(path, features=["energy"]), path)) == 100


@pytest.mark.parametrize("separate", [False, True])
def test_weights_limits_and_parts_of_a_file(tmp_path, separate):
    weight = np.random.default_rng(2).exponential(size=100).astype("f4")
    path = tmp_path / "mine.h5"
    if separate:
        write(path, **BY_NAME, weight=weight)
    else:
        write(path, {"rows": TABLE_COLUMNS}, rows=TABLE, weight=weight)
    data = table_of(path)
    for entries in (data.train_entries, data.val_entries, data.test_entries["mine"]):
        np.testing.assert_array_equal(entries.batch.weight, weight[entries.index])
    everything = whole(data, path)
    assert len(whole(data, path, limit=30)) == 30
    with h5py.File(path) as file:
        part = data.read_weighted(file, "mine", None, slice(40, 90))
    assert torch.equal(part.batch.x, everything.batch.x[40:90])
    assert torch.equal(part.batch.weight, everything.batch.weight[40:90])
    assert part.index.tolist() == list(range(40, 90))
    assert part.observables == {}


@pytest.mark.parametrize("datasets", [{"rows": np.ones((9000, 5))}, {"a": np.ones(50_000)}])
def test_tables_too_large_for_the_memory_are_refused_before_they_are_read(tmp_path, monkeypatch, datasets):
    monkeypatch.setattr(memory, "available_memory", lambda: 1_000_000)
    with pytest.raises(UserError, match=r"sample mine needs about 0\.0 GB of memory, .*data\.limit=N"):
        table_of(write(tmp_path / "mine.h5", **datasets), columns=list("abcde") if "rows" in datasets else None)


def compared(data):
    rng = np.random.default_rng(0)
    samples = {
        name: ScoredSample(name, rng.normal(size=len(entries)), baselines=data.trivial_scores(entries))
        for name, entries in data.test_entries.items()
    }
    return evaluate(samples, "mine", ["mine"]).metrics


def test_loudness_is_compared_only_where_the_data_name_it(tmp_path):
    path = write_table_file(tmp_path / "mine.h5", make_table(1000, seed=1))
    signal = write_table_file(tmp_path / "signal.h5", make_table(400, seed=2, shift=0.5))
    plain = table_of(path, signal, features=["angle", "ratio"])
    assert sorted(plain.trivial_scores(plain.val_entries)) == ["distance_to_mean", "isolation_forest", "mahalanobis"]
    assert not [name for name in compared(plain) if "matched" in name]
    loud = table_of(path, signal, features=["angle", "ratio"], loudness="energy")
    assert loud.profile_features == ("energy", "angle", "ratio")
    entries = loud.test_entries["signal"]
    np.testing.assert_array_equal(loud.trivial_scores(entries)["sum_pt"], entries.observables["energy"])
    assert "test/matched_auc/signal_vs_mine" in compared(loud)
    assert loud.entry_definition == plain.entry_definition
    # A signal without the column is scored, and not compared at equal loudness.
    lacking = write_table_file(tmp_path / "lacking.h5", make_table(400, seed=2)[:, 2:4])
    with h5py.File(lacking, "r+") as file:
        file["table"].attrs["features"] = ["angle", "ratio"]
    found = compared(table_of(path, lacking, features=["angle", "ratio"], loudness="energy"))
    assert "test/auc/signal_vs_mine" in found
    assert not [name for name in found if "matched" in name]


def test_distance_to_mean_is_in_standard_units(tmp_path):
    path = write_table_file(tmp_path / "mine.h5", TABLE)
    data = table_of(path)
    train = data.train_entries.batch.x.double().numpy()
    z = (TABLE.astype("f8") - train.mean(axis=0)) / train.std(axis=0, ddof=1)
    np.testing.assert_allclose(data.baselines(whole(data, path))["distance_to_mean"], (z**2).sum(axis=1), rtol=1e-10)
