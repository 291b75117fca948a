"""Heavy-flavour and quark/gluon tagger scores, drawn from the true flavour of the jet.

No tracks are fitted here, so these scores are NOT the output of a tagger: they are random numbers whose
distributions pass, flavour by flavour, through efficiencies at the public working points of CMS for 2016 data
(BTV, arXiv:1712.07158 and the CMS DP notes on DeepJet). Each score is a monotonic function of a Gaussian; the
same Gaussian is shared, with a correlation, by the two families DeepCSV and DeepJet.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit, logit, ndtri

from hepad.simulation.arrays import Array

WORKING_POINTS: Final = {
    "DeepCSV": (0.2217, 0.6321, 0.8953),
    "DeepJet": (0.0614, 0.3093, 0.7221),
}
"""Loose, medium and tight thresholds on P(b) for 2016 data."""
EFFICIENCIES: Final = {0: (0.10, 0.01, 0.001), 4: (0.40, 0.12, 0.02), 5: (0.84, 0.68, 0.50)}
"""Share of light, c and b jets (hadron flavour 0, 4, 5) beyond the loose, medium and tight threshold."""
MAX_ABS_ETA: Final = 2.5
UNDEFINED: Final = -1.0

_FAMILY_CORRELATION: Final = 0.85
"""Correlation of the Gaussians behind the two families' P(b), and behind their CvL."""
# Mean and width of the logit of CvL, by hadron flavour; of QG, by parton flavour.
_CVL: Final = {0: (-2.6, 1.2), 4: (-0.4, 1.5), 5: (-0.8, 1.2)}
_QG_QUARK: Final = (-0.9, 1.3)
_QG_GLUON: Final = (0.7, 1.1)
_QG_UNKNOWN: Final = (0.2, 1.3)


@dataclass(frozen=True)
class TaggerScores:
    """Scores (J,): P(b), c-vs-b and c-vs-light of both families, and DeepJet's gluon-vs-quark; −1 is undefined."""

    deep_b: Array
    deep_cvb: Array
    deep_cvl: Array
    flav_b: Array
    flav_cvb: Array
    flav_cvl: Array
    flav_qg: Array


def draw_scores(
    flavour: Array, parton: Array, pt: Array, eta: Array, n_tracks: Array, rng: np.random.Generator
) -> TaggerScores:
    """Draw the scores of jets with hadron flavour 0, 4 or 5 (J,) and parton flavour (0, 1 to 5, or 21).

    As in NanoAOD both families are undefined beyond the tracker, and DeepCSV also for jets without tracks.
    """
    inside = np.abs(eta) < MAX_ABS_ETA
    with_tracks = inside & (n_tracks > 0)
    z = rng.standard_normal((3, 2, len(pt)))
    shared = np.sqrt(_FAMILY_CORRELATION) * z[0] + np.sqrt(1 - _FAMILY_CORRELATION) * z[1:]
    scores = []
    for family, (z_b, z_cvl), defined in zip(
        WORKING_POINTS, shared, (with_tracks, inside), strict=True
    ):
        p_b = b_score(family, flavour, pt, z_b)
        cvl = _logit_normal(flavour, _CVL, z_cvl)
        # P(c) from what P(b) leaves, so that the three probabilities add up to 1.
        p_c = (1 - p_b) * cvl
        scores += [np.where(defined, x, UNDEFINED) for x in (p_b, p_c / (p_b + p_c), cvl)]
    mean, width = np.select(
        [parton == 21, parton > 0], [np.array(_QG_GLUON)[:, None], np.array(_QG_QUARK)[:, None]],
        np.array(_QG_UNKNOWN)[:, None],
    )  # fmt: skip
    qg = expit(mean + width * rng.standard_normal(len(pt)))
    return TaggerScores(*scores, np.where(inside, qg, UNDEFINED))


def b_score(family: str, flavour: Array, pt: Array, z: Array) -> Array:
    """Return P(b) (J,) at the standard normal quantile z (J,).

    Between the working points the logit of the score is linear in z; beyond them it goes on with the slope of
    the nearest interval.
    """
    thresholds = logit(np.array(WORKING_POINTS[family]))
    score = np.empty(len(z))
    for known, efficiencies in EFFICIENCIES.items():
        mine = flavour == known
        quantiles = ndtri(1 - np.array(efficiencies))
        shifted = z[mine] + _pt_shift(known, pt[mine])
        slope = np.diff(thresholds) / np.diff(quantiles)
        upper = (shifted > quantiles[1]).astype(np.int64)
        score[mine] = thresholds[1] + slope[upper] * (shifted - quantiles[1])
    return expit(score)


def _pt_shift(flavour: int, pt: Array) -> Array:
    """Return the shift of z with pT: b efficiency falls on both sides of 100 GeV, mistags rise slowly with pT.

    The shape of arXiv:1712.07158, figures 13 and 16; centred on the jets of top-pair events.
    """
    x = np.clip(np.log(np.maximum(pt, 1.0) / 100), -2, 3)
    if flavour == 0:
        return 0.12 * (x + 0.5)
    return 0.07 - 0.12 * x**2


def _logit_normal(flavour: Array, parameters: dict[int, tuple[float, float]], z: Array) -> Array:
    known = np.array(list(parameters.values()))
    mean, width = known[np.searchsorted(np.array(list(parameters)), flavour)].T
    return expit(mean + width * z)
