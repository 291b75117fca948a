"""Parts of a conversion on disk, so that one that was killed goes on and ends with the same file."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.files import atomic_write_text
from hepad.core.remote import InputFile, RemoteFile
from hepad.formats.applying import Made, Rows
from hepad.formats.cache import told_while_reading
from hepad.formats.padded_rows import PaddedRows

_REQUEST: Final = "request.json"
_MOST_ARRAYS: Final = 10_000


class Parts:
    """The parts of one output, in a hidden directory beside it; a part is a file that is there whole or not at all.

    Args:
        target: the output.
        request: what is asked for; parts of another request are thrown away.

    Attributes:
        directory: where they are.
        found: parts that were there already.
        whole: where the file is made of them, before it takes its place.
    """

    def __init__(self, target: Path, request: Mapping[str, Any]) -> None:
        self.directory = target.with_name(f".{target.name}.parts")
        text = json.dumps(request, sort_keys=True)
        known = self.directory / _REQUEST
        if self.directory.exists() and not (known.is_file() and known.read_text(encoding="utf-8") == text):
            shutil.rmtree(self.directory)
        self.directory.mkdir(exist_ok=True)
        if not known.exists():
            atomic_write_text(known, text)
        self.whole = self.directory / "whole.h5"
        for left in self.directory.glob("*.tmp"):
            left.unlink(missing_ok=True)
        self.found = sum(1 for _ in self.directory.glob("*.part"))

    def path(self, index: int) -> Path:
        """Return where a part is."""
        return self.directory / f"{index:08d}.part"

    def remove(self) -> None:
        """Remove all parts."""
        shutil.rmtree(self.directory, ignore_errors=True)


def write_part(path: Path, made: Made) -> None:
    """Write one part in one step: names and counts as a line of JSON, then NumPy's arrays one after the other.

    Objects in slots are two arrays, and their head says how many slots there are.
    """
    # Not flushed to the disk one by one: a part that a power cut has spoilt is made again.
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    # For reading too: where a file can only be written NumPy does it by itself, and not say why a disk takes no more.
    with aside.open("w+b") as file:
        slots = {name: rows.slots for name, rows in made.arrays.items() if isinstance(rows, PaddedRows)}
        head = {"names": list(made.arrays), "slots": slots, "counts": dict(made.counts)}
        file.write(json.dumps(head).encode() + b"\n")
        for rows in made.arrays.values():
            for array in (rows.objects, rows.counts) if isinstance(rows, PaddedRows) else (rows,):
                np.save(file, array, allow_pickle=False)
    aside.replace(path)


def read_part(path: Path) -> Made | None:
    """Return one part; None where it is not there whole."""
    try:
        with path.open("rb") as file:
            head = json.loads(file.readline(1 << 20))
            names, slots = head["names"], head["slots"]
            if len(names) > _MOST_ARRAYS:
                raise ValueError("too many arrays")
            arrays: dict[str, Rows] = {}
            for name in names:
                found: NDArray[Any] = np.load(file, allow_pickle=False)
                arrays[name] = found
                if name in slots:
                    arrays[name] = PaddedRows(found, np.load(file, allow_pickle=False), int(slots[name]))
            return Made(arrays, {str(name): int(number) for name, number in head["counts"].items()})
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def file_facts(paths: Sequence[InputFile]) -> Iterator[list[Any]]:
    """Yield what tells that a file is still the one it was: name, size, time of its last change, its first bytes."""
    for path in paths:
        with told_while_reading(path):
            if isinstance(path, RemoteFile):
                size, changed = path.facts()
            else:
                status = path.stat()
                size, changed = status.st_size, status.st_mtime_ns
            with path.open("rb") as file:
                digest = hashlib.sha256(file.read(1 << 16)).hexdigest()
        yield [str(path.resolve()), size, changed, digest]
