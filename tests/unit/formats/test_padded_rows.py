"""Objects in slots without the empty slots, on their way into parts and into the file."""

from itertools import pairwise
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from hepad.formats.applying import Made
from hepad.formats.converted_file import ConvertedFile
from hepad.formats.padded_rows import PaddedRows
from hepad.formats.parts import read_part, write_part


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, 5000)
    counts[:3] = counts[-2:] = 0
    return PaddedRows(rng.normal(size=(int(counts.sum()), 3)).astype(np.float32), counts, 4)


def plain(rows):
    """The same by a loop over rows."""
    table, first = np.zeros(rows.shape, np.float32), 0
    for row, n in enumerate(rows.counts):
        table[row, :n] = rows.objects[first : first + n]
        first += n
    return table


def test_rows_are_those_of_a_loop_over_them(rows):
    assert rows.shape == (5000, 4, 3)
    assert len(rows) == 5000
    np.testing.assert_array_equal(rows.dense(), plain(rows))
    np.testing.assert_array_equal(rows.filled, plain(rows)[..., 0] != 0)


@pytest.mark.parametrize("part", [slice(0, 0), slice(0, 7), slice(3, 1000), slice(4990, None), slice(5000, 6000)])
def test_a_slice_holds_its_own_objects(rows, part):
    np.testing.assert_array_equal(rows[part].dense(), plain(rows)[part])


def test_rows_without_any_object_are_zeros():
    none = PaddedRows(np.empty((0, 2), np.float32), np.zeros(3, np.int64), 4)
    assert none.dense().shape == (3, 4, 2)
    assert not none.dense().any()


def test_a_part_on_disk_holds_them_as_they_are(rows, tmp_path):
    made = Made({"jets": rows, "run": np.arange(5000, dtype=np.uint32)}, {"entries": 5000})
    write_part(tmp_path / "x.part", made)
    found = read_part(tmp_path / "x.part")
    assert found.counts == {"entries": 5000}
    assert found.arrays["jets"].slots == 4
    np.testing.assert_array_equal(found.arrays["jets"].objects, rows.objects)
    np.testing.assert_array_equal(found.arrays["jets"].counts, rows.counts)
    np.testing.assert_array_equal(found.arrays["run"], np.arange(5000))
    spoilt = tmp_path / "x.part"
    spoilt.write_bytes(spoilt.read_bytes()[:-100])
    assert read_part(spoilt) is None


@pytest.mark.parametrize("edges", [(0, 5000), (0, 1, 1024, 1030, 4000, 5000), (0, 2048, 4096, 5000)])
@pytest.mark.parametrize("same_anywhere", [False, True])
def test_a_file_holds_what_h5py_reads_however_rows_come(rows, tmp_path, edges, same_anywhere):
    preset = SimpleNamespace(axes={}, sets={}, tables=(), units={})
    number = np.arange(5000, dtype=np.uint64) << 33
    with (
        h5py.File(tmp_path / "x.h5", "w") as file,
        ConvertedFile(file, SimpleNamespace(preset=preset), same_anywhere) as out,
    ):
        for first, stop in pairwise(edges):
            out.add({"jets": rows[first:stop], "event": number[first:stop]})
        out.finish()
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file["jets"][:], plain(rows))
        np.testing.assert_array_equal(file["event"][:], number)
        assert (file["jets"].compression, file["jets"].shuffle) == ("gzip", True)
