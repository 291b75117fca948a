"""Names of features and samples in figures, and the one look each sample keeps in all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

FEATURES: Final[dict[str, tuple[str, str]]] = {
    "pt": (r"Jet $p_\mathrm{T}$", "GeV"),
    "eta": (r"Jet $\eta$", ""),
    "phi": (r"Jet $\phi$", "rad"),
    "mass": ("Jet mass", "GeV"),
    "nConstituents": ("Constituents", ""),
    "nElectrons": ("Electrons", ""),
    "nMuons": ("Muons", ""),
    "chHEF": ("Charged had. fraction", ""),
    "neHEF": ("Neutral had. fraction", ""),
    "btagDeepB": ("DeepCSV b", ""),
    "btagDeepCvB": ("DeepCSV c vs b", ""),
    "btagDeepCvL": ("DeepCSV c vs light", ""),
    "area": ("Jet area", ""),
    "btagDeepFlavB": ("DeepJet b", ""),
    "btagDeepFlavCvB": ("DeepJet c vs b", ""),
    "btagDeepFlavCvL": ("DeepJet c vs light", ""),
    "btagDeepFlavQG": ("DeepJet q vs g", ""),
    "n_pileup": ("Pileup interactions", ""),
    "n_vertices": ("Reconstructed vertices", ""),
    "n_jets": ("Jets in the event", ""),
    "ht": (r"$H_\mathrm{T}$", "GeV"),
    "met": (r"$p_\mathrm{T}^\mathrm{miss}$", "GeV"),
    "sum_et": (r"$\sum E_\mathrm{T}$", "GeV"),
    "l1_sum_et": (r"Trigger $\sum E_\mathrm{T}$", "GeV"),
    "l1_jet_et": (r"Leading trigger jet $E_\mathrm{T}$", "GeV"),
    "total_et": (r"Image $\sum E_\mathrm{T}$", "GeV"),
    "max_region": (r"Largest region $E_\mathrm{T}$", "GeV"),
    "n_regions": ("Regions above threshold", ""),
    "sum_pt": (r"$\sum p_\mathrm{T}$", "GeV"),
    "n_slots": ("Jets in the entry", ""),
    "leading_pt": (r"Leading jet $p_\mathrm{T}$", "GeV"),
    "multiplicity": ("Multiplicity", ""),
    "distance_to_mean": (r"$\Vert x - \langle x \rangle \Vert^2$", ""),
    "mahalanobis": ("Mahalanobis distance", ""),
    "isolation_forest": ("Isolation forest", ""),
}
"""Name → label in matplotlib's mathtext, and unit; empty where it has none."""


@dataclass(frozen=True)
class SampleStyle:
    """How one sample looks in every figure: label, colour, line and marker, so that colour never stands alone.

    >>> from hepad.plots import SampleStyle
    >>> SampleStyle("My signal", color="#832db6", linestyle="--", marker="v").label
    'My signal'
    """

    label: str
    color: str
    linestyle: str
    marker: str


# Petroff's ten-colour cycle (arXiv:2107.02270), made for readers with any colour vision, darker ones first.
SAMPLES: Final[dict[str, SampleStyle]] = {
    "zero_bias": SampleStyle("Zero bias", "#717581", "-", "o"),
    "soft_qcd": SampleStyle("Soft QCD", "#3f90da", "-", "s"),
    "jet_ht": SampleStyle("JetHT", "#e76300", "-", "^"),
    "ttbar": SampleStyle(r"$t\bar{t}$", "#bd1f01", "-", "D"),
    "radion": SampleStyle("Radion", "#832db6", "-", "v"),
    # The font's own prime is too small to be seen.
    # The font's own prime is too small to be seen.
    "wprime": SampleStyle("W'", "#a96b59", "-", "P"),
}
_OTHER_COLORS: Final = ("#ffa90e", "#00798c", "#94a4a2", "#b9ac70", "#92dadd")
_OTHER_LINES: Final = ("-", "-.", ":")
_OTHER_MARKERS: Final = ("X", "<", ">", "p", "h")


def feature_label(name: str) -> str:
    """A feature with its unit, for an axis: `Jet $p_T$ [GeV]`.

    >>> from hepad.plots import feature_label
    >>> feature_label("mass"), feature_label("area"), feature_label("my_feature")
    ('Jet mass [GeV]', 'Jet area', 'my_feature')
    """
    label, unit = FEATURES.get(name, (plain(name), ""))
    return f"{label} [{unit}]" if unit else label


def feature_name(name: str) -> str:
    """A feature without its unit, for ticks and legends.

    >>> from hepad.plots import feature_name
    >>> feature_name("mass"), feature_name("my_feature")
    ('Jet mass', 'my_feature')
    """
    return FEATURES.get(name, (plain(name), ""))[0]


def sample_label(name: str) -> str:
    """A sample's display name.

    >>> from hepad.plots import sample_label
    >>> sample_label("zero_bias"), sample_label("my_signal")
    ('Zero bias', 'my_signal')
    """
    return SAMPLES[name].label if name in SAMPLES else plain(name)


def sample_styles(names: Iterable[str]) -> dict[str, SampleStyle]:
    """The look of each sample; names that are not known get the next free colour, in the order given.

    >>> from hepad.plots import sample_styles
    >>> {name: look.color for name, look in sample_styles(["zero_bias", "my_signal", "other"]).items()}
    {'zero_bias': '#717581', 'my_signal': '#ffa90e', 'other': '#00798c'}
    """
    styles: dict[str, SampleStyle] = {}
    n_other = 0
    for name in names:
        if name in SAMPLES:
            styles[name] = SAMPLES[name]
        elif name not in styles:
            styles[name] = SampleStyle(
                plain(name),
                _OTHER_COLORS[n_other % len(_OTHER_COLORS)],
                _OTHER_LINES[n_other // len(_OTHER_COLORS) % len(_OTHER_LINES)],
                _OTHER_MARKERS[n_other % len(_OTHER_MARKERS)],
            )
            n_other += 1
    return styles


def plain(text: str) -> str:
    """A name from a user's file as literal text: `$` must not start a formula, nor `_` hide a legend entry."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
