"""Opening a file of any format: its first bytes say which, and a name only where they do not."""

from collections.abc import Mapping, Sequence
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.core.remote import InputFile, RemoteFile
from hepad.formats.cache import local_copy, told_while_reading
from hepad.formats.csv_source import CsvSource
from hepad.formats.darkmachines_source import DarkMachinesSource
from hepad.formats.hdf5_source import Hdf5Source
from hepad.formats.numpy_source import NumpySource
from hepad.formats.parquet_source import ParquetSource
from hepad.formats.root_source import RootSource
from hepad.formats.source import Source

_MAGIC: Final[Mapping[bytes, str]] = {
    b"root": "root",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"\x93NUMPY": "numpy",
    b"PK\x03\x04": "numpy",
    b"PAR1": "parquet",
}
_SUFFIXES: Final[Mapping[str, str]] = {
    ".root": "root",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npy": "numpy",
    ".npz": "numpy",
    ".parquet": "parquet",
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".dat": "csv",
}
READERS: Final = ("root", "hdf5", "numpy", "csv", "parquet", "darkmachines")


def reader_of(path: InputFile) -> str:
    """Return which reader a file needs: the suffix only where its first bytes belong to none.

    Raises:
        UserError: no file, an empty one, or one that no reader knows.
    """
    path = path if isinstance(path, RemoteFile) else require_file(path)
    with told_while_reading(path), path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise UserError(f"cannot read {path}: it is empty")
    for magic, reader in _MAGIC.items():
        if head.startswith(magic):
            return reader
    if head.startswith(b"\x1f\x8b"):
        raise UserError(f"cannot read {path}: compressed as a whole; unpack it first")
    by_name = _SUFFIXES.get(path.suffix.lower())
    if by_name not in (None, "csv"):
        return str(by_name)
    if b"\0" in head:
        raise UserError(f"cannot read {path}: neither HDF5, ROOT, NumPy, Parquet nor text, or damaged")
    return "darkmachines" if _is_ragged(head.split(b"\n")) else "csv"


def _is_ragged(lines: Sequence[bytes]) -> bool:
    """Return whether lines are `event;process;weight;MET;METphi;obj,E,pt,eta,phi;…`; the last one may be cut off."""
    events = [[part for part in line.split(b";") if part.strip()] for line in (lines[:-1] or lines) if line.strip()]
    objects = [part for fields in events for part in fields[5:]]
    return bool(objects) and all(len(fields) >= 5 for fields in events) and all(o.count(b",") == 4 for o in objects)


def open_source(
    path: InputFile, reader: str | None = None, tree: str | None = None, columns: Sequence[str] | None = None
) -> Source:
    """Open a file; whoever does closes it.

    A ROOT file on a server is read where it is, another one is copied first (`local_copy`).

    Args:
        path: of any format.
        reader: one of `READERS`; None for what the file looks like.
        tree: of a ROOT file.
        columns: names of the columns of text, or of an array, that does not name them.

    Raises:
        UserError: it cannot be read.
    """
    reader = reader or reader_of(path)
    if reader == "root":
        return RootSource(path if isinstance(path, RemoteFile) else require_file(path), tree)
    path = local_copy(path) if isinstance(path, RemoteFile) else require_file(path)
    match reader:
        case "hdf5":
            return Hdf5Source(path)
        case "numpy":
            return NumpySource(path, columns)
        case "parquet":
            return ParquetSource(path)
        case "darkmachines":
            return DarkMachinesSource(path)
        case "csv":
            return CsvSource(path, columns)
    raise UserError(f"no reader {reader!r}; there are {', '.join(READERS)}")
