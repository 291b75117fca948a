"""`python -m hepad.convert` on a real CMS NanoAOD file."""

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

from hepad import convert
from hepad.core.schema import JET_FEATURES
from tests.runs.conftest import call

NANOAOD = Path(__file__).parents[1] / "data" / "nanoAOD_2015_CMS_Open_Data_ttbar.root"


def test_every_jet_of_the_file_arrives(tmp_path):
    done = call(convert.main, tmp_path, f"input={NANOAOD}", "output=ttbar.h5")
    assert done.code == 0, done.err
    with uproot.open(NANOAOD) as root:
        jets = root["Events"].arrays([f"Jet_{name}" for name in JET_FEATURES])
    with h5py.File(tmp_path / "ttbar.h5") as file:
        found = file["jet_event_data"][:]
        assert list(file["jet_event_data"].attrs["features"]) == list(JET_FEATURES)
        assert file.attrs["sample"] == "ttbar"
        n_counted, ht = file["event_features"][:, 1], file["event_features"][:, 2]
    assert found.shape == (200, 8, 17)
    n_jets = np.minimum(ak.to_numpy(ak.num(jets.Jet_pt)), 8)
    np.testing.assert_array_equal((found[..., 0] > 0).sum(axis=1), n_jets)
    leading = ak.argsort(jets.Jet_pt, ascending=False)[:, :8]
    for column, name in enumerate(JET_FEATURES):
        expected = ak.to_numpy(ak.flatten(jets[f"Jet_{name}"][leading])).astype(np.float32)
        np.testing.assert_array_equal(found[..., column][np.arange(8) < n_jets[:, None]], expected)
    assert (np.diff(found[..., 0], axis=1) <= 0).all()
    # H_T and multiplicity as in simulated files: one name, one meaning.
    central = (jets.Jet_pt > 30) & (abs(jets.Jet_eta) < 2.5)
    np.testing.assert_allclose(ht, ak.to_numpy(ak.sum(jets.Jet_pt[central], axis=1)), rtol=1e-5)
    np.testing.assert_array_equal(n_counted, ak.to_numpy(ak.sum(abs(jets.Jet_eta) < 4.7, axis=1)))


def test_columns_that_another_version_of_nanoaod_lacks_are_left_out_and_named(tmp_path):
    done = call(convert.main, tmp_path, f"input={NANOAOD.with_name('nano_dimuon.root')}", "output=dimuon.h5")
    assert done.code == 0, done.err
    with h5py.File(tmp_path / "dimuon.h5") as file:
        names = list(file["jet_event_data"].attrs["features"])
        assert file["jet_event_data"].shape == (40, 8, len(names))
    lacking = [name for name in JET_FEATURES if name not in names]
    assert len(lacking) == 5
    assert names == [name for name in JET_FEATURES if name not in lacking]
    assert all(f"Jet_{name}" in done.out for name in lacking)


def test_a_damaged_file_is_told_in_one_line(tmp_path):
    content = bytearray(NANOAOD.read_bytes())
    content[200_000:260_000] = bytes(60_000)
    (tmp_path / "bad.root").write_bytes(content)
    done = call(convert.main, tmp_path, "input=bad.root", "output=bad.h5")
    assert done.code == 2
    assert "cannot read bad.root: not a ROOT file, or damaged" in done.err
    assert not (tmp_path / "bad.h5").exists()


def test_a_limit(tmp_path):
    call(convert.main, tmp_path, f"input={NANOAOD}", "output=few.h5", "limit=7")
    with h5py.File(tmp_path / "few.h5") as file:
        assert len(file["jet_event_data"]) == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["input=nothing.root", "output=x.h5"], "no file nothing.root"),
        (["output=x.h5"], "input=FILE.root output=FILE.h5"),
        (["input=text.root", "output=x.h5"], "not a ROOT file"),
        (["input=empty.root", "output=x.h5"], "no tree 'Events'"),
        (["input=bare.root", "output=x.h5"], "lacks the branches Jet_eta"),
        ([f"input={NANOAOD}", "output=text.root"], "exists"),
        ([f"input={NANOAOD}", "output=nowhere/x.h5"], "no directory nowhere"),
        ([f"input={NANOAOD}", "output=x.h5", "limit=0"], "limit=0: an integer of at least 1"),
        ([f"input={NANOAOD}", "outptu=x.h5"], "did you mean 'output'?"),
    ],
)
def test_wrong_input_is_one_line_and_writes_nothing(tmp_path, words, said):
    (tmp_path / "text.root").write_text("no ROOT file")
    with uproot.recreate(tmp_path / "empty.root"):
        pass
    with uproot.recreate(tmp_path / "bare.root") as root:
        root["Events"] = {"Jet_pt": np.ones(3)}
    before = sorted(tmp_path.iterdir())
    done = call(convert.main, tmp_path, *words)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert said in done.err
    assert sorted(tmp_path.iterdir()) == before
