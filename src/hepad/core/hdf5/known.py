"""Facts that were found out about an open file and hold until it is closed: checks are made once for each opening.

They belong to the open file and not to its path: a file that takes the place of another is opened anew, and looked
through anew. Of a file that this process may write, nothing is kept.
"""

from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary, ref

import h5py

TEXTS: Final = "/"
"""Stands among the checked names where the file's texts are sound."""


@dataclass
class KnownFile:
    """Facts about an open file.

    Attributes:
        checked: data sets whose storage is sound.
        is_kept: nothing changes in it; the following attributes are empty where that is not so.
        datasets: name → data set that is safe to read.
        there: name → whether it is a hard-linked data set.
        named: name → whether anything has it, a link to elsewhere too.
    """

    is_kept: bool
    checked: set[str] = field(default_factory=set)
    datasets: dict[str, h5py.Dataset] = field(default_factory=dict)
    there: dict[str, bool] = field(default_factory=dict)
    named: dict[str, bool] = field(default_factory=dict)


@dataclass
class KnownDataset:
    """Facts about a data set that `safe_dataset` has given out.

    Attributes:
        where: file and name, for messages.
        is_deflated: deflate is among its filters.
        names: names of its columns by default → names.
    """

    where: str
    is_deflated: bool
    names: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)


_files: WeakKeyDictionary[h5py.File, KnownFile] = WeakKeyDictionary()
_by_object: dict[int, tuple[ref[h5py.File], KnownFile]] = {}
"""The same by the very object: h5py asks HDF5 whenever it compares two files, ten times in reading one block."""
_datasets: WeakKeyDictionary[h5py.Dataset, KnownDataset] = WeakKeyDictionary()


def known_file(file: h5py.File) -> KnownFile:
    """Return what is known of an open file."""
    there = _by_object.get(id(file))
    if there is not None and there[0]() is file:
        return there[1]
    try:
        found = _files.get(file)
    except TypeError:
        # Of a root group that is damaged h5py has no hash; whoever reads is told.
        return KnownFile(is_kept=False)
    if found is None:
        found = _files[file] = KnownFile(file.mode == "r")
    if found.is_kept:
        number = id(file)
        _by_object[number] = ref(file, lambda _: _by_object.pop(number, None)), found
    return found


def known_dataset(dataset: h5py.Dataset) -> KnownDataset | None:
    """Return what is known of a data set; None where nothing is kept of it."""
    return _datasets.get(dataset)


def keep_dataset(file: h5py.File, name: str, dataset: h5py.Dataset, is_deflated: bool) -> None:
    """Keep a data set that is safe to read, and open, until its file is closed."""
    known_file(file).datasets[name] = dataset
    _datasets[dataset] = KnownDataset(f"{file.filename}:{dataset.name}", is_deflated)
