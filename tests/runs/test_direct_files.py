"""Files trained on as they are: text, NumPy, Parquet, several files as one, one file with a truth."""

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hepad import inspect, load_run, score, train
from hepad.core.errors import UserError
from hepad.data import EventsDataModule, JetsDataModule, TableDataModule
from hepad.formats.direct import cache_directory, direct_file
from tests.conftest import TABLE_COLUMNS, make_jets, make_table, write_image_file, write_jet_file, write_table_file
from tests.runs.conftest import call

QUICK = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "hydra.run.dir=run"]
TABLE = make_table(300, seed=1)


def write_csv(path):
    np.savetxt(path, TABLE, delimiter=",", header=",".join(TABLE_COLUMNS), comments="", fmt="%.9g")


def write_npz(path):
    np.savez_compressed(path, **{name: TABLE[:, i] for i, name in enumerate(TABLE_COLUMNS)})


def write_records(path):
    dtype = [(name, "f4") for name in TABLE_COLUMNS]
    np.save(path, np.array(list(map(tuple, TABLE)), dtype=dtype))


WRITERS = {
    "a.csv": write_csv,
    "a.txt": lambda path: np.savetxt(path, TABLE, header=" ".join(TABLE_COLUMNS), fmt="%.9g"),
    "a.npz": write_npz,
    "records.npy": write_records,
    "a.parquet": lambda path: pq.write_table(pa.table(dict(zip(TABLE_COLUMNS, TABLE.T, strict=True))), path),
    "a.h5": lambda path: write_table_file(path, TABLE),
}


def read(kind, given, **settings):
    data = kind(samples={"a": given}, background="a", bundled=False, **settings)
    data.setup()
    return data


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_table_from_every_format(name, tmp_path):
    WRITERS[name](tmp_path / name)
    data = read(TableDataModule, str(tmp_path / name))
    assert data.feature_names == TABLE_COLUMNS
    np.testing.assert_array_equal(data.train_entries.batch.x, TABLE[data.train_entries.index])


def test_columns_without_names_are_numbered_or_named(tmp_path):
    np.save(tmp_path / "plain.npy", TABLE)
    assert read(TableDataModule, str(tmp_path / "plain.npy")).feature_names[0] == "column_0"
    named = read(TableDataModule, str(tmp_path / "plain.npy"), columns=list(TABLE_COLUMNS), features=["mass"])
    np.testing.assert_array_equal(named.train_entries.batch.x[:, 0], TABLE[named.train_entries.index, 1])


def test_a_column_label_is_the_truth_of_one_file(tmp_path):
    label = (np.arange(300) % 3 == 0).astype(int)
    table = np.column_stack([TABLE, label])
    np.savetxt(tmp_path / "a.csv", table, delimiter=";", header=";".join([*TABLE_COLUMNS, "label"]), fmt="%.9g")
    data = read(TableDataModule, str(tmp_path / "a.csv"))
    assert data.feature_names == TABLE_COLUMNS
    assert set(data.test_entries) == {"a", "a_signal"}
    assert (label[data.test_entries["a_signal"].index] == 1).all()


def test_weights_and_truth_of_another_length_are_refused(tmp_path):
    for name in ("weight", "label"):
        for arrays in ({"energy": TABLE[:, 0]}, {"jet_event_data": make_jets(300, 3.0, 15.0, seed=1)}):
            np.savez(tmp_path / "a.npz", **arrays, **{name: np.ones(299)})
            with pytest.raises(UserError, match=f"{name} has 299 rows for 300"):
                read(TableDataModule, str(tmp_path / "a.npz"))


def test_arrays_with_names_of_hepads_own(tmp_path):
    jets = make_jets(300, 3.0, 15.0, seed=1)
    np.savez(tmp_path / "a.npz", jet_event_data=jets, label=np.arange(300) % 2, weight=np.ones(300))
    data = read(EventsDataModule, str(tmp_path / "a.npz"))
    np.testing.assert_array_equal(data.train_entries.batch.x, jets[data.train_entries.index])
    assert "a_signal" in data.test_entries


def test_labels_that_are_no_truth_are_told_with_the_way_out(tmp_path):
    np.savez(tmp_path / "a.npz", energy=TABLE[:, 0], mass=TABLE[:, 1], label=np.arange(300) % 3)
    with pytest.raises(UserError, match=r"data\.truth=none does without"):
        read(TableDataModule, str(tmp_path / "a.npz"))
    assert read(TableDataModule, str(tmp_path / "a.npz"), truth="none").feature_names == ("energy", "mass")


def test_several_files_are_one_sample(tmp_path):
    jets = [make_jets(150, 3.0, 15.0, seed=seed) for seed in (1, 2)]
    for seed in (1, 2):
        write_jet_file(tmp_path / f"part{seed}.h5", 150, seed=seed)
    for given in (str(tmp_path / "part*.h5"), [str(tmp_path / "part1.h5"), str(tmp_path / "part2.h5")]):
        data = read(EventsDataModule, given)
        np.testing.assert_array_equal(data.train_entries.batch.x, np.concatenate(jets)[data.train_entries.index])
    assert read(JetsDataModule, str(tmp_path / "part*.h5")).feature_names == data.feature_names
    assert len(list(cache_directory().glob("part1-*.h5"))) == 1


def test_a_file_that_changes_is_read_again_and_hdf5_is_left_alone(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path)
    first = direct_file(str(path), "a")
    assert direct_file(str(path), "a") == first
    np.savetxt(path, TABLE[::-1], delimiter=",", header=",".join(TABLE_COLUMNS), comments="", fmt="%.9g")
    second = direct_file(str(path), "a")
    assert second != first
    with h5py.File(second) as file:
        np.testing.assert_array_equal(file["table"][:], TABLE[::-1])
    assert direct_file(str(write_image_file(tmp_path / "b.h5")), "b") == tmp_path / "b.h5"


def test_a_csv_is_trained_on_scored_and_loaded_back(tmp_path):
    write_csv(tmp_path / "mine.csv")
    words = ["model=dense_ae", "data=table", "data.bundled=false", "data.background=mine", "data.samples.mine=mine.csv"]
    done = call(train.main, tmp_path, *words, *QUICK)
    assert done.code == 0, done.err
    scored = call(score.main, tmp_path, "run=run", "input=mine.csv", "output=scores.h5")
    assert scored.code == 0, scored.err
    assert "trained on this very file" in scored.out
    with h5py.File(tmp_path / "scores.h5") as file:
        assert file.attrs["input"] == "mine.csv"
        np.testing.assert_array_equal(file["score"][:], load_run(tmp_path / "run").score(TABLE))


def test_inspect_prints_the_command_that_then_trains(tmp_path):
    write_csv(tmp_path / "mine.csv")
    done = call(inspect.main, tmp_path, "mine.csv")
    assert done.code == 0, done.err
    assert "energy  (300,) number" in done.out
    words = done.out.splitlines()[-1].partition("hepad.train ")[2].split()
    trained = call(train.main, tmp_path, *words, *QUICK)
    assert trained.code == 0, trained.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("no*.csv", "data.samples.mine: no file matches no*.csv"),
        ("[a.csv,b.csv]", "data.samples.mine: no file b.csv"),
        ("[a.csv,other.csv]", "different columns"),
        ("https://host/a.root", "neither a local file nor root://"),
        ("words.csv", "could not convert string"),
    ],
)
def test_what_cannot_be_one_sample_is_one_line(given, said, tmp_path):
    write_csv(tmp_path / "a.csv")
    (tmp_path / "other.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "words.csv").write_text("x,y\n1,2\n3,four\n")
    before = sorted(tmp_path.iterdir())
    words = ["model=dense_ae", "data=table", "data.bundled=false", "data.background=mine", f"data.samples.mine={given}"]
    done = call(train.main, tmp_path, *words, *QUICK)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert said in done.err
    assert sorted(tmp_path.iterdir()) == before
    assert not list(cache_directory().glob("words-*"))
