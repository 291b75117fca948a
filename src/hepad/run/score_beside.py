"""Columns beside a run's scores: the bits of its thresholds, and conformal p-values."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepad.metrics import ScoreCalibration
from hepad.run.calibration import read_calibration, score_columns
from hepad.run.loading import Run
from hepad.rundir.thresholds_file import current_thresholds


@dataclass(frozen=True, eq=False)
class ScoreBeside:
    """Columns that are made of scores.

    Attributes:
        thresholds: name → threshold.
        calibration: makes p-values; None for none.
    """

    thresholds: dict[str, float]
    calibration: ScoreCalibration | None

    def columns(self, score: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
        """Return of scores `(n,)` the columns `p_value` float32, and `accepted_<name>` bool by threshold."""
        return score_columns(self.calibration, self.thresholds)(score)


def score_beside(run: Run, p_values: bool | None, device: str = "auto") -> ScoreBeside:
    """Return what a run has chosen and kept.

    Args:
        run: the run.
        p_values: None for p-values where hepad.threshold has kept a calibration; true: without one they are of the
            run's own validation part; false: none.
        device: where that would be scored.

    Raises:
        UserError: thresholds of other weights, damaged files, or background that is gone.
    """
    sha256 = run.checkpoint_sha256
    points = current_thresholds(run.directory, sha256)
    calibration = None if p_values is False else read_calibration(run.directory, sha256)
    if p_values and calibration is None:
        # Imported here: it builds datamodules, which scoring alone does not need.
        from hepad.run.held_out import own_held_out

        chosen = own_held_out(run.settings, run.model, run.trained_in, device).chosen
        calibration = ScoreCalibration.of(chosen.score, chosen.weight)
    return ScoreBeside({name: float(found["threshold"]) for name, found in points.items()}, calibration)
