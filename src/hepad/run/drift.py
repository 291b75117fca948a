"""Shares of entries beyond a threshold, over runs, luminosity blocks and pileup, and beside another trigger."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from hepad.metrics import Share, share_beyond, trigger_rate
from hepad.report.content import Cell, Interval, Table
from hepad.run.file_scores import ObservedScores

RUN: Final = "run"
BLOCK: Final = "luminosityBlock"
PILEUP: Final = ("n_pileup", "n_vertices")
COLUMNS: Final = (RUN, BLOCK, *PILEUP)
_MOST_RUNS: Final = 40
_BINS: Final = 5
_EXPECTED: Final = 5.0


@dataclass(frozen=True)
class Constancy:
    """A χ² test of one share in several groups of entries.

    Attributes:
        chi2: Σ (k − np)² / np(1 − p).
        groups: those in which at least five entries are expected on either side.
        p_value: of so large a χ²; None for fewer than two groups.
    """

    chi2: float
    groups: int
    p_value: float | None


def constancy(shares: list[Share]) -> Constancy:
    """Test whether groups have one share in common."""
    total = sum(share.entries for share in shares)
    p = sum(share.beyond for share in shares) / total if total else 0.0
    counted = [share for share in shares if share.entries * min(p, 1 - p) >= _EXPECTED]
    if len(counted) < 2:
        return Constancy(0.0, len(counted), None)
    p = sum(share.beyond for share in counted) / sum(share.entries for share in counted)
    chi2 = sum((share.beyond - share.entries * p) ** 2 / (share.entries * p * (1 - p)) for share in counted)
    return Constancy(chi2, len(counted), float(gammaincc((len(counted) - 1) / 2, chi2 / 2)))


def check_tables(found: ObservedScores, thresholds: Mapping[str, float], beside: str | None) -> list[Table]:
    """Return the tables of a file: all of it, then by run, luminosity block and pileup where it has them.

    Args:
        found: scores and columns of the file.
        thresholds: name → threshold.
        beside: a column that says which entries another trigger accepts.
    """
    tables = []
    for name, threshold in thresholds.items():
        tables.append(_overall(found, name, threshold, beside))
        tables += [_table(found, name, threshold, title, groups) for title, groups in groups_of(found.columns).items()]
    return tables


def groups_of(columns: Mapping[str, NDArray[np.float64]]) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """Return title → words → entries `(N,)` of each group."""
    groups: dict[str, dict[str, NDArray[np.bool_]]] = {}
    if RUN in columns:
        runs, counts = np.unique(columns[RUN], return_counts=True)
        if len(runs) > _MOST_RUNS:
            runs = np.sort(runs[np.argsort(-counts, kind="stable")[:_MOST_RUNS]])
        groups["Run"] = {f"{run:.0f}": columns[RUN] == run for run in runs}
    if BLOCK in columns:
        number = columns[BLOCK] if RUN not in columns else columns[RUN] * 1e5 + columns[BLOCK]
        title = "Luminosity block" if RUN not in columns else "Run:block"
        groups[title] = _bins(number, lambda v: f"{v:.0f}" if RUN not in columns else f"{v // 1e5:.0f}:{v % 1e5:.0f}")
    if pileup := next((name for name in PILEUP if name in columns), None):
        groups[pileup] = _bins(columns[pileup], lambda v: f"{v:g}")
    return groups


def _bins(values: NDArray[np.float64], word: Callable[[float], str]) -> dict[str, NDArray[np.bool_]]:
    """Groups of about as many entries each, by rising value; equal values stay together."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1), method="inverted_cdf"))
    if len(edges) == 1:
        return {word(edges[0]): np.ones(values.shape, dtype=bool)}
    found = {}
    for i, (low, high) in enumerate(pairwise(edges)):
        inside = (values > low) & (values <= high) if i else (values >= low) & (values <= high)
        held = values[inside]
        found[f"{word(held.min())} to {word(held.max())}"] = inside
    return found


def _row(share: Share) -> list[Cell]:
    rate, low, high = (f"{trigger_rate(value) / 1e3:.3g}" for value in (share.value, share.low, share.high))
    return [
        round(share.entries),
        round(share.beyond),
        Interval(share.value, share.low, share.high),
        f"{rate} ({low} to {high})",
    ]


_HEADER: Final = ["Entries", "Accepted", "Share", "Rate [kHz]"]


def _overall(found: ObservedScores, name: str, threshold: float, beside: str | None) -> Table:
    score, weight = found.entries.score, found.entries.weight
    rows: list[list[Cell]] = [["all", *_row(share_beyond(score, threshold, weight))]]
    if beside is not None:
        other = found.columns[beside] != 0
        # What the other trigger accepts is not beyond.
        rows.append([f"not by {beside}", *_row(share_beyond(np.where(other, threshold, score), threshold, weight))])
    return Table([name, *_HEADER], rows)


def _table(
    found: ObservedScores, name: str, threshold: float, title: str, groups: Mapping[str, NDArray[np.bool_]]
) -> Table:
    score, weight = found.entries.score, found.entries.weight
    shares = {
        words: share_beyond(score[rows], threshold, None if weight is None else weight[rows])
        for words, rows in groups.items()
        if rows.any() and (weight is None or weight[rows].any())
    }
    test = constancy(list(shares.values()))
    told = name
    if test.p_value is not None:
        told += f": one share for all has χ² = {test.chi2:.1f} for {test.groups - 1}, p = {test.p_value:.2g}"
    return Table([title, *_HEADER], [[words, *_row(share)] for words, share in shares.items()], told)
