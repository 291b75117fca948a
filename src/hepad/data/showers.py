"""Showers in the cells of a calorimeter."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import feature_names, first_row, has_dataset, read_rows, safe_dataset, text_attributes
from hepad.core.schema import INCIDENT_ENERGY, SHOWER_DATASET, TABLE_DATASET, ImageLabels, Structure
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.event_weights import mean_and_spread
from hepad.data.loader import BatchLoader
from hepad.data.memory import check_rows_fit
from hepad.data.symmetry import rotation_steps

EMPTY: Final = "showers without any energy"
ON_NEGATIVE: Final = ("refuse", "zero")

_IN_GEV: Final = {"": 1.0, "GeV": 1.0, "MeV": 1e-3, "TeV": 1e3}
_IN_MEV: Final = {"": 1.0, "MeV": 1.0, "GeV": 1e3, "keV": 1e-3}
_MEV: Final = 1e3


class ShowerDataModule(AnomalyDataModule):
    """Volumes `(1, Z, Y, X)` of visible energy (MeV) in the cells of a calorimeter, layers along Z.

    Read is `shower_volume` `(N, Z, Y, X)`. The energy of the particle, `incident_energy`, is in GeV whatever the unit
    in the file: a data set `(N,)` or a column of `table`, as the presets of CaloChallenge and Getting High write it.
    It is an observable like the others, and with `context: [incident_energy]` what a model is conditioned on.

    A regular grid is the same seen in a mirror, along X and along Y, so training showers are mirrored at random. A
    cylinder (`periodic_phi`) is the same for every angle, and they are rotated instead.

    Args:
        threshold: cells above it are hits (MeV).
        periodic_phi: the cells along Y are a ring, as the angles of CaloChallenge are.
        augment: mirror or rotate training showers.
        on_negative: `refuse` raises where cells hold less than 0, `zero` reads them as 0.
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import ShowerDataModule
    >>> data = ShowerDataModule(samples={}, background="photon_showers", context=["incident_energy"], limit=200)
    >>> data.setup()
    >>> data.entry_shape, tuple(data.train_entries.batch.context.shape[1:])
    ((1, 10, 10, 10), (1,))
    """

    kind: ClassVar[str] = "showers"
    loudness: str | None = "deposited_energy"
    structure: ClassVar[Structure] = "volume"
    default_model: ClassVar[str | None] = "conv_ae"
    datasets: ClassVar[tuple[str, ...]] = (SHOWER_DATASET,)
    profile_features: tuple[str, ...] = (INCIDENT_ENERGY, "deposited_energy", "n_hit", "depth")

    def __init__(
        self,
        *,
        threshold: float = 0.0,
        periodic_phi: bool = False,
        augment: bool = True,
        on_negative: str = "refuse",
        **common: Any,
    ) -> None:
        if on_negative not in ON_NEGATIVE:
            raise UserError(f"data.on_negative={on_negative}; allowed: {', '.join(ON_NEGATIVE)}")
        super().__init__(**common)
        self.threshold = threshold
        self.periodic_phi = periodic_phi
        self.augment = augment
        self.on_negative = on_negative

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return ("energy",)

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The data set."""
        return {"dataset": SHOWER_DATASET}

    @property
    def image_labels(self) -> ImageLabels:
        """Labels of what a cell holds, and of the two axes of a layer."""
        return ImageLabels("Visible energy [MeV]", horizontal="Cell in x", vertical="Cell in y")

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of showers."""
        if not has_dataset(file, SHOWER_DATASET) and has_dataset(file, "shower_voxels"):
            raise UserError(
                f"{file.filename} holds shower_voxels, whose layers differ in their cells, and no regular grid; "
                "data=table reads its table"
            )
        return safe_dataset(file, SHOWER_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the showers of one sample as entries of shape `(1, Z, Y, X)`."""
        part = rows or slice(0, limit)
        cells = self._cells(file, sample, part)
        n_rows = len(cells)
        # What is NaN is kept here, so that the check for it sees it.
        kept = np.flatnonzero((cells != 0).reshape(n_rows, -1).any(axis=1))
        if rows is None and not len(kept):
            raise UserError(f"every shower of {sample} is empty ({file.filename}:/{SHOWER_DATASET})")
        cells = cells if len(kept) == n_rows else cells[kept]
        observables: dict[str, NDArray[np.float64]] = {}
        if self.observes(rows) or self.context_names:
            observables = shower_observables(cells, self.threshold)
            energy = incident_energy(file, first_row(rows), n_rows)
            if energy is not None:
                observables[INCIDENT_ENERGY] = energy[kept]
                observables["response"] = _response(observables["deposited_energy"], energy[kept])
        left_out = {EMPTY: n_rows - len(kept)} if len(kept) < n_rows else {}
        index = first_row(rows) + kept
        return Entries(Batch(torch.from_numpy(cells[:, None])), index, observables, left_out=left_out)

    def _cells(self, file: h5py.File, sample: str, rows: slice) -> NDArray[np.float32]:
        """Return the cells of some rows `(N, Z, Y, X)` in MeV."""
        dataset = self.source(file)
        where = f"{file.filename}:/{SHOWER_DATASET}"
        if dataset.ndim != 4:
            raise UserError(f"{where} has shape {dataset.shape}; (showers, layers, y, x) is needed")
        if 0 in dataset.shape:
            raise UserError(f"sample {sample} is empty: {where} has shape {dataset.shape}")
        check_rows_fit(dataset, rows, sample)
        cells = read_rows(dataset, first_row(rows), rows.stop).astype(np.float32)
        if (scale := _scale(dataset, _IN_MEV, where)) != 1:
            cells *= np.float32(scale)
        negative = cells < 0
        if not negative.any():
            return cells
        if self.on_negative == "refuse":
            n_showers = int(negative.reshape(len(cells), -1).any(axis=1).sum())
            raise UserError(
                f"{n_showers} of {len(cells)} showers of {sample} have cells below 0, down to {cells.min():.3g} MeV "
                f"({where}); data.on_negative=zero reads such cells as 0"
            )
        cells[negative] = 0
        return cells

    @cached_property
    def _mean(self) -> Tensor:
        return mean_and_spread(self.baseline_entries.batch.x, self.baseline_entries.batch.weight)[0]

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Visible energy, number of hits, depth, and squared distance to the mean training shower.

        Where a model is given the incident energy, also how far the response is from the mean of training showers.
        """
        distance = (entries.batch.x - self._mean).square().flatten(1).sum(dim=1, dtype=torch.float64)
        known = entries.observables
        named = {"sum_pt": "deposited_energy", "multiplicity": "n_hit", "depth": "depth"}
        found = {score: known[name] for score, name in named.items() if name in known}
        if INCIDENT_ENERGY in self.context_names and "response" in known:
            # Trivial is what uses no more than the model is given.
            usual = float(np.mean(self.baseline_entries.observables["response"]))
            found["response"] = np.abs(known["response"] - usual)
        return {**found, "distance_to_mean": distance.numpy()}

    def train_dataloader(self) -> BatchLoader:
        """Shuffled batches of what is trained on, mirrored or rotated at random."""
        loader = super().train_dataloader()
        if self.augment:
            loader.transform = self._augmented
        return loader

    def _augmented(self, batch: Batch, generator: torch.Generator) -> Batch:
        if batch.target is not None:
            return batch  # A teacher's score belongs to the very shower it was made from.
        return batch._replace(x=augment_showers(batch.x, generator, self.periodic_phi))

    @property
    def symmetries(self) -> Mapping[str, Mapping[int, Callable[[Tensor], Tensor]]]:
        """Mirrors along X and Y; of a cylinder rotations, every one of up to 18 cells or 17 of more, and its mirror."""
        if not self.periodic_phi:
            return {"x_flip": {1: lambda x: x.flip(4)}, "y_flip": {1: lambda x: x.flip(3)}}
        steps = rotation_steps(self.entry_shape[2])
        rotations = {step: (lambda x, step=step: x.roll(step, dims=3)) for step in steps}
        return {"y_rotation": rotations, "y_flip": {1: lambda x: x.flip(3)}}


def augment_showers(x: Tensor, generator: torch.Generator, periodic_phi: bool) -> Tensor:
    """Return showers `(B, 1, Z, Y, X)` mirrored along Y and X at random, each by itself; a ring in Y is rotated too."""
    n, size = len(x), x.shape[3]
    flips = torch.randint(2, (2, n, 1, 1, 1, 1), generator=generator).bool()
    shifts = torch.randint(size, (n,), generator=generator)
    x = torch.where(flips[0], x.flip(3), x)
    if not periodic_phi:
        return torch.where(flips[1], x.flip(4), x)
    source = (torch.arange(size) - shifts[:, None]) % size
    return torch.take_along_dim(x, source[:, None, None, :, None], dim=3)


def shower_observables(cells: NDArray[np.float32], threshold: float = 0.0) -> dict[str, NDArray[np.float64]]:
    """Return what showers `(N, Z, Y, X)` (MeV) are described by, each `(N,)`, named as in the tables of the presets.

    `deposited_energy` and `hottest_cell` (MeV), `n_hit` (cells above `threshold`), and `depth`, the mean layer weighted
    with energy.
    """
    flat = cells.reshape(len(cells), -1)
    layers = cells.sum(axis=(2, 3), dtype=np.float64)
    total = layers.sum(axis=1)
    return {
        "deposited_energy": total,
        "n_hit": (flat > threshold).sum(axis=1).astype(np.float64),
        "hottest_cell": flat.max(axis=1).astype(np.float64),
        "depth": layers @ np.arange(cells.shape[1]) / np.maximum(total, 1e-6),
    }


def _response(deposited: NDArray[np.float64], energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return visible over incident energy; 0 for a particle of no energy."""
    return np.divide(deposited, _MEV * energy, out=np.zeros_like(deposited), where=energy > 0)


def incident_energy(file: h5py.File, start: int, n: int) -> NDArray[np.float64] | None:
    """Return the energies `(n,)` (GeV) of the particles from the row `start` on; None where a file has none.

    Raises:
        UserError: a unit that is no energy, or fewer rows than showers.
    """
    where = f"{file.filename}:/{INCIDENT_ENERGY}"
    if has_dataset(file, INCIDENT_ENERGY):
        dataset, column = safe_dataset(file, INCIDENT_ENERGY), 0
        scale = _scale(dataset, _IN_GEV, where)
    elif has_dataset(file, TABLE_DATASET) and INCIDENT_ENERGY in (
        names := feature_names(safe_dataset(file, TABLE_DATASET), ())
    ):
        dataset, column = safe_dataset(file, TABLE_DATASET), names.index(INCIDENT_ENERGY)
        scale = _scale(dataset, _IN_GEV, f"{where} of /{TABLE_DATASET}", column)
    else:
        return None
    values = read_rows(dataset, start, start + n)
    if len(values) < n:
        raise UserError(f"{where} has {start + len(values)} rows for {start + n} showers; one for each is needed")
    return scale * np.asarray(values.reshape(n, -1)[:, column], dtype=np.float64)


def _scale(dataset: h5py.Dataset, known: Mapping[str, float], where: str, column: int = 0) -> float:
    """Return what makes the numbers of a data set, or of one of its columns, those of hepad's unit."""
    units = text_attributes(dataset, "units")
    unit = units[column] if column < len(units) else ""
    if unit not in known:
        raise UserError(f"{where} is in {unit}; known units of energy: {', '.join(filter(None, known))}")
    return known[unit]
