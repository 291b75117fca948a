"""Names of features and samples in figures, the one look of each sample, and bin edges that fit what is plotted."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FEATURES: Final[dict[str, tuple[str, str]]] = {
    "pt": (r"Jet $p_\mathrm{T}$", "GeV"),
    "eta": (r"Jet $\eta$", ""),
    "phi": (r"Jet $\phi$", "rad"),
    "mass": ("Jet mass", "GeV"),
    "log_pt": (r"$\ln\,(p_\mathrm{T}/\mathrm{GeV})$", ""),
    "pt_share": (r"Share of the jet's $p_\mathrm{T}$", ""),
    "delta_eta": (r"$\Delta\eta$", ""),
    "delta_phi": (r"$\Delta\phi$", "rad"),
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
    "m_jj": (r"$m_{jj}$", "GeV"),
    "m_j1": (r"$m_{j_1}$", "GeV"),
    "m_j2": (r"$m_{j_2}$", "GeV"),
    "delta_m": (r"$\Delta m_j$", "GeV"),
    "tau21_j1": (r"$\tau_{21}^{j_1}$", ""),
    "tau21_j2": (r"$\tau_{21}^{j_2}$", ""),
    "delta_r": (r"$\Delta R$", ""),
    "incident_energy": ("Incident energy", "GeV"),
    "deposited_energy": ("Visible energy", "MeV"),
    "hottest_cell": ("Hottest cell", "MeV"),
    "n_hit": ("Cells hit", ""),
    "depth": ("Mean layer", ""),
    "response": ("Visible over incident energy", ""),
    "sum_pt": (r"$\sum p_\mathrm{T}$", "GeV"),
    "n_slots": ("Jets in the entry", ""),
    "jet_mass": ("Jet mass", "GeV"),
    "jet_width": ("Jet width", ""),
    "pixel": ("Pixel", ""),
    "cell": ("Cell energy", "GeV"),
    "total": ("Sum of the cells", "GeV"),
    "pixel_sum": ("Sum of the pixels", ""),
    "largest": ("Largest cell", "GeV"),
    "largest_pixel": ("Largest pixel", ""),
    "incident": ("Incident energy", "GeV"),
    "occupancy": ("Occupancy", ""),
    "sparsity": ("Sparsity", ""),
    "mean_radius": ("Mean distance from the axis", "cells"),
    "centre_row": ("Centre, rows", ""),
    "centre_column": ("Centre, columns", ""),
    "width_row": ("Width, rows", ""),
    "width_column": ("Width, columns", ""),
    "centre_z": ("Centre, depth", "layers"),
    "centre_y": ("Centre, y", "cells"),
    "centre_x": ("Centre, x", "cells"),
    "width_z": ("Width, depth", "layers"),
    "width_y": ("Width, y", "cells"),
    "width_x": ("Width, x", "cells"),
    "leading_pt": (r"Leading jet $p_\mathrm{T}$", "GeV"),
    "multiplicity": ("Multiplicity", ""),
    "distance_to_mean": (r"$\Vert x - \langle x \rangle \Vert^2$", ""),
    "mahalanobis": ("Mahalanobis distance", ""),
    "isolation_forest": ("Isolation forest", ""),
}
"""Name → label in matplotlib's mathtext, and unit; empty where it has none."""


@dataclass(frozen=True)
class SampleStyle:
    """Look of one sample in every figure: label, colour, line and marker, so that colour never stands alone.

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
    "wprime": SampleStyle("W'", "#a96b59", "-", "P"),
    "qcd_jets": SampleStyle("QCD jets", "#717581", "-", "o"),
    "top_jets": SampleStyle("Top jets", "#bd1f01", "-", "D"),
    "photon_showers": SampleStyle("Photon showers", "#717581", "-", "o"),
    "pion_showers": SampleStyle("Pion showers", "#bd1f01", "-", "D"),
}
# For a user's samples: as dark as the others, and told from them and from each other by readers with any colour vision,
# as far as lines and markers help.
_OTHER_COLORS: Final = ("#c2377e", "#007a6c", "#4b57b5", "#8f6a00", "#4f7d1d")
_BACKGROUND: Final = "#717581"
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


def sample_styles(names: Iterable[str], background: str | None = None) -> dict[str, SampleStyle]:
    """The look of each sample; names that are not known get the next free colour, in the order given.

    Args:
        names: of the samples.
        background: the sample trained on; where its name is not known it is grey, as shipped ones are.

    >>> from hepad.plots import sample_styles
    >>> {name: look.color for name, look in sample_styles(["my_data", "my_signal", "ttbar"], "my_data").items()}
    {'my_data': '#717581', 'my_signal': '#c2377e', 'ttbar': '#bd1f01'}
    """
    styles: dict[str, SampleStyle] = {}
    n_other = 0
    for name in names:
        if name in SAMPLES:
            styles[name] = SAMPLES[name]
        elif name == background:
            styles[name] = SampleStyle(plain(name), _BACKGROUND, "-", "o")
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


HEAVY_TAIL: Final = 30.0
"""A positive quantity whose largest values exceed its smallest this many times gets a logarithmic axis."""

MAX_WHOLE_BINS: Final = 80

_DECADES: Final = 30

_TAIL: Final = 1e-3
"""Share of the values at either end that is left to the underflow and the overflow."""

FloatArray = NDArray[np.float64]


def is_heavy_tailed(values: FloatArray) -> bool:
    """Return whether a logarithmic axis shows the values better: none negative, few zero, and spread over decades."""
    if values.size == 0 or values.min() < 0 or np.count_nonzero(values) < 0.9 * values.size:
        return False
    low, high = np.quantile(values[values > 0], [0.001, 0.999])
    return bool(high > HEAVY_TAIL * low)


def edges(values: FloatArray, n_bins: int, log: bool) -> FloatArray:
    """Edges of `n_bins` bins over all values but a thousandth at either end.

    Args:
        values: (N,) finite values.
        n_bins: how many bins.
        log: equal bins of the logarithm of the positive values.
    """
    shown = values[values > 0] if log else values
    low, high = (float(edge) for edge in np.quantile(shown, [_TAIL, 1 - _TAIL]))
    if not low < high:
        # All but a few values are equal: a bin around them is all there is to show.
        return np.linspace(low - 0.5, low + 0.5, n_bins + 1)
    if log:
        return np.geomspace(low, high, n_bins + 1)
    return np.linspace(low, high, n_bins + 1)


def score_edges(values: FloatArray, n_bins: int, least: float) -> tuple[FloatArray, bool, bool]:
    """Edges for anomaly scores, whether they are logarithmic, and whether scores of 0 stand apart from them.

    Args:
        values: (N,) scores of all samples.
        n_bins: how many bins.
        least: the smallest score there is.
    """
    positive = values[values > 0]
    log = least >= 0 and is_heavy_tailed(positive)
    # No axis holds such scores and a place for zeros.
    if log and least == 0 and np.ptp(np.log10(np.quantile(positive, [_TAIL, 1 - _TAIL]))) > _DECADES:
        log = is_heavy_tailed(values)
        return edges(values, n_bins, log), log, False
    return edges(values, n_bins, log), log, log and least == 0


def feature_edges(values: FloatArray, n_bins: int) -> tuple[FloatArray, bool]:
    """Edges for an observable, and whether its axis is logarithmic.

    Counts get bins one or more whole numbers wide, centred on them.
    """
    low, high = float(values.min()), float(np.quantile(values, 0.999))
    if np.array_equal(values, np.rint(values)) and high - low < 20 * MAX_WHOLE_BINS:
        width = max(1, int(np.ceil((high - low + 1) / MAX_WHOLE_BINS)))
        return np.arange(low - 0.5, high + 0.5 + width, width), False
    log = is_heavy_tailed(values)
    return edges(values, n_bins, log), log
