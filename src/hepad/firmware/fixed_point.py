"""Numbers of a fixed number of bits, as firmware has them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FixedPoint:
    """Signed numbers of `width` bits, of which `integer` stand before the binary point, the sign among them.

    `ap_fixed<width, integer, AP_RND, AP_SAT>` of Vitis HLS (AMD UG1399, "Arbitrary Precision Fixed-Point Data Types"):
    values are rounded to the nearest, halves upward, and what is too large becomes the largest. `integer` may be
    below 0 or above `width`.

    >>> import numpy as np
    >>> from hepad.firmware.fixed_point import FixedPoint
    >>> four = FixedPoint(4, 2)
    >>> four.step, four.nearest(np.array([0.3, 0.375, -0.375, 7.0, -7.0])).tolist()
    (0.25, [0.25, 0.5, -0.25, 1.75, -2.0])
    """

    width: int
    integer: int

    @property
    def step(self) -> float:
        """The distance of two neighbours."""
        return math.ldexp(1.0, self.integer - self.width)

    @property
    def largest(self) -> float:
        """The largest number; the smallest is −(`largest` + `step`)."""
        return math.ldexp(1.0, self.integer - 1) - self.step

    def whole(self, values: FloatArray) -> FloatArray:
        """Return values as whole numbers of steps, of the same shape."""
        half = math.ldexp(1.0, self.width - 1)
        return np.clip(np.floor(values / self.step + 0.5), -half, half - 1)

    def nearest(self, values: FloatArray) -> FloatArray:
        """Return the nearest of these numbers, of the same shape; exact in float64."""
        return self.whole(values) * self.step

    @classmethod
    def holding(cls, values: FloatArray, width: int) -> "FixedPoint":
        """Return numbers of `width` bits that reach as far as `values`, with steps as fine as they then can be.

        >>> FixedPoint.holding(np.array([-3.0, 2.0]), 8)
        FixedPoint(width=8, integer=3)
        """
        size = float(np.abs(values).max()) if values.size else 0.0
        # The largest number it has is less than a step below any size that it is made for.
        return cls(width, 1 if size == 0 else math.floor(math.log2(size)) + 2)

    def __str__(self) -> str:
        return f"ap_fixed<{self.width},{self.integer},AP_RND,AP_SAT>"
