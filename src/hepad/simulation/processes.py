"""The processes that can be simulated: one row per sample. Adding a sample is adding a row."""

from dataclasses import dataclass
from typing import Final, Literal

from hepad.core.errors import UserError


@dataclass(frozen=True)
class Process:
    """Recipe of one sample.

    `settings` are Pythia 8 commands for the hard collision (None: the event is pileup only), `selection` names a
    filter of `hepad.simulation.request` on the reconstructed event. With `fat_jets` entries are not events but fat
    jets, at most one of each event: `any`, or one that holds all of a hadronic `top` (see
    `hepad.simulation.fat_jets`). With `dijets` they are the two leading jets of an event without pileup and detector
    (see `hepad.simulation.dijets`). With `shower` entries are showers of such a particle in a grid of cells, without
    any collision (see `hepad.simulation.showers`).
    """

    description: str
    settings: tuple[str, ...] | None
    selection: str | None = None
    fat_jets: Literal["any", "top"] | None = None
    dijets: bool = False
    shower: Literal["photon", "pion"] | None = None


_ALL_QCD: Final = ("HardQCD:all = on",)

# As in the LHC Olympics: the W and Z of the W' → WZ decay stand for X(500) and Y(100). mMin cuts the tail of
# off-shell W' that the parton densities enhance.
_WPRIME: Final = (
    "NewGaugeBoson:ffbar2Wprime = on",
    "34:m0 = 3500",
    "34:mMin = 2500",
    "Wprime:coup2WZ = 1",
    "34:onMode = off",
    "34:onIfMatch = 24 23",
    "24:m0 = 500",
    "24:onMode = off",
    "24:onIfAny = 1 2 3 4 5",
    "24:offIfAny = 6",
    "23:m0 = 100",
    "23:onMode = off",
    "23:onIfAny = 1 2 3 4 5",
)

PROCESSES: Final[dict[str, Process]] = {
    "zero_bias": Process("pileup only", None),
    "soft_qcd": Process(
        "dijets with pT-hat 5 to 10 GeV",
        (*_ALL_QCD, "PhaseSpace:pTHatMin = 5", "PhaseSpace:pTHatMax = 10"),
    ),
    "jet_ht": Process(
        "dijets with pT-hat > 400 GeV; H_T > 900 GeV or a jet above 450 GeV",
        (*_ALL_QCD, "PhaseSpace:pTHatMin = 400"),
        selection="jet_ht",
    ),
    "ttbar": Process("top pairs", ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")),
    # The natural branching ratios would give four b quarks nine times out of ten; the real sample is bbZZ.
    # meMode 100 keeps the ratios given here.
    "radion": Process(
        "500 GeV resonance → HH, H → bb or ZZ with equal rates",
        (
            "Higgs:useBSM = on",
            "HiggsBSM:gg2H2 = on",
            "35:m0 = 500",
            "35:mWidth = 0.5",
            "35:doForceWidth = on",
            "35:onMode = off",
            "35:onIfMatch = 25 25",
            "25:oneChannel = 1 0.5 100 5 -5",
            "25:addChannel = 1 0.5 100 23 23",
        ),
    ),
    "wprime": Process("W'(3.5 TeV) → X(500) Y(100) → four quarks", _WPRIME),
    "qcd_pt1000": Process(
        "dijets with pT-hat > 1000 GeV, the background of wprime",
        (*_ALL_QCD, "PhaseSpace:pTHatMin = 1000"),
    ),
    # The classic study of jet images (arXiv:1902.09914): jets of 550 to 650 GeV. About 7% of them would come from below
    # these windows of pT-hat.
    "qcd_jets": Process(
        "fat jets of dijets, pT 550 to 650 GeV",
        (*_ALL_QCD, "PhaseSpace:pTHatMin = 440", "PhaseSpace:pTHatMax = 900"),
        fat_jets="any",
    ),
    "top_jets": Process(
        "fat jets that hold all of a hadronic top decay, pT 550 to 650 GeV",
        (
            "Top:gg2ttbar = on",
            "Top:qqbar2ttbar = on",
            "PhaseSpace:pTHatMin = 410",
            "PhaseSpace:pTHatMax = 900",
            "24:onMode = off",
            "24:onIfAny = 1 2 3 4 5",
        ),
        fat_jets="top",
    ),
    # The R&D set of the LHC Olympics (arXiv:2101.08320) without its detector. m-hat spends the events where a search
    # for wprime_dijet looks; docs/simulation.md tells where the spectrum feels its limits.
    "qcd_dijet": Process(
        "two leading R = 1 jets of dijets with pT-hat > 1000 GeV and m-hat 2.6 to 5 TeV; one above 1.2 TeV",
        (
            *_ALL_QCD,
            "PhaseSpace:pTHatMin = 1000",
            "PhaseSpace:mHatMin = 2600",
            "PhaseSpace:mHatMax = 5000",
        ),
        dijets=True,
    ),
    "wprime_dijet": Process(
        "two leading R = 1 jets of W'(3.5 TeV) → X(500) Y(100) → four quarks; one above 1.2 TeV",
        _WPRIME,
        dijets=True,
    ),
    "photon_showers": Process("parametrised showers of photons in a sampling calorimeter", None, shower="photon"),
    "pion_showers": Process("parametrised showers of charged pions in the same calorimeter", None, shower="pion"),
}

SAMPLES: Final = ("zero_bias", "soft_qcd", "jet_ht", "ttbar", "radion", "wprime")
"""The samples made by default and bundled."""


def process(sample: str) -> Process:
    """Return the process of `sample`; raises `UserError` naming the known ones."""
    if sample not in PROCESSES:
        raise UserError(f"unknown sample {sample!r} in samples; choose from {', '.join(PROCESSES)}")
    return PROCESSES[sample]
