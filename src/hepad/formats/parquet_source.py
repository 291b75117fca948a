"""Parquet files: flat columns of numbers, and lists of them, through pyarrow."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import numpy as np

from hepad.core.errors import UserError
from hepad.formats.source import Column, Source

_MOST_GROUP_BYTES: Final = 4 << 30
_LARGEST_COMPRESSION: Final = 100_000
"""Runs of one value take next to no room in Parquet."""


class ParquetSource(Source):
    """The columns of a Parquet file; numbers that are missing (null) become NaN.

    Args:
        path: a Parquet file.

    Raises:
        UserError: no Parquet file, damaged, or a size that it cannot hold.
    """

    path: Path
    reader: ClassVar[str] = "parquet"

    def __init__(self, path: Path) -> None:
        self.path = path
        parquet = _library()
        with _told(path):
            self._file = parquet.ParquetFile(path)
            metadata = self._file.metadata
            counts = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            self._edges = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
            n_bytes = path.stat().st_size
            if sum(counts) != metadata.num_rows or metadata.num_rows > _LARGEST_COMPRESSION * n_bytes:
                raise UserError(f"{path} declares {metadata.num_rows:,} rows in {n_bytes:,} bytes; refused as damaged")
            if counts and 8 * max(counts) > _MOST_GROUP_BYTES:
                raise UserError(f"{path} has a row group of {max(counts):,} rows; write it anew in smaller ones")
            self.columns = {
                field.name: found
                for field in self._file.schema_arrow
                if (found := _described(field.type, metadata.num_rows)) is not None
            }
            if len(set(self._file.schema_arrow.names)) < len(self._file.schema_arrow.names):
                raise UserError(f"{path} has two columns of one name; give each a name of its own")

    @property
    def kind(self) -> str:
        """The kind of file."""
        return "Parquet file"

    def read(self, names: Collection[str], start: int, stop: int) -> dict[str, Any]:
        """Return columns of some rows."""
        first = max(int(np.searchsorted(self._edges, start, side="right")) - 1, 0)
        last = int(np.searchsorted(self._edges, stop, side="left"))
        with _told(self.path):
            table = self._file.read_row_groups(list(range(first, last)), columns=list(names), use_threads=False)
            table = table.slice(start - int(self._edges[first]), stop - start)
            return {name: _as_array(table.column(name)) for name in names}

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def boundaries(self, names: Sequence[str]) -> Sequence[int]:
        """Return the rows at which a row group begins."""
        return [int(edge) for edge in self._edges]


def _described(kind: Any, n_rows: int) -> Column | None:
    types = _types()
    if types.is_list(kind) or types.is_large_list(kind):
        inner = _described(kind.value_type, n_rows)
        return None if inner is None else Column(n_rows, None, inner.type)
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        return Column(n_rows, (), str(kind))
    return None


def _as_array(column: Any) -> Any:
    types = _types()
    whole = column.combine_chunks()
    if types.is_list(whole.type) or types.is_large_list(whole.type):
        import awkward as ak

        array = ak.from_arrow(whole)
        return ak.drop_none(ak.fill_none(array, [], axis=0), axis=-1)
    return whole.to_numpy(zero_copy_only=False)


def _library() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise UserError('reading Parquet needs pyarrow; install it with pip install "hepad[parquet]"') from error
    return parquet


def _types() -> Any:
    import pyarrow

    return pyarrow.types


@contextmanager
def _told(path: Path) -> Iterator[None]:
    import pyarrow

    try:
        yield
    except UserError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, MemoryError, OverflowError) as error:
        raise UserError(f"cannot read {path}: not a Parquet file, or damaged ({type(error).__name__})") from error
