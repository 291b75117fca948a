"""How good an anomaly score is: numbers from arrays.

`hepad.metrics.gathered` holds the one metric that needs torch, for runs on several processes; it is imported by
name, so that the rest stays light.
"""

from hepad.metrics.correlation import distance_correlation, pearson, spearman
from hepad.metrics.delong import AucDifference, auc_difference, auc_interval, auc_variance
from hepad.metrics.evaluation import Evaluation, evaluate, fpr_name
from hepad.metrics.roc import RocCurve, auc, roc_curve
from hepad.metrics.samples import BASELINES, ScoredSample
from hepad.metrics.working_points import (
    BUNCH_CROSSING_RATE,
    MIN_ENTRIES,
    SicCurve,
    max_sic,
    sic_curve,
    tpr_at_fpr,
    trigger_rate,
)

__all__ = [
    "BASELINES",
    "BUNCH_CROSSING_RATE",
    "MIN_ENTRIES",
    "AucDifference",
    "Evaluation",
    "RocCurve",
    "ScoredSample",
    "SicCurve",
    "auc",
    "auc_difference",
    "auc_interval",
    "auc_variance",
    "distance_correlation",
    "evaluate",
    "fpr_name",
    "max_sic",
    "pearson",
    "roc_curve",
    "sic_curve",
    "spearman",
    "tpr_at_fpr",
    "trigger_rate",
]
