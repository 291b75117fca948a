"""Data sets, attributes and rows that are safe to read: plain numbers of the very file, texts of believable size."""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5.known import TEXTS, keep_dataset, known_dataset, known_file
from hepad.core.hdf5.opening import told_as_damage
from hepad.core.hdf5.storage import DEFLATE, LARGEST_CHUNK, check_inflated, check_storage, filter_codes, opened_again

_MANY: Final = 20
_TYPES: Final = {
    h5py.h5t.INTEGER: "integer",
    h5py.h5t.FLOAT: "float",
    h5py.h5t.STRING: "text",
    h5py.h5t.TIME: "time",
    h5py.h5t.BITFIELD: "bit field",
    h5py.h5t.OPAQUE: "opaque",
    h5py.h5t.COMPOUND: "compound",
    h5py.h5t.REFERENCE: "reference",
    h5py.h5t.ENUM: "enumeration",
    h5py.h5t.VLEN: "variable length",
    h5py.h5t.ARRAY: "array",
}

_SMALL_CACHE: Final = 4 << 20
"""Bytes of a row of chunks up to which a data set stays open between readings, with what it has unpacked."""


def has_dataset(file: h5py.File, name: str) -> bool:
    """Return whether `name` is there as a hard-linked data set; nothing is opened through another link."""
    known = known_file(file)
    if (answer := known.there.get(name)) is None:
        answer = _has_dataset(file, name)
        if known.is_kept:
            known.there[name] = answer
    return answer


def is_named(file: h5py.File, name: str) -> bool:
    """Return whether anything in a file has a name, a link to elsewhere too."""
    known = known_file(file)
    if (answer := known.named.get(name)) is None:
        answer = file.get(name, getlink=True) is not None
        if known.is_kept:
            known.named[name] = answer
    return answer


def _has_dataset(file: h5py.File, name: str) -> bool:
    with told_as_damage(f"{file.filename}:/{name}"):
        node: h5py.HLObject = file
        for part in name.split("/"):
            if not isinstance(node, h5py.Group) or not isinstance(node.get(part, getlink=True), h5py.HardLink):
                return False
            node = node[part]
        return isinstance(node, h5py.Dataset)


def safe_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Return the data set `name` once it is known to hold plain numbers inside this very file.

    Integers, floats and booleans are plain numbers.

    Raises:
        UserError: no such data set, or one that is linked, virtual, external, not numeric, compressed in a way that
            cannot be undone, or of a size that the file does not store.
    """
    known = known_file(file)
    if (found := known.datasets.get(name)) is not None:
        return found
    where = f"{file.filename}:/{name}"
    with told_as_damage(where):
        dataset = hard_linked_dataset(file, name)
        if dataset.is_virtual or dataset.external:
            raise UserError(f"{where} keeps its data in other files; only data inside the file is read")
        _check_numeric(dataset, where)
        if name not in known.checked:
            check_storage(dataset, where)
            known.checked.add(name)
        found = _with_cache(dataset)
        if known.is_kept and _cached_bytes(found) <= _SMALL_CACHE:
            keep_dataset(file, name, found, found.chunks is not None and DEFLATE in filter_codes(found))
        return found


def texts_are_sound(file: h5py.File) -> None:
    """Leave out the search for damaged texts in a file that another process has looked through."""
    known_file(file).checked.add(TEXTS)


def listed(names: Iterable[str]) -> str:
    """Names for a message, not more than fit into one."""
    found = sorted(names)
    more = f" and {len(found) - _MANY} more" if len(found) > _MANY else ""
    return (", ".join(found[:_MANY]) or "nothing") + more


def hard_linked_dataset(file: h5py.File, name: str) -> h5py.Dataset:
    """Open the data set, every group on the way to it reached by a hard link."""
    node = file
    for part in name.split("/"):
        link = node.get(part, getlink=True) if isinstance(node, h5py.Group) else None
        if link is None:
            raise UserError(f"no data set {name!r} in {file.filename} (it holds: {listed(file)})")
        if not isinstance(link, h5py.HardLink):
            raise UserError(f"{file.filename}:/{name} is a link to elsewhere; only data inside the file is read")
        node = node[part]
    if not isinstance(node, h5py.Dataset):
        kind = "group" if isinstance(node, h5py.Group) else "type"
        raise UserError(f"{file.filename}:/{name} is a {kind}; a data set is needed")
    return node


def _check_numeric(dataset: h5py.Dataset, where: str) -> None:
    kind = dataset.id.get_type().get_class()
    told = _TYPES.get(kind, "unknown")
    try:
        dtype = dataset.dtype
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{where} is of a type that NumPy does not have ({told}); store it as float32") from error
    is_number = kind in (h5py.h5t.INTEGER, h5py.h5t.FLOAT) and dtype.kind in "iuf"
    if not (is_number or dtype.kind == "b"):
        raise UserError(f"{where} is not numeric (HDF5 type: {told})")
    if dataset.shape is None:
        raise UserError(f"{where} is empty")


def _with_cache(dataset: h5py.Dataset) -> h5py.Dataset:
    """Open the data set again with room for one row of its chunks, so that no chunk is unpacked for each part read."""
    if dataset.chunks is None:
        return dataset
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    # 0.75 is HDF5's own preference for dropping chunks that were read to their end.
    n_bytes = min(max(_cached_bytes(dataset), 1 << 20), LARGEST_CHUNK)
    access.set_chunk_cache(max(521, 10 * _chunks_across(dataset)), n_bytes, 0.75)
    return h5py.Dataset(h5py.h5d.open(dataset.parent.id, dataset.name.rsplit("/", 1)[-1].encode(), access))


def _chunks_across(dataset: h5py.Dataset) -> int:
    """Return how many chunks lie side by side in a row of them."""
    return math.prod(-(-n // c) for n, c in zip(dataset.shape[1:], dataset.chunks[1:], strict=True))


def _cached_bytes(dataset: h5py.Dataset) -> int:
    """Return the bytes of one row of chunks; 0 where there are none."""
    if dataset.chunks is None:
        return 0
    return int(_chunks_across(dataset) * math.prod(dataset.chunks) * dataset.dtype.itemsize)


ROWS: Final = 8192
"""Rows read at once, or fewer where rows are large."""

_STEP_BYTES: Final = 32 << 20


def read_rows(dataset: h5py.Dataset, start: int = 0, stop: int | None = None) -> NDArray[Any]:
    """Return the rows `start:stop` of a data set in native byte order.

    Raises:
        UserError: the stored bytes are damaged, or there are no rows.
    """
    known = known_dataset(dataset)
    where = f"{dataset.file.filename}:{dataset.name}" if known is None else known.where
    if not dataset.shape:
        raise UserError(f"{where} is a single number; rows are needed")
    start, stop, _ = slice(start, stop).indices(dataset.shape[0])
    with told_as_damage(where):
        if known is None or known.is_deflated:
            check_chunks(dataset, start, stop, where)
        found = dataset[start:stop]
    return np.ascontiguousarray(found, dtype=found.dtype.newbyteorder("="))


def row_steps(dataset: h5py.Dataset) -> Iterator[slice]:
    """Yield the rows of a data set in slices of little memory, of whole chunks where these are small."""
    n_rows = dataset.shape[0]
    step = max(1, min(ROWS, _STEP_BYTES // max(1, dataset.nbytes // max(1, dataset.shape[0]))))
    if dataset.chunks and dataset.chunks[0] <= step:
        # A stored chunk that lies across two parts would be unpacked twice.
        step -= step % dataset.chunks[0]
    for start in range(0, n_rows, step):
        yield slice(start, min(start + step, n_rows))


def first_row(rows: slice | None) -> int:
    """Return the row at which a part of a data set begins; 0 for all of it."""
    return 0 if rows is None else int(rows.start or 0)


def check_chunks(dataset: h5py.Dataset, start: int, stop: int, where: str) -> None:
    """Look into the deflated chunks of some rows before HDF5 unpacks them; raise `UserError` where one is too large."""
    known = known_dataset(dataset)
    if dataset.chunks is None or start >= stop:
        return
    if not (DEFLATE in filter_codes(dataset) if known is None else known.is_deflated):
        return
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    first = start - start % dataset.chunks[0]
    across = (range(0, n, c) for n, c in zip(dataset.shape[1:], dataset.chunks[1:], strict=True))
    for corner in itertools.product(range(first, stop, dataset.chunks[0]), *across):
        check_inflated(dataset, corner, chunk_bytes, where)


LONGEST_NAME: Final = 1024
_MOST_NAMES: Final = 100_000


def feature_names(dataset: h5py.Dataset, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the last axis: the attribute `features`, else `default` where its length fits.

    Raises:
        UserError: no names where they are needed, another number of them, names that are no text, or one name twice.
    """
    known = known_dataset(dataset)
    if known is None:
        return _feature_names(dataset, default)
    if default not in known.names:
        known.names[default] = _feature_names(dataset, default)
    return known.names[default]


def _feature_names(dataset: h5py.Dataset, default: tuple[str, ...]) -> tuple[str, ...]:
    where = f"{dataset.file.filename}:{dataset.name}"
    n_columns = dataset.shape[-1]
    with told_as_damage(f"the attribute 'features' of {where}"):
        if "features" not in dataset.attrs:
            if n_columns != len(default):
                raise UserError(
                    f"{where} has {n_columns} columns and no attribute 'features' to name them; "
                    f"{len(default)} columns are needed without it"
                )
            return default
        names = _texts(dataset, "features", f"the attribute 'features' of {where}")
    if len(names) != n_columns:
        raise UserError(f"{where} has {n_columns} columns but names {len(names)} features")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{where} names two columns {twice!r}; give each a name of its own")
    return names


def text_attribute(node: h5py.HLObject, name: str) -> str:
    """Return a text kept as an attribute; empty where there is none. Raises `UserError` where it is no text."""
    texts = text_attributes(node, name)
    return texts[0] if len(texts) == 1 else ""


def text_attributes(node: h5py.HLObject, name: str) -> tuple[str, ...]:
    """Return the texts kept as an attribute, none where it is not there; `UserError` where they are no texts."""
    where = f"the attribute {name!r} of {node.file.filename}:{node.name}"
    with told_as_damage(where):
        return _texts(node, name, where) if name in node.attrs else ()


def _texts(node: h5py.HLObject, name: str, where: str) -> tuple[str, ...]:
    """Read an attribute that is one text or a list of them; its size is looked at before anything is read."""
    identifier = node.attrs.get_id(name)
    kind, shape = identifier.get_type(), identifier.shape
    if kind.get_class() != h5py.h5t.STRING or shape is None or len(shape) > 1:
        raise UserError(f'{where} is no list of texts; write it as ["pt", "eta", …]')
    if sum(shape) > _MOST_NAMES or (not kind.is_variable_str() and kind.get_size() > LONGEST_NAME):
        raise UserError(f"{where} is too large for names of columns")
    # The open file may be known: it equals the one that a data set names. What this process may write it knows.
    known = known_file(node.file)
    if kind.is_variable_str() and known.is_kept and TEXTS not in known.checked:
        with opened_again(node.file) as again:
            values = np.atleast_1d(again[node.name].attrs[name]).tolist()
    else:
        values = np.atleast_1d(node.attrs[name]).tolist()
    try:
        # h5py keeps bytes that are no UTF-8 as surrogates.
        texts = [value.decode() if isinstance(value, bytes) else value.encode().decode() for value in values]
    except UnicodeError as error:
        raise UserError(f"{where} is not UTF-8; write it anew") from error
    if any(len(text) > LONGEST_NAME for text in texts):
        raise UserError(f"{where} is too large for names of columns")
    return tuple(texts)
