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

from hepad.simulation.pileup import GLUON
from hepad.simulation.records import Array

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
    deep = _family_scores("DeepCSV", flavour, pt, shared[0], with_tracks)
    flav = _family_scores("DeepJet", flavour, pt, shared[1], inside)
    z_qg = rng.standard_normal(len(pt))
    qg = np.select(
        [parton == GLUON, parton > 0],
        [expit(mean + width * z_qg) for mean, width in (_QG_GLUON, _QG_QUARK)],
        expit(_QG_UNKNOWN[0] + _QG_UNKNOWN[1] * z_qg),
    )
    return TaggerScores(*deep, *flav, flav_qg=np.where(inside, qg, UNDEFINED))


def _family_scores(family: str, flavour: Array, pt: Array, z: Array, defined: Array) -> tuple[Array, Array, Array]:
    """Return P(b), CvB and CvL (J,) at the standard normal quantiles z (2, J) of P(b) and CvL."""
    p_b = b_score(family, flavour, pt, z[0])
    means, widths = (np.array([_CVL[known][i] for known in flavour.tolist()]) for i in range(2))
    cvl = expit(means + widths * z[1])
    # P(c) from what P(b) leaves, so that the three probabilities add up to 1.
    p_c = (1 - p_b) * cvl
    p_b, cvb, cvl = (np.where(defined, x, UNDEFINED) for x in (p_b, p_c / (p_b + p_c), cvl))
    return p_b, cvb, cvl


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
    p_b: Array = expit(score)
    return p_b


def _pt_shift(flavour: int, pt: Array) -> Array:
    """Return the shift of z with pT: b efficiency falls on both sides of 100 GeV, mistags rise slowly with pT.

    The trends of arXiv:1712.07158, centred on the jets of top-pair events.
    """
    x: Array = np.clip(np.log(np.maximum(pt, 1.0) / 100), -2, 3)
    if flavour == 0:
        return 0.12 * (x + 0.5)
    return 0.07 - 0.12 * x**2
