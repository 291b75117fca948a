"""The generator card: every number of generated entries against real ones, beside that of real against real."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from hepad.generators.blocks import feature_scale
from hepad.generators.classifier_test import CLASSIFIERS, ClassifierTest, classifier_test
from hepad.generators.correlations import CorrelationDifference, correlation_difference
from hepad.generators.distributions import Histogram, ShapeTest, compare_shapes, histogram, shown_edges
from hepad.generators.frechet import Extrapolated, extrapolated_frechet
from hepad.generators.kernel_distance import KernelDistance, kernel_distance
from hepad.generators.neighbours import Coverage, Memorisation, coverage, memorisation
from hepad.generators.population import Population, TooFewEntries
from hepad.generators.profiles import ProfileTest, Response, compare_profiles, energy_edges, response
from hepad.generators.wasserstein import Wasserstein, wasserstein
from hepad.metrics.samples import FloatArray

_Found = TypeVar("_Found")

N_STEPS: Final = 6
"""Calls of `progress` by a card with all classifiers."""

SIDES: Final = ("generated", "floor")
"""Samples that are compared with the reference: generated entries, and other real ones."""


@dataclass(frozen=True)
class CardSettings:
    """Numbers of entries that each number is made of, at most.

    Args:
        classifier_entries: of each side for the classifier test.
        distance_entries: of each side for Fréchet and kernel distance.
        neighbour_entries: of each side for precision, coverage and the search for copies.
        training_entries: training entries that copies are searched among.
        classifiers: of `CLASSIFIERS`.
        seed: of parts and initial weights.

    >>> from hepad.generators import CardSettings
    >>> CardSettings(classifiers=("trees",)).distance_entries
    10000
    """

    classifier_entries: int = 10_000
    distance_entries: int = 10_000
    neighbour_entries: int = 5_000
    training_entries: int = 50_000
    classifiers: tuple[str, ...] = CLASSIFIERS
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Distribution:
    """One observable of the reference, the generated entries and the floor.

    Attributes:
        name: of the observable.
        edges: of the bins.
        is_log: the bins are logarithmic.
        reference: shares of real entries.
        shares: side → shares.
        tests: side → comparison with the reference.
        distances: side → Wasserstein-1 distance to the reference.
    """

    name: str
    edges: FloatArray
    is_log: bool
    reference: Histogram
    shares: Mapping[str, Histogram]
    tests: Mapping[str, ShapeTest]
    distances: Mapping[str, Wasserstein]


@dataclass(frozen=True, eq=False)
class GeneratorCard:
    """All numbers of a generator. Each mapping is by side, `generated` and `floor`; a number that needs more entries
    than there are is not there, and a note says why.

    Attributes:
        n: entries of each sample that are compared.
        distributions: of each observable.
        profiles: profile → side → comparison with the reference.
        feature_names: of what correlations, classifiers and distances are made of.
        correlations, frechet, kernel, coverage, memorisation: as their names say.
        classifiers: kind → side → classifier test.
        responses: of showers: `reference` and each side.
        effective: name of a sample → how many entries it is worth by its weights.
        notes: what is left out, and why.
    """

    n: int
    distributions: tuple[Distribution, ...]
    profiles: Mapping[str, Mapping[str, ProfileTest]]
    feature_names: tuple[str, ...]
    correlations: Mapping[str, CorrelationDifference]
    classifiers: Mapping[str, Mapping[str, ClassifierTest]]
    frechet: Mapping[str, Extrapolated]
    kernel: Mapping[str, KernelDistance]
    coverage: Mapping[str, Coverage]
    memorisation: Mapping[str, Memorisation]
    responses: Mapping[str, Response]
    effective: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def generator_card(
    reference: Population,
    generated: Population,
    floor: Population,
    training: Population | None = None,
    settings: CardSettings | None = None,
    progress: Callable[[str], None] = lambda step: None,
) -> GeneratorCard:
    """Compare generated entries with real ones, and other real ones with them.

    The numbers are of the entries, whatever files they came from: those of two files of N are those of one of 2N.

    Args:
        reference: real entries that did not train.
        generated: entries that a generator made up.
        floor: other real entries, none of which is in `reference`; as many as are compared with generated ones are.
        training: entries that the generator was trained on, among which copies are searched; None where not known.
        settings: how many entries each number is made of.
        progress: called with the name of each step before it.

    Raises:
        ValueError: samples without the same features, or without entries.

    >>> import numpy as np
    >>> from hepad.generators import CardSettings, generator_card, generator_metrics, vector_population
    >>> a, b, c = np.random.default_rng(0).normal(size=(3, 600, 2))
    >>> real, made, other = (vector_population(x, ["pt", "eta"]) for x in (a, b + [1.0, 0.0], c))
    >>> card = generator_card(real, made, other, settings=CardSettings(classifiers=("trees",)))
    >>> metrics = generator_metrics(card)
    >>> metrics["generator/auc/trees"] > 0.7, metrics["generator/p_value/eta"] > 0.001
    (True, True)
    """
    found_n = {"real": len(reference), "generated": len(generated), "floor": len(floor)}
    for name, found in {"real": reference, "generated": generated, "floor": floor}.items():
        if not len(found):
            raise ValueError(f"no {name} entries")
        if list(found.feature_names) != list(reference.feature_names):
            raise ValueError(f"{name} entries have other features than the real ones")
    settings = settings or CardSettings()
    notes: list[str] = []
    n = min(found_n.values())
    if n < max(found_n.values()):
        told = ", ".join(f"{size:,} {name}" for name, size in found_n.items())
        notes.append(f"Of {told} entries the first {n:,} of each are compared: a floor is one of the same size.")
    reference, generated, floor = (part.first(n) for part in (reference, generated, floor))
    sides = {"generated": generated, "floor": floor}

    def each(compare: Callable[[Population, Population], _Found | None], most: int | None = None) -> dict[str, _Found]:
        """Compare either side with the reference, with equal numbers of entries; none where there are too few."""
        taken = n if most is None else min(n, most)
        found = {}
        for side, part in sides.items():
            try:
                if (value := compare(reference.first(taken), part.first(taken))) is not None:
                    found[side] = value
            except TooFewEntries as error:
                said = f"Not given: {error}."
                # A floor of what is not given itself is no news.
                if said not in notes:
                    notes.append(said if side == "generated" else f"No floor: {error}.")
        return found

    progress("distributions")
    distributions = _distributions(reference, sides, notes)
    progress("correlations")
    correlations = each(correlation_difference)
    profiles = {name: each(partial(compare_profiles, name)) for name in reference.profiles}
    progress("distances")
    scale = feature_scale(reference.features)
    frechet = each(lambda a, b: extrapolated_frechet(a, b, scale), settings.distance_entries)
    kernel = each(lambda a, b: kernel_distance(a, b, scale), settings.distance_entries)
    classifiers = {}
    for kind in settings.classifiers:
        progress(f"classifier {kind}")
        classifiers[kind] = each(partial(classifier_test, kind=kind, seed=settings.seed), settings.classifier_entries)
    progress("neighbours")
    near = each(coverage, settings.neighbour_entries)
    copies: dict[str, Memorisation] = {}
    if training is not None:
        known = training.first(settings.training_entries)
        copies = each(lambda a, b: memorisation(known, a, b), settings.neighbour_entries)
        if len(known) < len(training):
            notes.append(f"Copies are searched among {len(known):,} of {len(training):,} training entries.")
    return GeneratorCard(
        n,
        distributions,
        {name: found for name, found in profiles.items() if found},
        tuple(reference.feature_names),
        correlations,
        {kind: found for kind, found in classifiers.items() if found},
        frechet,
        kernel,
        near,
        copies,
        _responses(reference, sides),
        {"reference": reference.effective, "generated": generated.effective, "floor": floor.effective},
        tuple(dict.fromkeys([*_empty_notes(reference, generated), *notes])),
    )


def _distributions(
    reference: Population, sides: Mapping[str, Population], notes: list[str]
) -> tuple[Distribution, ...]:
    found = []
    for name, observable in reference.observables.items():
        if not observable.values.size or not all(part.observables[name].values.size for part in sides.values()):
            notes.append(f"Not given: the distribution of {name}; no entry of one side has a value of it.")
            continue
        edges, is_log = shown_edges(observable.values)
        tests, distances, shares = {}, {}, {}
        for side, part in sides.items():
            try:
                tests[side] = compare_shapes(name, reference, part, edges)
            except TooFewEntries as error:
                notes.append(f"Not given: {error}.")
                continue
            distances[side] = wasserstein(observable, part.observables[name], reference.weights, part.weights)
            shares[side] = histogram(part.observables[name], part.weights, edges)
        own = histogram(observable, reference.weights, edges)
        found.append(Distribution(name, edges, is_log, own, shares, tests, distances))
    return tuple(found)


def _responses(reference: Population, sides: Mapping[str, Population]) -> dict[str, Response]:
    """Response against incident energy, in bins of the reference; nothing where somebody's energy is not known."""
    parts = {"reference": reference, **sides}
    if any(part.incident is None or "total" not in part.observables for part in parts.values()):
        return {}
    assert reference.incident is not None
    edges = energy_edges(reference.incident)
    return {
        name: response(part.observables["total"].values, part.incident, edges, part.weights)
        for name, part in parts.items()
        if part.incident is not None
    }


def _empty_notes(reference: Population, generated: Population) -> list[str]:
    if not generated.n_empty and not reference.n_empty:
        return []
    told = [f"{part.n_empty / len(part):.2%}" for part in (generated, reference)]
    return [f"{generated.n_empty:,} of the generated entries ({told[0]}) hold nothing; of the real ones {told[1]}."]
