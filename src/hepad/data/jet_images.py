"""Jet images."""

from dataclasses import asdict
from functools import cached_property
from typing import Any, ClassVar

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, first_row, has_dataset, read_rows, safe_dataset
from hepad.core.schema import (
    CONSTITUENT_FEATURES,
    FAT_JET_FEATURES,
    JET_CONSTITUENTS_DATASET,
    JET_FEATURES_DATASET,
    JET_IMAGE_DATASET,
    ImageLabels,
    Structure,
)
from hepad.data.calo import read_images
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.event_weights import mean_and_spread
from hepad.data.events import read_table
from hepad.data.jet_preprocessing import JetImaging
from hepad.data.memory import check_rows_fit


class JetImagesDataModule(AnomalyDataModule):
    """Images `(1, P, P)` of single jets: pT in pixels of Δφ (rows) and Δη (columns) around the jet's centre.

    Read are `jet_constituents` `(N, K, 3)`, of which images are made with the steps of `JetImaging`; or, from a file
    without them, ready-made `jet_images` `(N, P, P)`, which are taken as they are. Neither axis is periodic.

    Args:
        n_pixels, half_width, center, rotate, flip, normalize, power, min_pt: see `JetImaging`.
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import JetImagesDataModule
    >>> data = JetImagesDataModule(samples={}, background="qcd_jets", n_pixels=24, limit=500)
    >>> data.setup()
    >>> data.entry_shape, data.test_samples
    ((1, 24, 24), ['qcd_jets', 'top_jets'])
    >>> round(float(data.train_entries.batch.x[0].sum()), 3)
    1.0
    """

    kind: ClassVar[str] = "jet_images"
    structure: ClassVar[Structure] = "image"
    datasets: ClassVar[tuple[str, ...]] = (JET_CONSTITUENTS_DATASET, JET_IMAGE_DATASET)
    profile_features: tuple[str, ...] = ("mass", "nConstituents", "pt", "n_pileup")

    def __init__(
        self,
        *,
        n_pixels: int = 40,
        half_width: float = 0.8,
        center: str = "centroid",
        rotate: bool = True,
        flip: bool = True,
        normalize: bool = True,
        power: float = 1.0,
        min_pt: float = 0.0,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.imaging = JetImaging(n_pixels, half_width, center, rotate, flip, normalize, power, min_pt)
        self._ready_made = False

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the channels."""
        n_channels = self.entry_shape[0]
        return ("pt",) if n_channels == 1 else tuple(f"channel_{i + 1}" for i in range(n_channels))

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The steps from constituents to an image; ready-made images took steps of their own."""
        return {"dataset": JET_IMAGE_DATASET} if self._ready_made else asdict(self.imaging)

    @property
    def image_labels(self) -> ImageLabels:
        """Primed where the jet's own axes were turned upright; ready-made images do not say what they hold."""
        if self._ready_made:
            return ImageLabels("Pixel value", r"$\Delta\eta$ pixel", r"$\Delta\phi$ pixel")
        prime = "'" if self.imaging.rotate else ""
        return ImageLabels(self.imaging.pixel_label, rf"$\Delta\eta{prime}$ pixel", rf"$\Delta\phi{prime}$ pixel")

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of constituents, else that of images."""
        return safe_dataset(file, JET_IMAGE_DATASET if self._holds_images(file) else JET_CONSTITUENTS_DATASET)

    def numbers_of_row(self, file: h5py.File) -> int:
        """Return those of its constituents, and of the image that is made of them."""
        return super().numbers_of_row(file) + self.imaging.n_pixels**2

    def _holds_images(self, file: h5py.File) -> bool:
        return has_dataset(file, JET_IMAGE_DATASET) and not has_dataset(file, JET_CONSTITUENTS_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the jets of one sample as entries of shape `(1, P, P)`."""
        part = rows or slice(0, limit)
        if self._holds_images(file):
            images = read_images(file, JET_IMAGE_DATASET, sample, part, whole=rows is None)
            # What an entry is, the background says; another sample may be images that a model has made of the same.
            self._ready_made |= sample == self.background
            found = _image_observables(images)
        else:
            constituents = read_constituents(file, sample, part, self.imaging.n_pixels**2)
            refuse_empty_jets(constituents, self.imaging.min_pt, file, sample)
            images = self.imaging.images(constituents)
            found = jet_observables(constituents)
        first = first_row(rows)
        if self.observes(rows) or self.context_names:
            # A context is that of the file where the file has it, also for a part of it.
            found |= read_jet_features(file, len(images), first)
        index = first + np.arange(len(images))
        return Entries(Batch(x=torch.from_numpy(images)), index=index, observables=found)

    @cached_property
    def _mean(self) -> torch.Tensor:
        return mean_and_spread(self.baseline_entries.batch.x, self.baseline_entries.batch.weight)[0]

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Jet pT, number of constituents, jet mass, and squared distance to the mean training image."""
        distance = (entries.batch.x - self._mean).square().sum(dim=(1, 2, 3), dtype=torch.float64)
        named = {"sum_pt": "pt", "multiplicity": "nConstituents", "mass": "mass"}
        found = {score: entries.observables[name] for score, name in named.items() if name in entries.observables}
        return {**found, "distance_to_mean": distance.numpy()}


def read_constituents(file: h5py.File, sample: str, rows: slice | None = None, numbers: int = 0) -> NDArray[np.float32]:
    """Return `jet_constituents` as `(N, K, 3)` float32: pT (GeV), η and φ (rad) of each constituent.

    Args:
        file: an open file.
        sample: for messages.
        rows: which jets; None for all.
        numbers: that will be made of a jet, such as pixels, for which there must be room too.

    Raises:
        UserError: another shape, no jets, a column that is missing, or more than fits into memory.
    """
    dataset = safe_dataset(file, JET_CONSTITUENTS_DATASET)
    where = f"{file.filename}:/{JET_CONSTITUENTS_DATASET}"
    if dataset.ndim != 3:
        raise UserError(f"{where} has shape {dataset.shape}; (jets, constituents, features) is needed")
    if 0 in dataset.shape:
        raise UserError(f"sample {sample} is empty: {where} has shape {dataset.shape}")
    names = feature_names(dataset, CONSTITUENT_FEATURES)
    if missing := [name for name in CONSTITUENT_FEATURES if name not in names]:
        raise UserError(f"{where} has no feature {', '.join(missing)}; it has: {', '.join(names)}")
    check_rows_fit(dataset, rows, sample, numbers)
    columns = [names.index(name) for name in CONSTITUENT_FEATURES]
    return read_rows(dataset, first_row(rows), rows and rows.stop)[..., columns].astype(np.float32)


def refuse_empty_jets(constituents: NDArray[np.float32], min_pt: float, file: h5py.File, sample: str) -> None:
    """Raise `UserError` for jets `(N, K, 3)` without any constituent above `min_pt` (GeV)."""
    # A NaN pT is no empty slot: it is kept here so that the check for NaN sees it.
    is_empty = np.all(constituents[..., 0] <= min_pt, axis=1)
    if n_empty := int(is_empty.sum()):
        raise UserError(
            f"{n_empty} of {len(constituents)} jets of sample {sample} have no constituent with "
            f"pT > {min_pt:g} GeV ({file.filename}:/{JET_CONSTITUENTS_DATASET}); leave such jets out"
        )


def read_jet_features(file: h5py.File, n_jets: int, start: int = 0) -> dict[str, NDArray[np.float64]]:
    """Return name → `(n_jets,)` from `jet_features`, from a row on; nothing where the file has none.

    Raises:
        UserError: fewer rows than there are jets.
    """
    return read_table(file, JET_FEATURES_DATASET, FAT_JET_FEATURES, n_jets, "jet", start=start)


def jet_observables(constituents: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return pt, eta, phi and mass (GeV, rad) of the sum of massless constituents `(N, K, 3)`, and nConstituents."""
    # A jet with inf in it is refused or left out later; it gets no warning here.
    finite = np.isfinite(constituents).all(axis=(1, 2), keepdims=True)
    pt, eta, phi = np.moveaxis(np.where(finite, constituents, np.nan).astype(np.float64), -1, 0)
    px, py, pz, energy = (
        (pt * direction).sum(axis=1) for direction in (np.cos(phi), np.sin(phi), np.sinh(eta), np.cosh(eta))
    )
    jet_pt = np.hypot(px, py)
    return {
        "pt": jet_pt,
        "eta": np.arcsinh(np.divide(pz, jet_pt, out=np.zeros_like(pz), where=jet_pt > 0)),
        "phi": np.arctan2(py, px),
        "mass": np.sqrt(np.maximum(energy**2 - jet_pt**2 - pz**2, 0.0)),
        "nConstituents": (pt > 0).sum(axis=1).astype(np.float64),
    }


def _image_observables(images: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    pixels = images.reshape(len(images), -1)
    return {
        "pt": pixels.sum(axis=1, dtype=np.float64),
        "nConstituents": (pixels > 0).sum(axis=1).astype(np.float64),
    }
