"""Filters that the chunks of a data set went through: which can be undone, and within which memory."""

import importlib
import zlib
from typing import Final

import h5py

from hepad.core.errors import UserError

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
