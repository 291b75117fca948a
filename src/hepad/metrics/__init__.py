"""Quality of an anomaly score: numbers from arrays."""

from hepad.metrics.conformal import ScoreCalibration
from hepad.metrics.correlation import distance_correlation, pearson, spearman
from hepad.metrics.count_significance import count_significance
from hepad.metrics.delong import (
    AucComponents,
    AucDifference,
    auc_components,
    auc_difference,
    auc_interval,
    auc_variance,
    compare_aucs,
)
from hepad.metrics.density import Calibration, density_calibration
from hepad.metrics.evaluation import Evaluation, evaluate
from hepad.metrics.holm import holm
from hepad.metrics.operating_points import Cut, Share, agreement_p_value, binomial_interval, choose_cut, share_beyond
from hepad.metrics.placements import SortedScores, sort_scores
from hepad.metrics.roc import RocCurve, auc, roc_curve
from hepad.metrics.samples import BASELINES, ScoredSample, effective_entries, trivial_title
from hepad.metrics.sculpting import EFFICIENCIES, Sculpting, jensen_shannon, score_sculpting
from hepad.metrics.verdict import NOTABLE, SIGNIFICANT, PairResult, Verdict, pair_result, read_verdict
from hepad.metrics.working_points import (
    BUNCH_CROSSING_RATE,
    MIN_ENTRIES,
    SicCurve,
    fpr_name,
    max_sic,
    sic_curve,
    tpr_at_fpr,
    trigger_rate,
)

__all__ = [
    "BASELINES",
    "BUNCH_CROSSING_RATE",
    "EFFICIENCIES",
    "MIN_ENTRIES",
    "NOTABLE",
    "SIGNIFICANT",
    "AucComponents",
    "AucDifference",
    "Calibration",
    "Cut",
    "Evaluation",
    "PairResult",
    "RocCurve",
    "ScoreCalibration",
    "ScoredSample",
    "Sculpting",
    "Share",
    "SicCurve",
    "SortedScores",
    "Verdict",
    "agreement_p_value",
    "auc",
    "auc_components",
    "auc_difference",
    "auc_interval",
    "auc_variance",
    "binomial_interval",
    "choose_cut",
    "compare_aucs",
    "count_significance",
    "density_calibration",
    "distance_correlation",
    "effective_entries",
    "evaluate",
    "fpr_name",
    "holm",
    "jensen_shannon",
    "max_sic",
    "pair_result",
    "pearson",
    "read_verdict",
    "roc_curve",
    "score_sculpting",
    "share_beyond",
    "sic_curve",
    "sort_scores",
    "spearman",
    "tpr_at_fpr",
    "trigger_rate",
    "trivial_title",
]
