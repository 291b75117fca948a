"""Verdict on a score: is it better than the best score that needs no model?

`hepad.metrics.evaluate` computes the numbers once; reports, consoles, comparisons and sweeps read them here, from the
flat metrics of a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from hepad.metrics.delong import AucDifference
from hepad.metrics.samples import BASELINES

SIGNIFICANT: Final = 0.01
"""Below this p-value one AUC is said to be above another, rather than level with it, and an AUC to be below 0.5.

A default report makes a dozen of each comparison; at 0.05 every second one would have a note by chance.
"""

NOTABLE: Final = 0.001
"""Two AUCs closer than this are level, however many entries there are."""


@dataclass(frozen=True)
class PairResult:
    """One signal against one reference: the score, and the best trivial score.

    Attributes:
        signal, reference: samples.
        auc, low, high: of the score, with its 68% interval where it has one.
        trivial: name of the trivial score with the largest AUC; None where there is none.
        trivial_auc: its AUC.
        error: standard error of the difference (DeLong, paired), where it is known.
        p_value: of the difference, where it is known.

    >>> from hepad.metrics import PairResult
    >>> found = PairResult("ttbar", "zero_bias", 0.84, 0.83, 0.85, "sum_pt", 0.81, error=0.02, p_value=0.13)
    >>> found.better, found.significantly_better
    (True, False)
    """

    signal: str
    reference: str
    auc: float
    low: float | None
    high: float | None
    trivial: str | None = None
    trivial_auc: float | None = None
    error: float | None = None
    p_value: float | None = None

    @property
    def difference(self) -> float | None:
        """AUC minus that of the best trivial score."""
        return None if self.trivial_auc is None else self.auc - self.trivial_auc

    @property
    def better(self) -> bool:
        """True where the score is ahead of every trivial score by `NOTABLE` or more, and of chance."""
        return self.difference is not None and self.difference >= NOTABLE and self.auc > 0.5

    @property
    def worse(self) -> bool:
        """True where a trivial score is ahead by `NOTABLE` or more, beyond chance; one below 0.5 is no argument."""
        return (
            self.difference is not None
            and self.difference <= -NOTABLE
            and self.auc - self.difference > 0.5
            and self._beyond_chance
        )

    @property
    def significantly_better(self) -> bool:
        """True where it is better, beyond chance."""
        return self.better and self._beyond_chance

    @property
    def _beyond_chance(self) -> bool:
        return self.p_value is not None and self.p_value < SIGNIFICANT


def pair_result(metrics: Mapping[str, float], signal: str, reference: str, matched: bool = False) -> PairResult | None:
    """Read one pair from flat metrics; None where it has no AUC.

    Args:
        metrics: of a run.
        signal, reference: samples.
        matched: at equal loudness.

    >>> from hepad.metrics import pair_result
    >>> metrics = {"test/auc/ttbar_vs_zero_bias": 0.84, "test/baseline_auc/sum_pt/ttbar_vs_zero_bias": 0.81}
    >>> found = pair_result(metrics, signal="ttbar", reference="zero_bias")
    >>> found.trivial, round(found.difference, 2), found.better
    ('sum_pt', 0.03, True)
    """
    pair, test = f"{signal}_vs_{reference}", name_prefix(matched)
    name, over = f"{test}auc/{pair}", f"{test}over_trivial/{pair}"
    if name not in metrics:
        return None
    areas = trivial_aucs(metrics, signal, reference, matched)
    best = max(areas, key=areas.__getitem__) if areas else None
    return PairResult(
        signal,
        reference,
        metrics[name],
        metrics.get(f"{name}/low"),
        metrics.get(f"{name}/high"),
        best,
        None if best is None else areas[best],
        metrics.get(f"{over}/error"),
        metrics.get(f"{over}/p_value"),
    )


def difference_metrics(name: str, difference: AucDifference) -> dict[str, float]:
    """Return a difference to the best trivial score under its names."""
    return {
        name: difference.difference,
        f"{name}/error": difference.standard_error,
        f"{name}/p_value": difference.p_value,
    }


def trivial_aucs(metrics: Mapping[str, float], signal: str, reference: str, matched: bool = False) -> dict[str, float]:
    """Return trivial score → its AUC for one pair, in the order of `BASELINES`, others after them."""
    start, end = f"{name_prefix(matched)}baseline_auc/", f"/{signal}_vs_{reference}"
    found = {
        name[len(start) : -len(end)]: value
        for name, value in metrics.items()
        if name.startswith(start) and name.endswith(end)
    }
    known = {name: found[name] for name in BASELINES if name in found}
    return known | found


@dataclass(frozen=True)
class Verdict:
    """On how many signals a score is better than the best trivial score.

    Attributes:
        reference: sample on the background side.
        matched: at equal loudness.
        signals: how many there are.
        better: on how many the score is better than the best trivial score.
        significant: on how many of them beyond chance.

    >>> from hepad.metrics import Verdict
    >>> Verdict("zero_bias", matched=False, signals=3, better=2, significant=1).short
    '2 of 3 (1)'
    """

    reference: str
    matched: bool
    signals: int
    better: int
    significant: int

    @property
    def short(self) -> str:
        """Such as `1 of 3 (0)`, with those beyond chance in brackets."""
        return f"{self.better} of {self.signals} ({self.significant})"


def read_verdict(metrics: Mapping[str, float], reference: str, matched: bool = False) -> Verdict | None:
    """Read the verdict against one reference from flat metrics; None where there is none.

    >>> from hepad.metrics import read_verdict
    >>> counts = {"signals": 3.0, "better": 1.0, "significant": 0.0}
    >>> metrics = {f"test/verdict/vs_zero_bias/{what}": count for what, count in counts.items()}
    >>> read_verdict(metrics, reference="zero_bias").short
    '1 of 3 (0)'
    """
    name = _name(reference, matched)
    if f"{name}/signals" not in metrics:
        return None
    return Verdict(
        reference, matched, *(int(metrics[f"{name}/{what}"]) for what in ("signals", "better", "significant"))
    )


def verdict_sentence(metrics: Mapping[str, float], reference: str, loudness: str = "Σ pT") -> str | None:
    """Return the verdict against one reference in words, also at equal loudness; None where there is none.

    Args:
        metrics: flat name → number.
        reference: the background side.
        loudness: name of what is equal in the comparison at equal loudness.
    """
    found, matched = (read_verdict(metrics, reference, equal) for equal in (False, True))
    if found is None:
        return None
    noun = "signal" if found.signals == 1 else "signals"
    text = (
        f"Better than the best trivial score on {found.better} of {found.signals} {noun} against {reference} "
        f"(significantly on {found.significant})"
    )
    if matched is None:
        return f"{text}."
    equal = f"on {matched.better} of {matched.signals} (significantly on {matched.significant})"
    return f"{text}; at equal {loudness} {equal}."


def verdict_metrics(
    metrics: Mapping[str, float], signals: Sequence[str], reference: str, matched: bool = False
) -> dict[str, float]:
    """Return the numbers of the verdict on `signals`; none where no pair has an AUC and a trivial score."""
    found = [pair_result(metrics, signal, reference, matched) for signal in signals]
    known = [pair for pair in found if pair is not None and pair.trivial is not None]
    if not known:
        return {}
    numbers = {
        "signals": len(known),
        "better": sum(pair.better for pair in known),
        "significant": sum(pair.significantly_better for pair in known),
        "mean_difference": fmean(pair.difference for pair in known if pair.difference is not None),
    }
    name = _name(reference, matched)
    return {f"{name}/{what}": float(number) for what, number in numbers.items()}


def judged_signals(signals: Sequence[str], references: Sequence[str]) -> list[str]:
    """Return the signals that a verdict and a mean are about: those that are no reference, all where there are no such.

    What serves as background elsewhere need not be found: an AUC of 0.5 is right for soft QCD against zero bias.
    """
    return [signal for signal in signals if signal not in references] or list(signals)


def name_prefix(matched: bool) -> str:
    """Return how names of metrics begin: `test/`, or `test/matched_` at equal loudness."""
    return "test/matched_" if matched else "test/"


def _name(reference: str, matched: bool) -> str:
    return f"{name_prefix(matched)}verdict/vs_{reference}"
