"""Data sets that are safe to read: plain numbers inside the very file."""

import math
from collections.abc import Iterable
from typing import Final
from weakref import WeakKeyDictionary

import h5py

from hepad.core.errors import UserError
from hepad.core.hdf5.faults import told_as_damage
from hepad.core.hdf5.storage import LARGEST_CHUNK, check_storage

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

# A file read in parts is asked for the same data set many times; its chunks are counted once.
_checked: WeakKeyDictionary[h5py.File, set[str]] = WeakKeyDictionary()


def has_dataset(file: h5py.File, name: str) -> bool:
    """Whether `name` is there as a hard-linked data set; nothing is opened through another link."""
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
    where = f"{file.filename}:/{name}"
    with told_as_damage(where):
        dataset = _hard_linked(file, name)
        if dataset.is_virtual or dataset.external:
            raise UserError(f"{where} keeps its data in other files; only data inside the file is read")
        _check_numeric(dataset, where)
        checked = _checked.setdefault(file, set())
        if name not in checked:
            check_storage(dataset, where)
            checked.add(name)
        return _with_cache(dataset)


def listed(names: Iterable[str]) -> str:
    """Names for a message, not more than fit into one."""
    found = sorted(names)
    more = f" and {len(found) - _MANY} more" if len(found) > _MANY else ""
    return (", ".join(found[:_MANY]) or "nothing") + more


def _hard_linked(file: h5py.File, name: str) -> h5py.Dataset:
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
    across = math.prod(-(-n // c) for n, c in zip(dataset.shape[1:], dataset.chunks[1:], strict=True))
    n_bytes = across * math.prod(dataset.chunks) * dataset.dtype.itemsize
    access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
    # 0.75 is HDF5's own preference for dropping chunks that were read to their end.
    access.set_chunk_cache(max(521, 10 * across), min(max(n_bytes, 1 << 20), LARGEST_CHUNK), 0.75)
    return h5py.Dataset(h5py.h5d.open(dataset.parent.id, dataset.name.rsplit("/", 1)[-1].encode(), access))
