"""The validation plots: which quantities, in which bins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from hepad.simulation.cells import REGION_ETA_EDGES
from hepad.simulation.records import Array
from hepad.simulation.taggers import EFFICIENCIES, WORKING_POINTS
from hepad.simulation.validation_drawing import COLOURS, Plot, Quantity, add_legend, draw_plots, overlay, profile
from hepad.simulation.validation_samples import (
    FLAVOURS,
    REAL_JETS_PER_EVENT,
    SampleData,
    flavour_fractions,
    working_point_efficiencies,
)


def draw_all(samples: Sequence[SampleData], directory: Path) -> list[Path]:
    """Draw every validation plot as a PNG in `directory` and return the paths."""
    return draw_plots(_PLOTS, samples, directory)


def _jets_per_event(axes: Axes, samples: Sequence[SampleData]) -> None:
    edges = np.arange(10) - 0.5
    for sample, colour in zip(samples, COLOURS, strict=False):
        share = np.histogram(sample.jets_per_event, edges)[0] / len(sample.jets_per_event)
        real = REAL_JETS_PER_EVENT.get(sample.name)
        beside = f" (real {real:.2f})" if real else ""
        label = f"{sample.name}: {sample.jets_per_event.mean():.2f}{beside}"
        axes.stairs(share, edges, color=colour, linewidth=2, label=label)
    axes.set(xlabel="Jets per event (first 8 slots)", ylabel="Share of events", xlim=(-0.5, 8.5))
    axes.set_ylim(0, axes.get_ylim()[1] * 1.3)
    axes.legend(loc="upper center", ncols=1, fontsize=14)


def _btag(family: str, column: str) -> Plot:
    def draw(axes: Axes, samples: Sequence[SampleData]) -> None:
        edges = np.linspace(0, 1, 41)
        measured = working_point_efficiencies(list(samples), family)
        for flavour, colour in zip(FLAVOURS, COLOURS, strict=False):
            score = np.concatenate([s.jet(column)[(s.flavour == flavour) & (s.jet(column) >= 0)] for s in samples])
            if not len(score):
                continue
            share = np.histogram(score, edges)[0] / len(score)
            found = " / ".join(f"{100 * x:.3g}" for x in measured.get(flavour, ()))
            wanted = " / ".join(f"{100 * x:.3g}" for x in EFFICIENCIES[flavour])
            label = f"{FLAVOURS[flavour]}: {found}% (target {wanted}%)"
            axes.stairs(share, edges, color=colour, linewidth=2, label=label)
        for name, cut in zip("LMT", WORKING_POINTS[family], strict=True):
            axes.axvline(cut, color="grey", linestyle=":")
            axes.text(cut, 1.2e-4, name, size=16, ha="right")
        axes.set(
            xlabel=f"{family} P(b), drawn from the true flavour", ylabel="Share of jets", xlim=(0, 1), yscale="log"
        )
        axes.set_ylim(1e-4, 40)
        axes.legend(title="Beyond L / M / T (pT > 30 GeV)", title_fontsize=15, fontsize=15, loc="upper right")

    return draw


def _flavour(axes: Axes, samples: Sequence[SampleData]) -> None:
    place, bottom = np.arange(len(samples)), np.zeros(len(samples))
    for flavour, colour in zip(FLAVOURS, COLOURS, strict=False):
        share = np.array([100 * flavour_fractions(sample)[flavour] for sample in samples])
        axes.bar(place, share, 0.7, bottom, color=colour, label=FLAVOURS[flavour])
        for x, (low, height) in enumerate(zip(bottom, share, strict=True)):
            # A number needs room.
            if height > 4:
                axes.text(x, low + height / 2, f"{height:.1f}", size=15, ha="center", va="center", color="white")
        bottom += share
    axes.set_xticks(place, [sample.name for sample in samples], rotation=30, ha="right", fontsize=17)
    axes.minorticks_off()
    axes.tick_params(axis="x", length=0)
    axes.set(ylabel="Jets by true flavour, |η| < 2.4 [%]", ylim=(0, 118))
    axes.legend(ncols=3, loc="upper center")


def _region_profile(axes: Axes, samples: Sequence[SampleData]) -> None:
    for sample, colour in zip(samples, COLOURS, strict=False):
        axes.stairs(sample.regions.mean(axis=(0, 1)), REGION_ETA_EDGES, color=colour, linewidth=2, label=sample.name)
    axes.set(xlabel="η of the region", ylabel="Mean region $E_T$ [GeV]", xlim=(-3, 3), yscale="log")
    add_legend(axes, log=True)


def _region_map(axes: Axes, samples: Sequence[SampleData]) -> None:
    sample = samples[0]
    image = axes.pcolormesh(REGION_ETA_EDGES, np.linspace(0, 360, 19), sample.regions.mean(axis=0))
    colour_bar: Any = axes.figure.colorbar(image, ax=axes)
    colour_bar.set_label(f"Mean region $E_T$ of {sample.name} [GeV]")
    axes.set(xlabel="η", ylabel="φ [°]")


_PT_EDGES: Final = np.geomspace(15, 2000, 40)
_ETA_EDGES: Final = np.linspace(-4.8, 4.8, 49)
_SHARE_EDGES: Final = np.linspace(0, 1, 41)
_PILEUP_EDGES: Final = np.arange(12, 45, 3) - 0.5
_REGION_EDGES: Final = np.array([*range(1, 20), *np.geomspace(20, 1024, 30).astype(int)]) - 0.5


def _jet(name: str) -> Quantity:
    return lambda sample: sample.jet(name)


def _central_jet(name: str) -> Quantity:
    return lambda sample: sample.jet(name)[np.abs(sample.jet("eta")) < 2.4]


def _event(name: str) -> Quantity:
    return lambda sample: sample.event(name)


def _mass_over_pt(sample: SampleData) -> Array:
    ratio: Array = sample.jet("mass") / sample.jet("pt")
    return ratio


_PLOTS: Final[dict[str, Plot]] = {
    "jet_pt": overlay(
        _jet("pt"), _PT_EDGES, "Jet $p_T$ [GeV]", "Jets per event and GeV", log=True, log_x=True, per_event=True
    ),
    "jet_eta": overlay(_jet("eta"), _ETA_EDGES, "Jet η", "Share of jets"),
    "jet_phi": overlay(_jet("phi"), np.linspace(-np.pi, np.pi, 33), "Jet φ", "Share of jets"),
    "jets_per_event": _jets_per_event,
    "jet_mass_over_pt": overlay(_mass_over_pt, np.linspace(0, 0.5, 51), "Jet mass / $p_T$", "Share of jets"),
    "jet_area": overlay(_jet("area"), np.linspace(0.2, 0.8, 61), "Jet area", "Share of jets"),
    "constituents": overlay(_jet("nConstituents"), np.arange(80) - 0.5, "Constituents of jets", "Share of jets"),
    "constituents_vs_pt": profile(
        _central_jet("pt"),
        _central_jet("nConstituents"),
        np.geomspace(15, 1500, 21),
        "Jet $p_T$ [GeV], |η| < 2.4",
        "Mean number of constituents",
        log_x=True,
    ),
    "charged_hadron_fraction": overlay(
        _central_jet("chHEF"), _SHARE_EDGES, "Charged hadron energy fraction, |η| < 2.4", "Share of jets"
    ),
    "neutral_hadron_fraction": overlay(
        _central_jet("neHEF"), _SHARE_EDGES, "Neutral hadron energy fraction, |η| < 2.4", "Share of jets", log=True
    ),
    "charged_hadron_fraction_vs_eta": profile(
        _jet("eta"), _jet("chHEF"), _ETA_EDGES, "Jet η", "Mean charged hadron energy fraction"
    ),
    "neutral_hadron_fraction_vs_eta": profile(
        _jet("eta"), _jet("neHEF"), _ETA_EDGES, "Jet η", "Mean neutral hadron energy fraction"
    ),
    "flavour": _flavour,
    "btag_deepcsv": _btag("DeepCSV", "btagDeepB"),
    "btag_deepjet": _btag("DeepJet", "btagDeepFlavB"),
    "region_et_vs_eta": _region_profile,
    "region_et_map": _region_map,
    "region_et": overlay(
        lambda sample: sample.regions.ravel(),
        _REGION_EDGES,
        "Region $E_T$ [GeV]",
        "Regions per event and GeV",
        log=True,
        log_x=True,
        per_event=True,
    ),
    "ht": overlay(_event("ht"), np.linspace(0, 4000, 51), "$H_T$ [GeV]", "Share of events", log=True),
    "met": overlay(_event("met"), np.linspace(0, 300, 51), "Missing $p_T$ [GeV]", "Share of events", log=True),
    "vertices_vs_pileup": profile(
        _event("n_pileup"), _event("n_vertices"), _PILEUP_EDGES, "Pileup collisions", "Mean number of vertices"
    ),
    "jets_vs_pileup": profile(
        _event("n_pileup"),
        lambda sample: sample.jets_per_event,
        _PILEUP_EDGES,
        "Pileup collisions",
        "Mean number of jets",
    ),
}
