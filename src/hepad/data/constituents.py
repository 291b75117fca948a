"""The constituents of single jets, relative to the jet, with a mask of the real ones."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, ClassVar, Final

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch
from hepad.core.errors import UserError
from hepad.core.hdf5 import first_row, safe_dataset
from hepad.core.schema import JET_CONSTITUENTS_DATASET, PT_COLUMNS, Structure
from hepad.data.datamodule import AnomalyDataModule
from hepad.data.entries import Entries
from hepad.data.jet_images import jet_observables, read_constituents, read_jet_features, refuse_empty_jets
from hepad.data.jet_preprocessing import JetImaging
from hepad.data.trivial_scores import DistanceToMean

_ROTATIONS: Final = 7


class ConstituentsDataModule(AnomalyDataModule):
    """Single jets as sets `(S, 3)` of their hardest constituents: pT, Δη and Δφ, by falling pT, with a mask `(S,)`.

    Read are the same `jet_constituents` `(N, K, 3)` that jet images are made of. A jet is centred, rotated and mirrored
    as an image is (`hepad.data.jet_preprocessing`), from all of its constituents; then the hardest are taken. Slots
    beyond the last constituent are zeros.

    Args:
        n_constituents: at most so many of each jet.
        pt: what the first feature is: `log`, ln(pT / GeV), or `share`, of the pT of those that are taken.
        center, rotate, flip, min_pt: see `JetImaging`.
        common: the arguments of `AnomalyDataModule`.

    >>> from hepad.data import ConstituentsDataModule
    >>> data = ConstituentsDataModule(samples={}, background="qcd_jets", n_constituents=32, limit=500)
    >>> data.setup()
    >>> data.entry_shape, data.feature_names, data.test_samples
    ((32, 3), ('log_pt', 'delta_eta', 'delta_phi'), ['qcd_jets', 'top_jets'])
    >>> batch = data.train_entries.batch
    >>> bool((batch.x[~batch.mask] == 0).all())
    True
    """

    kind: ClassVar[str] = "constituents"
    structure: ClassVar[Structure] = "set"
    datasets: ClassVar[tuple[str, ...]] = (JET_CONSTITUENTS_DATASET,)
    default_model: ClassVar[str | None] = "graph_ae"
    profile_features: tuple[str, ...] = ("mass", "nConstituents", "pt", "n_pileup")

    def __init__(
        self,
        *,
        n_constituents: int = 32,
        pt: str = "log",
        center: str = "centroid",
        rotate: bool = True,
        flip: bool = True,
        min_pt: float = 0.0,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if n_constituents < 1:
            raise UserError(f"data.n_constituents={n_constituents}; at least 1 constituent is needed")
        if pt not in PT_COLUMNS:
            raise UserError(f"data.pt={pt}; allowed: {', '.join(PT_COLUMNS)}")
        self.n_constituents, self.pt = n_constituents, pt
        self.steps = JetImaging(center=center, rotate=rotate, flip=flip, min_pt=min_pt)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the columns of one slot."""
        return (PT_COLUMNS[self.pt], "delta_eta", "delta_phi")

    @property
    def entry_definition(self) -> dict[str, Any]:
        """The features, and the steps that make them."""
        steps = {name: getattr(self.steps, name) for name in ("center", "rotate", "flip", "min_pt")}
        return {"features": list(self.feature_names), "n_constituents": self.n_constituents, **steps}

    def in_plane(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Return Δη and Δφ `(B, S, 2)` of constituents, and their shares `(B, S)` of the jet's pT."""
        pt = batch.x[..., 0].double()
        pt = pt.exp() if self.pt == "log" else pt.clamp(min=0)
        if batch.mask is not None:
            pt = torch.where(batch.mask, pt, torch.zeros_like(pt))
        return batch.x[..., 1:], pt / pt.sum(dim=1, keepdim=True).clamp(min=torch.finfo(pt.dtype).tiny)

    @property
    def symmetries(self) -> Mapping[str, Mapping[int, Callable[[torch.Tensor], torch.Tensor]]]:
        """The mirror in Δη where jets are not mirrored, and turns by multiples of 45° where they are not turned."""
        mirror = {"eta_flip": {1: lambda x: x * x.new_tensor([1.0, -1.0, 1.0])}}
        turns = {step: (lambda x, step=step: _turned(x, step)) for step in range(1, _ROTATIONS + 1)}
        found = {} if self.steps.flip else mirror
        return found if self.steps.rotate or self.steps.flip else {"rotation": turns, **found}

    def source(self, file: h5py.File) -> h5py.Dataset:
        """Return the data set of constituents."""
        return safe_dataset(file, JET_CONSTITUENTS_DATASET)

    def read(self, file: h5py.File, sample: str, limit: int | None, rows: slice | None = None) -> Entries:
        """Read the jets of one sample as entries of shape `(S, 3)`."""
        constituents = read_constituents(file, sample, rows or slice(0, limit), 4 * self.n_constituents)
        refuse_empty_jets(constituents, self.steps.min_pt, file, sample)
        x, mask = self._entries_of(constituents)
        found = jet_observables(constituents)
        first = first_row(rows)
        if self.observes(rows) or self.context_names:
            found |= read_jet_features(file, len(x), first)
        n_beyond = int((constituents[..., 0] > self.steps.min_pt).sum()) - int(mask.sum())
        return Entries(
            Batch(torch.from_numpy(x), torch.from_numpy(mask)),
            index=first + np.arange(len(x)),
            observables=found,
            left_out={f"constituents beyond the {self.n_constituents} hardest": n_beyond} if n_beyond > 0 else {},
        )

    def _entries_of(self, constituents: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return features `(N, S, 3)` and masks `(N, S)`; a jet with NaN or inf in it is NaN in its first slot."""
        jets = constituents.astype(np.float64)
        broken = ~np.isfinite(jets).all(axis=(1, 2))
        jets[broken] = 0
        aligned = np.stack(self.steps.aligned(jets), axis=-1)
        order = np.argsort(-aligned[..., 0], axis=1, kind="stable")[:, : self.n_constituents]
        aligned = np.take_along_axis(aligned, order[..., None], axis=1)
        pt = aligned[..., 0]
        mask = pt > 0
        if self.pt == "log":
            aligned[..., 0] = np.log(pt, where=mask, out=np.zeros_like(pt))
        else:
            aligned[..., 0] = pt / np.maximum(pt.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        missing = self.n_constituents - aligned.shape[1]
        x = np.pad(np.where(mask[..., None], aligned, 0.0), ((0, 0), (0, max(0, missing)), (0, 0)))
        mask = np.pad(mask, ((0, 0), (0, max(0, missing))))
        x[broken, 0], mask[broken, 0] = np.nan, True
        return x.astype(np.float32), mask

    @cached_property
    def _distance(self) -> DistanceToMean:
        batch = self.baseline_entries.batch
        return DistanceToMean(batch.x.flatten(1), batch.weight)

    def baselines(self, entries: Entries) -> dict[str, NDArray[np.float64]]:
        """Jet pT, number of constituents, jet mass, and squared distance to the mean training jet, slot by slot."""
        named = {"sum_pt": "pt", "multiplicity": "nConstituents", "mass": "mass"}
        found = {score: entries.observables[name] for score, name in named.items()}
        return {**found, "distance_to_mean": self._distance(entries.batch.x.flatten(1))}


def _turned(x: torch.Tensor, step: int) -> torch.Tensor:
    """Turn constituents `(B, S, 3)` about the centre of their jet by a multiple of 45°."""
    angle = torch.tensor(step * torch.pi / 4, dtype=x.dtype, device=x.device)
    pt, eta, phi = x.unbind(dim=-1)
    return torch.stack([pt, angle.cos() * eta - angle.sin() * phi, angle.sin() * eta + angle.cos() * phi], dim=-1)
