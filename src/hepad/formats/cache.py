"""Directory of the user's own for files that are made of others, and local copies of files on servers."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hepad.core.errors import JobError, UserError
from hepad.core.files import atomic_path, cache_directory
from hepad.core.names import file_name
from hepad.core.remote import InputFile, RemoteFile, remote_fault

_BLOCK: Final = 8 << 20


def local_copy(file: RemoteFile) -> Path:
    """Return a copy of a file on a server, made once for each content (URL, size, time of its last change).

    Raises:
        UserError: no such file.
        JobError: its server does not answer, sends another number of bytes than it says, or there is no room.
    """
    with told_while_reading(file):
        size, changed = file.facts()
    digest = hashlib.sha256(f"{file.url} {size} {changed}".encode()).hexdigest()[:16]
    # A directory for each, so that samples and messages have the file's own name.
    target = cache_directory() / "remote" / digest / f"{file_name(file.stem)}{file.suffix}"
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(target.parent).free) < size:
        raise JobError(
            f"{target.parent} has no room for {file}: {size / 1e9:.2f} GB are needed, {free / 1e9:.2f} GB are free; "
            "choose another place with HEPAD_CACHE=DIR"
        )
    with atomic_path(target) as aside, aside.open("wb") as out:
        with told_while_reading(file), file.open() as source:
            while block := source.read(_BLOCK):
                out.write(block)
        if out.tell() != size:
            raise JobError(f"cannot read {file}: its server says {size:,} bytes and sent {out.tell():,}")
    return target


@contextmanager
def told_while_reading(path: InputFile) -> Iterator[None]:
    """Raise an error of one line where a server fails; what was converted so far is kept then. A local file's pass."""
    try:
        yield
    except OSError as error:
        fault = remote_fault(path.url, error) if isinstance(path, RemoteFile) else None
        if fault is None:
            raise
        raise (UserError if fault.startswith("no file") else JobError)(fault) from error
