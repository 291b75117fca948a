"""Windows of a scan over an observable, each between two side bands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.searches.record import Window

_NARROWEST: float = 0.5
"""Width of the narrowest side band, in widths of the window."""


@dataclass(frozen=True)
class Scan:
    """Settings of a scan (`scan` of configs/search.yaml).

    Attributes:
        windows: how many.
        center: of the only window, or of the one in the middle where `step` is given; None to spread several.
        width: of each; None for one by which several overlap by halves.
        step: between two windows; None to spread them evenly over the range.
        range: both ends of the spectrum; None to take them from the data.
        bins: of the spectrum in each window.
        unit: of the observable; empty where unknown.
    """

    windows: int = 1
    center: float | None = 3500.0
    width: float | None = 400.0
    step: float | None = None
    range: tuple[float, float] | None = None
    bins: int = 4
    unit: str = "GeV"


def placed_scan(scan: Scan, values: NDArray[np.float64], observable: str) -> Scan:
    """Return the scan with the width and the range that it has for these data.

    Without a range the spectrum begins with its fullest bin, where it begins to fall, and ends where a thousandth of
    the data is left.

    Args:
        scan: as it is asked for.
        values: `(N,)` the observable.
        observable: its name.

    Raises:
        UserError: nobody says where the only window is, or it is where the data are not: their units may differ.
    """
    low, high = float(values.min()), float(values.max())
    reach = f"{observable} of the data reaches from {low:g} to {high:g}"
    if scan.range is not None and not (scan.range[0] < high and low < scan.range[1]):
        raise UserError(f"scan.range=[{scan.range[0]:g},{scan.range[1]:g}]: {reach}")
    start, stop = scan.range or (low, float(np.quantile(values, 0.999)))
    if scan.width is None and scan.windows == 1:
        raise UserError(f"where is the window? scan.center and scan.width say so; {reach}")
    # Neighbours overlap by a half, and there is a window's width beside the first and the last.
    width = scan.width or (stop - start) / ((scan.windows - 1) / 2 + 2)
    if (scan.center is not None and not low <= scan.center <= high) or width > high - low:
        raise UserError(
            f"{reach}, and a window {width:g} wide at {scan.center or (low + high) / 2:g} is searched: are the "
            "units the same? set scan.center and scan.width"
        )
    if scan.range is None:
        step = width / scan.bins
        first = math.floor(start / step)
        counts = np.bincount(np.floor(values[values < stop] / step).astype(np.int64) - first)
        start, stop = round((first + int(counts.argmax())) * step, 9), round(math.ceil(stop / step) * step, 9)
    return replace(scan, width=width, range=(start, stop))


def scan_windows(scan: Scan) -> list[Window]:
    """Return the windows of a scan whose width and range are known, by rising mass; `w0` is the first.

    Of several windows without a step the first and the last have side bands of half a width on their outer side.

    Raises:
        UserError: a window without a side band on each side.

    >>> from hepad.searches.windows import Scan, scan_windows
    >>> [(window.low, window.high) for window in scan_windows(Scan(3, None, 400.0, range=(2600.0, 4400.0)))]
    [(2800.0, 3200.0), (3300.0, 3700.0), (3800.0, 4200.0)]
    """
    assert scan.width is not None
    assert scan.range is not None
    (low, high), half = scan.range, scan.width / 2
    if scan.windows == 1 or scan.step is not None:
        middle = (low + high) / 2 if scan.center is None else scan.center
        offsets = (np.arange(scan.windows) - (scan.windows - 1) / 2) * (scan.step or 0.0)
        centers = middle + offsets
    else:
        margin = (_NARROWEST + 0.5) * scan.width
        centers = np.linspace(low + margin, high - margin, scan.windows)
        if high - margin < low + margin:
            raise UserError(
                f"scan.windows={scan.windows}: from {low:g} to {high:g} there is no room for a window {scan.width:g} "
                "wide and side bands of half its width; choose a smaller scan.width"
            )
    windows = []
    for i, center in enumerate(float(value) for value in centers):
        start, stop = round(center - half, 9), round(center + half, 9)
        for side, room in (("below", start - low), ("above", high - stop)):
            if room < _NARROWEST * scan.width * (1 - 1e-9):
                raise UserError(
                    f"the window [{start:g},{stop:g}] has no side band {side} it: the spectrum reaches from {low:g} to "
                    f"{high:g}, and {_NARROWEST * scan.width:g} on each side are needed; move it with scan.center, or "
                    "choose a smaller scan.width or scan.step"
                )
        windows.append(Window(f"w{i}", start, stop, ((low, start), (stop, high))))
    return windows


def bin_edges(window: Window, scan: Scan) -> Sequence[float]:
    """Return edges of bins of the spectrum that begin and end where the window does; whole bins, none beyond the ends.

    >>> from hepad.searches.windows import Scan, bin_edges, scan_windows
    >>> scan = Scan(1, 3500.0, 400.0, range=(2900.0, 4250.0), bins=2)
    >>> list(bin_edges(scan_windows(scan)[0], scan))
    [2900.0, 3100.0, 3300.0, 3500.0, 3700.0, 3900.0, 4100.0]
    """
    assert scan.width is not None
    assert scan.range is not None
    (low, high), step = scan.range, scan.width / scan.bins
    below = int(np.floor((window.low - low) / step + 1e-9))
    above = int(np.floor((high - window.high) / step + 1e-9))
    return [round(window.low + i * step, 9) for i in range(-below, scan.bins + above + 1)]
