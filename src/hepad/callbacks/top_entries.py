"""The most anomalous entries of all tested samples: which they are, how rare, and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from hepad.core.batch import Batch, join_batches, on_device, take_rows
from hepad.core.hdf5 import has_dataset, open_hdf5, read_rows, safe_dataset
from hepad.data import AnomalyDataModule
from hepad.metrics import ScoreCalibration, ScoredSample
from hepad.models import AnomalyModel, Explanation, explain_scores
from hepad.models.expectation import Expectation

N_TOP: Final = 20
Explain = Callable[[Sequence[tuple[str, int]]], Explanation | None]
"""Makes contributions to the scores of tested entries, of which it is given sample and position."""

_IDENTITY: Final = ("run", "luminosityBlock", "event")


@dataclass(frozen=True)
class TopEntry:
    """One of the most anomalous entries.

    Attributes:
        sample: the tested sample.
        position: among its tested entries.
        row: in the sample's file.
        slot: of single jets; None where entries have none.
        event: `run:lumi:event` where the file keeps them, else empty.
        score: of the entry.
        p_value: the share of tested background that is at least as anomalous, the entry itself counted.
        words: its largest contributions.
    """

    sample: str
    position: int
    row: int
    slot: int | None
    event: str
    score: float
    p_value: float
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False, repr=False)
class TopEntries:
    """The most anomalous entries, the first one first.

    Attributes:
        entries: which they are.
        batch: the entries themselves.
        explanation: contributions to their scores; None where there are none of these scores.
    """

    entries: list[TopEntry]
    batch: Batch
    explanation: Explanation | None

    def lines(self) -> list[str]:
        """Return one line for each entry: its rank, where it is, its score, and why."""
        found = []
        for rank, entry in enumerate(self.entries, start=1):
            event = f", event {entry.event}" if entry.event else ""
            slot = "" if entry.slot is None else f", slot {entry.slot}"
            why = f": {'; '.join(entry.words)}" if entry.words else ""
            found.append(f"{rank}. {entry.sample}, row {entry.row}{slot}{event}, score {entry.score:.4g}{why}")
        return found

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def columns(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Return sample → what scores.h5 keeps: `top_entry` `(k,)`, positions, and `top_contributions` `(k, …)`."""
        if self.explanation is None:
            return {}
        found: dict[str, dict[str, NDArray[Any]]] = {}
        values = self.explanation.values.float().cpu().numpy()
        for name in dict.fromkeys(entry.sample for entry in self.entries):
            rows = [i for i, entry in enumerate(self.entries) if entry.sample == name]
            positions = np.array([self.entries[i].position for i in rows], dtype="<i8")
            found[name] = {"top_entry": positions, "top_contributions": values[rows].astype("<f4")}
        return found

    def completeness(self) -> str:
        """Say how the contributions were made, and how much of the scores they miss."""
        if self.explanation is None:
            return (
                "The scores are those of a latent search, and have no contributions: its loss is no mean over "
                "elements, or those of so many entries were not kept."
            )
        if not bool(torch.isfinite(self.explanation.values).all()):
            return (
                "Contributions to some of the scores are no numbers, as these have no gradient there: no reason stands "
                "beside such entries."
            )
        size = (self.explanation.score - self.explanation.start).abs().double().clamp(min=1e-30)
        missed = float((self.explanation.remainder.abs() / size).max())
        how = {
            "terms": "the terms of the score",
            "shapley": "Shapley values of the trees against the middle of the background",
            "integrated_gradients": "integrated gradients from the middle of the background",
            "occlusion": "changes of the score without each number, which need not sum to it",
        }[self.explanation.method]
        return f"Contributions are {how}; what they miss of a score is at most {missed:.1g} of it."


def top_entries(
    model: AnomalyModel,
    data: AnomalyDataModule,
    samples: Mapping[str, ScoredSample],
    n: int = N_TOP,
    explain: Explain | None = None,
) -> TopEntries:
    """Return the `n` entries of the highest scores, of entries with the same one those of the first sample.

    Args:
        model: that made the scores.
        data: with the tested entries.
        samples: name → their scores.
        n: how many.
        explain: makes the contributions, of sample and position of each entry; None for those of one pass.
    """
    names = list(samples)
    places = [(name, position) for name in names for position in _highest(samples[name].score, n)]
    scores = np.array([samples[name].score[position] for name, position in places])
    chosen = [places[i] for i in np.argsort(-scores, kind="stable")[:n]]
    batch = join_batches([take_rows(data.test_entries[name].batch, slice(i, i + 1)) for name, i in chosen])
    explanation = explain(chosen) if explain else _on_cpu(explain_scores(model, on_device(batch, model.device)))
    words = [()] * len(chosen) if explanation is None else _words(model, data, batch, explanation)
    background = samples[data.background]
    calibration = ScoreCalibration.of(background.score, background.weight)
    events = {name: _events(data, name, [i for of, i in chosen if of == name]) for name, _ in chosen}
    entries = []
    for (name, i), said in zip(chosen, words, strict=True):
        found, score = data.test_entries[name], float(samples[name].score[i])
        slot = None if found.slot is None else int(found.slot[i])
        p = _p_value(calibration, score, is_background=name == data.background)
        entries.append(TopEntry(name, i, int(found.index[i]), slot, events[name].get(i, ""), score, p, said))
    return TopEntries(entries, batch, explanation)


def _highest(scores: NDArray[np.float64], n: int) -> list[int]:
    """Positions of the `n` highest scores, the first one first."""
    return [int(i) for i in np.argsort(-scores, kind="stable")[:n]]


def _p_value(calibration: ScoreCalibration, score: float, is_background: bool) -> float:
    """The p-value by the tested background; of one of its entries, by the others."""
    p = float(calibration.p_values([score])[0])
    # The entry is among them, and is not counted twice.
    return (p * (calibration.worth + 1) - 1) / calibration.worth if is_background else p


def _words(
    model: AnomalyModel, data: AnomalyDataModule, batch: Batch, explanation: Explanation
) -> list[tuple[str, ...]]:
    expectation = Expectation.of(model, data.val_entries.batch)
    pulls = expectation.pulls(model, batch)
    names = data.feature_names if data.structure in ("vector", "set") else ()
    return [
        tuple(expectation.words(names, values, pulls[i])) if bool(torch.isfinite(values).all()) else ()
        for i, values in enumerate(explanation.values)
    ]


def _on_cpu(found: Explanation) -> Explanation:
    return Explanation(found.values.cpu(), found.score.cpu(), found.start.cpu(), found.method)


def _events(data: AnomalyDataModule, sample: str, positions: list[int]) -> dict[int, str]:
    """Return position → `run:lumi:event` of entries, as far as the file keeps them."""
    rows = data.test_entries[sample].index[positions]
    with open_hdf5(data.file_of(sample)) as file:
        columns = []
        for name in _IDENTITY:
            if has_dataset(file, name) and file[name].ndim == 1 and len(file[name]) > rows.max(initial=0):
                column = safe_dataset(file, name)
                columns.append([int(read_rows(column, int(row), int(row) + 1)[0]) for row in rows])
    if not columns:
        return {}
    return {i: ":".join(map(str, each)) for i, each in zip(positions, zip(*columns, strict=True), strict=True)}
