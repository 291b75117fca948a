"""Files that a run takes as they are: tables of text, NumPy and Parquet, and several files as one.

What is no HDF5 file, or is several, is made one HDF5 file in a directory of the user's own, once for each content. So
whatever reads samples reads HDF5, in parts, and a hash tells whether they have changed.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.file_locks import hold_lock
from hepad.core.inputs import input_files
from hepad.core.names import file_name
from hepad.formats.conversion import convert_files
from hepad.formats.generic import GENERIC
from hepad.formats.opening import reader_of
from hepad.formats.parts import file_facts
from hepad.formats.planning import Request

DIRECT: Final = ("csv", "numpy", "parquet")
"""Kinds of files whose tables are trained on as they are."""

_PATIENCE: Final = 3600.0
_HDF5_NAMES: Final = (".h5", ".hdf5", ".hdf")


def direct_file(given: str | Sequence[str], key: str) -> Path:
    """Return the HDF5 file that stands for what a user names: itself, or one that is made of it.

    Args:
        given: a file, a glob, or several of either.
        key: for messages.

    Raises:
        UserError: no such file, several of different columns, or a table that cannot be read.
        JobError: there is no room for what is made.
    """
    files = input_files(given, key)
    if len(files) == 1 and not _is_table(files[0]):
        return files[0]
    facts = json.dumps(list(file_facts(files)), sort_keys=True)
    digest = hashlib.sha256(f"{_LAYOUT} {facts}".encode()).hexdigest()[:16]
    target = cache_directory() / f"{file_name(files[0].stem)}-{digest}.h5"
    if target.exists():
        return target
    lock = hold_lock(cache_directory() / ".lock", _PATIENCE)
    if lock is None:
        raise UserError(f"{key}: another process is still reading {files[0]}; try again when it is done")
    try:
        if not target.exists():
            convert_files(files, target, Request(GENERIC, files[0].stem, direct=True))
    finally:
        lock.release()
    return target


_LAYOUT: Final = 1
"""Raised whenever the same file would become another one."""


def cache_directory() -> Path:
    """Return where files that are made of others are kept: `$HEPAD_CACHE`, by default `~/.cache/hepad`."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepad"
    place = Path(os.environ.get("HEPAD_CACHE") or home)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {place}: {error.strerror}; choose another place with HEPAD_CACHE=DIR") from error
    return place


def _is_table(path: Path) -> bool:
    """Return whether a file is a table; what calls itself HDF5, or is no known kind, is told of where it is read."""
    try:
        return path.suffix.lower() not in _HDF5_NAMES and reader_of(path) in DIRECT
    except UserError:
        return False
