"""Comparison of what a data set declares with what the file stores for it."""

import math
import os
from typing import Final

import h5py
import numpy as np

from hepad.core.errors import UserError
from hepad.core.hdf5.filters import check_filters

# Deflate's limit; shuffle does not change it.
_LARGEST_COMPRESSION: Final = 1100
_SMALL_BYTES: Final = 1 << 20

LARGEST_CHUNK: Final = 256 << 20
"""Bytes of one chunk: it is unpacked whole, however few of its rows are read."""


def check_storage(dataset: h5py.Dataset, where: str) -> None:
    """Raise `UserError` where the declared size cannot be what the file stores, or cannot be read within a budget."""
    if dataset.chunks is None:
        stored = _stored_contiguous(dataset)
    else:
        check_filters(dataset, where)
        chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
        if chunk_bytes > LARGEST_CHUNK:
            raise UserError(
                f"{where} is stored in chunks of {chunk_bytes:,} bytes, at most {LARGEST_CHUNK:,} are read at once; "
                f"write it anew in smaller ones: h5repack -l {dataset.name}:CHUNK={_chunk_word(dataset)} OLD.h5 NEW.h5"
            )
        stored = _stored_chunks(dataset, chunk_bytes, where)
    if dataset.nbytes > max(_SMALL_BYTES, _LARGEST_COMPRESSION * stored):
        raise UserError(f"{where} declares {dataset.nbytes:,} bytes but stores {stored:,}; refused as damaged")


def _stored_contiguous(dataset: h5py.Dataset) -> int:
    """Bytes stored, which are never more than the file has."""
    return min(int(dataset.id.get_storage_size()), os.path.getsize(dataset.file.filename))


def _stored_chunks(dataset: h5py.Dataset, chunk_bytes: int, where: str) -> int:
    """Bytes stored in chunks; chunks that share bytes, as no program writes them, are refused."""
    file_bytes = os.path.getsize(dataset.file.filename)
    places: list[tuple[int, int]] = []
    total = 0

    def keep(info: h5py.h5d.StoreInfo) -> bool | None:
        nonlocal total
        places.append((info.byte_offset, info.size))
        total += max(1, info.size)
        # Chunks that do not overlap fill no more than the file; an index that runs in a circle ends here too.
        return True if total > file_bytes else None

    dataset.id.chunk_iter(keep)
    if not places:
        return 0
    offsets, sizes = np.array(places, dtype=np.uint64).T
    order = np.argsort(offsets, kind="stable")
    offsets, sizes = offsets[order], sizes[order]
    if total > file_bytes or (offsets[:-1] + sizes[:-1] > offsets[1:]).any():
        raise UserError(f"{where} keeps several chunks in the same bytes of the file; refused as damaged")
    # A filter that cannot shrink a chunk adds a few bytes of its own.
    if (sizes > chunk_bytes + chunk_bytes // 64 + 1024).any():
        raise UserError(f"{where} stores more in a chunk than the {chunk_bytes:,} bytes it holds; refused as damaged")
    return total


def _chunk_word(dataset: h5py.Dataset) -> str:
    """A shape of chunks of about a megabyte, as h5repack takes it."""
    row = max(1, math.prod(dataset.shape[1:]) * dataset.dtype.itemsize)
    rows = max(1, min(dataset.shape[0], _SMALL_BYTES // row))
    return "x".join(map(str, (rows, *dataset.shape[1:])))
