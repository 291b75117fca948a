"""Scores of several runs written as those of one run: what a run's evaluation writes, provenance and report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from hepad.callbacks.evaluate import resolve_references, scored_samples, write_metrics, write_scores
from hepad.config import RunConfig
from hepad.core.errors import JobError
from hepad.core.hdf5 import open_hdf5, read_rows, safe_dataset
from hepad.data import AnomalyDataModule, Entries
from hepad.data.entries import sketch_of
from hepad.data.split import rows_sha256
from hepad.metrics import Evaluation, ScoredSample, evaluate
from hepad.plots import standard_figures
from hepad.report import Section
from hepad.results.run_figures import save_figures
from hepad.results.run_page import write_run_report
from hepad.run.building import build_data
from hepad.run.executing import Clock, TrainingResult
from hepad.run.provenance import command_words, write_provenance
from hepad.run.training import stored_config
from hepad.rundir.facts import read_provenance
from hepad.rundir.locking import RunStatus

_SAME: Final = ("hepad", "format", "python", "packages", "git_revision", "host", "platform", "threads", "seed")
"""Facts of provenance that are those of the first run."""


@dataclass(frozen=True)
class MemberScores:
    """Findings of one run.

    Attributes:
        directory: of the run.
        data: what it read.
        entries: sample → its tested entries.
        samples: sample → the scores, and the trivial ones.
    """

    directory: Path
    data: AnomalyDataModule
    entries: dict[str, Entries]
    samples: dict[str, ScoredSample]


def read_member(directory: Path) -> MemberScores:
    """Return what a finished run found.

    Raises:
        JobError: its scores are not those of its test part.
    """
    # What a student learned is of no use here.
    data = build_data(stored_config(directory).changed({"data.targets": None}))
    path = directory / "scores.h5"
    with open_hdf5(path) as file:
        scores = {name: _read_scores(file, path, name, entries) for name, entries in data.test_entries.items()}
    return MemberScores(directory, data, dict(data.test_entries), scored_samples(data, scores))


def check_same_files(directories: Sequence[Path]) -> None:
    """Raise `JobError` where a run is of other files than the first."""
    first = read_provenance(directories[0])["data"]
    for directory in directories:
        known = read_provenance(directory)["data"]
        if other := [name for name, facts in first.items() if known.get(name, {}).get("sha256") != facts["sha256"]]:
            raise JobError(
                f"{directory} is of another file of {other[0]} than {directories[0].name}; remove one of them"
            )


def _read_scores(file: h5py.File, path: Path, sample: str, entries: Entries) -> NDArray[np.float64]:
    """Return the scores of one sample, known to be those of its tested entries, in their order."""
    index = read_rows(safe_dataset(file, f"{sample}/index"))
    score = read_rows(safe_dataset(file, f"{sample}/score")).astype(np.float64)
    if not np.array_equal(index, entries.index) or not np.isfinite(score).all():
        raise JobError(f"{path}: the scores of {sample} are not those of its test part; remove {path.parent}")
    return score


def mean_sample(name: str, parts: Sequence[ScoredSample]) -> ScoredSample:
    """Return a sample that every run scored, with the mean of its scores."""

    def column(values: Sequence[Any]) -> NDArray[np.float64]:
        mean: NDArray[np.float64] = np.mean(values, axis=0)
        return mean

    first = parts[0]
    return ScoredSample(
        name,
        column([part.score for part in parts]),
        first.features,
        {key: column([part.baselines[key] for part in parts]) for key in first.baselines},
        first.weight,
    )


@dataclass(frozen=True)
class JoinedRun:
    """Results of several runs together, to be written.

    Attributes:
        config: of all of them.
        directory: where it is written.
        members: the runs.
        data: with the entries that are tested together.
        samples: sample → scores of these.
        columns: sample → name → what scores.h5 keeps beside them.
        attributes: what scores.h5 says of them.
        tested: the sample whose tested entries stand for those that trained, in sketch and hash.
        facts: what provenance says beside what is true of all.
    """

    config: RunConfig
    directory: Path
    members: Sequence[Path]
    data: AnomalyDataModule
    samples: Mapping[str, ScoredSample]
    columns: Mapping[str, Mapping[str, NDArray[Any]]]
    attributes: Mapping[str, str | int]
    tested: str
    facts: Mapping[str, Any]

    def evaluation(self) -> Evaluation:
        """Return the numbers."""
        wanted = self.config.evaluation
        references = resolve_references(wanted.references, self.data.background, self.data.test_samples)
        return evaluate(
            self.samples, self.data.background, references, list(wanted.fprs), sculpted=self.config.sculpted
        )

    def write(self, clock: Clock, evaluation: Evaluation, section: Section) -> TrainingResult:
        """Write scores.h5, metrics.json, plots, report.html and provenance.json.

        Args:
            clock: runs since the work began.
            evaluation: the numbers.
            section: of the report, which tells of the single runs.
        """
        trivial = {name: _trivial_columns(sample) for name, sample in self.samples.items()}
        write_scores(
            self.directory / "scores.h5",
            self.data,
            {name: sample.score for name, sample in self.samples.items()},
            {name: {**trivial[name], **self.columns.get(name, {})} for name in self.samples},
            self.attributes,
        )
        write_metrics(self.directory, evaluation)
        clock.lap("evaluate")
        wanted = standard_figures(evaluation, self.samples, None, profiles=self.data.profile_features)
        settings = self.config.evaluation
        drawn = save_figures(wanted if settings.plots else (), self.directory / "plots", list(settings.formats))
        clock.lap("plots")
        facts = self._provenance(clock.laps)
        write_run_report(self.directory, evaluation, drawn, self.data, facts, more=[section])
        write_provenance(self.directory, facts)
        return TrainingResult(self.directory, evaluation, facts["seconds"])

    def _provenance(self, laps: Mapping[str, float]) -> dict[str, Any]:
        """Return what is true of all runs together, in the words of a run's provenance."""
        each = [read_provenance(directory) for directory in self.members]
        first, data = each[0], self.data
        tested = data.test_entries[self.tested]
        train = sum(facts.get("seconds", {}).get("train", 0.0) for facts in each)
        return {
            **{key: first[key] for key in _SAME if key in first},
            "command": command_words(),
            "started": min(facts.get("started", "") for facts in each)
            or datetime.now(UTC).isoformat(timespec="seconds"),
            "data": {sample: {**known, **data.tested_facts(sample)} for sample, known in first["data"].items()},
            "background": data.background,
            "parameters": sum(facts.get("parameters") or 0 for facts in each),
            "trained": round(np.mean([facts["trained"] for facts in each])),
            "validated": round(np.mean([facts["validated"] for facts in each])),
            "split_sha256": {"test": rows_sha256(tested.index)},
            "entries": {"definition": data.entry_definition, "trained_sketch": sketch_of(tested.batch.x)},
            "epochs": max(facts.get("epochs") or 0 for facts in each),
            **self.facts,
            "seconds": {"train": round(train, 3), **laps},
            "status": RunStatus.FINISHED,
        }


def _trivial_columns(sample: ScoredSample) -> dict[str, NDArray[Any]]:
    return {f"trivial_{name}": values.astype("<f4") for name, values in sample.baselines.items()}
