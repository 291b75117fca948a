"""Several searches side by side, from their records alone: what they found, and in what they differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hepad.core.errors import UserError
from hepad.report.formatting import flatten
from hepad.searches.findings import Finding, efficiencies, results, smallest_p, with_trusted_global
from hepad.searches.metrics import best_performance
from hepad.searches.record import CutResult, MethodResult, Performance, SearchRecord
from hepad.searches.record_file import read_record

_NO_MATTER: Final = ("seed", "toys", "limits", "null_twin", "unblind", "scan.unit")
"""Settings that change neither what is trained nor a local p-value, and the seed, over which medians are taken."""
INJECTED: Final = "injected"
_INJECTION: Final = "injection"
_METHODS: Final = "methods."
"""Settings of one method each follow, `methods.NAME.…`."""
_LONGEST: Final = 40
_SHOWN: Final = 3


@dataclass(frozen=True, eq=False)
class SearchRow:
    """One method of one search.

    Attributes:
        search: label of the search.
        method: the method.
        series: the method, and the settings in which its search differs from others beside seed and injection.
        finding: its smallest p-value; None where it has none.
        twin: that of its null twin.
        performance: where truth is known.
        injected: entries of signal that were put in; None where nobody knows.
    """

    search: str
    method: MethodResult
    series: str
    finding: Finding | None
    twin: Finding | None
    performance: Performance | None
    injected: float | None


@dataclass(frozen=True, eq=False)
class SearchComparison:
    """Several searches side by side.

    Attributes:
        records: label → record, in the order given.
        directories: label → directory.
        settings: label → the settings in which the search differs from others.
        rows: one for each method of each search.
        notes: what the searches do not share, one sentence each.
        unfinished: directories of searches without a record.
    """

    records: Mapping[str, SearchRecord]
    directories: Mapping[str, Path]
    settings: Mapping[str, Mapping[str, str]]
    rows: Sequence[SearchRow]
    notes: Sequence[str]
    unfinished: Sequence[Path]

    @property
    def amounts(self) -> list[float]:
        """The different amounts of injected signal, rising."""
        return sorted({row.injected for row in self.rows if row.injected is not None})

    @property
    def series(self) -> list[str]:
        """Names of the curves that searches with different amounts of signal make, in order."""
        return list(dict.fromkeys(row.series for row in self.rows))


def compare_searches(searches: Sequence[Path], unfinished: Sequence[Path] = ()) -> SearchComparison:
    """Compare searches by their records.

    Args:
        searches: their directories.
        unfinished: directories of searches that have no record yet; they are told, and left out.

    Raises:
        UserError: fewer than two searches, a record that is damaged, or searches of different observables.
    """
    if len(searches) < 2:
        left = f"; {unfinished[0]} is not finished" if unfinished else ""
        raise UserError(f"a comparison needs at least two finished searches; there are {len(searches)}{left}")
    labels = unique_labels(searches)
    records = {label: read_record(directory) for label, directory in zip(labels, searches, strict=True)}
    for what, names in {
        "scan": dict.fromkeys(record.observable for record in records.values()),
        "measure in": dict.fromkeys(record.unit for record in records.values() if record.unit),
    }.items():
        if len(names) > 1:
            raise UserError(f"these searches {what} {' and '.join([*names][:_SHOWN])}; name searches of one observable")
    settings = differing_settings(records)
    rows = [
        SearchRow(
            label,
            method,
            _series(method.method, settings[label]),
            smallest_p(record, method),
            smallest_p(record, method.null),
            best_performance(method),
            injected_signal(record),
        )
        for label, record in records.items()
        for method in (with_trusted_global(record, method) for method in record.methods)
    ]
    return SearchComparison(
        records,
        dict(zip(labels, searches, strict=True)),
        settings,
        rows,
        _notes(records, unfinished),
        list(unfinished),
    )


def injected_signal(record: SearchRecord) -> float | None:
    """Return how many entries of signal were put into the samples of a search; None where no sample says."""
    known = [facts[INJECTED] for facts in record.samples.values() if isinstance(facts.get(INJECTED), int | float)]
    return float(sum(value for value in known if isinstance(value, int | float))) if known else None


def unique_labels(directories: Sequence[Path]) -> list[str]:
    """Return a short, unique name of each search: its directory's, with those above where they are needed."""
    parts = [directory.resolve().parts for directory in directories]
    for depth in range(1, 1 + max(len(part) for part in parts)):
        labels = ["/".join(part[-depth:]) for part in parts]
        if len(set(labels)) == len(labels):
            break
    short = [label if len(label) <= _LONGEST else f"…{label[1 - _LONGEST :]}" for label in labels]
    return short if len(set(short)) == len(short) else labels


def differing_settings(records: Mapping[str, SearchRecord]) -> dict[str, dict[str, str]]:
    """Return for each search the settings in which it differs from others, by dotted key; features and file too."""
    flat = {
        label: {key: _spelled(value) for key, value in flatten({**record.settings, **_origin(record)})}
        for label, record in records.items()
    }
    keys = dict.fromkeys(key for settings in flat.values() for key in settings)
    kept = [key for key in keys if len(_values(key, flat)) > 1]
    return {label: {key: settings[key] for key in kept if key in settings} for label, settings in flat.items()}


def _origin(record: SearchRecord) -> dict[str, str]:
    """Return features and file of the data, in which searches of the same settings may differ."""
    file = record.samples.get("data", {}).get("file")
    return {"features": ", ".join(record.features), **({} if file is None else {"file": Path(str(file)).name})}


def _spelled(value: str) -> str:
    """Return the text of a setting with one spelling of each number, also of those in a list."""
    parts = []
    for part in value.split(", "):
        try:
            parts.append(f"{float(part):.12g}")
        except ValueError:
            parts.append(part)
    return parts[0] if len(parts) == 1 else f"[{','.join(parts)}]"


def _values(key: str, flat: Mapping[str, Mapping[str, str]]) -> set[str | None]:
    """Return the values of a setting; a search without a method does not differ in what others set for it."""
    values = {settings.get(key) for settings in flat.values()}
    return values - {None} if key.startswith(_METHODS) else values


def _series(method: str, settings: Mapping[str, str]) -> str:
    others = [
        f"{key.rpartition('.')[2]}={value}"
        for key, value in settings.items()
        if key not in _NO_MATTER
        and key.partition(".")[0] != _INJECTION
        and (not key.startswith(_METHODS) or key.startswith(f"{_METHODS}{method}."))
    ]
    return ", ".join([method, *others])


def _notes(records: Mapping[str, SearchRecord], unfinished: Sequence[Path]) -> list[str]:
    notes = [f"{directory} is not finished and left out." for directory in unfinished]
    windows = {tuple((w.name, w.low, w.high) for w in record.windows) for record in records.values()}
    if len(windows) > 1:
        notes.append("The searches have different windows: smallest p-values are of different places.")
    if len({tuple(efficiencies(record.methods)) for record in records.values()}) > 1:
        notes.append("The searches have different cuts: a smallest p-value of more cuts is smaller.")
    if len({tuple(record.features) for record in records.values()}) > 1:
        notes.append("The searches use different features.")
    if len({record.unblinded for record in records.values()}) > 1:
        notes.append("Some searches read the truth and others did not: only the former have a SIC.")
    return notes


def limits_of(record: SearchRecord, method: MethodResult, efficiency: float) -> dict[str, CutResult]:
    """Return window → cut of this efficiency, where it has a limit."""
    return {
        window.window: cut
        for window, cut in results(method)
        if cut.efficiency == efficiency and cut.limits and not cut.failure
    }


def tightest_with_limits(comparison: SearchComparison) -> float | None:
    """Return the tightest cut among those with limits in most searches, methods and windows."""
    counts: dict[float, int] = {}
    for row in comparison.rows:
        for _, cut in results(row.method):
            if cut.limits and not cut.failure:
                counts[cut.efficiency] = counts.get(cut.efficiency, 0) + 1
    return min(counts, key=lambda efficiency: (-counts[efficiency], efficiency), default=None)
