"""Quality of a generator: numbers of generated entries against real ones, from arrays."""

from hepad.generators.amplification import (
    AmplificationStudy,
    amplification,
    quantile_cells,
    quantile_error,
    sampling_error,
)
from hepad.generators.card import CardSettings, GeneratorCard, generator_card
from hepad.generators.card_metrics import generator_metrics, generator_verdict, ranked
from hepad.generators.classifier_test import classifier_test
from hepad.generators.correlations import correlation_difference
from hepad.generators.distributions import separation_power
from hepad.generators.frechet import extrapolated_frechet, frechet_distance
from hepad.generators.kernel_distance import kernel_distance
from hepad.generators.neighbours import coverage, memorisation
from hepad.generators.population import Observable, Population
from hepad.generators.profiles import response
from hepad.generators.shower_observables import image_population, shower_population
from hepad.generators.vector_observables import set_population, vector_population
from hepad.generators.wasserstein import wasserstein

__all__ = [
    "AmplificationStudy",
    "CardSettings",
    "GeneratorCard",
    "Observable",
    "Population",
    "amplification",
    "classifier_test",
    "correlation_difference",
    "coverage",
    "extrapolated_frechet",
    "frechet_distance",
    "generator_card",
    "generator_metrics",
    "generator_verdict",
    "image_population",
    "kernel_distance",
    "memorisation",
    "quantile_cells",
    "quantile_error",
    "ranked",
    "response",
    "sampling_error",
    "separation_power",
    "set_population",
    "shower_population",
    "vector_population",
    "wasserstein",
]
