"""Declared against stored: chunks counted once, and unpacked within a budget."""

import resource
import zlib

import h5py
import numpy as np
import pytest

from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5, read_rows, row_steps, safe_dataset
from hepad.core.hdf5.storage import LARGEST_CHUNK


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.h5"


def read(path, stop=None):
    with open_hdf5(path) as file:
        return read_rows(safe_dataset(file, "x"), stop=stop)


def move_chunks(path, onto: int) -> None:
    """Let every chunk of `x` point at the bytes of one of them, as a program that writes files would not."""
    with h5py.File(path) as file:
        places: list[bytes] = []
        file["x"].id.chunk_iter(lambda info: places.append(info.byte_offset.to_bytes(8, "little")))
    content = path.read_bytes()
    for place in places:
        content = content.replace(place, places[onto])
    path.write_bytes(content)


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_chunks_that_share_their_bytes_are_refused(path, compression):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.ones((600, 1000)), chunks=(20, 1000), compression=compression)
    assert read(path).all()
    move_chunks(path, onto=3)
    with pytest.raises(UserError, match="several chunks in the same bytes"):
        read(path)


def test_a_small_file_that_declares_hundreds_of_gigabytes_over_one_chunk(path):
    with h5py.File(path, "w") as file:
        created = file.create_dataset("x", (200 << 20, 250), "f8", chunks=(1 << 10, 250), compression="gzip")
        stored = zlib.compress(bytes(created.chunks[0] * 250 * 8))
        for i in range(300):
            created.id.write_direct_chunk((i << 10, 0), stored)
    move_chunks(path, onto=0)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(UserError, match="refused as damaged"):
        read(path, 10)


def test_a_chunk_too_large_for_the_budget_is_refused_with_the_command_that_mends_it(path):
    with h5py.File(path, "w") as file:
        rows = LARGEST_CHUNK // 8 + 1
        created = file.create_dataset("x", (rows,), "f8", chunks=(rows,), compression="gzip")
        created.id.write_direct_chunk((0,), zlib.compress(bytes(rows)))
    with pytest.raises(UserError, match=r"h5repack -l /x:CHUNK=131072 OLD\.h5 NEW\.h5"):
        read(path, 1)


def test_a_chunk_that_unpacks_to_gigabytes_is_refused_within_the_budget(path):
    packer = zlib.compressobj(1)
    block = bytes(16 << 20)
    first, again = (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + 127 * again
    with h5py.File(path, "w") as file:
        # It stores less than the 16 MB that a chunk of this size holds, and unpacks to two gigabytes.
        created = file.create_dataset("x", (2 << 20,), "f8", chunks=(2 << 20,), compression="gzip")
        created.id.write_direct_chunk((0,), bomb)
    assert len(bomb) < 16 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UserError, match="unpacks to more than its 16,777,216 bytes"):
        read(path, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


def test_a_chunk_stored_larger_than_it_is(path):
    with h5py.File(path, "w") as file:
        created = file.create_dataset("x", (100,), "f8", chunks=(100,), compression="gzip")
        created.id.write_direct_chunk((0,), np.random.default_rng(0).bytes(50_000))
    with pytest.raises(UserError, match="more in a chunk than the 800 bytes"):
        read(path)


def test_a_large_incompressible_chunk_is_read(path):
    values = np.random.default_rng(0).random((300_000, 3))
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values, chunks=(300_000, 3), compression="gzip", compression_opts=1, shuffle=True)
    np.testing.assert_array_equal(read(path), values)


def test_contiguous_data_beyond_the_end_of_the_file(path):
    with h5py.File(path, "w", libver="latest") as file:
        file.create_dataset("x", data=np.ones(100, "f8"))
    content = path.read_bytes()
    place = content.index((800).to_bytes(8, "little"))
    assert b"OHDR" in content
    path.write_bytes(content[:place] + (1 << 40).to_bytes(8, "little") + content[place + 8 :])
    with pytest.raises(UserError):
        read(path)


def test_a_chunk_across_several_parts_is_unpacked_once(path, monkeypatch):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=np.arange(200_000.0), chunks=(200_000,), compression="gzip")
    with open_hdf5(path) as file:
        dataset = safe_dataset(file, "x")
        nslots, n_bytes, _ = dataset.id.get_access_plist().get_chunk_cache()
        assert n_bytes >= dataset.nbytes
        assert nslots > 0
        parts = [read_rows(safe_dataset(file, "x"), rows.start, rows.stop) for rows in row_steps(dataset)]
    assert len(parts) > 20
    np.testing.assert_array_equal(np.concatenate(parts), np.arange(200_000.0))
