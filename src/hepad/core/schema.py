"""Names and shapes of hepad's HDF5 files, and structures of entries: the contract of who writes and who reads.

This module depends on nothing, so that every room may import it. The format is described in
docs/data_formats.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

from hepad.core.errors import UserError

N_JETS: Final = 8
"""Jet slots per event, by falling pT, zero padded."""

JET_FEATURES: Final = (
    "pt",
    "eta",
    "phi",
    "mass",
    "nConstituents",
    "nElectrons",
    "nMuons",
    "chHEF",
    "neHEF",
    "btagDeepB",
    "btagDeepCvB",
    "btagDeepCvL",
    "area",
    "btagDeepFlavB",
    "btagDeepFlavCvB",
    "btagDeepFlavCvL",
    "btagDeepFlavQG",
)
"""The columns of `jet_event_data`, named as the `Jet_…` branches of CMS NanoAOD (pt and mass in GeV)."""

CALO_SHAPE: Final = (18, 14)
"""Calorimeter regions in φ × η, |η| < 3."""

CALO_SATURATION: Final = 1023
"""The largest region E_T a 10-bit trigger word can hold (GeV)."""

JET_DATASET: Final = "jet_event_data"
CALO_DATASET: Final = "calo_regions"
CALO_DATASET_CICADA: Final = "CaloRegions"
EVENT_IMAGE_DATASET: Final = "event_image_data"
EVENT_FEATURES_DATASET: Final = "event_features"
WEIGHT_DATASET: Final = "weight"
TABLE_DATASET: Final = "table"
MASK_DATASET: Final = "mask"
JET_CONSTITUENTS_DATASET: Final = "jet_constituents"
JET_FEATURES_DATASET: Final = "jet_features"
JET_IMAGE_DATASET: Final = "jet_images"
SHOWER_DATASET: Final = "shower_volume"
"""Energy in the cells of a calorimeter (N, Z, Y, X), MeV: layers first."""
INCIDENT_ENERGY: Final = "incident_energy"
"""Energy of the particle that made a shower, GeV: a data set (N,), or a column of `table`, with its unit beside it."""
PART_DATASET: Final = "split_part"
"""Part that a row belongs to where a user says so: 0 trains, 1 validates, 2 tests."""

EVENT_FEATURES: Final = ("n_pileup", "n_vertices", "n_jets", "ht", "met", "sum_et", "l1_sum_et", "l1_jet_et")
"""The columns of `event_features` in simulated files (GeV but for the numbers; l1_… are made of trigger regions)."""

N_JETS_PT_MIN: Final = 15.0
N_JETS_MAX_ABS_ETA: Final = 4.7
"""`n_jets` counts the jets above this pT (GeV) and within this |η|, however many there are."""

HT_JET_PT_MIN: Final = 30.0
HT_JET_MAX_ABS_ETA: Final = 2.5
"""`ht` is Σ pT of the jets above this pT (GeV) and within this |η|."""

N_CONSTITUENTS: Final = 100
"""Slots of `jet_constituents` for the particles of a fat jet, by falling pT, zero padded."""

CONSTITUENT_FEATURES: Final = ("pt", "eta", "phi")
"""The columns of `jet_constituents` (pt in GeV, phi in rad)."""

PT_COLUMNS: Final = {"log": "log_pt", "share": "pt_share"}
"""Word of `data.pt` → name of the feature made of a constituent's pT: ln(pT / GeV), or its share of the jet's."""

FAT_JET_FEATURES: Final = ("pt", "eta", "phi", "mass", "nConstituents", "area", "n_pileup", "n_vertices")
"""The columns of `jet_features` in simulated files (pt and mass in GeV)."""

DIJET_FEATURES: Final = (
    "m_jj",
    "m_j1",
    "m_j2",
    "delta_m",
    "tau21_j1",
    "tau21_j2",
    "tau32_j1",
    "tau32_j2",
    "delta_eta",
    "pt_j1",
    "pt_j2",
    "delta_r",
)
"""The columns of `table` in simulated files of dijets, those of the preset lhco_features (m_… and pt_… in GeV).

j1 is the heavier of the two jets, delta_… are differences without a sign, tau21 is τ2 / (10⁻⁵ + τ1).
"""

EVENT_DATASET: Final = "event"
"""Number of the event (N,) that an entry was made of; unique in its file."""


@dataclass(frozen=True)
class ImageLabels:
    """Labels of a figure of images, in matplotlib's mathtext.

    Attributes:
        value: what a pixel holds, with its unit.
        horizontal: the second axis of an image, its columns.
        vertical: the first axis of an image, its rows.

    >>> from hepad.core.schema import ImageLabels
    >>> ImageLabels("E [GeV]", vertical="Row in φ")
    ImageLabels(value='E [GeV]', horizontal='Column', vertical='Row in φ')
    """

    value: str = "Value"
    horizontal: str = "Column"
    vertical: str = "Row"


Structure = Literal["vector", "set", "image", "volume"]
"""`vector` (F); `set` (S, F), slots of which a mask tells the real ones; `image` (C, H, W); `volume` (C, D, H, W).

A datamodule has one; models and losses name those that they take, and never a data set.
"""

STRUCTURES: Final[tuple[Structure, ...]] = ("vector", "set", "image", "volume")


def plural(structures: Collection[str]) -> str:
    """Structures in a sentence.

    >>> from hepad.core.schema import plural
    >>> plural({"vector"}), plural({"image", "vector"})
    ('vectors', 'vectors or images')
    """
    return " or ".join(f"{name}s" for name in STRUCTURES if name in structures)


def check_structures(what: str, structures: Collection[str] | None, kinds: object) -> None:
    """Raise `UserError` for a model or a loss of the user's own that does not declare its structures, or wrong ones.

    Args:
        what: the model or the loss, for the message.
        structures: that it declares; None for none.
        kinds: names of data sets that it still declares, as in earlier versions; None for none.

    >>> from hepad.core.schema import check_structures
    >>> check_structures("model Mine", {"jet"}, None)
    Traceback (most recent call last):
    hepad.core.errors.UserError: model Mine declares the structures jet; allowed: vector, set, image, volume
    """
    example = f'such as structures = frozenset({{"vector"}}) for jets; there are {", ".join(STRUCTURES)}'
    if kinds is not None:
        raise UserError(f"{what} declares `kinds`, which is no longer read; declare structures of entries, {example}")
    if structures is None:
        raise UserError(f"{what} does not declare what it takes; declare structures of entries, {example}")
    if unknown := sorted(set(structures) - set(STRUCTURES)):
        raise UserError(f"{what} declares the structures {', '.join(unknown)}; allowed: {', '.join(STRUCTURES)}")
