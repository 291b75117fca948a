"""Public data sets on Zenodo: names, records, and what to do with a file once it is here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.formats.inspection import inspect_file

_ARCHIVES: Final = (".tar", ".tgz", ".gz", ".zip")


@dataclass(frozen=True)
class PublicSet:
    """A data set.

    Attributes:
        record: of Zenodo.
        title: for people.
    """

    record: int
    title: str


PUBLIC_SETS: Final[Mapping[str, PublicSet]] = {
    "lhco": PublicSet(6466204, "LHC Olympics 2020, R&D: raw events and features of two jets"),
    "lhco_extra_qcd": PublicSet(5759087, "LHC Olympics, more QCD events in and around the signal region: features"),
    "lhco_blackbox": PublicSet(4536624, "LHC Olympics 2020, black boxes"),
    "top_tagging": PublicSet(2603256, "top quark tagging reference set: train, val, test"),
    "jetnet": PublicSet(6975118, "JetNet, 30 particles of a jet: gluon, quark, top, W, Z"),
    "jetnet150": PublicSet(6975117, "JetNet, 150 particles of a jet"),
    "jetclass": PublicSet(6619768, "JetClass: 125 million jets of 10 classes"),
    "adc2021": PublicSet(5046389, "anomaly detection at 40 MHz: the background to train on"),
    "getting_high": PublicSet(3826103, "Getting High: photon showers, 30 × 30 × 30 cells"),
    "calochallenge1": PublicSet(8099322, "Fast Calorimeter Simulation Challenge, set 1: photons and pions"),
    "calochallenge2": PublicSet(6366271, "Fast Calorimeter Simulation Challenge, set 2: electrons"),
    "calochallenge3": PublicSet(6366324, "Fast Calorimeter Simulation Challenge, set 3: electrons, fine cells"),
}
"""Name → data set."""


def record_of(name: str) -> int:
    """Return the Zenodo record of a set, or of a number.

    >>> from hepad.formats.public_sets import record_of
    >>> record_of("top_tagging"), record_of("6466204")
    (2603256, 6466204)
    """
    if name in PUBLIC_SETS:
        return PUBLIC_SETS[name].record
    if name.isascii() and name.isdigit() and len(name) <= 12:
        return int(name)
    raise UserError(f"{name}: no such set; there are {', '.join(PUBLIC_SETS)}, or the number of a Zenodo record")


def command_for(path: Path) -> str:
    """Return what `hepad.inspect` says of how a file is used; empty for a page of text or a list of labels."""
    if path.name.endswith(_ARCHIVES):
        return f"unpack {path}, and python -m hepad.inspect FILE says what is in it"
    try:
        found = inspect_file(path)
    except UserError:
        return ""
    return found.command or found.advice
