"""Files on xrootd servers, `root://host//path`: named like local ones, opened where they are read.

Reading goes through fsspec, which `fsspec-xrootd` teaches the protocol. Neither is imported before a file is asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

from hepad.core.errors import UserError, one_line

PREFIX: Final = "root://"
_NEEDED: Final = ("fsspec", "fsspec_xrootd", "XRootD")
_PATIENCE: Final[Mapping[str, int]] = {
    "ConnectionWindow": 10,
    "ConnectionRetry": 1,
    "RequestTimeout": 60,
    "StreamTimeout": 30,
    "StreamErrorWindow": 30,
    "TimeoutResolution": 5,
}
"""Seconds, and tries, after which xrootd's client gives up, where the user's environment (`XRD_REQUESTTIMEOUT`, …) says
nothing else; by itself it would try for ten minutes to find a server, and wait half an hour for an answer."""

_MAGIC: Final = re.compile(r"[*\[]")
_NOT_FOUND: Final = "[3011]"
_MARKS: Final = re.compile(r".*?\[(?:ERROR|FATAL)\] (?P<answered>Server responded with an error: \[\d+\] )?")


@dataclass(frozen=True)
class RemoteFile:
    """A file on a server.

    Attributes:
        url: such as `root://eospublic.cern.ch//eos/opendata/a.root`.

    >>> from hepad.core.remote import RemoteFile
    >>> file = RemoteFile("root://host:1094//store/nano.root")
    >>> file.name, file.stem, file.suffix
    ('nano.root', 'nano', '.root')
    """

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def _path(self) -> PurePosixPath:
        # What stands behind a question mark is for the server, such as a token.
        return PurePosixPath(self.url.removeprefix(PREFIX).partition("?")[0])

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._path.name

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return self._path.stem

    @property
    def suffix(self) -> str:
        """The suffix of the name, with its point."""
        return self._path.suffix

    def absolute(self) -> "RemoteFile":
        """Return the file: a URL is the same seen from anywhere."""
        return self

    resolve = absolute

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the file for reading its bytes; errors of the server are `OSError`."""
        system, path = _connected(self.url)
        opened: BinaryIO = system.open(path, mode)
        return opened

    def facts(self) -> tuple[int, int]:
        """Return size in bytes, and time of the last change in seconds, 0 where the server does not tell it."""
        system, path = _connected(self.url)
        # Not what was known of it a while ago.
        system.invalidate_cache()
        found = system.info(path)
        return int(found["size"]), int(found.get("mtime") or 0)


InputFile = Path | RemoteFile
"""A file that a user names."""


def size_of(file: InputFile) -> int:
    """Return the size of a file in bytes."""
    return file.facts()[0] if isinstance(file, RemoteFile) else file.stat().st_size


def is_remote(name: str) -> bool:
    """Return whether a name is that of a file on a server.

    >>> from hepad.core.remote import is_remote
    >>> is_remote("root://host//a.root"), is_remote("a.root")
    (True, False)
    """
    return name.startswith(PREFIX)


def remote_files(name: str, key: str) -> list[RemoteFile]:
    """Return the file that a URL names, or those of a glob (`*`, `[…]`) in the order of their names.

    Args:
        name: `root://host//path`.
        key: for messages.

    Raises:
        UserError: xrootd's client is not installed, no server, no such file, or a glob that matches nothing.
    """
    host, _, path = name.removeprefix(PREFIX).partition("/")
    if not host or not path.strip("/"):
        raise UserError(f"{key}: {name} names no file; root://HOST//PATH is needed")
    if missing := next((module for module in _NEEDED if find_spec(module) is None), None):
        raise UserError(
            f'{key}: reading {name} needs {missing}; install it with pip install "hepad[root,xrootd]", or copy the '
            "file here (xrdcp)"
        )
    try:
        found = _matches(name) if _MAGIC.search(path) else [RemoteFile(name)]
        for file in found[:1]:
            file.facts()
    except OSError as error:
        said = remote_fault(name, error) or f"cannot read {name}: {one_line(error)}"
        raise UserError(f"{key}: {said}") from error
    if not found:
        raise UserError(f"{key}: no file matches {name}")
    return found


def _matches(name: str) -> list[RemoteFile]:
    """Return the files that fit a glob."""
    system, pattern = _connected(name)
    # A server that is not there looks like an empty directory to a glob.
    system.info(_MAGIC.split(pattern)[0].rpartition("/")[0] or "/")
    server = name[: len(name) - len(pattern)]
    return [RemoteFile(f"{server}{match}") for match in sorted(system.glob(pattern))]


def remote_fault(name: str, error: OSError) -> str | None:
    """Return what an error of the client says, in one line; None where it is none of the client's."""
    text = str(error).strip()
    if isinstance(error, FileNotFoundError) or _NOT_FOUND in text:
        return f"no file {name}"
    marked = _MARKS.match(text)
    if marked is None and not isinstance(error, TimeoutError | ConnectionError):
        return None
    said = text[marked.end() if marked else 0 :].partition("\n")[0] or type(error).__name__
    if marked is not None and marked["answered"]:
        return f"cannot read {name}: {said}"
    late = isinstance(error, TimeoutError) or "expired" in said
    advice = "; XRD_REQUESTTIMEOUT=SECONDS waits longer" if late else ""
    return f"cannot read {name}: its server does not answer ({said}){advice}"


def _connected(url: str) -> tuple[Any, str]:
    """Return the file system of a URL, and the path in it."""
    import fsspec
    from XRootD import client

    for name, value in _PATIENCE.items():
        # What comes from the environment is not overwritten.
        client.EnvPutInt(name, value)

    # Looking for all places of a file forgets their ports (fsspec-xrootd 0.5).
    found: tuple[Any, str] = fsspec.url_to_fs(url, locate_all_sources=False)
    return found
