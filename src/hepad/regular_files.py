"""Opening files that may be anything: only regular ones are read, and no more of them than was agreed.

A path in a stranger's directory may be a pipe, which never ends, a device, or a link to `/proc/self/mem`.
"""

import os
import stat
from pathlib import Path

from hepad.errors import UserError

# Windows knows neither; without the first, opening a pipe waits for somebody to write to it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_PROC = "proc"


def require_regular(path: Path) -> int:
    """Return the size of a regular file in bytes.

    Raises:
        UserError: there is no such file, it cannot be reached, or it is a directory, a pipe, a socket or a device.
    """
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise UserError(f"no file {path}") from error
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "a pipe, a socket or a device"
        raise UserError(f"{path} is {kind}; a regular file is needed")
    # What the kernel shows as files has no size, and reading it does what the kernel likes.
    if path.resolve().parts[1:2] == (_PROC,):
        raise UserError(f"{path} is not a regular file but a view of the running system")
    return found.st_size


def read_regular(path: Path, most: int) -> bytes:
    """Return all bytes of a regular file.

    Args:
        path: the file.
        most: bytes that it may hold.

    Raises:
        UserError: as `require_regular`, or the file is larger, or cannot be read.
    """
    size = require_regular(path)
    if size > most:
        raise UserError(f"{path} holds {size:,} bytes; no more than {most:,} are expected there")
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            # Looked at once more: another file may stand there by now.
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UserError(f"{path} is not a regular file")
            content = file.read(most + 1)
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from error
    if len(content) > most:
        raise UserError(f"{path} grows while it is read; no more than {most:,} bytes are expected there")
    return content


def read_text(path: Path, most: int) -> str:
    """Return a regular file's text; `UserError` as for `read_regular`, or where it is not UTF-8."""
    try:
        return read_regular(path, most).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"cannot read {path}: it is not UTF-8 text (byte {error.start})") from error


def reason(error: BaseException) -> str:
    """Return what an exception says, as one line: without the path, which the caller names."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return next(iter(str(error).splitlines()), "") or type(error).__name__
