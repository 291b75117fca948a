"""NumPy's own files: one array (`.npy`) or several (`.npz`). Pickled objects in them are never unpickled."""

import zipfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, cast

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.formats.source import Column, Source

ARRAY: Final = "array"
"""Name of the one array of a `.npy` file."""

_LARGEST_COMPRESSION: Final = 1100
_MOST_BYTES: Final = 16 << 30
_FAULTS: Final = (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError)


class NumpySource(Source):
    """Arrays, by name; the fields of a structured array are columns, as are those of an array `(N, F)`, `column_0` on.

    Args:
        path: a `.npy` or `.npz` file.
        given: names of the columns of an array `(N, F)`.

    Raises:
        UserError: neither, damaged, pickled objects, or a size that the file does not hold.
    """

    path: Path
    reader: ClassVar[str] = "numpy"

    def __init__(self, path: Path, given: Sequence[str] | None = None) -> None:
        self.path = path
        self._arrays = self._opened()
        self.columns = {}
        self._places: dict[str, tuple[str, int | str | None]] = {}
        for name, array in self._arrays.items():
            if array.dtype.names is not None:
                fields = {field: field for field in array.dtype.names if array.dtype[field].base.kind in "iufb"}
                for field in fields:
                    self._add(field, name, field, Column(len(array), array.dtype[field].shape, str(array.dtype[field])))
                continue
            if array.dtype.kind not in "iufb" or not array.ndim:
                continue
            self._add(name, name, None, Column(len(array), array.shape[1:], str(array.dtype)))
            if array.ndim == 2:
                names = [f"column_{i}" for i in range(array.shape[1])] if given is None else list(given)
                if len(names) != array.shape[1]:
                    raise UserError(f"{path} has {array.shape[1]} columns, {len(names)} are named")
                for index, column in enumerate(names):
                    self._add(column, name, index, Column(len(array), (), str(array.dtype)))
        if not self.columns:
            raise UserError(f"{path} holds no array of numbers")

    @property
    def kind(self) -> str:
        """The kind of file."""
        return "NumPy array (.npy)" if ARRAY in self._arrays else "NumPy archive (.npz)"

    def _add(self, column: str, array: str, part: int | str | None, what: Column) -> None:
        name = column if column not in self.columns else f"{array}:{column}"
        self._places[name] = (array, part)
        cast(dict[str, Column], self.columns)[name] = what

    def _opened(self) -> dict[str, NDArray[Any]]:
        try:
            if not zipfile.is_zipfile(self.path):
                # Mapped and not read; NumPy compares the declared size with the file's.
                array = np.load(self.path, mmap_mode="r", allow_pickle=False)
                return {ARRAY: array}
            with zipfile.ZipFile(self.path) as archive:
                for member in archive.infolist():
                    packed, size = member.compress_size, member.file_size
                    if size > _MOST_BYTES or size > max(1 << 20, _LARGEST_COMPRESSION * packed):
                        raise UserError(f"{self.path}: {member.filename} declares {size:,} bytes; refused as damaged")
                    self._check_header(archive, member)
            with np.load(self.path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except UserError:
            raise
        except MemoryError as error:
            raise UserError(f"{self.path} does not fit into memory") from error
        except _FAULTS as error:
            pickled = any(word in str(error) for word in ("Object arrays", "Python objects", "pickle"))
            said = "it holds pickled objects, which are never read" if pickled else "not NumPy's format, or damaged"
            raise UserError(f"cannot read {self.path}: {said}") from error

    def _check_header(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        """Compare the size that an array declares with that of its member: NumPy makes room before it reads."""
        if not member.filename.endswith(".npy"):
            return
        with archive.open(member) as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
        declared = int(np.prod([int(n) for n in shape], dtype=object)) * dtype.itemsize
        if not dtype.hasobject and declared > member.file_size:
            raise UserError(
                f"{self.path}: {member.filename} declares {declared:,} bytes and holds {member.file_size:,}; "
                "refused as damaged"
            )

    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return arrays, or columns of them, of some rows."""
        found = {}
        for name in names:
            place, part = self._places[name]
            rows = self._arrays[place][start:stop]
            rows = rows[part] if isinstance(part, str) else rows if part is None else rows[:, part]
            found[name] = np.ascontiguousarray(rows, dtype=rows.dtype.newbyteorder("="))
        return found
