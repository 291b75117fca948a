"""Numbers of a generator card under flat names, and what they say in sentences."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hepad.generators.card import Distribution, GeneratorCard
from hepad.metrics.holm import holm

PREFIX: Final = "generator"
FLOOR_PREFIX: Final = "generator_floor"
SIGNIFICANT: Final = 0.01
_PREFIXES: Final = {"generated": PREFIX, "floor": FLOOR_PREFIX}
_TITLES: Final = {"trees": "boosted trees", "mlp": "a network"}
_BEYOND: Final = 3.0


def generator_metrics(card: GeneratorCard) -> dict[str, float]:
    """Return the numbers of a card: `generator/…`, and the same of real against real as `generator_floor/…`.

    `auc/<classifier>`, `jsd/<classifier>`, `fpd`, `kpd`, `w1/<observable>`, `memorisation/auc` have `…/low` and
    `…/high` of one standard error; a number that needs more entries than there are has no name.

    >>> import numpy as np
    >>> from hepad.generators import CardSettings, generator_card, generator_metrics, vector_population
    >>> real, made, other = (vector_population(x, ["pt"]) for x in np.random.default_rng(0).normal(size=(3, 200, 1)))
    >>> metrics = generator_metrics(generator_card(real, made, other, settings=CardSettings(classifiers=())))
    >>> metrics["generator/entries"], "generator/auc/trees" in metrics
    (200.0, False)
    """
    metrics: dict[str, float] = {f"{prefix}/entries": float(card.n) for prefix in _PREFIXES.values()}
    for side, prefix in _PREFIXES.items():
        metrics |= {f"{prefix}/{name}": float(value) for name, value in _of_side(card, side)}
    return metrics


@dataclass(frozen=True)
class GeneratorVerdict:
    """A card in short.

    Attributes:
        differing: names of observables and profiles that differ from the real ones, the least likely first.
        compared: how many were compared.
        sentences: the verdict, one finding each.
    """

    differing: tuple[str, ...]
    compared: int
    sentences: tuple[str, ...]


def differing_observables(card: GeneratorCard, side: str = "generated") -> list[str]:
    """Return the observables and profiles of a side that differ from the reference, the least likely first.

    They do where p < 0.01 after Holm's correction for all that are compared.
    """
    p_values = {found.name: found.tests[side].p_value for found in card.distributions if side in found.tests}
    p_values |= {f"{name} profile": found[side].p_value for name, found in card.profiles.items() if side in found}
    corrected = dict(zip(p_values, holm(list(p_values.values())), strict=True))
    strength = {found.name: found.tests[side].separation for found in card.distributions if side in found.tests}
    differing = [name for name, p in corrected.items() if p < SIGNIFICANT]
    return sorted(differing, key=lambda name: (p_values[name], -strength.get(name, 0.0)))


def generator_verdict(card: GeneratorCard) -> GeneratorVerdict:
    """Return what a card says: which observables differ, and what tells generated entries from real ones.

    >>> import numpy as np
    >>> from hepad.generators import CardSettings, generator_card, generator_verdict, vector_population
    >>> x = np.random.default_rng(0).normal(size=(3, 200, 1))
    >>> real, made, other = (vector_population(values, ["pt"]) for values in (x[0], x[1] + 1, x[2]))
    >>> generator_verdict(generator_card(real, made, other, settings=CardSettings(classifiers=()))).differing
    ('pt',)
    """
    differing = differing_observables(card)
    compared = sum("generated" in found.tests for found in card.distributions) + len(card.profiles)
    sentences = [*_distribution_sentences(card, differing, compared), *_classifier_sentences(card)]
    for name, found in (("Fréchet distance", card.frechet), ("kernel distance", card.kernel)):
        if "generated" in found:
            value, floor = found["generated"], found.get("floor")
            beside = "" if floor is None else f"; real against real {with_error(1e3 * floor.value, 1e3 * floor.error)}"
            says = "beyond the floor" if value.p_value < SIGNIFICANT else "compatible with 0"
            sentences.append(
                f"The {name} is {with_error(1e3 * value.value, 1e3 * value.error)} × 10⁻³, {says}{beside}."
            )
    sentences += _copy_sentences(card)
    return GeneratorVerdict(tuple(differing), compared, tuple(sentences))


def _of_side(card: GeneratorCard, side: str) -> Iterator[tuple[str, float]]:
    for found in card.distributions:
        if side in found.tests:
            yield from _of_observable(found, side)
    tested = [found.tests[side] for found in card.distributions if side in found.tests]
    if tested:
        yield "separation_mean", sum(test.separation for test in tested) / len(tested)
        yield "observables", len(tested) + sum(side in found for found in card.profiles.values())
        yield "differing", len(differing_observables(card, side))
    for name, profile in card.profiles.items():
        if side in profile:
            yield f"profile_p_value/{name}", profile[side].p_value
    if side in card.correlations:
        yield "correlation_rms", card.correlations[side].rms
        yield "correlation_max", card.correlations[side].largest
    for kind, tests in card.classifiers.items():
        if side in tests:
            yield from _interval(f"auc/{kind}", tests[side].auc, tests[side].auc_error)
            yield from _interval(f"jsd/{kind}", tests[side].jsd, tests[side].jsd_error)
    for short, distances in (("fpd", card.frechet), ("kpd", card.kernel)):
        if side in distances:
            yield from _interval(short, distances[side].value, distances[side].error)
            yield f"{short}/p_value", distances[side].p_value
    if side in card.coverage:
        near = card.coverage[side]
        names = ("precision", "recall", "density", "coverage")
        for name, error in zip(names, near.errors, strict=True):
            yield from _interval(name, getattr(near, name), error)
    if side in card.memorisation:
        copied = card.memorisation[side]
        yield from _interval("memorisation/auc", copied.auc, copied.auc_error)
        yield "memorisation/close", copied.close
        yield "memorisation/copies", copied.copies


def _of_observable(found: Distribution, side: str) -> Iterator[tuple[str, float]]:
    test, distance = found.tests[side], found.distances[side]
    yield f"separation/{found.name}", test.separation
    yield f"chi2_per_ndf/{found.name}", test.chi2_per_ndf
    yield f"p_value/{found.name}", test.p_value
    yield from _interval(f"w1/{found.name}", distance.value, distance.error)


def _interval(name: str, value: float, error: float) -> Iterator[tuple[str, float]]:
    yield name, value
    yield f"{name}/low", value - error
    yield f"{name}/high", value + error


def _distribution_sentences(card: GeneratorCard, differing: list[str], compared: int) -> list[str]:
    if not compared:
        return []
    if not differing:
        return [f"None of {compared} observables differs from the real ones (p < {SIGNIFICANT:g} after Holm)."]
    shown = ", ".join(differing[:6])
    more = f" and {len(differing) - 6} more" if len(differing) > 6 else ""
    of_floor = len(differing_observables(card, "floor"))
    beside = "none" if not of_floor else str(of_floor)
    return [
        f"{len(differing)} of {compared} observables differ from the real ones beyond the floor (p < {SIGNIFICANT:g} "
        f"after Holm): {shown}{more}. Of real against real {beside} {'do' if of_floor != 1 else 'does'}."
    ]


def _classifier_sentences(card: GeneratorCard) -> list[str]:
    sentences = []
    for kind, tests in card.classifiers.items():
        if "generated" not in tests:
            continue
        found, floor = tests["generated"], tests.get("floor")
        beyond = (found.auc - 0.5) / found.auc_error > _BEYOND
        beside = "" if floor is None else f"; real against real {floor.auc:.3f} ± {floor.auc_error:.3f}"
        told = f"{_TITLES[kind]} {'tell' if kind == 'trees' else 'tells'} them from real ones with AUC"
        text = told if beyond else f"for {_TITLES[kind]} they are as real ones: AUC"
        sentences.append(f"{text[0].upper()}{text[1:]} {found.auc:.3f} ± {found.auc_error:.3f}{beside}.")
    return sentences


def _copy_sentences(card: GeneratorCard) -> list[str]:
    found = card.memorisation.get("generated")
    if found is None:
        return []
    if found.copies > 0:
        return [f"{found.copies:.1%} of the generated entries are training entries."]
    if (found.auc - 0.5) / max(found.auc_error, 1e-9) > _BEYOND:
        return [
            f"Generated entries lie nearer to training entries than held-out real ones do (AUC {found.auc:.3f} ± "
            f"{found.auc_error:.3f}): the generator remembers."
        ]
    return ["No generated entry is a training entry, and they lie no nearer to these than held-out real ones do."]


def with_error(value: float, error: float) -> str:
    """Return a number and its error in words, both to two digits of the error.

    >>> from hepad.generators.card_metrics import with_error
    >>> with_error(1193.4, 18.2), with_error(-0.00141, 0.0045)
    ('1193 ± 18', '−0.0014 ± 0.0045')
    """
    digits = max(0, 1 - math.floor(math.log10(error))) if error > 0 else 4
    return f"{value:.{digits}f} ± {error:.{digits}f}".replace("-", "−")


def ranked(rows: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Return names of generators, the one that is told from real entries with the smallest AUC first.

    The AUC is the largest of its classifiers; where that is missing, the Fréchet distance decides, or the
    mean separation power, behind all others.

    >>> from hepad.generators import ranked
    >>> ranked({"a": {"generator/auc/trees": 0.8}, "b": {"generator/auc/trees": 0.6}, "c": {"generator/fpd": 0.1}})
    ['b', 'a', 'c']
    """

    def key(name: str) -> tuple[float, ...]:
        found = [
            value
            for metric, value in rows[name].items()
            if metric.startswith(f"{PREFIX}/auc/") and metric.count("/") == 2
        ]
        others = (rows[name].get(f"{PREFIX}/{metric}", math.inf) for metric in ("fpd", "separation_mean"))
        return (max(found) if found else 2.0, *others)

    return sorted(rows, key=key)
