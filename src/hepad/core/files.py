"""Files: written whole or not at all, and read only where they are regular.

A pipe blocks whoever opens it, a device may have no end, and files of `/proc` and `/sys` are views of the system that
call themselves regular. One function says so for every path that a user or a file of a stranger names.
"""

import hashlib
import math
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar, Final

from hepad.core.errors import UserError


def atomic_write_bytes(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` to `path` in one step.

    The bytes go to a temporary file in the same directory, reach the disk, and are renamed. If anything fails, the
    temporary file is removed and an older file at `path` stays as it was.

    Args:
        path: the file to write; its directory must exist.
        content: all of the file's bytes.

    Returns:
        The path written.

    Raises:
        OSError: the directory does not exist, is not writable, or is full.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode_for(target))
        os.replace(name, target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError) and error.errno is not None:
            # A full disk is reported without a name.
            error.filename = str(target)
        raise
    return target


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield the path of a temporary file beside `path`, for content too large to hold; renamed when all went well.

    Raises:
        OSError: the directory does not exist, is not writable, or is full.
    """
    target = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
        with open(name, "rb") as file:
            os.fsync(file.fileno())
        os.chmod(name, _mode_for(target))
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def atomic_write_text(path: str | os.PathLike[str], content: str) -> Path:
    """Write `content` as UTF-8 to `path` in one step; see `atomic_write_bytes`."""
    return atomic_write_bytes(path, content.encode("utf-8"))


class Due:
    """Moments at which a file that is written again and again is due: writing takes a small part of the time, no more.

    Small networks have many epochs a second. Whoever is killed loses no more than is computed again in that time.

    Attributes:
        spare: it is not due before so many times as long has passed as writing it took. Three files of a training wait
            so (history.csv, best.ckpt, last.ckpt): together they take at most 3% of its time.

    >>> from hepad.core.files import Due
    >>> due = Due()
    >>> due.now()
    True
    >>> due.wrote(seconds=1.0)
    >>> due.now()
    False
    """

    spare: ClassVar[float] = 100.0

    def __init__(self) -> None:
        self._next = -math.inf

    @staticmethod
    def clock() -> float:
        """Return the seconds by which files are due."""
        return time.monotonic()

    def now(self) -> bool:
        """Return whether the file is due."""
        return self.clock() >= self._next

    def wrote(self, seconds: float) -> None:
        """Say that it has been written, and how long that took."""
        self._next = self.clock() + self.spare * seconds


def require_new_file(path: Path, key: str) -> Path:
    """Return the path of a file that can be written and is not there yet; `key` begins the line of the `UserError`."""
    try:
        if path.exists():
            raise UserError(f"{key}: {path} exists; choose another name, or remove it first")
        if not path.parent.is_dir():
            raise UserError(f"{key}: no directory {path.parent}")
    except OSError as error:
        raise UserError(f"{key}: cannot write {path}: {error.strerror}; choose another name") from error
    return path


def _mode_for(target: Path) -> int:
    """The permissions of an existing file, else those an ordinary `open` would give (mkstemp's are private)."""
    with suppress(FileNotFoundError):
        return target.stat().st_mode & 0o777
    # The umask can only be read by setting it.
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def remove_if_empty(run_dir: Path) -> None:
    """Remove the directory made for a run that never began, and the two above it, only while they are empty.

    The directory where the user stands stays, and so does all that is above it.
    """
    here = Path.cwd()
    for directory in (run_dir, *run_dir.parents[:2]):
        if here.is_relative_to(directory.absolute()):
            return
        try:
            os.rmdir(directory)
        except OSError:
            return


_SYSTEM_VIEWS: Final = ("/proc", "/sys")
_KINDS: Final = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def require_file(path: str | os.PathLike[str], name: str = "") -> Path:
    """Return `path`, with `~` replaced, once it is known to be a regular file that may be read.

    Nothing is opened, so that a pipe cannot hold up whoever asks.

    Args:
        path: what the user or a file names.
        name: what it is for, such as `input` or `data.samples.mine`; it begins the message.

    Raises:
        UserError: nothing there, something other than a regular file, a view of the system, or no permission to read.
    """
    given = Path(path)
    if reason := _refusal(given.expanduser() if str(path).startswith("~") else given):
        raise UserError(f"{name}: {reason}" if name else reason)
    return given.expanduser()


def is_regular_file(path: str | os.PathLike[str]) -> bool:
    """Return whether `require_file` would take the path."""
    return _refusal(Path(path)) is None


def read_small_file(path: str | os.PathLike[str], limit: int, name: str = "") -> bytes:
    """Return the bytes of a regular file of at most `limit` bytes.

    Raises:
        UserError: what `require_file` refuses, or a larger file.
    """
    found = require_file(path, name)
    # Not blocking, in case a pipe has taken the file's place since.
    descriptor = os.open(
        found, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    )
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(limit + 1) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    if content is None or len(content) > limit:
        what = "is no regular file" if content is None else f"is larger than {limit:,} bytes"
        raise UserError(f"{name}: {found} {what}" if name else f"{found} {what}")
    return content


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _refusal(path: Path) -> str | None:
    try:
        mode = os.stat(path).st_mode
        real = os.path.realpath(path)
    except (FileNotFoundError, NotADirectoryError):
        return f"no file {path}"
    except (OSError, ValueError) as error:
        return f"cannot read {path}: {error.strerror if isinstance(error, OSError) else error}"
    if not stat.S_ISREG(mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "no regular file")
        return f"{path} is {kind}; a file is needed"
    if any(Path(real).is_relative_to(view) for view in _SYSTEM_VIEWS):
        return f"{path} is a view of the system; a file on a disk is needed"
    return None if os.access(path, os.R_OK) else f"cannot read {path}: Permission denied"


def cache_directory() -> Path:
    """Return where files that are made of others are kept: `$HEPAD_CACHE`, by default `~/.cache/hepad`."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hepad"
    place = Path(os.environ.get("HEPAD_CACHE") or home)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {place}: {error.strerror}; choose another place with HEPAD_CACHE=DIR") from error
    return place
