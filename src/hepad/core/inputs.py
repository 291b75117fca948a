"""Inputs as a user names them: a file, several, a glob, or files for training, validation and test."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import require_file
from hepad.core.remote import InputFile, is_remote, remote_files

Named = str | Sequence[str]
"""A file, a glob, or several of either."""
Given = Named | Mapping[str, Named | None]
"""Files of a sample, or such files for each of `PARTS`."""

PARTS: Final = ("train", "val", "test")
"""Parts of a sample that may have files of their own."""

_MOST: Final = 100_000
_REMOTE: Final = "://"


def input_files(given: Named, key: str) -> list[InputFile]:
    """Return the files that are named, those of a glob in the order of their names.

    Args:
        given: a path or a URL (`root://host//path`), a glob such as `data/*.root`, or several of either.
        key: for messages.

    Raises:
        UserError: no such file, a glob that matches nothing, a file named twice, or a URL of another kind.

    >>> from hepad.core.inputs import input_files
    >>> input_files("no/such/*.root", "input")
    Traceback (most recent call last):
    hepad.core.errors.UserError: input: no file matches no/such/*.root
    """
    found: list[InputFile] = []
    for name in (given,) if isinstance(given, str) else given:
        if is_remote(name):
            found += remote_files(name, key)
            continue
        if _REMOTE in name:
            raise UserError(f"{key}: {name} is neither a local file nor root://HOST//PATH; copy it here first (curl)")
        path = Path(name).expanduser()
        if glob.has_magic(name) and not path.exists():
            matches = sorted(glob.glob(str(path), recursive=True))
            if not matches:
                raise UserError(f"{key}: no file matches {name}")
            found += [require_file(match, key) for match in matches]
        else:
            found.append(require_file(name, key))
    if not found:
        raise UserError(f"{key}: no files")
    if len(found) > _MOST:
        raise UserError(f"{key}: {len(found):,} files; at most {_MOST:,} are taken at once")
    if twice := next((path for path in found if found.count(path) > 1), None):
        raise UserError(f"{key}: {twice} is named twice")
    return found


def sample_files_by_part(given: Given, key: str) -> tuple[list[InputFile], list[int] | None]:
    """Return the files of a sample, and for each the number of its part in `PARTS`; None where the split is drawn.

    Args:
        given: files, or a mapping with the keys `train`, `test` and, if at all, `val`.
        key: for messages.

    Raises:
        UserError: as `input_files`, parts that there are not, or one file for two parts.

    >>> from hepad.core.inputs import sample_files_by_part
    >>> sample_files_by_part({"train": "a.h5"}, "data.samples.mine")
    Traceback (most recent call last):
    hepad.core.errors.UserError: data.samples.mine: files for train and for test are needed, {train: FILE, test: FILE}
    """
    if not isinstance(given, Mapping):
        return input_files(given, key), None
    named = {str(part): files for part, files in given.items() if files is not None}
    if strange := [part for part in named if part not in PARTS]:
        raise UserError(f"{key}: no part {strange[0]}; allowed: {', '.join(PARTS)}")
    if not {"train", "test"} <= set(named):
        raise UserError(f"{key}: files for train and for test are needed, {{train: FILE, test: FILE}}")
    found = [
        (path, number)
        for number, part in enumerate(PARTS)
        if part in named
        for path in input_files(named[part], f"{key}.{part}")
    ]
    seen: dict[InputFile, int] = {}
    for path, number in found:
        if (other := seen.setdefault(path.resolve(), number)) != number:
            raise UserError(
                f"{key}: {path} is named for {PARTS[other]} and for {PARTS[number]}; an entry is in one part"
            )
    return [path for path, _ in found], [number for _, number in found]
