"""calibration.h5: scores of background that did not train, kept with a run for p-values of whatever it scores."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hepad.core.errors import UserError
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset, text_attribute, write_hdf5
from hepad.metrics import ScoreCalibration

CALIBRATION: Final = "calibration.h5"


@dataclass(frozen=True, eq=False)
class BackgroundScores:
    """Scores of background entries.

    Attributes:
        score: `(n,)`.
        weight: `(n,)`; None where each counts once.
    """

    score: NDArray[np.float32]
    weight: NDArray[np.float32] | None = None


def keep_calibration(run_dir: Path, scores: BackgroundScores, checkpoint_sha256: str, origin: str) -> None:
    """Write the scores `(n,)`, and weights where there are any, in one step."""
    with write_hdf5(run_dir / CALIBRATION) as file:
        file.create_dataset("score", data=scores.score.astype("<f4"))
        if scores.weight is not None:
            file.create_dataset("weight", data=scores.weight.astype("<f4"))
        file.attrs["checkpoint_sha256"] = checkpoint_sha256
        file.attrs["origin"] = origin


def read_calibration(run_dir: Path, checkpoint_sha256: str) -> ScoreCalibration | None:
    """Return the calibration that a run has; None where none was kept, or one of other weights.

    Raises:
        UserError: the file is damaged.
    """
    path = run_dir / CALIBRATION
    if not path.is_file():
        return None
    with open_hdf5(path) as file:
        if text_attribute(file, "checkpoint_sha256") != checkpoint_sha256:
            return None
        columns = {name: read_rows(safe_dataset(file, name)) for name in ("score", "weight") if name in file}
    if any(column.ndim != 1 for column in columns.values()) or "score" not in columns:
        raise UserError(f"{path} holds no column of scores; remove it, and choose the thresholds again")
    try:
        return ScoreCalibration.of(columns["score"], columns.get("weight"))
    except ValueError as error:
        raise UserError(f"{path}: {error}; remove it, and choose the thresholds again") from error


def score_columns(
    calibration: ScoreCalibration | None, thresholds: dict[str, float]
) -> Callable[[NDArray[np.float32]], dict[str, NDArray[np.generic]]]:
    """Return what makes of scores `(n,)` the columns beside them: `p_value`, and `accepted_<name>` by threshold."""

    def columns(score: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
        found: dict[str, NDArray[np.generic]] = {}
        if calibration is not None:
            found["p_value"] = calibration.p_values(score).astype(np.float32)
        # Of a NaN no comparison is true: it is not accepted.
        return found | {f"accepted_{name}": score.astype(np.float64) > cut for name, cut in thresholds.items()}

    return columns
