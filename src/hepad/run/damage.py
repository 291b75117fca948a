"""Whether the bytes of a checkpoint are still those that were written."""

import zipfile
from pathlib import Path

from hepad.errors import UserError


def damage(checkpoint: Path) -> str | None:
    """Return what has happened to the bytes of a checkpoint, or None for one that is whole.

    A checkpoint is a zip archive with a checksum of every part, at which torch itself does not look.
    """
    try:
        with zipfile.ZipFile(checkpoint) as file:
            return None if file.testzip() is None else "a checksum is wrong"
    except zipfile.BadZipFile:
        return "it is cut off, or no checkpoint"
    # What else zipfile raises where a wrong byte stands among its own: NotImplementedError, for one.
    except Exception as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__


def refuse_damaged(checkpoint: Path, advice: str) -> None:
    """Raise `UserError`, with `advice` on what to do, where a checkpoint is not as it was written."""
    if reason := damage(checkpoint):
        raise UserError(f"{checkpoint} is damaged ({reason}); {advice}")
