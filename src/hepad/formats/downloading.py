"""Downloading of the files of a Zenodo record: asked for, checked against their MD5, resumed where they were left.

A file that is on its way is hidden (`.NAME.….part`); it takes its name when all of it is there and its checksum fits.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from hepad.core.errors import JobError, UserError, one_line

_TIMEOUT: Final = (10.0, 60.0)
_LONGEST_ANSWER: Final = 16 << 20
_BLOCK: Final = 1 << 20
_MD5: Final = re.compile(r"md5:[0-9a-f]{32}")
_FILE_NAME: Final = re.compile(r"[^./\\\x00-\x1f][^/\\\x00-\x1f]{0,200}")
_GIGABYTE: Final = 1e9


@dataclass(frozen=True)
class RemoteFile:
    """A file of a record.

    Attributes:
        name: without directories.
        size: bytes.
        checksum: `md5:` and 32 digits.
        url: of its content.
    """

    name: str
    size: int
    checksum: str
    url: str


def record_files(record: int, server: str) -> list[RemoteFile]:
    """Return the files of a record, as the server's API (`/api/records/NUMBER`) lists them.

    Raises:
        UserError: no such record, or no such server.
        JobError: no network, or an answer that is none of such an API.
    """
    if not server.startswith(("https://", "http://")):
        raise UserError(f"server={server}: an address such as https://zenodo.org is needed")
    url = f"{server.rstrip('/')}/api/records/{record}"
    with _answer(url) as response:
        text = response.raw.read(_LONGEST_ANSWER + 1, decode_content=True)
    try:
        if len(text) > _LONGEST_ANSWER:
            raise ValueError("too long")
        listed = json.loads(text)["files"]
        found = [RemoteFile(each["key"], each["size"], each["checksum"], "") for each in listed]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise JobError(f"{url} does not answer as Zenodo does ({one_line(error)}); is server right?") from error
    for file in found:
        _check(file, url)
    # The address is made here, so that an answer cannot lead elsewhere.
    return [
        RemoteFile(each.name, each.size, each.checksum, f"{url}/files/{quote(each.name, safe='')}/content")
        for each in found
    ]


def _check(file: RemoteFile, url: str) -> None:
    if not isinstance(file.name, str) or not _FILE_NAME.fullmatch(file.name):
        raise JobError(f"{url} lists a file {str(file.name)[:80]!r}, which is no name of one; nothing is downloaded")
    if not isinstance(file.size, int) or file.size < 0 or not _MD5.fullmatch(str(file.checksum)):
        raise JobError(f"{url} lists {file.name} without its size and MD5; nothing is downloaded")


def chosen_files(files: Sequence[RemoteFile], patterns: Sequence[str] | None, name: str) -> list[RemoteFile]:
    """Return the files that are named or that a glob fits, all where none are named; `name` is for the message."""
    if patterns is None:
        return list(files)
    for pattern in patterns:
        if not any(fnmatchcase(file.name, pattern) for file in files):
            raise UserError(f"files={pattern}: {name} has {', '.join(file.name for file in files)}")
    return [file for file in files if any(fnmatchcase(file.name, pattern) for pattern in patterns)]


def missing_bytes(files: Sequence[RemoteFile], directory: Path) -> int:
    """Return how much is left to download; raise `UserError` for a file in the way, `JobError` where it has no room."""
    missing = 0
    for file in files:
        target = directory / file.name
        if target.exists():
            if not target.is_file() or target.stat().st_size != file.size or _md5(target) != file.checksum:
                raise UserError(f"{target} is there and is another file; move it away, or choose another output")
        else:
            part = part_of(file, directory)
            missing += file.size - (part.stat().st_size if part.is_file() else 0)
    free = shutil.disk_usage(directory).free
    if missing > free:
        raise JobError(
            f"{directory} has no room: {missing / _GIGABYTE:.2f} GB are needed, {free / _GIGABYTE:.2f} GB are free; "
            "choose fewer files, or another output"
        )
    return missing


def fetch_file(file: RemoteFile, directory: Path, advance: Callable[[int], None] = lambda _: None) -> Path:
    """Download a file, or go on with it; one that is there, which `missing_bytes` has looked at, is left alone.

    Args:
        file: of `record_files`.
        directory: where to.
        advance: is told of the bytes as they come.

    Raises:
        JobError: no network, no room, or another checksum than the record says; what came stays for the next time,
            unless the checksum tells that it is wrong.
        UserError: it is gone.
    """
    target, part = directory / file.name, part_of(file, directory)
    if target.exists():
        return target
    pooch = _pooch()
    try:
        _receive(file, part, advance)

        def move(_: str, output: str, __: Any) -> None:
            os.replace(part, output)

        # It checks, and gives the file its name.
        return Path(pooch.retrieve(file.url, file.checksum, file.name, str(directory), downloader=move))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise JobError(
            f"{file.name} came with another checksum than its record says ({file.checksum}) and was removed; "
            "the same command tries again"
        ) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what = "the disk is full" if full else error.strerror or one_line(error)
        raise JobError(f"cannot write {target}: {what}; the same command goes on where it was") from error


def part_of(file: RemoteFile, directory: Path) -> Path:
    """Return where a file is while it is on its way."""
    return directory / f".{file.name}.{file.checksum[-8:]}.part"


def _receive(file: RemoteFile, part: Path, advance: Callable[[int], None]) -> None:
    """Write the rest of a file behind what is there of it."""
    there = part.stat().st_size if part.exists() else 0
    if there > file.size:
        part.unlink()
        there = 0
    if there < file.size or not file.size:
        with _answer(file.url, there) as response:
            # A server that knows no ranges sends the whole.
            goes_on = response.status_code == 206
            if there and not goes_on:
                advance(-there)
                there = 0
            with part.open("ab" if goes_on else "wb") as out:
                for block in response.iter_content(_BLOCK):
                    out.write(block)
                    there += len(block)
                    advance(len(block))
    if there != file.size:
        if there > file.size:
            part.unlink()
        raise JobError(
            f"{file.name}: the connection ended after {there:,} of {file.size:,} bytes; the same command goes on"
        )


@contextmanager
def _answer(url: str, start: int = 0) -> Iterator[Any]:
    """Yield the answer of a server, of which nothing is read yet.

    Raises:
        UserError: there is nothing at this address.
        JobError: no network, or a server that cannot.
    """
    _pooch()
    import requests

    # Unpacked by nobody: sizes and checksums are of the bytes.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code in (404, 410):
                raise UserError(f"{url} is not there (HTTP {response.status_code}); is the number of the record right?")
            if response.status_code not in (200, 206):
                raise JobError(f"{url} answers HTTP {response.status_code} {response.reason}; try again later")
            yield response
    except requests.RequestException as error:
        host = url.split("/")[2]
        raise JobError(
            f"cannot reach {host} ({type(error).__name__}); is there a network? The same command goes on where it was"
        ) from error


def _md5(path: Path) -> str:
    return f"md5:{_pooch().file_hash(str(path), alg='md5')}"


def _pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise UserError('downloads need pooch; pip install "hepad[fetch]"') from error
    pooch.get_logger().setLevel("WARNING")
    return pooch
