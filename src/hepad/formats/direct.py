"""Files that a run takes as they are: tables of text, NumPy and Parquet, public formats, and several files as one.

What is no HDF5 file of hepad's own, or is several, is made one HDF5 file in a directory of the user's own, once for
each content. So whatever reads samples reads HDF5, in parts, and a hash tells whether they have changed.
"""

import hashlib
import json
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.file_locks import hold_lock
from hepad.core.files import cache_directory
from hepad.core.inputs import Given, sample_files_by_part
from hepad.core.names import file_name
from hepad.core.remote import InputFile, RemoteFile
from hepad.formats.cache import local_copy
from hepad.formats.conversion import convert_files
from hepad.formats.generic import GENERIC, OWN
from hepad.formats.opening import open_source, reader_of
from hepad.formats.parts import file_facts
from hepad.formats.planning import Request
from hepad.formats.preset import read_preset
from hepad.formats.recognising import fits, recognise
from hepad.formats.source import Source

DIRECT: Final = ("csv", "numpy", "parquet")
"""Kinds of files whose tables are trained on as they are."""

AUTO: Final = "auto"
"""Format of files that are read by the preset that each is recognised by."""

_PATIENCE: Final = 3600.0
_HDF5_NAMES: Final = (".h5", ".hdf5", ".hdf")


def direct_file(given: Given, key: str, preset: str | None = None) -> Path:
    """Return the HDF5 file that stands for what a user names: itself, or one that is made of it.

    Args:
        given: a file, a glob, or several of either; or such for each of `train`, `val` and `test`.
        key: for messages.
        preset: the format of files that are none of hepad's own and no tables (`data.format`), `auto` for the one that
            a file is recognised by; None for none.

    Raises:
        UserError: no such file, several of different columns, of another format, or a table that cannot be read.
        JobError: there is no room for what is made.
    """
    files, parts = sample_files_by_part(given, key)
    preset = _recognised(files[0]) if preset == AUTO else preset
    chosen = GENERIC if preset is None or not _is_of_format(files[0], preset, key) else preset
    if len(files) == 1 and chosen == GENERIC and not _is_table(files[0]):
        return _local(files[0], key)
    facts = json.dumps(list(file_facts(files)), sort_keys=True)
    # What a preset says may change with hepad's version, or be the user's own.
    more = "" if chosen == GENERIC else f" {read_preset(chosen)!r}"
    more += "" if parts is None else f" {parts}"
    digest = hashlib.sha256(f"{_LAYOUT} {facts}{more}".encode()).hexdigest()[:16]
    target = cache_directory() / f"{file_name(files[0].stem)}-{digest}.h5"
    if target.exists():
        return target
    lock = hold_lock(cache_directory() / ".lock", _PATIENCE)
    if lock is None:
        raise UserError(f"{key}: another process is still reading {files[0]}; try again when it is done")
    try:
        if not target.exists():
            request = Request(chosen, files[0].stem, direct=True, parts=None if parts is None else tuple(parts))
            convert_files(files, target, request, quiet=chosen == GENERIC)
    finally:
        lock.release()
    return target


def _local(path: InputFile, key: str) -> Path:
    """Return an HDF5 file where h5py finds it."""
    if not isinstance(path, RemoteFile):
        return path
    if (reader := reader_of(path)) != "hdf5":
        raise UserError(f"{key}: {path} is no HDF5 file ({reader}); convert it first (hepad.convert)")
    return local_copy(path)


def _recognised(path: InputFile) -> str | None:
    """Return the preset that a file is recognised by; None for a table, a file of hepad's own and an unknown one."""
    if _is_table(path):
        return None
    with open_source(path) as source:
        found = None if _is_own(source) else recognise(source)
    return None if found is None else found.name


def _is_of_format(path: InputFile, name: str, key: str) -> bool:
    """Return whether a file is to be read by a preset; a table, or a file of hepad's own, is read as it is."""
    preset = read_preset(name)
    if _is_table(path):
        return False
    with open_source(path) as source:
        if fits(preset, source) if preset.recognise else source.reader == preset.reader and not _is_own(source):
            return True
        other = None if _is_own(source) else recognise(source)
    if other is not None:
        raise UserError(
            f"{key}: {path} is of the format {other.name} ({other.title}), and data.format={name} reads another; "
            f"convert it, or choose data.format (docs/data_formats.md)"
        )
    return False


def _is_own(source: Source) -> bool:
    return any(name in source.columns for name in OWN)


_LAYOUT: Final = 1
"""Raised whenever the same file would become another one."""


def _is_table(path: InputFile) -> bool:
    """Return whether a file is a table; what calls itself HDF5, or is no known kind, is told of where it is read."""
    try:
        return path.suffix.lower() not in _HDF5_NAMES and reader_of(path) in DIRECT
    except UserError:
        return False
