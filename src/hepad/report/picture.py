"""A figure of a run as a notebook shows it."""

import base64
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.core.files import read_small_file
from hepad.report.content import read_png

_BYTES: Final = 32 << 20


@dataclass(frozen=True, repr=False)
class Picture:
    """A picture that a notebook shows as the result of a cell.

    Attributes:
        path: where it lies.
        png: its bytes.

    >>> from pathlib import Path
    >>> from hepad.report.picture import Picture
    >>> Picture(Path("plots/roc.png"), b"")
    Picture(plots/roc.png)
    """

    path: Path
    png: bytes

    def __repr__(self) -> str:
        return f"Picture({self.path})"

    def _repr_png_(self) -> bytes:
        return self.png

    @property
    def data_url(self) -> str:
        """The picture as an address that needs no file and no network."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def picture_names(directory: Path) -> tuple[str, ...]:
    """Return the names of the pictures of a directory; none where it is not there."""
    return tuple(sorted(path.stem for path in directory.glob("*.png")))


def read_picture(directory: Path, name: str) -> Picture:
    """Return the picture of a name.

    Raises:
        UserError: there is none of that name, or it is no picture.
    """
    names = picture_names(directory)
    if not names:
        raise UserError(f"{directory.parent} has no figures: evaluation.plots was false, or it is not finished")
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]!r}? There are" if close else "there are"
        raise UserError(f"no figure {name!r}; {hint}: {', '.join(names)}")
    path = directory / f"{name}.png"
    content = read_small_file(path, _BYTES)
    try:
        return Picture(path, read_png(content))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
