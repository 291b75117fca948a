"""Storage of a file, looked through before HDF5 reads it: declared sizes, filters, heaps of texts.

HDF5 walks through a heap by the sizes that its objects declare, and walks for ever where one is 0 or wraps around
(seen in HDF5 2.0). The layout is that of the HDF5 File Format Specification, section III.E.
"""

import importlib
import io
import math
import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np

from hepad.core.errors import UserError

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


_SIGNATURE: Final = b"GCOL\x01"
_HEADER: Final = 16
_OBJECT: Final = 16


@contextmanager
def opened_again(file: h5py.File) -> Iterator[h5py.File]:
    """Open a file once more, so that a heap is looked through before HDF5 is given it.

    A text's heap may lie anywhere in a file. Instead of all of the file, what HDF5 reads of it is searched for heaps.

    Raises:
        UserError: an object of a global heap does not lie within it; raised at the end of the block, or in its stead.
    """
    if file.id.get_create_plist().get_sizes() != (8, 8):
        raise UserError(f"cannot read {file.filename}: its addresses or lengths are not of 8 bytes; write it anew")
    path = Path(file.filename)
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        source = _LookedThrough(content)
        try:
            with h5py.File(source, "r") as again:
                yield again
        finally:
            if source.is_damaged:
                # In place of whatever HDF5 made of a read that failed.
                raise UserError(f"cannot read {path}: the texts in it (a global heap) are damaged")


class _LookedThrough(io.RawIOBase):
    """A file in memory of which no damaged heap is ever read.

    Args:
        content: of the file.
    """

    def __init__(self, content: mmap.mmap) -> None:
        self.is_damaged = False
        self._content = content
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, counted from the beginning, from here, or from the end."""
        before = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: len(self._content)}[whence]
        self._position = before + offset
        return self._position

    def tell(self) -> int:
        """Return the place."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`; raise `OSError` where a damaged heap begins in what it would hold, or at its edges."""
        view = memoryview(buffer).cast("B")
        start, stop = self._position, min(self._position + len(view), len(self._content))
        edge = len(_SIGNATURE) - 1
        place = self._content.find(_SIGNATURE, max(0, start - edge), stop + edge)
        while place >= 0:
            if not _is_sound(self._content, place):
                self.is_damaged = True
                raise OSError("a damaged heap")
            place = self._content.find(_SIGNATURE, place + 1, stop + edge)
        n_read = max(0, stop - start)
        view[:n_read] = self._content[start:stop]
        view[n_read:] = bytes(len(view) - n_read)
        self._position += len(view)
        return len(view)


def _is_sound(content: mmap.mmap, place: int) -> bool:
    end = place + _number(content, place + 8, 8)
    if end > len(content):
        # HDF5 refuses this by itself; or the five letters stand there by chance.
        return True
    position = place + _HEADER
    while position + _OBJECT <= end:
        index, size = _number(content, position, 2), _number(content, position + 8, 8)
        # Object 0 is what is free, and its size counts its own header.
        step = _OBJECT + -(-size // 8) * 8 if index else size
        if step < _OBJECT:
            return False
        position += step
    return position <= end


def _number(content: mmap.mmap, position: int, size: int) -> int:
    return int.from_bytes(content[position : position + size], "little")


DEFLATE: Final = 1
_SHUFFLE: Final = 2
_FLETCHER32: Final = 3
_LZF: Final = 32000
_PLUG_INS: Final = {
    307: "bzip2",
    32001: "Blosc",
    32004: "LZ4",
    32008: "bitshuffle",
    32013: "ZFP",
    32015: "Zstandard",
    32017: "SZ",
    32018: "FCIDECOMP",
    32024: "SZ3",
    32026: "Blosc2",
    32028: "SPERR",
}
_BUILT_IN: Final = {4: "SZIP", 5: "N-bit", 6: "scale-offset"}

# Deflate cannot shrink data by more than about 1032:1 (zlib's documentation). A stored chunk of this size or less
# fills at most half a gigabyte, whatever is in it.
_SAFE_DEFLATED_BYTES: Final = (512 << 20) // 1032


def check_filters(dataset: h5py.Dataset, where: str) -> None:
    """Raise `UserError` where chunks went through a filter that cannot be undone here.

    hdf5plugin is used where it is installed. Filters that set the size of their output by numbers of their own, and
    several compressions of one another, are refused: a small file could fill the memory.
    """
    codes = filter_codes(dataset)
    for code in codes:
        if code in _BUILT_IN:
            raise UserError(
                f"{where} is stored with HDF5's {_BUILT_IN[code]} filter, which is not read; "
                "write it anew with gzip: h5repack -f GZIP=4 OLD.h5 NEW.h5"
            )
        if code not in (DEFLATE, _SHUFFLE, _FLETCHER32, _LZF):
            _require_plug_in(code, where)
    compressors = [code for code in codes if code not in (_SHUFFLE, _FLETCHER32)]
    if len(compressors) > 1 or (DEFLATE in codes and set(codes[codes.index(DEFLATE) + 1 :]) - {_FLETCHER32}):
        raise UserError(f"{where} is compressed more than once; write it anew: h5repack -f GZIP=4 OLD.h5 NEW.h5")


def filter_codes(dataset: h5py.Dataset) -> list[int]:
    """Return HDF5's numbers of the filters, in the order in which they were applied."""
    created = dataset.id.get_create_plist()
    return [int(created.get_filter(i)[0]) for i in range(created.get_nfilters())]


def _require_plug_in(code: int, where: str) -> None:
    if h5py.h5z.filter_avail(code):
        return
    name = f"{_PLUG_INS[code]} (HDF5 filter {code})" if code in _PLUG_INS else f"HDF5 filter {code}"
    try:
        importlib.import_module("hdf5plugin")
    except ImportError as error:
        raise UserError(f"{where} is compressed with {name}, a plug-in; pip install hdf5plugin") from error
    if not h5py.h5z.filter_avail(code):
        raise UserError(
            f"{where} is compressed with {name}, which hdf5plugin does not bring either; "
            "write it anew with gzip where it can be read: h5repack -f GZIP=4 OLD.h5 NEW.h5"
        )


def check_inflated(dataset: h5py.Dataset, corner: tuple[int, ...], chunk_bytes: int, where: str) -> None:
    """Raise `UserError` for a deflated chunk that would fill more than its own size; HDF5 itself sets no limit.

    Args:
        dataset: with deflate among its filters.
        corner: the first element of the chunk, `(ndim,)`.
        chunk_bytes: what a chunk of this data set holds.
        where: for the message.
    """
    info = dataset.id.get_chunk_info_by_coord(corner)
    if info.byte_offset is None or info.size <= _SAFE_DEFLATED_BYTES:
        return
    skipped, stored = dataset.id.read_direct_chunk(corner)
    if skipped:
        return
    try:
        inflated = zlib.decompressobj().decompress(stored, chunk_bytes + 1)
    except zlib.error as error:
        raise UserError(f"cannot read {where}: the stored data is damaged") from error
    if len(inflated) > chunk_bytes:
        raise UserError(f"{where}: a chunk unpacks to more than its {chunk_bytes:,} bytes; refused as damaged")
