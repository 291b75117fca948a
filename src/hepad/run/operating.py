"""Operating points of a run: a threshold chosen on background that did not train, and tested on other background."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hepad.core.errors import UserError
from hepad.metrics import MIN_ENTRIES, Cut, Share, agreement_p_value, choose_cut, share_beyond, trigger_rate
from hepad.run.calibration import keep_calibration
from hepad.run.held_out import HeldOut
from hepad.rundir.thresholds_file import keep_threshold


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the score of a run.

    Attributes:
        name: by which it is kept.
        fpr: the share of the background that was wanted.
        cut: the threshold, and the share beyond it where it was chosen.
        tested: the share beyond it of other background.
        agreement: p-value of the two shares, were they alike.
        background: the sample, or the file.
        origin: the two parts in words.
    """

    name: str
    fpr: float
    cut: Cut
    tested: Share
    agreement: float
    background: str
    origin: str

    @property
    def threshold(self) -> float:
        """Threshold: `score > threshold` is accepted."""
        return self.cut.threshold

    @property
    def rate(self) -> float:
        """Rate (Hz) by the tested background, if each of 28.61 MHz crossings is an entry."""
        return trigger_rate(self.tested.value)

    def facts(self, checkpoint_sha256: str) -> dict[str, Any]:
        """Return the point as plain values, as thresholds.json keeps it."""
        return {
            "fpr": self.fpr,
            "threshold": self.cut.threshold,
            "low": self.cut.low if math.isfinite(self.cut.low) else self.cut.threshold,
            "high": self.cut.high,
            "chosen": asdict(self.cut.share),
            "tested": asdict(self.tested),
            "agreement": self.agreement,
            "background": self.background,
            "origin": self.origin,
            "checkpoint_sha256": checkpoint_sha256,
        }


def operating_point(held_out: HeldOut, name: str, fpr: float) -> OperatingPoint:
    """Return the operating point that lets at most `fpr` of the background through.

    Raises:
        UserError: fewer than ten entries would lie beyond it.
    """
    chosen, tested = held_out.chosen, held_out.tested
    cut = choose_cut(chosen.score, fpr, chosen.weight)
    if cut is None or not math.isfinite(cut.threshold):
        entries = share_beyond(chosen.score, -math.inf, chosen.weight).entries
        raise UserError(
            f"{name} is {fpr:.3g} of the background, {fpr * entries:.2g} of the {entries:,.0f} entries of "
            f"{held_out.background} that a threshold is chosen on; {MIN_ENTRIES} must lie beyond it, so "
            f"{math.ceil(MIN_ENTRIES / fpr):,} are needed: give twice as many that did not train "
            "with background=FILE"
        )
    share = share_beyond(tested.score, cut.threshold, tested.weight)
    p = agreement_p_value(cut.share, share)
    return OperatingPoint(name, fpr, cut, share, p, held_out.background, held_out.origin)


def keep_point(directory: Path, point: OperatingPoint, held_out: HeldOut, sha256: str) -> None:
    """Keep an operating point and the scores that it was chosen on in the run's directory.

    Args:
        directory: of the run.
        point: what is kept.
        held_out: the scores.
        sha256: of the run's checkpoint, by which a later reader knows whose threshold it is.
    """
    keep_calibration(directory, held_out.chosen, sha256, f"{held_out.background}: {held_out.origin}")
    keep_threshold(directory, point.name, point.facts(sha256))
