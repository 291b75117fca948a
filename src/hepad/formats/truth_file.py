"""Truth in a file of its own: one number a line, as the `.masterkey` of the LHC Olympics black boxes."""

import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.files import read_small_file

_LARGEST: Final = 256 << 20


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Return 1 where a line holds anything but 0, `(N,)`; raise `UserError` where it holds no integer from 0."""
    content: Any = read_small_file(path, _LARGEST, "labels").split()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            numbers = np.array(content, dtype="S32").astype(np.float64)
    except ValueError as error:
        raise UserError(f"labels={path}: {error}; one number a line is needed") from error
    if not len(numbers) or not np.isin(numbers, np.arange(10)).all():
        raise UserError(f"labels={path}: one integer a line is needed, 0 for background, 1 or 2 for signal")
    return (numbers > 0).astype(np.uint8)
