"""Files of strangers: damaged, hostile or of another kind than they say. One line each, and nothing is left behind."""

import contextlib
import json
import struct
import zipfile

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot
from tests.layouts.hdf5_files import PICKLED

from hepad.core.errors import UserError
from hepad.core.inputs import input_files
from hepad.formats import Request, convert_files, inspect_file


class Touched:
    """Something that a pickle would call."""

    def __reduce__(self):
        return (open, ("unpickled", "w"))


def npy_of_many_rows(path):
    """A header that declares 10⁹ rows, in less than a kilobyte."""
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 4), }"
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)
    path.write_bytes(content)
    return content


def npz_of_many_rows(path):
    content = npy_of_many_rows(path.with_suffix(".npy"))
    path.with_suffix(".npy").unlink()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("array.npy", content)


def hdf5_of_many_rows(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("table", (1_000_000_000, 4), "f4", chunks=(1000, 4), compression="gzip")
        file["table"].attrs["features"] = ["a", "b", "c", "d"]


def csv_of_a_long_line(path):
    path.write_bytes(b"a,b\n" + b"1," * 1_000_000)


def parquet_of_text(path):
    pq.write_table(pa.table({"word": ["a", "b"]}), path)


def hdf5_of_links(path):
    with h5py.File(path, "w") as file:
        file["PFCands"] = h5py.ExternalLink("/etc/passwd", "x")
        file["event_info"] = h5py.SoftLink("/nowhere")
        file.create_dataset("jet_kinematics", (3, 4), "f4", external=[("/etc/passwd", 0, 48)])


FILES = {
    "pickled.npy": (lambda path: np.save(path, np.array([Touched()])), "pickled objects, which are never read"),
    "pickled.npz": (lambda path: np.savez(path, a=np.array([Touched()])), "pickled objects, which are never read"),
    "many.npy": (npy_of_many_rows, "not NumPy's format, or damaged"),
    "many.npz": (npz_of_many_rows, "declares 32,000,000,000 bytes"),
    "many.h5": (hdf5_of_many_rows, "declares 16,000,000,000 bytes but stores"),
    "cut.npy": (lambda path: path.write_bytes(b"\x93NUMPY\x01\x00\x10"), "not NumPy's format, or damaged"),
    "cut.parquet": (lambda path: path.write_bytes(b"PAR1" + bytes(50)), "not a Parquet file, or damaged"),
    "words.parquet": (parquet_of_text, "no format that hepad knows"),
    "links.h5": (hdf5_of_links, "no format that hepad knows"),
    "empty.csv": (lambda path: path.write_bytes(b""), "it is empty"),
    "long.csv": (csv_of_a_long_line, "a line of more than"),
    "ragged.csv": (lambda path: path.write_text("a,b\n1,2\n3\n"), "changed from 2 to 1"),
    "words.csv": (lambda path: path.write_text("a,b\n1,2\n3,four\n"), "could not convert string 'four'"),
    "names.csv": (lambda path: path.write_text("a,a\n1,2\n"), "two columns 'a'"),
    "short.csv": (lambda path: path.write_text("a,b,c\n1,2\n"), "names 3 columns, its first row has 2"),
    "noise.dat": (lambda path: path.write_bytes(bytes(range(256)) * 9), "neither HDF5, ROOT, NumPy, Parquet nor text"),
    "packed.gz": (lambda path: path.write_bytes(b"\x1f\x8b" + bytes(90)), "unpack it first"),
    "not.root": (lambda path: path.write_bytes(b"root" + bytes(400)), "has no tree"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_one_line_and_writes_nothing(name, tmp_path, monkeypatch):
    write, said = FILES[name]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    write(path)
    with pytest.raises(UserError) as refused:
        convert_files([path], tmp_path / "out.h5", Request())
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    # Inspection says the same, or what the file holds; it never runs anything of it either.
    with contextlib.suppress(UserError):
        inspect_file(path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_pickled_attributes_are_not_looked_at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("a.h5", "w") as file:
        file["df/block0_values"] = np.ones((4, 2))
        file["df/block0_items"] = np.array([b"mass", b"charge"])
        for node in (file, file["df"], file["df/block0_values"]):
            node.attrs["TITLE"] = PICKLED
    assert set(inspect_file(tmp_path / "a.h5").columns) >= {"mass", "charge"}
    convert_files([tmp_path / "a.h5"], tmp_path / "b.h5", Request())
    with h5py.File("b.h5") as file:
        assert list(file["table"].attrs["features"]) == ["mass", "charge"]


def write_jets(path, **columns):
    counts = [3, 1, 2]
    flat = {"pt": [30.0, 60, 40, 25, 90, 80], "eta": 0.0, "phi": 0.0, "mass": 5.0, **columns}
    arrays = {
        f"Jet_{name}": ak.unflatten(np.broadcast_to(np.float32(values), 6), counts) for name, values in flat.items()
    }
    with uproot.recreate(path) as root:
        root.mktree("Events", dict.fromkeys(arrays, "var * float32")).extend(arrays)
    return path


def test_unsorted_momenta_are_sorted_and_negative_or_missing_ones_told(tmp_path):
    convert_files([write_jets(tmp_path / "a.root")], tmp_path / "a.h5", Request())
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["jet_event_data"][0, :4, 0].tolist() == [60, 40, 30, 0]
    with pytest.raises(UserError, match=r"b\.root: pt of jet_event_data is negative in 1 of 3 entries from row 0 on"):
        convert_files([write_jets(tmp_path / "b.root", pt=[30, -60, 4, 5, 6, 7])], tmp_path / "b.h5", Request())
    path = write_jets(tmp_path / "c.root", pt=[30, np.nan, 4, 5, 6, 7], eta=[0, 0, 0, np.inf, 0, 0])
    found = convert_files([path], tmp_path / "c.h5", Request())
    assert found.counts["objects of jet_event_data with NaN or inf"] == 2
    with h5py.File(tmp_path / "c.h5") as file:
        np.testing.assert_array_equal(file["jet_event_data"][0, :3, 0], [30, 4, np.nan])


def test_jagged_where_a_number_is_needed_names_the_mending(tmp_path):
    path = write_jets(tmp_path / "a.root")
    with pytest.raises(UserError, match=r"one number is needed, such as first\(Jet_pt\)"):
        convert_files([path], tmp_path / "a.h5", Request(weight="Jet_pt"))
    with pytest.raises(UserError, match=r"such as any\(Jet_pt > 500\)"):
        convert_files([path], tmp_path / "a.h5", Request(select="first(Jet_pt) > 5 and Jet_pt[:, :0] > 1"))
    with pytest.raises(UserError, match="lacks Jet_pT, which select names"):
        convert_files([path], tmp_path / "a.h5", Request(select="any(Jet_pT > 500)"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("tables: {table: {a: x + __import__(y)}}", "no function __import__"),
        ("tables: {table: {a: x.__class__.__mro__}}", "lacks"),
        ("tables: {table: {a: '(lambda: x)()'}}", "names no column"),
        ("tables: {table: {a: x + 9 ** 9 ** 9 ** 9}}", "cannot compute"),
        ("tables: {table: {a: 'x +'}}", "cannot read the expression"),
        ("tables: {table: {a: '[x for x in y]'}}", "ListComp is not read"),
        ("tables: [a]", "tables="),
        ("table: {a: x}", "no such key; allowed"),
        ("!!python/object/apply:os.system ['touch x']", "cannot be read as YAML"),
        ("sets: {jet_event_data: {slots: 0, columns: {pt: x}}}", "an integer from 1"),
        ("extends: nothing", "extends nothing"),
        ("define: {a: b, b: a}\ntables: {table: {a: a}}", "defined by itself"),
    ],
)
def test_a_bad_yaml_is_one_line_and_runs_nothing(content, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(content)
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    with pytest.raises(UserError) as refused:
        convert_files([tmp_path / "a.csv"], tmp_path / "out.h5", Request(format="mine.yaml", on_missing="refuse"))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.csv", "mine.yaml"]


def test_globs_lists_and_urls_that_lead_nowhere(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    path = str(tmp_path / "a.csv")
    wrong = (
        ("*.nothing", "no file matches"),
        ([path, path], "named twice"),
        ("https://eos/a.root", "neither a local file"),
    )
    for given, said in wrong:
        with pytest.raises(UserError, match=said):
            input_files(given, "input")


def test_a_lumi_mask_that_is_none(tmp_path):
    path = write_jets(tmp_path / "a.root")
    (tmp_path / "mask.json").write_text(json.dumps({"a": 3}))
    with pytest.raises(UserError, match="lacks run, which the command names"):
        convert_files([path], tmp_path / "b.h5", Request(lumi_mask=str(tmp_path / "mask.json")))
