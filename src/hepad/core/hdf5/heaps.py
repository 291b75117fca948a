"""Global heaps, where HDF5 keeps texts of variable length, looked through before HDF5 reads one.

HDF5 walks through a heap by the sizes that its objects declare, and walks for ever where one is 0 or wraps around
(seen in HDF5 2.0). The layout is that of the HDF5 File Format Specification, section III.E.
"""

import mmap
from pathlib import Path
from typing import Final

import h5py

from hepad.core.errors import UserError

_SIGNATURE: Final = b"GCOL\x01"
_HEADER: Final = 16
_OBJECT: Final = 16


def check_heaps(file: h5py.File) -> None:
    """Raise `UserError` where an object of a global heap does not lie within it."""
    if file.id.get_create_plist().get_sizes() != (8, 8):
        raise UserError(f"cannot read {file.filename}: its addresses or lengths are not of 8 bytes; write it anew")
    path = Path(file.filename)
    if not path.stat().st_size:
        return
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = content.find(_SIGNATURE)
        while place >= 0:
            if not _is_sound(content, place):
                raise UserError(f"cannot read {path}: the texts in it (a global heap) are damaged")
            place = content.find(_SIGNATURE, place + len(_SIGNATURE))


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
