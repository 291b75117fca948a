"""HDF5 file of a conversion, written part by part; the same rows make the same bytes, however they come."""

import math
import zlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import h5py
import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.applying import FEATURES_OF_SETS, Rows
from hepad.formats.high_level import HIGH_LEVEL
from hepad.formats.padded_rows import PaddedRows
from hepad.formats.resolving import Plan

_ROWS_PER_CHUNK: Final = 1024
_CHUNK_BYTES: Final = 1 << 20
_FEWEST_BYTES: Final = 1 << 16
"""Of a chunk of numbers, for which 1024 rows would be so few that to begin with a chunk is what takes the time."""
_THREADS: Final = 2
"""Threads that pack: more would wait for whoever reads."""


class ConvertedFile:
    """Data sets that grow, with the names and units of their columns.

    Whole chunks are written, and what is left waits for the next part.

    Args:
        file: an open file.
        plan: what is written.
        same_anywhere: the bytes are the same on every machine; packing them takes four times as long.

    Attributes:
        n_rows: how many rows were added.
    """

    def __init__(self, file: h5py.File, plan: Plan, same_anywhere: bool = False) -> None:
        self.file = file
        self._pack = _packed_anywhere if same_anywhere else _packed
        self.n_rows = 0
        self._features = _features(plan)
        self._units = {**{name: found.unit for name, found in HIGH_LEVEL.items()}, **plan.preset.units}
        self._rest: dict[str, NDArray[Any]] = {}
        self._written: dict[str, int] = {}
        self._threads = ThreadPoolExecutor(_THREADS)

    def __enter__(self) -> "ConvertedFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)

    def add(self, arrays: Mapping[str, Rows]) -> None:
        """Add rows to all data sets."""
        lengths = {name: len(array) for name, array in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise UserError(f"data sets of different lengths: {lengths}; one row for each entry is needed")
        self.n_rows += next(iter(lengths.values()), 0)
        for name, array in arrays.items():
            if name not in self._rest:
                self._create(name, array)
            self._add(name, array)

    def finish(self) -> None:
        """Write what waits."""
        for name, rows in self._rest.items():
            self._write(name, rows)

    def _add(self, name: str, array: Rows) -> None:
        """Write whole chunks; what is left waits for more. The many rows in between are not copied."""
        rest, rows_per_chunk = self._rest[name], self.file[name].chunks[0]
        n_first = min(len(array), (rows_per_chunk - len(rest)) % rows_per_chunk)
        first, array = np.concatenate([rest, _dense(array[:n_first])]), array[n_first:]
        if len(first) < rows_per_chunk and len(first):
            self._rest[name] = first
            return
        self._write(name, first)
        n_whole = len(array) - len(array) % rows_per_chunk
        self._write(name, array[:n_whole])
        self._rest[name] = _dense(array[n_whole:]).copy()

    def _create(self, name: str, array: Rows) -> None:
        dtype = array.dtype.newbyteorder("<") if array.dtype.kind != "b" else np.dtype("u1")
        row_bytes = _row_bytes(array.shape, dtype)
        rows = max(1, min(max(_ROWS_PER_CHUNK, _FEWEST_BYTES // row_bytes), _CHUNK_BYTES // row_bytes))
        dataset = self.file.create_dataset(
            name,
            (0, *array.shape[1:]),
            dtype,
            maxshape=(None, *array.shape[1:]),
            chunks=(rows, *array.shape[1:]),
            compression="gzip",
            compression_opts=1,
            shuffle=True,
            track_times=False,
        )
        if name in self._features:
            dataset.attrs["features"] = list(self._features[name])
            dataset.attrs["units"] = [self._units.get(column, "") for column in self._features[name]]
        elif name in self._units:
            dataset.attrs["units"] = self._units[name]
        self._rest[name], self._written[name] = np.empty((0, *array.shape[1:]), array.dtype), 0

    def _write(self, name: str, rows: Rows) -> None:
        if not len(rows):
            return
        # Looked up anew: after a failed write this raises its error.
        dataset = self.file[name]
        start = self._written[name]
        dataset.resize(start + len(rows), axis=0)
        rows_per_chunk = dataset.chunks[0]
        n_whole = len(rows) - len(rows) % rows_per_chunk
        corner, dtype = (0,) * (len(rows.shape) - 1), dataset.dtype

        # Some chunks at a time: of small ones, handing each to a thread would take longer than packing it.
        at_once = rows_per_chunk * max(1, _CHUNK_BYTES // (rows_per_chunk * _row_bytes(rows.shape, dtype)))

        def packed(first: int) -> list[bytes]:
            some = _dense(rows[first : min(first + at_once, n_whole)]).astype(dtype, copy=False)
            return [self._pack(chunk) for chunk in _shuffled(some, rows_per_chunk)]

        firsts = range(0, n_whole, at_once)
        for first, contents in zip(firsts, self._threads.map(packed, firsts), strict=True):
            for i, content in enumerate(contents):
                dataset.id.write_direct_chunk((start + first + i * rows_per_chunk, *corner), content)
        if n_whole < len(rows):
            # The last chunk is stored in its full size.
            last = np.zeros((rows_per_chunk, *rows.shape[1:]), dtype)
            last[: len(rows) - n_whole] = _dense(rows[n_whole:])
            dataset.id.write_direct_chunk((start + n_whole, *corner), self._pack(_shuffled(last, rows_per_chunk)[0]))
        self._written[name] = start + len(rows)


def _dense(rows: Rows) -> NDArray[Any]:
    return rows.dense() if isinstance(rows, PaddedRows) else rows


def _row_bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return max(1, math.prod(shape[1:]) * dtype.itemsize)


def _shuffled(rows: NDArray[Any], rows_per_chunk: int) -> NDArray[np.uint8]:
    """Return the bytes of whole chunks, one in each row, as HDF5's filter shuffle orders them."""
    chunks = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows) // rows_per_chunk, -1, rows.dtype.itemsize)
    return np.ascontiguousarray(chunks.transpose(0, 2, 1)).reshape(len(chunks), -1)


def _packed(content: NDArray[np.uint8]) -> bytes:
    """Return bytes as HDF5's filter deflate stores them, by ISA-L, which finds what a processor does fastest.

    Python lets other threads work meanwhile, HDF5 does not.
    """
    return isal_zlib.compress(content, 1)


def _packed_anywhere(content: Any) -> bytes:
    """Return bytes as HDF5's filter deflate stores them, by zlib.

    Runs alone are looked for (Z_RLE): of padded objects that takes less time and less room than matches do, and it is
    deflate to whoever reads it.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    return packer.compress(content) + packer.flush()


def _features(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return data set → the names of its columns."""
    found = {**plan.preset.axes, **{name: tuple(plan.of(f"sets.{name}")) for name in plan.preset.sets}}
    made = tuple(dict.fromkeys(name for objects in plan.preset.sets.values() for name in objects.high_level))
    for name in plan.preset.tables:
        found[name] = tuple(dict.fromkeys((*plan.of(f"tables.{name}"), *(made if name == FEATURES_OF_SETS else ()))))
    if made and FEATURES_OF_SETS not in found:
        found[FEATURES_OF_SETS] = made
    return found
