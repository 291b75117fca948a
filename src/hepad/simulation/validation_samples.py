"""Simulated samples under validation: their arrays, the tables made of them, and what is known of real ones."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from hepad.core.hdf5 import open_hdf5
from hepad.core.schema import (
    CALO_DATASET,
    EVENT_FEATURES,
    EVENT_FEATURES_DATASET,
    JET_DATASET,
    JET_FEATURES,
)
from hepad.simulation.event import FLAVOUR_DATASET
from hepad.simulation.records import Array
from hepad.simulation.taggers import WORKING_POINTS

REAL_JETS_PER_EVENT: Final = {
    "zero_bias": 0.86,
    "soft_qcd": 1.60,
    "jet_ht": 6.46,
    "ttbar": 7.22,
    "radion": 6.98,
}
"""2016 CMS Open Data, pT > 15 GeV, first 8 slots (AD4HEP workshop). The real soft_qcd had another pileup profile."""

FLAVOURS: Final = {5: "b", 4: "c", 0: "light"}
"""Hadron flavours of jets; light is what holds neither a b nor a c hadron."""
_TAGGER_MAX_ABS_ETA: Final = 2.4


@dataclass(frozen=True)
class SampleData:
    """A sample's arrays: jets (J, 17) without empty slots and their flavour (J,), regions and event features."""

    name: str
    jets: Array
    flavour: Array
    jets_per_event: Array
    regions: Array
    features: Array

    def jet(self, name: str) -> Array:
        """Return one jet feature (J,)."""
        values: Array = self.jets[:, JET_FEATURES.index(name)]
        return values

    def event(self, name: str) -> Array:
        """Return one event feature (E,)."""
        values: Array = self.features[:, EVENT_FEATURES.index(name)]
        return values


def read_sample(path: Path, limit: int = 50_000) -> SampleData:
    """Read up to `limit` events of a simulated sample."""
    with open_hdf5(path) as file:
        jets = file[JET_DATASET][:limit]
        real = jets[..., 0] > 0
        return SampleData(
            name=str(file.attrs["sample"]),
            jets=jets[real],
            flavour=file[FLAVOUR_DATASET][:limit][real],
            jets_per_event=real.sum(axis=1),
            regions=file[CALO_DATASET][:limit],
            features=file[EVENT_FEATURES_DATASET][:limit],
        )


def jets_per_event_table(samples: list[SampleData]) -> str:
    """Return a text table of the jets per event beside the real ones, and of mean event features."""
    lines = [f"{'sample':12} {'jets/event':>10} {'real':>6} {'ratio':>6} {'H_T':>7} {'MET':>6} {'region E_T':>10}"]
    for sample in samples:
        mean = sample.jets_per_event.mean()
        real = REAL_JETS_PER_EVENT.get(sample.name)
        beside = f"{real:6.2f} {mean / real:6.2f}" if real else f"{'':6} {'':6}"
        lines.append(
            f"{sample.name:12} {mean:10.2f} {beside} {sample.event('ht').mean():7.1f}"
            f" {sample.event('met').mean():6.1f} {sample.regions.mean():10.2f}"
        )
    return "\n".join(lines)


def flavour_fractions(sample: SampleData) -> dict[int, float]:
    """Return the share of jets of true hadron flavour 5, 4 and 0 among those that taggers see, |η| < 2.4."""
    flavour = sample.flavour[np.abs(sample.jet("eta")) < _TAGGER_MAX_ABS_ETA]
    return {known: float((flavour == known).mean()) if len(flavour) else 0.0 for known in FLAVOURS}


def flavour_table(samples: list[SampleData]) -> str:
    """Return a text table of the flavour fractions of each sample in percent."""
    lines = [f"{'sample':12}" + "".join(f" {name:>7}" for name in FLAVOURS.values()) + "   (% of jets, |eta| < 2.4)"]
    for sample in samples:
        shares = flavour_fractions(sample)
        lines.append(f"{sample.name:12}" + "".join(f" {100 * share:7.1f}" for share in shares.values()))
    return "\n".join(lines)


def working_point_efficiencies(samples: list[SampleData], family: str) -> dict[int, tuple[float, ...]]:
    """Return the share of jets (|η| < 2.4, pT > 30 GeV) beyond each working point, by hadron flavour."""
    column = {"DeepCSV": "btagDeepB", "DeepJet": "btagDeepFlavB"}[family]
    score = np.concatenate([sample.jet(column)[_is_taggable(sample)] for sample in samples])
    flavour = np.concatenate([sample.flavour[_is_taggable(sample)] for sample in samples])
    return {
        known: tuple(float((score[flavour == known] > cut).mean()) for cut in WORKING_POINTS[family])
        for known in FLAVOURS
        if (flavour == known).any()
    }


def _is_taggable(sample: SampleData) -> Array:
    inside: Array = (np.abs(sample.jet("eta")) < _TAGGER_MAX_ABS_ETA) & (sample.jet("pt") > 30)
    return inside
