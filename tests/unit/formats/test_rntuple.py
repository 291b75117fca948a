"""RNTuple, which ROOT writes in place of a TTree: the same events in both give the same file."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import uproot

from hepad.formats import Request, convert_files
from hepad.formats.root_source import RootSource

NANOAOD = Path(__file__).parents[2] / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"


@pytest.fixture(scope="module")
def rntuple(tmp_path_factory):
    """The jets, MET and identifiers of a real NanoAOD as an RNTuple."""
    path = tmp_path_factory.mktemp("rntuple") / "nano.root"
    with uproot.open(NANOAOD) as file:
        tree = file["Events"]
        names = tree.keys(filter_name="/(Jet|MET|PV)_.*/")
        arrays = {name: tree[name].array() for name in (*names, "run", "luminosityBlock", "event", "genWeight")}
    with uproot.recreate(path) as file:
        file.mkrntuple("Events", {**arrays, "pair": np.arange(2 * len(arrays["run"]), dtype="f4").reshape(-1, 2)})
    return path


def test_the_converted_files_are_the_same(rntuple, tmp_path):
    convert_files([rntuple], tmp_path / "rntuple.h5", Request())
    convert_files([NANOAOD], tmp_path / "tree.h5", Request())
    with h5py.File(tmp_path / "rntuple.h5") as found, h5py.File(tmp_path / "tree.h5") as expected:
        assert {"jet_event_data", "event", "run"} <= set(found) <= set(expected)
        for name in found:
            if found[name].shape == expected[name].shape:
                np.testing.assert_array_equal(found[name][:], expected[name][:], err_msg=name)
        assert found["jet_event_data"].shape == expected["jet_event_data"].shape


def test_fields_are_described_as_branches_are(rntuple):
    source, tree = RootSource(rntuple), RootSource(NANOAOD)
    assert source.kind == "ROOT file, tree 'Events'"
    for name in ("Jet_pt", "run", "MET_pt", "Jet_jetId"):
        mine, theirs = source.columns[name], tree.columns[name]
        assert (mine.rows, mine.shape) == (theirs.rows, theirs.shape)
        assert mine.type.startswith(("float", "double", "int", "uint"))
    assert source.columns["pair"].shape == (2,)
    assert {"Jet_pt", "run", "pair"} <= set(source.columns)
    part = source.read(["pair", "Jet_pt"], 10, 13)
    np.testing.assert_array_equal(part["pair"], np.arange(20, 26).reshape(3, 2))
    source.close()
    tree.close()
