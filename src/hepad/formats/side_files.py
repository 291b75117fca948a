"""Files beside the data: certified luminosity sections of CMS, and the truth of a black box.

The sections are JSON, `{"320673": [[1, 205], [300, 400]]}`; the truth is one number a line, as in the `.masterkey` of
the LHC Olympics.
"""

import json
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.files import read_small_file

_LARGEST: Final = 256 << 20


class LumiMask:
    """Luminosity sections that are certified, both ends of an interval included.

    Args:
        sections: run → intervals of sections.

    >>> import numpy as np
    >>> from hepad.formats.side_files import LumiMask
    >>> mask = LumiMask({7: [(1, 3), (5, 5)]})
    >>> mask(np.array([7, 7, 7, 8]), np.array([3, 4, 5, 1])).tolist()
    [True, False, True, False]
    """

    def __init__(self, sections: dict[int, list[tuple[int, int]]]) -> None:
        self._edges = {
            run: (np.array([low for low, _ in sorted(found)]), np.array([high for _, high in sorted(found)]))
            for run, found in sections.items()
        }

    def __call__(self, run: NDArray[Any], section: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which events are certified, `(N,)`."""
        certified = np.zeros(len(run), dtype=bool)
        for number in np.unique(run).tolist():
            if (edges := self._edges.get(int(number))) is None or not len(edges[0]):
                continue
            here = np.flatnonzero(run == number)
            sections = section[here].astype(np.int64)
            interval = np.searchsorted(edges[0], sections, side="right") - 1
            certified[here] = (interval >= 0) & (sections <= np.maximum.accumulate(edges[1])[interval])
        return certified


def read_lumi_mask(path: Path) -> LumiMask:
    """Return the mask of a JSON file; raise `UserError` where it is none."""
    try:
        content = json.loads(read_small_file(path, _LARGEST, "lumi_mask"))
        sections = {int(run): [(int(low), int(high)) for low, high in intervals] for run, intervals in content.items()}
    except UserError:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f'lumi_mask={path}: JSON such as {{"320673": [[1, 205]]}} is needed') from error
    return LumiMask(sections)


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
