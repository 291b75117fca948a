"""`python -m hepad.inspect`: what a file is, and a command that works when it is pasted."""

import shlex

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hepad import convert, inspect, train
from tests.conftest import make_images, make_table, write_image_file, write_jet_file, write_table_file
from tests.layouts import LAYOUTS
from tests.runs.conftest import call

QUICK = ["trainer.max_epochs=1", "evaluation.plots=false", "logger=none", "hydra.run.dir=run"]
COMMANDS = {"hepad.train": train.main, "hepad.convert": convert.main}


def jagged(seed):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(4, 60)
    columns = {
        "pt": rng.exponential(30, counts.sum()),
        "eta": rng.normal(size=counts.sum()),
        "charge": np.ones(counts.sum()),
    }
    return {f"muon_{name}": ak.unflatten(values.astype("f4"), counts) for name, values in columns.items()}


def write_flat_root(path):
    table = make_table(100, seed=1)
    with uproot.recreate(path) as root:
        root.mktree("ntuple", {"energy": "f4", "mass": "f4", "label": "i4"}).extend(
            {"energy": table[:, 0], "mass": table[:, 1], "label": (np.arange(100) % 4 == 0).astype("i4")}
        )


def write_jagged_root(path):
    columns = {**jagged(1), "met": np.random.default_rng(2).exponential(20, 60).astype("f4")}
    with uproot.recreate(path) as root:
        root.mktree("ntuple", {n: ak.type(c).content if "_" in n else "f4" for n, c in columns.items()}).extend(columns)


def write_jagged_parquet(path):
    pq.write_table(
        pa.table({name: ak.to_arrow(column, extensionarray=False) for name, column in jagged(1).items()}), path
    )


FILES = {
    "mine.h5": (lambda path: write_table_file(path, make_table(100, seed=1)), ["HDF5 file of hepad", "energy, mass"]),
    "jets.h5": (lambda path: write_jet_file(path, 100), ["jet_event_data  (100, 8, 17) float32: pt, eta, phi"]),
    "calo.h5": (lambda path: write_image_file(path, 100), ["calo_regions  (100, 18, 14) uint16"]),
    "nano.root": (lambda path: LAYOUTS["nanoaod"].write(path, 1), ["version:     9 to 11", "Jet_pt", "[GeV]"]),
    "new.root": (
        lambda path: LAYOUTS["nanoaod_upart"].write(path, 1),
        ["14 or 15", "lacks:       Jet_btagDeepB"],
    ),
    "lhco.h5": (lambda path: LAYOUTS["lhco_features"].write(path, 1), ["LHC Olympics, features", "labels:"]),
    "flat.root": (write_flat_root, ["ROOT file, tree 'ntuple'", "labels:      75 of 0, 25 of 1"]),
    "jagged.root": (write_jagged_root, ["muon_pt", "(60, jagged) float", "met"]),
    "jagged.parquet": (write_jagged_parquet, ["Parquet file", "(60, jagged)"]),
    "images.npy": (lambda path: np.save(path, make_images(100, 2.0, 5.0, seed=1)), ["array  (100, 18, 14) uint16"]),
}


@pytest.mark.parametrize("name", FILES)
def test_the_command_that_is_printed_works(name, tmp_path):
    write, told = FILES[name]
    write(tmp_path / name)
    done = call(inspect.main, tmp_path, name)
    assert done.code == 0, done.err
    assert all(words in done.out for words in told), done.out
    for _ in range(2):
        _, _, command, *words = shlex.split(done.out.splitlines()[-1].partition(": ")[2])
        done = call(COMMANDS[command], tmp_path, *words, *(QUICK if command == "hepad.train" else []))
        assert done.code == 0, done.err
        if command == "hepad.train":
            break
    assert (tmp_path / "run" / "metrics.json").is_file()


def test_labels_and_several_files(tmp_path):
    for name in ("a.h5", "b.h5"):
        write_table_file(tmp_path / name, make_table(10, seed=1))
    with h5py.File(tmp_path / "b.h5", "a") as file:
        file["label"] = np.arange(10) % 2
    done = call(inspect.main, tmp_path, "a.h5", "b.h5")
    assert done.out.count("HDF5 file of hepad") == 2
    assert "labels:      5 of 0, 5 of 1" in done.out


@pytest.mark.parametrize(
    ("words", "said"), [([], "which file?"), (["nothing.h5"], "no file nothing.h5"), (["notes.bin"], "neither HDF5")]
)
def test_no_file_or_none_that_is_known(words, said, tmp_path):
    (tmp_path / "notes.bin").write_bytes(bytes(range(256)))
    done = call(inspect.main, tmp_path, *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
