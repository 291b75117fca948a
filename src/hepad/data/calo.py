"""Calorimeter images, and other images of whole events."""

import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, first_row, has_dataset, open_hdf5, read_rows, safe_dataset
from hepad.core.schema import CALO_DATASET, CALO_DATASET_CICADA, CALO_SHAPE, EVENT_IMAGE_DATASET, ImageLabels, Structure
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.event_weights import mean_and_spread
from hepad.data.events import read_event_features
from hepad.data.loader import BatchLoader
from hepad.data.memory import check_rows_fit
from hepad.data.symmetry import augment, rotation_steps


class CaloDataModule(AnomalyDataModule):
    """Images `(C, H, W)` of events: φ along H, η along W, one channel per detector or kind of object.

    Read are `calo_regions` `(N, 18, 14)`, the region E_T in GeV; the same under the name of CICADA's own files,
    `CaloRegions`; and the AD4HEP workshop's `event_image_data` `(N, 16, 16, 5)`. Channels come last in a file, or not
    at all. A file that holds several is read in this order, unless `dataset` says which.

    The detector is the same for every φ, and nearly so for ±η. Training images are rotated and mirrored at random, an
    exact symmetry of the grid, anew in every epoch.

    Args:
        dataset: name of the data set to read, in every sample; null for the first of those above.
        threshold: pixels above it count as hit (GeV, or the unit of the file); for the baseline `multiplicity`.
        periodic_phi: the rows of an image close to a ring.
        augment_phi: rotate training images in φ; only where `periodic_phi`.
        augment_eta: mirror training images in η.
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import CaloDataModule
    >>> data = CaloDataModule(samples={}, background="zero_bias", limit=1000)
    >>> data.setup()
    >>> data.entry_shape, list(data.symmetries)
    ((1, 18, 14), ['phi_rotation', 'eta_flip'])
    >>> sorted(data.trivial_scores(data.test_entries["ttbar"]))
    ['distance_to_mean', 'mahalanobis', 'multiplicity', 'sum_pt']
    """

    kind: ClassVar[str] = "calo"
    structure: ClassVar[Structure] = "image"
    default_model: ClassVar[str | None] = "cicada_ae"
    datasets: ClassVar[tuple[str, ...]] = (CALO_DATASET, CALO_DATASET_CICADA, EVENT_IMAGE_DATASET)
    profile_features: tuple[str, ...] = ("total_et", "max_region", "n_pileup", "ht")

    def __init__(
        self,
        *,
        dataset: str | None = None,
        threshold: float = 4.0,
        periodic_phi: bool = True,
        augment_phi: bool = True,
        augment_eta: bool = True,
        **common: Any,
    ) -> None:
        if dataset is not None and dataset not in self.datasets:
            raise UserError(f"data.dataset={dataset}; allowed: {', '.join(self.datasets)}")
        super().__init__(**common)
        self.dataset = dataset
        self.threshold = threshold
        self.periodic_phi = periodic_phi
        self.augment_phi = augment_phi and periodic_phi
        self.augment_eta = augment_eta

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the channels: those of the attribute `features` of the file's data set, where it names each."""
        n_channels = self.entry_shape[0]
        if n_channels == 1:
            return ("region_et",)
        numbered = tuple(f"channel_{i + 1}" for i in range(n_channels))
        # Names that do not fit are nothing that a run should end with.
        with contextlib.suppress(UserError), open_hdf5(self.files[self.background]) as file:
            return feature_names(self.source(file), numbered)
        return numbered

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The data set, under hepad's name."""
        with open_hdf5(self.files[self.background]) as file:
            name = self._name_in(file)
        return {"dataset": CALO_DATASET if name == CALO_DATASET_CICADA else name}

    @property
    def image_labels(self) -> ImageLabels:
        """Regions of the calorimeter; what other images hold only their maker knows."""
        is_calorimeter = self.entry_shape == (1, *CALO_SHAPE)
        value = r"Region $E_\mathrm{T}$ [GeV]" if is_calorimeter else "Pixel value"
        return ImageLabels(value, horizontal=r"$i\eta$", vertical=r"$i\phi$")

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of images."""
        return safe_dataset(file, self._name_in(file))

    def _name_in(self, file: h5py.File) -> str:
        return self.dataset or next((name for name in self.datasets if has_dataset(file, name)), CALO_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the images of one sample as entries of shape `(C, H, W)`."""
        images = read_images(file, self._name_in(file), sample, rows or slice(0, limit), whole=rows is None)
        pixels = images.reshape(len(images), -1)
        observables = {
            "total_et": pixels.sum(axis=1, dtype=np.float64),
            "max_region": pixels.max(axis=1).astype(np.float64),
            "n_regions": (pixels > self.threshold).sum(axis=1).astype(np.float64),
        }
        if self.observes(rows):
            observables |= read_event_features(file, len(images), skip=observables, start=first_row(rows))
        index = first_row(rows) + np.arange(len(images))
        return Entries(Batch(x=torch.from_numpy(images)), index=index, observables=observables)

    @cached_property
    def _mean_and_scale(self) -> tuple[Tensor, Tensor]:
        """The mean training image `(C, H, W)`, and the spread of each channel `(C, 1, 1)`."""
        x, weight = self.baseline_entries.batch.x.double(), self.baseline_entries.batch.weight
        if weight is None:
            variance, _ = torch.var_mean(x, dim=(0, 2, 3), correction=0)
            mean, spread = x.mean(dim=0), variance.sqrt()
        else:
            mean, _ = mean_and_spread(x, weight)
            by_channel = x.movedim(1, -1).flatten(0, -2)
            _, spread = mean_and_spread(by_channel, weight.repeat_interleave(x[0, 0].numel()))
        return mean, torch.where(spread > 0, spread, torch.ones_like(spread))[:, None, None]

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Total E_T, number of pixels above threshold, squared distance to the mean training image (standard units)."""
        mean, scale = self._mean_and_scale
        distance = ((entries.batch.x.double() - mean) / scale).square().sum(dim=(1, 2, 3))
        return {
            "sum_pt": entries.observables["total_et"],
            "multiplicity": entries.observables["n_regions"],
            "distance_to_mean": distance.numpy(),
        }

    def train_dataloader(self) -> BatchLoader:
        """Shuffled batches of the background's training part, rotated and mirrored at random."""
        loader = super().train_dataloader()
        if self.augment_phi or self.augment_eta:
            loader.transform = self._augmented
        return loader

    def _augmented(self, batch: Batch, generator: torch.Generator) -> Batch:
        if batch.target is not None:
            return batch  # A teacher's score belongs to the very image it was made from.
        return batch._replace(x=augment(batch.x, generator, self.augment_phi, self.augment_eta))

    @property
    def symmetries(self) -> Mapping[str, Mapping[int, Callable[[Tensor], Tensor]]]:
        """Rotations in φ, every one of up to 18 rows or 17 of more, and the mirror in η."""
        steps = rotation_steps(self.entry_shape[1])
        rotations = {step: (lambda x, step=step: x.roll(step, dims=2)) for step in steps}
        mirror = {"eta_flip": {1: lambda x: x.flip(3)}}
        return {"phi_rotation": rotations, **mirror} if self.periodic_phi else mirror


def read_images(
    file: h5py.File, name: str, sample: str, rows: slice | None = None, whole: bool = True
) -> NDArray[np.float32]:
    """Return the images of a data set as `(N, C, H, W)` float32.

    Args:
        file: an open file.
        name: of the data set: `(N, H, W)`, or `(N, H, W, C)` with the channels last. Where calorimeter regions are
            stored flat, `(N, 252)`, they become 18 × 14.
        sample: for messages.
        rows: which of them; None for all.
        whole: they are all that is looked at; a part of a file may hold nothing but empty images.

    Raises:
        UserError: another shape, no images, or, of a whole sample, nothing but constant ones.
    """
    dataset = safe_dataset(file, name)
    n_regions = CALO_SHAPE[0] * CALO_SHAPE[1]
    is_flat = name != EVENT_IMAGE_DATASET and dataset.ndim == 2 and dataset.shape[1] == n_regions
    if dataset.ndim not in (3, 4) and not is_flat:
        raise UserError(
            f"{file.filename}:/{name} has shape {dataset.shape}; (images, φ, η) or (images, φ, η, channels) is needed"
        )
    if 0 in dataset.shape:
        raise UserError(f"sample {sample} is empty: {file.filename}:/{name} has shape {dataset.shape}")
    check_rows_fit(dataset, rows, sample)
    images = read_rows(dataset, first_row(rows), rows and rows.stop).astype(np.float32)
    pixels = images.reshape(len(images), -1)
    if whole and (pixels == pixels[:, :1]).all():
        raise UserError(
            f"every image of {sample} is constant ({file.filename}:/{name}); "
            "there is no pattern in them to learn or to find"
        )
    if is_flat:
        images = images.reshape(-1, *CALO_SHAPE)
    return np.ascontiguousarray(images[:, None] if images.ndim == 3 else np.moveaxis(images, -1, 1))
