"""Inputs as a user names them: a file, several, or a glob."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import require_file

_MOST: Final = 100_000
_REMOTE: Final = "://"


def input_files(given: str | Sequence[str], key: str) -> list[Path]:
    """Return the files that are named, those of a glob in the order of their names.

    Args:
        given: a path, a glob such as `data/*.root`, or several of either.
        key: for messages.

    Raises:
        UserError: no such file, a glob that matches nothing, a file named twice, or a URL.

    >>> from hepad.core.inputs import input_files
    >>> input_files("no/such/*.root", "input")
    Traceback (most recent call last):
    hepad.core.errors.UserError: input: no file matches no/such/*.root
    """
    found: list[Path] = []
    for name in (given,) if isinstance(given, str) else given:
        if _REMOTE in name:
            raise UserError(f"{key}: {name} is no local file; copy it here first (xrdcp, curl)")
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
