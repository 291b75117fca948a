"""Attributes of a file or a data set: text, of a believable size."""

from typing import Final

import h5py
import numpy as np

from hepad.core.errors import UserError
from hepad.core.hdf5.faults import told_as_damage
from hepad.core.hdf5.heaps import check_heaps

LONGEST_NAME: Final = 1024
_MOST_NAMES: Final = 100_000


def feature_names(dataset: h5py.Dataset, default: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the last axis: the attribute `features`, else `default` where its length fits.

    Raises:
        UserError: no names where they are needed, another number of them, names that are no text, or one name twice.
    """
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
        names = _texts(dataset.file, dataset.attrs, "features", f"the attribute 'features' of {where}")
    if len(names) != n_columns:
        raise UserError(f"{where} has {n_columns} columns but names {len(names)} features")
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{where} names two columns {twice!r}; give each a name of its own")
    return names


def text_attribute(node: h5py.HLObject, name: str) -> str:
    """Return a text kept as an attribute; empty where there is none. Raises `UserError` where it is no text."""
    where = f"the attribute {name!r} of {node.file.filename}:{node.name}"
    with told_as_damage(where):
        if name not in node.attrs:
            return ""
        texts = _texts(node.file, node.attrs, name, where)
    return texts[0] if len(texts) == 1 else ""


def _texts(file: h5py.File, attributes: h5py.AttributeManager, name: str, where: str) -> tuple[str, ...]:
    """Read an attribute that is one text or a list of them; its size is looked at before anything is read."""
    identifier = attributes.get_id(name)
    kind, shape = identifier.get_type(), identifier.shape
    if kind.get_class() != h5py.h5t.STRING or shape is None or len(shape) > 1:
        raise UserError(f'{where} is no list of texts; write it as ["pt", "eta", …]')
    if sum(shape) > _MOST_NAMES or (not kind.is_variable_str() and kind.get_size() > LONGEST_NAME):
        raise UserError(f"{where} is too large for names of columns")
    if kind.is_variable_str():
        check_heaps(file)
    values = np.atleast_1d(attributes[name]).tolist()
    try:
        # h5py keeps bytes that are no UTF-8 as surrogates.
        texts = [value.decode() if isinstance(value, bytes) else value.encode().decode() for value in values]
    except UnicodeError as error:
        raise UserError(f"{where} is not UTF-8; write it anew") from error
    if any(len(text) > LONGEST_NAME for text in texts):
        raise UserError(f"{where} is too large for names of columns")
    return tuple(texts)
