"""Windows of a scan over an observable, each between two side bands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
        center: of the only window, or of the one in the middle where `step` is given.
        width: of each.
        step: between two windows; None to spread them evenly over the range.
        range: both ends of the spectrum; None for those of the data.
        bins: of the spectrum in each window.
        unit: of the observable; empty where unknown.
    """

    windows: int = 1
    center: float | None = 3500.0
    width: float = 400.0
    step: float | None = None
    range: tuple[float, float] | None = None
    bins: int = 4
    unit: str = "GeV"


def spectrum_range(scan: Scan, values: NDArray[np.float64], observable: str) -> tuple[float, float]:
    """Return both ends of the spectrum: those of the scan, or else of the data, in whole bins.

    Raises:
        UserError: the windows lie where the data do not, which is so where their units differ.
    """
    low, high = float(values.min()), float(values.max())
    step = scan.width / scan.bins
    # The first bin is a whole one, and the largest value lies in the last.
    wanted = scan.range or (round(math.ceil(low / step) * step, 9), round((math.floor(high / step) + 1) * step, 9))
    centers = [scan.center] if scan.center is not None else []
    if any(not low <= center <= high for center in centers) or scan.width > high - low:
        raise UserError(
            f"{observable} of the data reaches from {low:g} to {high:g}, and a window {scan.width:g} wide at "
            f"{scan.center or (low + high) / 2:g} is searched: are the units the same? set scan.center and scan.width"
        )
    if scan.range is not None and not (wanted[0] < high and low < wanted[1]):
        raise UserError(
            f"scan.range=[{wanted[0]:g},{wanted[1]:g}]: {observable} of the data reaches from {low:g} to {high:g}"
        )
    return wanted


def scan_windows(scan: Scan, low: float, high: float) -> list[Window]:
    """Return the windows of a scan of the spectrum from `low` to `high`, by rising mass; `w0` is the first.

    Of several windows without a step the first and the last have side bands of half a width on their outer side.

    Raises:
        UserError: a window without a side band on each side.

    >>> from hepad.searches.windows import Scan, scan_windows
    >>> [(window.low, window.high) for window in scan_windows(Scan(3, None, 400.0), 2600.0, 4400.0)]
    [(2800.0, 3200.0), (3300.0, 3700.0), (3800.0, 4200.0)]
    """
    half = scan.width / 2
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


def bin_edges(window: Window, scan: Scan, low: float, high: float) -> Sequence[float]:
    """Return edges of bins of the spectrum that begin and end where the window does; whole bins, none beyond the ends.

    >>> from hepad.searches.windows import Scan, bin_edges, scan_windows
    >>> scan = Scan(1, 3500.0, 400.0, bins=2)
    >>> list(bin_edges(scan_windows(scan, 2900.0, 4250.0)[0], scan, 2900.0, 4250.0))
    [2900.0, 3100.0, 3300.0, 3500.0, 3700.0, 3900.0, 4100.0]
    """
    step = scan.width / scan.bins
    below = int(np.floor((window.low - low) / step + 1e-9))
    above = int(np.floor((high - window.high) / step + 1e-9))
    return [round(window.low + i * step, 9) for i in range(-below, scan.bins + above + 1)]
