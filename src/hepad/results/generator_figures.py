"""The figures of a generator card, as recipes."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from hepad.generators import GeneratorCard
from hepad.generators.card_metrics import differing_observables
from hepad.plots import StandardFigure
from hepad.plots.generator_distributions import COLUMNS, plot_generator_distributions, plot_separation
from hepad.plots.generator_findings import (
    plot_classifiers,
    plot_correlation_difference,
    plot_frechet,
    plot_memorisation,
    plot_profiles,
    plot_response,
)

SEPARATION: Final = "Separation power"
DISTRIBUTIONS: Final = "Distributions"
PROFILES: Final = "Profiles and response"
CORRELATIONS: Final = "Correlations"
CLASSIFIERS: Final = "Classifier test"
DISTANCES: Final = "Distances"
NEIGHBOURS: Final = "Coverage and copies"
SECTIONS: Final = (SEPARATION, DISTRIBUTIONS, PROFILES, CLASSIFIERS, CORRELATIONS, DISTANCES, NEIGHBOURS)

_ROWS: Final = 3
_MOST_FEATURES: Final = 60


def generator_figures(card: GeneratorCard, note: str | None = None) -> Iterator[StandardFigure]:
    """Yield the recipe of every figure of a card; nothing is drawn here."""
    differing = differing_observables(card)
    shown = [found for found in card.distributions if found.shares]
    if any("generated" in found.tests for found in shown):
        yield StandardFigure(
            "generator_separation",
            SEPARATION,
            "Separation power of each observable against real entries, of generated entries and of other real ones "
            "(the floor).",
            partial(plot_separation, shown, differing, note=note),
        )
    size = _ROWS * COLUMNS
    for start in range(0, len(shown), size):
        yield StandardFigure(
            f"generator_distributions{start // size + 1}",
            DISTRIBUTIONS,
            "Real entries (filled), generated ones and other real ones (lines), and the ratio to real entries; the "
            "band is the statistical error of the floor.",
            partial(plot_generator_distributions, shown[start : start + size], note=note),
        )
    if card.profiles:
        yield StandardFigure(
            "generator_profiles",
            PROFILES,
            "Mean profiles and their ratio to that of real entries.",
            partial(plot_profiles, card.profiles, note=note),
        )
    if card.responses:
        yield StandardFigure(
            "generator_response",
            PROFILES,
            "Response and resolution against incident energy.",
            partial(plot_response, card.responses, note=note),
        )
    if "generated" in card.correlations and len(card.feature_names) <= _MOST_FEATURES:
        yield StandardFigure(
            "generator_correlations",
            CORRELATIONS,
            "Rank correlations of generated entries minus those of real ones.",
            partial(plot_correlation_difference, card.correlations["generated"], card.feature_names, note=note),
        )
    tests = {kind: sides for kind, sides in card.classifiers.items() if "generated" in sides}
    if tests:
        yield StandardFigure(
            "generator_classifiers",
            CLASSIFIERS,
            "Left: ROC of classifiers that tell generated, or other real, entries from real ones, on entries that "
            "they have not seen. Right: the calibrated probability of being real.",
            partial(plot_classifiers, tests, note=note),
        )
    if card.frechet:
        yield StandardFigure(
            "generator_frechet",
            DISTANCES,
            "Fréchet distance of subsets of N entries, extrapolated to infinitely many.",
            partial(plot_frechet, card.frechet, note=note),
        )
    if "generated" in card.memorisation:
        yield StandardFigure(
            "generator_memorisation",
            NEIGHBOURS,
            "Distance to the nearest training entry, which a generator that copies makes small.",
            partial(plot_memorisation, card.memorisation["generated"], note=note),
        )
