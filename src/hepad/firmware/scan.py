"""Losses by rounding: scores and AUC at each width."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hepad.firmware.fixed_point import FloatArray
from hepad.firmware.layers import Network
from hepad.firmware.rounding import RoundedNetwork, rounded
from hepad.metrics import auc, choose_cut, share_beyond

WIDTHS: Final = (4, 6, 8, 10, 12, 14, 16, 18, 20)


@dataclass(frozen=True)
class Loss:
    """Distance of rounded scores of one sample from those in float64, and what they separate.

    Attributes:
        max_absolute: largest |Δscore| of entries that do not saturate.
        mean_absolute: mean |Δscore| of these.
        saturated: share of entries whose score is the largest number.
        auc: of this sample against the background; None of the background.
        efficiency: share of it beyond the threshold that lets 1% of the background through.
    """

    max_absolute: float
    mean_absolute: float
    saturated: float
    auc: float | None
    efficiency: float | None


@dataclass(frozen=True, eq=False)
class ScoredSamples:
    """Entries of all samples with their scores in float64.

    Attributes:
        background: name of the background.
        entries: sample → `(N, *input_shape)`.
        weights: sample → `(N,)`; None where each counts once.
        scores: sample → `(N,)`.
    """

    background: str
    entries: Mapping[str, FloatArray]
    weights: Mapping[str, FloatArray | None]
    scores: Mapping[str, FloatArray]


def losses(samples: ScoredSamples, network: RoundedNetwork) -> dict[str, Loss]:
    """Return what rounding does to each sample."""
    return compared(
        samples, {name: network.score(x) for name, x in samples.entries.items()}, network.score_format.largest
    )


def compared(samples: ScoredSamples, scores: Mapping[str, FloatArray], largest: float = np.inf) -> dict[str, Loss]:
    """Return how scores `(N,)` by sample, of which none is above `largest`, compare with those in float64."""
    b, found = samples.background, {}
    cut = choose_cut(scores[b], _FPR, samples.weights[b])
    for name, values in scores.items():
        weight, below = samples.weights[name], values < largest
        difference = np.abs(values - samples.scores[name])[below]
        beyond = None if cut is None else share_beyond(values, cut.threshold, weight).value
        area = None if name == b else auc(scores[b], values, samples.weights[b], weight)
        size = (float(difference.max()), float(difference.mean())) if difference.size else (0.0, 0.0)
        found[name] = Loss(*size, float(1 - below.mean()), area, beyond)
    return found


def scan(
    network: Network,
    samples: ScoredSamples,
    calibration: FloatArray,
    headroom: int,
    input_width: int = 16,
    score_width: int = 16,
    widths: Sequence[int] = WIDTHS,
) -> dict[int, dict[str, Loss]]:
    """Return the losses at each width, with the ranges of a calibration background `(N, *input_shape)`."""
    numbers = (calibration, headroom, input_width, score_width)
    return {width: losses(samples, rounded(network, width, *numbers)) for width in widths}


_FPR: Final = 1e-2
