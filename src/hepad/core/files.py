"""Files written whole or not at all: aside first, then renamed, so that a reader never sees half a file."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

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
    """Remove the directory made for a run that never began, and the two above it, only while they are empty."""
    if run_dir == Path.cwd():
        return
    for directory in (run_dir, *run_dir.parents[:2]):
        try:
            os.rmdir(directory)
        except OSError:
            return
