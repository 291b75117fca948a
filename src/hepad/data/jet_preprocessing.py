"""From the constituents of jets to jet images: centre, rotate, flip, pixelate, normalise.

The order of Macaluso and Shih (arXiv:1803.00107), which Heimel, Kasieczka, Plehn and Thompson (arXiv:1808.08979)
use for autoencoders. All steps but the last two act on the constituents, before there are pixels, so that rotations
are exact.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError

CENTERS: Final = ("centroid", "axis", "hardest")

_AT_ONCE: Final = 4096

Array = NDArray[np.float64]


@dataclass(frozen=True)
class JetImaging:
    """Steps by which constituents become an image; every one can be left out.

    Attributes:
        n_pixels: pixels along each side.
        half_width: the image spans ±half_width in η and in φ (rad) around the jet's centre.
        center: where the centre is: the pT-weighted `centroid`, the `axis` (direction of the summed momenta) or the
            `hardest` constituent.
        rotate: turn the principal axis of the pT to the vertical (φ).
        flip: mirror so that most pT lies in the quadrant of positive η and φ.
        normalize: divide by the sum of the pixels.
        power: raise pixels to this power at the end; below 1 it brings out the soft part of a jet.
        min_pt: leave out constituents at or below it (GeV).

    Raises:
        UserError: a value that makes no image.
    """

    n_pixels: int = 40
    half_width: float = 0.8
    center: str = "centroid"
    rotate: bool = True
    flip: bool = True
    normalize: bool = True
    power: float = 1.0
    min_pt: float = 0.0

    def __post_init__(self) -> None:
        if self.n_pixels < 1:
            raise UserError(f"data.n_pixels={self.n_pixels}; at least 1 pixel is needed")
        if self.half_width <= 0:
            raise UserError(f"data.half_width={self.half_width}; a positive width is needed")
        if self.center not in CENTERS:
            raise UserError(f"data.center={self.center}; allowed: {', '.join(CENTERS)}")
        if self.power <= 0:
            raise UserError(f"data.power={self.power}; a positive power is needed")
        if self.min_pt < 0:
            raise UserError(f"data.min_pt={self.min_pt}; 0 or a positive pT is needed")

    @property
    def pixel_label(self) -> str:
        """Content of a pixel of such an image, for figures."""
        if self.power == 1:
            return r"Share of the jet's $p_\mathrm{T}$" if self.normalize else r"Pixel $p_\mathrm{T}$ [GeV]"
        base = r"Share of the jet's $p_\mathrm{T}$" if self.normalize else r"Pixel $p_\mathrm{T}$ / GeV"
        return rf"({base})$^{{{self.power:g}}}$"

    def images(self, constituents: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the images `(N, 1, P, P)` of jets, rows along φ and columns along η, both rising.

        Args:
            constituents: `(N, K, 3)` pT (GeV), η, φ (rad); slots with pT = 0 are empty. A jet with NaN or inf in it
                becomes an image of NaN, one without constituents an image of zeros.
        """
        images = np.zeros((len(constituents), 1, self.n_pixels, self.n_pixels), dtype=np.float32)
        for start in range(0, len(constituents), _AT_ONCE):
            rows = slice(start, start + _AT_ONCE)
            jets = constituents[rows].astype(np.float64)
            broken = ~np.isfinite(jets).all(axis=(1, 2))
            jets[broken] = 0
            finished = self._finish(pixelate(*self.aligned(jets), self.n_pixels, self.half_width))
            finished[broken] = np.nan
            images[rows, 0] = finished
        return images

    def aligned(self, jets: Array) -> tuple[Array, Array, Array]:
        """Return pT (0 where a slot is empty), Δη and Δφ, each `(N, K)`, after all steps but pixels."""
        pt, eta, phi = np.moveaxis(jets, -1, 0)
        pt = np.where(pt > self.min_pt, pt, 0.0)
        eta, phi = centered(pt, eta, phi, self.center)
        if self.rotate:
            eta, phi = rotated(pt, eta, phi)
        if self.flip:
            eta, phi = flipped(pt, eta, phi)
        return pt, eta, phi

    def _finish(self, images: Array) -> Array:
        if self.normalize:
            total = images.sum(axis=(1, 2), keepdims=True)
            images = np.divide(images, total, out=images, where=total > 0)
        return images if self.power == 1 else images**self.power


def centered(pt: Array, eta: Array, phi: Array, center: str) -> tuple[Array, Array]:
    """Return Δη and Δφ of constituents `(N, K)` to the centre of their jet; 0 in empty slots."""
    hardest = pt.argmax(axis=1)[:, None]
    # φ is counted from the hardest constituent, so that no jet lies across the seam.
    eta_0, phi_0 = (np.take_along_axis(x, hardest, axis=1) for x in (eta, phi))
    real = pt > 0
    eta, phi = (np.where(real, x, 0.0) for x in (eta - eta_0, (phi - phi_0 + np.pi) % (2 * np.pi) - np.pi))
    if center == "centroid":
        total = np.maximum(pt.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        eta_c, phi_c = ((pt * x).sum(axis=1, keepdims=True) / total for x in (eta, phi))
    elif center == "axis":
        px, py, pz = ((pt * f).sum(axis=1, keepdims=True) for f in (np.cos(phi), np.sin(phi), np.sinh(eta + eta_0)))
        eta_c = np.arcsinh(pz / np.maximum(np.hypot(px, py), np.finfo(np.float64).tiny)) - eta_0
        phi_c = np.arctan2(py, px)
    else:
        eta_c = phi_c = np.zeros_like(eta_0)
    return np.where(real, eta - eta_c, 0.0), np.where(real, phi - phi_c, 0.0)


def rotated(pt: Array, eta: Array, phi: Array) -> tuple[Array, Array]:
    """Turn each jet `(N, K)` about its centre so that the principal axis of its pT points along φ.

    The principal axis is the eigenvector with the larger eigenvalue of Σ pT (Δη, Δφ)ᵀ(Δη, Δφ).
    """
    ee, pp, ep = ((pt * product).sum(axis=1) for product in (eta * eta, phi * phi, eta * phi))
    # The axis lies at ½ atan2(2 M_ηφ, M_ηη − M_φφ) from η; it is turned to π/2.
    turn = np.pi / 2 - 0.5 * np.arctan2(2 * ep, ee - pp)[:, None]
    cos, sin = np.cos(turn), np.sin(turn)
    return cos * eta - sin * phi, sin * eta + cos * phi


def flipped(pt: Array, eta: Array, phi: Array) -> tuple[Array, Array]:
    """Mirror each jet `(N, K)` so that the quadrant with the most pT is the one where Δη and Δφ are positive."""
    right, upper = eta > 0, phi > 0
    quadrants = [(pt * (r & u)).sum(axis=1) for r in (right, ~right) for u in (upper, ~upper)]
    hardest = np.argmax(quadrants, axis=0)[:, None]
    return np.where(hardest >= 2, -eta, eta), np.where(hardest % 2 == 1, -phi, phi)


def pixelate(pt: Array, eta: Array, phi: Array, n_pixels: int, half_width: float) -> Array:
    """Sum the pT of constituents `(N, K)` in pixels `(N, P, P)`, φ along the rows; what lies outside is left out."""
    # Clipped to just outside: what is far away would not fit an integer.
    row, column = (
        np.floor(np.clip((x / half_width + 1) / 2 * n_pixels, -1, n_pixels)).astype(np.int64) for x in (phi, eta)
    )
    inside = (pt > 0) & (row >= 0) & (row < n_pixels) & (column >= 0) & (column < n_pixels)
    jet = np.broadcast_to(np.arange(len(pt))[:, None], pt.shape)
    pixel = ((jet * n_pixels + row) * n_pixels + column)[inside]
    summed = np.asarray(np.bincount(pixel, weights=pt[inside], minlength=len(pt) * n_pixels**2), dtype=np.float64)
    return summed.reshape(len(pt), n_pixels, n_pixels)
