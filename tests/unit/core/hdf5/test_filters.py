"""Filters of plug-ins are named, with what installs them."""

import sys
import types

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5, safe_dataset


def filtered_file(path, *codes: int) -> None:
    """Write a chunk that claims to have gone through filters; HDF5 needs none of them to store bytes."""
    created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    created.set_chunk((10,))
    for code in codes:
        values = (4,) if code == 1 else ()
        created.set_filter(code, h5py.h5z.FLAG_OPTIONAL, values)
    with h5py.File(path, "w") as file:
        dataset = h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple((10,)), dcpl=created)
        dataset.write_direct_chunk((0,), np.zeros(10).tobytes())


def refusal(path) -> str:
    with open_hdf5(path) as file, pytest.raises(UserError) as refused:
        safe_dataset(file, "x")
    return str(refused.value)


@pytest.mark.parametrize(
    ("code", "name"), [(32001, "Blosc"), (32015, "Zstandard"), (32004, "LZ4"), (32008, "bitshuffle"), (307, "bzip2")]
)
def test_a_plug_in_that_is_not_there_is_named(tmp_path, monkeypatch, code, name):
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: False)
    filtered_file(tmp_path / "x.h5", code)
    said = refusal(tmp_path / "x.h5")
    assert f"is compressed with {name} (HDF5 filter {code}), a plug-in; pip install hdf5plugin" in said


def test_hdf5plugin_is_used_where_it_is_installed(tmp_path, monkeypatch):
    there = []
    plugin = types.ModuleType("hdf5plugin")
    monkeypatch.setitem(sys.modules, "hdf5plugin", plugin)
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: bool(there) or there.append(code))
    filtered_file(tmp_path / "x.h5", 32001)
    with open_hdf5(tmp_path / "x.h5") as file:
        assert safe_dataset(file, "x").shape == (10,)
    assert there == [32001]


def test_a_filter_that_no_plug_in_brings(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "hdf5plugin", types.ModuleType("hdf5plugin"))
    filtered_file(tmp_path / "x.h5", 31999)
    assert "HDF5 filter 31999, which hdf5plugin does not bring" in refusal(tmp_path / "x.h5")


def test_filters_that_could_fill_the_memory_are_refused(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", data=np.arange(100), scaleoffset=0, chunks=(100,))
    assert "scale-offset" in refusal(tmp_path / "x.h5")
    filtered_file(tmp_path / "twice.h5", 1, 32000)
    assert "more than once" in refusal(tmp_path / "twice.h5")
    filtered_file(tmp_path / "after.h5", 1, 2)
    assert "more than once" in refusal(tmp_path / "after.h5")


def test_what_h5py_writes_by_itself_is_read(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for name, settings in {
            "gzip": {"compression": "gzip", "shuffle": True, "fletcher32": True},
            "lzf": {"compression": "lzf", "shuffle": True},
        }.items():
            file.create_dataset(name, data=np.arange(100.0), chunks=(10,), **settings)
    with open_hdf5(tmp_path / "x.h5") as file:
        for name in ("gzip", "lzf"):
            np.testing.assert_array_equal(safe_dataset(file, name)[...], np.arange(100.0))
